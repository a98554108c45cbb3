/**
 * The simulator on one core, over a recorded session with all its markets. Events are rows of the
 * recording; loading is not counted.
 *   noOrders    the simulated venue alone, asked to advance every second
 *   hold        a back-test of a strategy that only looks, one world
 *   twoQuotes   a quote on each side of every market, looked after every second, queue model
 *   everyChange a quoting strategy that decides at every change of a book, queue model
 *   threeWorlds the two quotes with all three answers, as `backtest` runs it
 *   environment random allowed actions in 16 lanes, queue model, one decision a second
 * The baseline is the bare books of the same rows in the same run.
 */
import { type MicroUsd, Prng, US_PER_SECOND } from "../../src/core/index.ts";
import {
  OrderBook,
  openSession,
  PriceGrid,
  streamRows,
  type Tape,
} from "../../src/market/index.ts";
import {
  DEFAULT_EPISODE,
  FILL_MODELS,
  KalshiVectorEnv,
  NO_LATENCY,
  prepareTape,
  runBacktest,
  type SessionData,
  SimulatedOrderManager,
  type WorldName,
} from "../../src/sim/index.ts";
import { STRATEGIES, type StrategyDefinition } from "../../src/strategies/index.ts";
import { benchSessions, rounds, secondsOf } from "./measure.ts";

const ROUNDS = 5;
const ENV_STEPS = 200_000;

export async function run(): Promise<object> {
  const { source, folders, dispose } = await benchSessions();
  try {
    const tapes = folders.map(readTape);
    const data = tapes.map((tape) => prepareTape(tape));
    const events = backtest(tapes, "hold", "1s", ["expected"]).events;
    const rate = (
      strategy: string,
      cadence: "1s" | "event",
      worlds: readonly WorldName[],
    ): object =>
      rounds(
        ROUNDS,
        () => events / secondsOf(() => void backtest(tapes, strategy, cadence, worlds)),
      );
    const three = ["optimistic", "expected", "pessimistic"] as const;
    return {
      source,
      markets: tapes.reduce((sum, tape) => sum + tape.markets.length, 0),
      events,
      baselineEventsPerSecond: rounds(ROUNDS, () => events / secondsOf(() => bareBooks(tapes))),
      noOrdersEventsPerSecond: rounds(ROUNDS, () => events / secondsOf(() => venueAlone(tapes))),
      holdEventsPerSecond: rate("hold", "1s", ["expected"]),
      twoQuotesEventsPerSecond: rate("touch", "1s", ["expected"]),
      everyChangeEventsPerSecond: rate("touch", "event", ["expected"]),
      threeWorldsEventsPerSecond: rate("touch", "1s", three),
      threeWorldsSeconds: rounds(ROUNDS, () =>
        secondsOf(() => void backtest(tapes, "touch", "1s", three)),
      ),
      environmentStepsPerSecond: rounds(ROUNDS, () => stepEnvironment(data)),
      heapMb: heapOverRuns(tapes),
    };
  } finally {
    dispose();
  }
}

function readTape(folder: string): Tape {
  const session = openSession(folder);
  try {
    return session.readTape();
  } finally {
    session.close();
  }
}

function strategyNamed(name: string): StrategyDefinition {
  const found = STRATEGIES.find((strategy) => strategy.name === name);
  if (found === undefined) throw new Error(`no strategy ${name}`);
  return found;
}

function backtest(
  tapes: readonly Tape[],
  strategy: string,
  cadence: "1s" | "event",
  worlds: readonly WorldName[],
) {
  const settings = { cadence, worlds };
  return runBacktest({ sessions: tapes, strategy: strategyNamed(strategy), settings });
}

function bareBooks(tapes: readonly Tape[]): void {
  for (const tape of tapes) {
    for (const [market, info] of tape.markets.entries()) {
      const book = new OrderBook(new PriceGrid(info.priceRanges));
      const [first, end] = streamRows(tape, market);
      for (let row = first; row < end;) row = book.apply(tape, row);
    }
  }
}

/** Every market of a session before one venue, from its first row to its last. */
function venueAlone(tapes: readonly Tape[]): void {
  for (const tape of tapes) {
    const orders = new SimulatedOrderManager({
      tape,
      markets: tape.markets.map((_, index) => index),
      startingCash: 1_000_000_000 as MicroUsd,
      fillModel: FILL_MODELS.queue,
      latency: NO_LATENCY,
      prng: Prng.fromSeed(1),
    });
    const startUs = tape.atUs[tape.order[0] as number] as number;
    const endUs = tape.atUs[tape.order[tape.rowCount - 1] as number] as number;
    for (let atUs = startUs; atUs < endUs + US_PER_SECOND; atUs += US_PER_SECOND) {
      orders.advanceTo(atUs);
    }
  }
}

function stepEnvironment(data: readonly SessionData[]): number {
  const lanes = 16;
  const env = new KalshiVectorEnv(data, lanes, { ...DEFAULT_EPISODE, fillModel: "queue" });
  env.reset(1);
  const prng = Prng.fromSeed(2);
  const actions = new Int32Array(lanes);
  const seconds = secondsOf(() => {
    for (let done = 0; done < ENV_STEPS; done += lanes) {
      for (let lane = 0; lane < lanes; lane++) {
        let action = prng.integer(5);
        while (env.actionMasks[lane * 5 + action] === 0) action = prng.integer(5);
        actions[lane] = action;
      }
      env.step(actions);
    }
  });
  return ENV_STEPS / seconds;
}

/** Heap after one back-test and after ten more, in MB. */
function heapOverRuns(tapes: readonly Tape[]): object {
  const heap = (): number => {
    (globalThis as { gc?: () => void }).gc?.();
    return Math.round((process.memoryUsage().heapUsed / 2 ** 20) * 10) / 10;
  };
  backtest(tapes, "touch", "1s", ["expected"]);
  const afterOne = heap();
  for (let run = 0; run < 10; run++) backtest(tapes, "touch", "1s", ["expected"]);
  return { afterOne, afterEleven: heap() };
}
