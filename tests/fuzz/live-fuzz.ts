/**
 * Whole live runs under mixed faults, by seed: actor, order manager, clients, network and exchange in
 * one process, under simulated time. Run it with `npm run -s fuzz -- live --seeds N --from S`.
 */
import { canonicalJson, sha256 } from "../../src/core/index.ts";
import { outputLine } from "../../src/live/index.ts";
import { checkCalm, checkEnd } from "./live-checks.ts";
import { drawPlan, type LivePlan } from "./live-plan.ts";
import { type Failure, LivePlay } from "./live-play.ts";

/** Every so manieth seed is played twice, and must be the same to the last byte. */
const TWICE_EVERY = 25;

export interface Played {
  readonly failures: readonly Failure[];
  /** SHA-256 of all journals. */
  readonly hash: () => string;
  readonly facts: {
    readonly runs: number;
    readonly recovered: number;
    readonly busiest: number;
    readonly writes: number;
    readonly corrections: number;
    readonly errors: number;
    readonly fills: number;
  };
}

/** Plays one plan from its start to its end. Nothing is thrown: what breaks is a failure. */
export function playPlan(plan: LivePlan, trace?: (line: string) => void): Played {
  const play = new LivePlay(plan, trace);
  try {
    play.trouble();
    play.calm();
    checkCalm(play);
    play.stop();
    checkEnd(play);
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    play.fail("exception", text.split("\n").slice(0, 6).join(" "));
  }
  play.close();
  const tickers = play.world.markets.map(({ ticker }) => ticker);
  const blocks = play.runs.map(({ run }) => run.journal.blocks);
  if (trace !== undefined) for (const line of linesOf(play, tickers)) trace(line);
  return {
    failures: play.failures,
    hash: () => sha256(canonicalJson(blocks)),
    facts: {
      runs: play.runs.length,
      recovered: play.recovered,
      busiest: play.busiest,
      writes: play.world.writes.length,
      corrections: play.runs.reduce((sum, { run }) => sum + run.trader.sync.corrections, 0),
      errors: play.runs.reduce((sum, { run }) => sum + run.trader.machine.entries.ERROR, 0),
      fills: play.world.exchange.model.account(play.world.account.index).fills.end,
    },
  };
}

/** Plays a seed; some seeds twice. */
export function playSeed(seed: number): Played {
  const plan = drawPlan(seed);
  const played = playPlan(plan);
  if (seed % TWICE_EVERY !== 0 || playPlan(plan).hash() === played.hash()) return played;
  const difference = { seed, invariant: "determinism", detail: "another journal the second time" };
  return { ...played, failures: [...played.failures, difference] };
}

/** The journals in words. */
function* linesOf(play: LivePlay, tickers: readonly string[]): Generator<string> {
  for (const { run } of play.runs) {
    yield `--- journal of ${run.header.idPrefix}`;
    for (const block of run.journal.blocks) {
      if (block.kind === "outputs") {
        for (const output of block.outputs) {
          const line = outputLine(output, tickers);
          if (line !== null) yield `  ${line}`;
        }
        continue;
      }
      for (const { atUs, input } of block.entries) {
        if (input.kind === "market" && input.news.kind !== "gap" && input.news.kind !== "settled")
          continue;
        if (input.kind === "tick") continue;
        yield `${((atUs - run.header.startedUs) / 1e6).toFixed(3)} > ${canonicalJson(input)}`;
      }
    }
  }
}

export interface FuzzOptions {
  readonly seeds: number;
  readonly from: number;
  readonly trace: boolean;
  /** Told of progress. */
  readonly tell: (line: string) => void;
}

export interface FuzzResult {
  readonly seeds: number;
  readonly failures: readonly Failure[];
}

export function run({ seeds, from, trace, tell }: FuzzOptions): FuzzResult {
  const failures: Failure[] = [];
  const most: Record<string, number> = {};
  for (let seed = from; seed < from + seeds; seed++) {
    if (trace) {
      tell(JSON.stringify(drawPlan(seed), null, 1));
      failures.push(...playPlan(drawPlan(seed), tell).failures);
      continue;
    }
    const played = playSeed(seed);
    for (const failure of played.failures) {
      failures.push(failure);
      tell(`seed ${failure.seed}: ${failure.invariant}: ${failure.detail}`);
    }
    for (const [name, value] of Object.entries(played.facts)) {
      most[name] = Math.max(most[name] ?? 0, value);
    }
    const done = seed - from + 1;
    if (done % 500 === 0)
      tell(`${done} seeds, ${failures.length} failures, most ${JSON.stringify(most)}`);
  }
  return { seeds, failures };
}
