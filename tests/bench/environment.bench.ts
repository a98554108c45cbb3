/**
 * Stepping the 52-feature environment with random actions, on one core, at the one-second cadence.
 * Loading and precomputation are timed apart. The baseline is the same market replayed row by row
 * with no agent in it: what the recording alone costs.
 */
import { Prng } from "../../src/core/index.ts";
import { OrderBook, streamRows } from "../../src/market/index.ts";
import {
  DEFAULT_EPISODE,
  type FillModelName,
  KalshiVectorEnv,
  MarketAgnosticKalshiEnv,
  type SessionData,
  SessionDataLoader,
} from "../../src/sim/index.ts";
import { benchSessions, rounds, secondsOf } from "./measure.ts";

const STEPS = 400_000;
const ROUNDS = 5;

export async function run(): Promise<object> {
  const { data, source, prepareMs, dispose } = await loadData();
  try {
    const settings = [];
    for (const fillModel of ["touch", "queue", "through"] as FillModelName[]) {
      for (const lanes of [1, 16, 64]) {
        for (const actions of ["allowed", "any"] as const) {
          const rates = rounds(ROUNDS, () => stepVector(data, lanes, fillModel, actions));
          settings.push({ fillModel, lanes, actions, ...rates });
        }
      }
    }
    return {
      source,
      markets: data.reduce((sum, session) => sum + session.markets.length, 0),
      prepareMs,
      vectorStepsPerSecond: settings,
      singleEnvStepsPerSecond: rounds(ROUNDS, () => stepSingle(data)),
      baselineRowsPerSecond: rounds(ROUNDS, () => replayRows(data)),
      memory: memoryOverResets(data),
    };
  } finally {
    dispose();
  }
}

async function loadData() {
  const { source, folders, dispose } = await benchSessions();
  const loader = new SessionDataLoader();
  let data: SessionData[] = [];
  const prepareMs = Math.round(
    1000 * secondsOf(() => (data = folders.map((folder) => loader.load(folder)))),
  );
  return { data, source, prepareMs, dispose };
}

function stepVector(
  data: readonly SessionData[],
  lanes: number,
  fillModel: FillModelName,
  which: "allowed" | "any",
): number {
  const env = new KalshiVectorEnv(data, lanes, { ...DEFAULT_EPISODE, fillModel });
  env.reset(1);
  const prng = Prng.fromSeed(2);
  const actions = new Int32Array(lanes);
  const startedAt = performance.now();
  for (let done = 0; done < STEPS; done += lanes) {
    for (let lane = 0; lane < lanes; lane++) {
      let action = prng.integer(5);
      while (which === "allowed" && env.actionMasks[lane * 5 + action] === 0) {
        action = prng.integer(5);
      }
      actions[lane] = action;
    }
    env.step(actions);
  }
  return STEPS / ((performance.now() - startedAt) / 1000);
}

function stepSingle(data: readonly SessionData[]): number {
  const env = new MarketAgnosticKalshiEnv({ sessions: data });
  const prng = Prng.fromSeed(2);
  env.reset({ seed: 1 });
  const startedAt = performance.now();
  for (let done = 0; done < STEPS / 2; done++) {
    const [, , terminated, truncated] = env.step(prng.integer(5));
    if (terminated || truncated) env.reset();
  }
  return STEPS / 2 / ((performance.now() - startedAt) / 1000);
}

/** The recorded rows of every market through a bare book. */
function replayRows(data: readonly SessionData[]): number {
  let rows = 0;
  const startedAt = performance.now();
  for (const { tape, markets } of data) {
    for (const { market, grid } of markets) {
      const book = new OrderBook(grid);
      const [first, end] = streamRows(tape, market);
      for (let row = first; row < end;) row = book.apply(tape, row);
      rows += end - first;
    }
  }
  return rows / ((performance.now() - startedAt) / 1000);
}

/** Heap after 100 and after 1,100 resets of 16 lanes, in MB. */
function memoryOverResets(data: readonly SessionData[]): object {
  const env = new KalshiVectorEnv(data, 16, DEFAULT_EPISODE);
  const heapMb = (): number => {
    (globalThis as { gc?: () => void }).gc?.();
    return Math.round((process.memoryUsage().heapUsed / 2 ** 20) * 10) / 10;
  };
  const actions = new Int32Array(16).fill(1);
  const cycle = (count: number): void => {
    for (let reset = 0; reset < count; reset++) {
      env.reset(reset);
      for (let step = 0; step < 20; step++) env.step(actions);
    }
  };
  cycle(100);
  const heapMbAfter100 = heapMb();
  cycle(1000);
  return { heapMbAfter100, heapMbAfter1100: heapMb() };
}
