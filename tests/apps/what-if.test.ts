/** "What if I had acted otherwise here": against the same episode played from its start by hand. */
import { Command } from "commander";
import { expect, test } from "vitest";
import { consoleFor } from "../../src/apps/console.ts";
import { replayEpisode } from "../../src/apps/episode-replaying.ts";
import { recordEpisode } from "../../src/apps/episode-recording.ts";
import { whatIf, type WhatIf, whatIfLines } from "../../src/apps/what-if.ts";
import { loadSessions } from "../../src/apps/wire.ts";
import { present, Prng } from "../../src/core/index.ts";
import type { EpisodeJournal } from "../../src/journal/index.ts";
import { Action } from "../../src/orders/index.ts";
import {
  DEFAULT_EPISODE,
  drawStart,
  Episode,
  type EpisodeSettings,
  IDLE_OVERLAY,
  latencyDistribution,
} from "../../src/sim/index.ts";
import { BASELINES } from "../../src/strategies/index.ts";

const io = consoleFor(new Command().option("--json").parse(["--json"], { from: "user" }));
const FOLDER = "sessions/sample-1";
const markets = loadSessions([FOLDER], io).flatMap(({ data }) => data.markets);
const policy = present(
  BASELINES.find(({ name }) => name === "random"),
  "there is a random baseline",
);

function record(seed: number, change: Partial<EpisodeSettings> = {}): EpisodeJournal {
  const settings: EpisodeSettings = {
    ...DEFAULT_EPISODE,
    steps: 120,
    fillModel: "touch",
    latency: { ...DEFAULT_EPISODE.latency, submitUs: { minUs: 10_000, maxUs: 900_000 } },
    membership: "direct",
    ...change,
  };
  const { market, startRow } = drawStart(markets, settings.steps, Prng.fromSeed(seed));
  const data = present(markets[market], "a market was drawn");
  const policyName = { name: "random", modelHash: null, choice: "best" } as const;
  const hints = { sessionFolder: FOLDER };
  return recordEpisode({ data, startRow, settings, seed, policy, policyName, hints }).journal;
}

function ask(recorded: EpisodeJournal, step: number, action: Action, then?: "model") {
  return whatIf({ recorded, step, action, then: then ?? "recorded", where: {}, io });
}

/** The episode from its start with one action replaced; the last of these is what could be done. */
function byHand(recorded: EpisodeJournal, step: number, action: Action): number {
  const { header, steps } = recorded;
  const data = present(
    markets.find(
      ({ info, tape }) =>
        info.ticker === header.ticker && tape.contentHash === header.session.contentHash,
    ),
    "the market was loaded",
  );
  const episode = new Episode(
    data,
    header.settings as EpisodeSettings,
    header.startRow,
    Prng.fromSeed(header.seed).fork("episode"),
  );
  for (const past of steps) {
    const mask = new Uint8Array(5);
    episode.mask(mask, 0);
    const wanted = past.step === step ? action : past.action;
    episode.step((past.step > step && mask[wanted] === 0 ? 0 : wanted) as Action);
  }
  return episode.value;
}

/** An action other than the recorded one that can be carried out at a step. */
function otherAt(recorded: EpisodeJournal, step: number): Action {
  const { mask, action } = present(recorded.steps[step], "the step was recorded");
  const other = [...mask].findLastIndex((digit, index) => digit === "1" && index !== action);
  return Math.max(other, Action.hold) as Action;
}

test("another action comes to what the whole episode with that action comes to", async () => {
  let differences = 0;
  for (let seed = 0; seed < 16; seed++) {
    const recorded = record(seed);
    const step = 7 + 6 * seed;
    const action = otherAt(recorded, step);
    const answer = await ask(recorded, step, action);
    expect(answer.recorded.value, `seed ${seed}`).toBe(recorded.end.value);
    expect(answer.other.value, `seed ${seed}`).toBe(byHand(recorded, step, action));
    if (answer.other.value !== answer.recorded.value) differences += 1;
  }
  expect(differences).toBeGreaterThan(3);
});

test("the recorded action comes to what was recorded, fill by fill", async () => {
  const recorded = record(1);
  const { action } = present(recorded.steps[40], "the step was recorded");
  for (const then of [undefined, "model"] as const) {
    const answer = await ask(recorded, 40, action as Action, then);
    expect(answer.other).toEqual(answer.recorded);
    expect(answer.held).toBe(0);
    const fills = recorded.steps
      .slice(40)
      .flatMap(({ events }) => events.filter(({ kind }) => kind === "filled"));
    expect(answer.recorded.fills).toEqual(fills);
    expect(whatIfLines(answer).join("\n")).not.toContain("fills only");
  }
});

test("a world with measured latencies and an overlay is forked and repeated like any other", async () => {
  const measured = latencyDistribution({ samplesUs: [20_000, 45_000, 1_700_000] });
  const recorded = record(4, {
    latency: { ...DEFAULT_EPISODE.latency, feedUs: measured, answerUs: measured },
    overlay: { ...IDLE_OVERLAY, fillPpm: 500_000, partialPpm: 500_000 },
  });
  // As it comes from its file, which has all that it needs.
  const read = JSON.parse(JSON.stringify(recorded)) as EpisodeJournal;
  expect(read.journalHash).toBe((await replayEpisode(read, {}, io)).journalHash);
  const answer = await ask(read, 30, otherAt(recorded, 30));
  expect(answer.recorded.value).toBe(recorded.end.value);
  expect(answer.other.value).toBe(byHand(recorded, 30, otherAt(recorded, 30)));
});

test("says in words what differs", async () => {
  const recorded = record(3);
  let answer: WhatIf | null = null;
  for (let step = 0; answer === null && step < 100; step++) {
    const asked = await ask(recorded, step, otherAt(recorded, step));
    if (asked.other.fills.length !== asked.recorded.fills.length) answer = asked;
  }
  const { recorded: was, other: is } = present(answer, "some step mattered");
  const text = whatIfLines(answer as WhatIf).join("\n");
  const numbers = (name: string): number[] =>
    (new RegExp(`${name} +(.*)`).exec(text)?.[1] ?? "").trim().split(/ +/).map(Number);
  expect(numbers("  fills")).toEqual([
    was.fills.length,
    is.fills.length,
    is.fills.length - was.fills.length,
  ]);
  const [before = 0, after = 0, difference = 0] = numbers("value at the end, \\$");
  expect(before).toBeCloseTo(was.value / 1e6, 4);
  expect(after).toBeCloseTo(is.value / 1e6, 4);
  expect(difference).toBeCloseTo((is.value - was.value) / 1e6, 4);
  expect(text).toMatch(/fills only (as recorded|otherwise):\n {4}\d\d:/);
});

test("refuses what cannot be done there, and an episode that is not what was recorded", async () => {
  const recorded = record(2);
  await expect(ask(recorded, 0, Action.sellYes)).rejects.toThrow(
    /^--act: expected an action that can be carried out at step 0, HOLD, .*, was SELL_YES_LIMIT$/,
  );
  const steps = recorded.steps.map((step) =>
    step.step === 9 ? { ...step, value: step.value + 1 } : step,
  );
  await expect(ask({ ...recorded, steps }, 30, Action.hold)).rejects.toThrow(
    /^episode: step 9: expected the value \d+ that was recorded, was \d+;/,
  );
});
