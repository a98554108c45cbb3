/** The status block and the words for what a run does, as a person reads them. */
import { expect, test } from "vitest";
import { noteWords } from "../../src/apps/live/note-words.ts";
import type { TimestampUs } from "../../src/core/index.ts";
import type { LiveState } from "../../src/journal/index.ts";
import { DecisionLog, FillLog, outputWords, Remarks, statusText } from "../../src/live/index.ts";
import { Action, type ClientOrderId, type OrderCommand } from "../../src/orders/index.ts";
import { marketInfo } from "../fixtures/tape-builder.ts";
import { always, LiveCase, SETTINGS } from "./live-case.ts";

/** The next decision: what came of it. */
function decided(live: LiveCase, log: DecisionLog): string {
  const before = live.outputs.length;
  live.second();
  log.hear(live.outputs.slice(before), live.run.trader);
  return log.last.at(-1)?.came.join(", ") ?? "";
}

test("what came of a decision: sent, waited for, kept, moved", () => {
  const live = new LiveCase();
  const log = new DecisionLog();
  live.ready();
  expect(decided(live, log)).toBe("sends kg-1-0, bid 10.00 at 0.4400");
  expect(decided(live, log)).toBe("waits for kg-1-0, which is on its way");
  live.accept(live.submitted());
  expect(decided(live, log)).toBe("keeps kg-1-0, which fits");
  live.book([[45, 100]], [[47, 100]]);
  expect(decided(live, log)).toBe("moves kg-1-0 to 10.00 at 0.4500");
});

test("what came of a decision: nothing, and why", () => {
  const hold = new LiveCase({ policy: always(Action.hold) });
  hold.ready();
  expect(decided(hold, new DecisionLog())).toBe("leaves everything as it is");
  const policy = () => ({ name: "stubborn", act: () => Action.sellYes });
  const stubborn = new LiveCase({ policy });
  stubborn.ready();
  expect(decided(stubborn, new DecisionLog())).toBe("cannot be carried out now, nothing is done");
  const limits = { ...SETTINGS.limits, openOrdersMax: 0 };
  const bound = new LiveCase({ settings: { limits } });
  bound.ready();
  expect(decided(bound, new DecisionLog())).toBe("submit refused here: open orders limit");
});

test("the block tells decisions with their reasons, and notes apart from errors", () => {
  const live = new LiveCase();
  const log = new DecisionLog();
  live.ready();
  decided(live, log);
  const remarks = new Remarks();
  for (let again = 0; again < 3; again++) remarks.add("error", "no network", live.nowUs + again);
  remarks.add("error", "something broke", live.nowUs);
  remarks.add("note", "something was paid", live.nowUs);
  const text = statusText({
    ...{ nowUs: live.nowUs, run: live.run, services: [], handled: 0, ticksMissed: 0 },
    decisions: log.last,
    fills: [],
    remarks: remarks.all,
  });
  const ticker = live.header.markets[0]?.ticker ?? "";
  expect(text).toMatch(
    new RegExp(
      `^decision   \\S+Z ${ticker}: BUY_YES_LIMIT at 0.4400 / 0.4600: sends kg-1-0, ` +
        "bid 10.00 at 0.4400; impossible: SELL_YES_LIMIT, SELL_NO_LIMIT$",
      "m",
    ),
  );
  expect(text).toMatch(/^note {7}\S+Z something was paid$/m);
  expect(text).toMatch(/^error {6}\S+Z no network \(3 times\)\nerror {6}\S+Z something broke$/m);
});

test("fills are told with what was bought and what it cost, the last of them in the block", () => {
  const fills = new FillLog();
  const live = new LiveCase({
    onFill: (fill, request) => fills.hear(fill, request, `KXA-${request.market}`),
  });
  live.ready();
  live.second();
  const id = live.submitted();
  live.accept(id);
  for (let number = 0; number < 10; number++) live.fill(id, 44, 1, `t${number}`);
  const words = `bought 1.00 of KXA-0 at 0.4400 as maker, fee 0.000000 $, ${id}`;
  expect(fills.take()).toEqual(Array(10).fill({ atUs: live.nowUs, words }));
  expect(fills.take()).toEqual([]);
  const facts = { services: [], handled: 0, ticksMissed: 0, decisions: [], remarks: [] };
  const text = statusText({ ...facts, fills: fills.last, nowUs: live.nowUs, run: live.run });
  expect(text.match(/^fill .*$/gm)).toHaveLength(8);
  expect(text).toMatch(new RegExp(`^fill {7}\\S+Z ${words.replace("$", "\\$")}$`, "m"));
});

test("a market of many is told where something is the matter with it, the rest is counted", () => {
  const markets = Array.from({ length: 60 }, (_, index) => marketInfo({ ticker: `KXA-${index}` }));
  const live = new LiveCase({ markets });
  live.ready();
  for (let market = 1; market < 58; market++) live.book([[44, 1]], [[46, 1]], market);
  const facts = { services: [], handled: 0, ticksMissed: 0, decisions: [], fills: [], remarks: [] };
  const text = statusText({ ...facts, nowUs: live.nowUs, run: live.run });
  expect(text.match(/^market .*$/gm)).toEqual([
    "market     KXA-58: active, no book, 0 messages, nothing yet",
    "market     KXA-59: active, no book, 0 messages, nothing yet",
    "market     58 more: 58 active with a book, 0 not",
  ]);
});

test("a refusal that repeats itself is told once, until an order goes out", () => {
  const limits = { ...SETTINGS.limits, openOrdersMax: 0 };
  const live = new LiveCase({ settings: { limits } });
  const log = new DecisionLog();
  live.ready();
  for (let second = 0; second < 3; second++) live.second();
  const told = (): string[] =>
    live.outputs
      .filter((output) => !log.isRepeated(output, live.run.trader))
      .flatMap((output) => (output.kind === "refused" ? [output.reason] : []));
  expect(live.outputs.filter(({ kind }) => kind === "refused")).toHaveLength(3);
  expect(told()).toEqual(["open_orders_limit"]);
  const refused = live.outputs.find(({ kind }) => kind === "refused");
  if (refused?.kind !== "refused") throw new Error("nothing was refused");
  log.isRepeated({ kind: "sent", command: refused.command, atUs: 0 }, live.run.trader);
  expect(told()).toEqual(["open_orders_limit"]);
});

test("words for people hold no JSON and no underscores", () => {
  const atUs = 0 as TimestampUs;
  const clientOrderId = "kg-1-7" as ClientOrderId;
  const sentence = "no answer came, and the venue has no such order";
  expect(noteWords({ kind: "trouble", atUs, clientOrderId, write: "create", sentence })).toBe(
    `create kg-1-7: ${sentence}`,
  );
  const command = { kind: "cancel", clientOrderId } as const;
  const amend = { kind: "amend", clientOrderId, price: 5600, size: 1250 } as const;
  const sent = { kind: "sent", command: amend as OrderCommand, atUs } as const;
  expect(outputWords(sent, [])).toBe("amend kg-1-7 to 12.50 in all at 0.5600");
  const reason = "insufficient_cash";
  expect(outputWords({ kind: "refused", command, reason, atUs }, [])).toBe(
    "refused cancel: insufficient cash",
  );
  const correction = { what: "position", name: "KXA", ours: -250, venue: 0 } as const;
  expect(outputWords({ kind: "correction", correction, atUs }, [])).toBe(
    "corrected: position in KXA was -2.50 contracts here, 0.00 contracts at the venue",
  );
  const cash = { what: "cash", name: "cash", ours: 9_992_770_000, venue: 10_000_001_500 } as const;
  expect(outputWords({ kind: "correction", correction: cash, atUs }, [])).toBe(
    "corrected: cash was 9992.77 $ here, 10000.0015 $ at the venue",
  );
});

test("of changes of state only those that come with every order are not told", () => {
  const told = (from: LiveState, to: LiveState): string | null =>
    outputWords({ kind: "state", from, to, why: "a reason", atUs: 0 }, []);
  expect([told("READY", "ACTING"), told("ACTING", "READY")]).toEqual([null, null]);
  for (const to of ["CALIBRATING", "ERROR", "IDLE"] as const) {
    expect(told("ACTING", to)).toBe(`ACTING -> ${to}: a reason`);
  }
});
