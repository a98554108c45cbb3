import { expect, test } from "vitest";
import { timeAxis } from "../../src/apps/report/drawing.ts";
import { clock, dollars, escape, grouped, moment } from "../../src/apps/report/formats.ts";
import { ordersOf } from "../../src/apps/report/order-spans.ts";
import { readConfiguration } from "../../src/apps/configuration.ts";
import {
  advantages,
  assumptions,
  disagreement,
  verdicts,
} from "../../src/apps/report/report-text.ts";
import type { CentiCents, Lots, MicroUsd } from "../../src/core/index.ts";
import type { EpisodeJournal, JournalStep } from "../../src/journal/index.ts";
import { meanInterval, type PolicyResult } from "../../src/learn/index.ts";
import { Prng } from "../../src/core/index.ts";
import type { ClientOrderId, OrderCommand, OrderEvent } from "../../src/orders/index.ts";

function result(returns: number[], actionShares = [0.2, 0.2, 0.2, 0.2, 0.2]): PolicyResult {
  return { ...meanInterval(returns, Prng.fromSeed(7)), returns, actionShares };
}

test("a steady lead is claimed though the policies' own intervals overlap", () => {
  // Episodes differ by far more than the policies do: only the pairs tell them apart.
  const luck = [-50, -20, 0, 10, 30, 60];
  const agent = result(luck.map((value, index) => value + 2 + (index % 2)));
  const other = result(luck);
  expect(agent.low).toBeLessThan(other.high);
  const results = new Map([
    ["agent", agent],
    ["join", other],
  ]);
  const lead = advantages(results).get("join");
  expect(lead?.mean).toBeCloseTo(2.5, 12);
  expect(lead?.low).toBeGreaterThanOrEqual(2);
  expect(lead?.high).toBeLessThanOrEqual(3);
  const [verdict] = verdicts([{ fillModel: "touch", results }]);
  expect(verdict?.comparisons).toEqual([
    expect.stringMatching(/^It made more than join: a difference of \$2\.50 per episode/),
  ]);
});

test("what cannot be told apart is not claimed, and a loss is called a loss", () => {
  const results = new Map([
    ["agent", result([-3, 5, -4, 4])],
    ["hold", result([0, 0, 0, 0])],
    ["join", result([20, 21, 22, 23])],
  ]);
  const [verdict] = verdicts([{ fillModel: "through", results }]);
  expect(verdict?.comparisons[0]).toMatch(/^No difference from hold can be claimed/);
  expect(verdict?.comparisons[1]).toMatch(/^It made less than join: a difference of \u2212\$/);
  expect(verdict?.warning).toBeNull();
  const idle = new Map([
    ["agent", result([0, 0])],
    ["hold", result([0, 0])],
  ]);
  expect(verdicts([{ fillModel: "through", results: idle }])[0]?.comparisons).toEqual([
    "It made exactly what hold made.",
  ]);
});

test("one action in 95 % of the steps is called a collapse, in 94 % it is not", () => {
  const warningAt = (share: number): string | null | undefined => {
    const rest = (1 - share) / 4;
    const agent = result([1, 2], [rest, share, rest, rest, rest]);
    return verdicts([{ fillModel: "touch", results: new Map([["agent", agent]]) }])[0]?.warning;
  };
  expect(warningAt(0.95)).toMatch(/BUY_YES_LIMIT in 95\.0 %/);
  expect(warningAt(0.94)).toBeNull();
});

test("a profit under the optimistic fill model alone is said to prove nothing", () => {
  const under = (fillModel: string, returns: number[]) => ({
    fillModel,
    results: new Map([["agent", result(returns)]]),
  });
  const [gain, loss] = [
    [3, 4, 5],
    [-3, -4, -5],
  ];
  expect(disagreement([under("touch", gain), under("through", loss)])).toMatch(/proves nothing/);
  expect(disagreement([under("touch", gain), under("through", gain)])).toBeNull();
  expect(disagreement([under("touch", loss), under("through", loss)])).toBeNull();
  expect(disagreement([under("touch", gain)])).toBeNull();
});

test("numbers, times and text read the same everywhere", () => {
  expect([dollars(-0.004), dollars(-1234.5), dollars(0.0035, 4)]).toEqual([
    "$0.00",
    "\u2212$1,234.50",
    "$0.0035",
  ]);
  expect([999, 1000, 98304, 1234567.25].map((number) => grouped(number))).toEqual([
    "999",
    "1,000",
    "98,304",
    "1,234,567.25",
  ]);
  expect([0, 59.9, 61, 3600, 37_265].map((seconds) => clock(seconds))).toEqual([
    "0:00",
    "0:59",
    "1:01",
    "1:00:00",
    "10:21:05",
  ]);
  expect(moment(1_700_000_000_999_999)).toBe("2023-11-14 22:13:20 UTC");
  expect(escape(`<a b="c">&`)).toBe("&lt;a b=&quot;c&quot;&gt;&amp;");
});

test("a time axis has three to eleven round ticks at any length up to a day", () => {
  for (const end of [7, 59, 240, 600, 3_599, 7_000, 40_000, 86_400]) {
    const { ticks } = timeAxis(end);
    expect(ticks.length, `end ${end}`).toBeGreaterThanOrEqual(3);
    expect(ticks.length, `end ${end}`).toBeLessThanOrEqual(11);
    expect(ticks[0]).toBe(0);
    expect(ticks.at(-1)).toBeLessThanOrEqual(end);
  }
  expect(timeAxis(600).ticks).toEqual([0, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600]);
  expect(timeAxis(0)).toEqual({ end: 1, ticks: [0] });
});

const id = (name: string): ClientOrderId => name as ClientOrderId;

function submit(name: string, side: 0 | 1, price: number): OrderCommand {
  const request = {
    clientOrderId: id(name),
    market: 0,
    side,
    price: price as CentiCents,
    size: 1000 as Lots,
    timeInForce: "good_till_canceled",
    postOnly: false,
    reduceOnly: false,
  } as const;
  return { kind: "submit", request };
}

function fill(name: string, atUs: number, price: number, size: number): OrderEvent {
  return {
    kind: "filled",
    clientOrderId: id(name),
    atUs,
    price: price as CentiCents,
    size: size as Lots,
    fee: 0 as MicroUsd,
    role: "maker",
    evidence: {
      kind: "trade",
      row: 3,
      price: price as CentiCents,
      size: size as Lots,
      ahead: 0 as Lots,
    },
  };
}

function journalOf(steps: Pick<JournalStep, "atUs" | "sent" | "events">[]): EpisodeJournal {
  const rest = { observationHash: "", mask: "11111", action: 0, bid: 4000, ask: 4200 };
  const after = { refused: [], reward: 0, value: 0, cash: 0, position: 0 };
  return {
    header: {} as EpisodeJournal["header"],
    hints: {},
    steps: steps.map((step, index) => ({ step: index, ...rest, ...after, ...step })),
    end: { end: "truncated", steps: steps.length, value: 0 },
    journalHash: "",
  };
}

test("orders stand from being sent to the news of their end, at each price they had", () => {
  const { spans, fills, endUs } = ordersOf(
    journalOf([
      {
        atUs: 1000,
        sent: [submit("a", 0, 4000), submit("b", 1, 4200), submit("c", 0, 3900)],
        events: [
          { kind: "accepted", clientOrderId: id("a"), atUs: 1100 },
          { kind: "accepted", clientOrderId: id("b"), atUs: 1150 },
          { kind: "rejected", clientOrderId: id("c"), atUs: 1200, reason: "insufficient_balance" },
        ],
      },
      {
        atUs: 2000,
        sent: [
          { kind: "amend", clientOrderId: id("a"), price: 4100 as CentiCents, size: 1000 as Lots },
          { kind: "cancel", clientOrderId: id("b") },
        ],
        events: [
          fill("a", 2050, 4000, 400),
          {
            kind: "amended",
            clientOrderId: id("a"),
            atUs: 2100,
            price: 4100 as CentiCents,
            size: 1000 as Lots,
          },
          { kind: "cancelled", clientOrderId: id("b"), atUs: 2200, reason: "requested" },
        ],
      },
      {
        atUs: 3000,
        sent: [submit("d", 1, 4300)],
        events: [
          fill("a", 3300, 4100, 600),
          { kind: "accepted", clientOrderId: id("d"), atUs: 3400 },
        ],
      },
    ]),
  );
  expect(spans).toEqual([
    { isBid: true, price: 4000, fromUs: 1000, toUs: 2100 },
    { isBid: false, price: 4200, fromUs: 1000, toUs: 2200 },
    { isBid: true, price: 4100, fromUs: 2100, toUs: 3300 },
    { isBid: false, price: 4300, fromUs: 3000, toUs: 3400 },
  ]);
  expect(fills.map(({ step, event }) => [step, event.atUs, event.size])).toEqual([
    [1, 2050, 400],
    [2, 3300, 600],
  ]);
  expect(endUs).toBe(3400);
});

test("the assumptions tell latencies in each form, and of chance where it takes part", () => {
  const plain = readConfiguration(undefined, {});
  expect(assumptions(plain).join(" ")).toContain("market data is 25 ms old");
  expect(assumptions(plain).join(" ")).not.toContain("Chance");
  const [cancelUs, answerUs] = [
    { file: "measured/cancels.csv", contentHash: "0".repeat(64) },
    { minUs: 1000, maxUs: 2500 },
  ];
  const overlay = {
    fillProbability: 0.7,
    partialProbability: 0,
    slippageProbability: 0.1,
    slippageTicks: 2,
    improvementProbability: 0,
    improvementTicks: 1,
    rejectionProbability: 0.01,
  };
  const latency = { ...plain.episode.latency, cancelUs, answerUs };
  const text = assumptions({ ...plain, episode: { ...plain.episode, latency, overlay } }).join(" ");
  expect(text).toContain("cancels as measured (cancels.csv), answers 1 to 2.5 ms;");
  expect(text).toContain("with probability 0.7, only a part with 0; aggressive fills are up to 2");
});
