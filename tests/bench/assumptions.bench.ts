/**
 * How much the simulator's assumptions decide: back-tests on the real 18-market recording, or on the
 * sample sessions where it is missing. Every market at once, 1,000 dollars, decisions at whole
 * seconds. `grid` is two strategies under every fill model and several latencies; `oneByOne` starts
 * from the defaults (queue, 25 ms feed, 50 ms orders) and changes one thing at a time; `worlds` has
 * the three answers on each recording. What the product cannot be asked to assume, such as that taken
 * depth comes back, is changed in the tape or in the model for one run only.
 *
 * Profits are those of one day: the interval of the mean over its events stands beside them.
 */
import type { MicroUsd } from "../../src/core/index.ts";
import {
  EventKind,
  type FeeTerms,
  openSession,
  streamRows,
  type Tape,
} from "../../src/market/index.ts";
import { Depletion } from "../../src/sim/depletion.ts";
import {
  type BacktestSettings,
  DEFAULT_LATENCY,
  FILL_MODELS,
  type FillModelName,
  IDLE_OVERLAY,
  type LatencySettings,
  NO_LATENCY,
  type OverlaySettings,
  runBacktest,
  type WorldName,
  type WorldSummary,
} from "../../src/sim/index.ts";
import { STRATEGIES, type StrategyDefinition } from "../../src/strategies/index.ts";
import { hasRecordings, importRecording, recordingFiles } from "../fixtures/recordings.ts";
import { withGaps } from "./gapped-tape.ts";
import { benchSessions, significant } from "./measure.ts";

const MODELS: readonly FillModelName[] = ["touch", "queue", "level", "through"];
const MS = 1000;

/** Orders take so long to the exchange, data and answers half of it. */
function latencyOf(ms: number): LatencySettings {
  const [way, half] = [ms * MS, (ms * MS) / 2];
  return { feedUs: half, submitUs: way, amendUs: way, cancelUs: way, answerUs: half };
}

const LATENCIES: Readonly<Record<string, LatencySettings>> = {
  none: NO_LATENCY,
  default: DEFAULT_LATENCY,
  "250 ms": latencyOf(250),
  "1 s": latencyOf(1000),
};

interface Run {
  readonly strategy: string;
  readonly options?: Readonly<Record<string, number>>;
  readonly settings?: Partial<BacktestSettings>;
}

/** A way to see the same day with one thing assumed otherwise. */
interface Variation extends Partial<Pick<Run, "options" | "settings">> {
  readonly name: string;
  readonly tape?: (tape: Tape) => Tape;
  /** Changes the simulator for a run, and returns how to change it back. */
  readonly patch?: () => () => void;
}

export async function run(): Promise<object> {
  const { source, folders, dispose } = await benchSessions();
  try {
    const tapes = folders.map(readTape);
    return {
      source,
      grid: grid(tapes),
      oneByOne: ["touch", "inventory", "momentum"].flatMap((strategy) => oneByOne(tapes, strategy)),
      worlds: [...worlds(source, tapes), ...(await otherWorlds())],
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

function summaries(tapes: readonly Tape[], of: Run): readonly WorldSummary[] {
  const { strategy, options = {}, settings = {} } = of;
  return runBacktest({ sessions: tapes, strategy: strategyNamed(strategy), options, settings })
    .worlds;
}

/** One world under one fill model. */
function summary(tapes: readonly Tape[], of: Run, model: FillModelName = "queue"): WorldSummary {
  const fillModels = { optimistic: model, expected: model, pessimistic: model };
  const worlds: readonly WorldName[] = ["expected"];
  const [found] = summaries(tapes, { ...of, settings: { ...of.settings, worlds, fillModels } });
  if (found === undefined) throw new Error("a back-test has a world");
  return found;
}

const dollars = (microUsd: number): number => Math.round(microUsd / 10_000) / 100;

/** What tables show of a world. */
function figures({ profit, fills, lots, fees, interval, orders }: WorldSummary): object {
  return {
    profit: dollars(profit),
    low: interval === null ? null : dollars(interval.low),
    high: interval === null ? null : dollars(interval.high),
    fees: dollars(-fees),
    fills,
    contracts: Math.round(lots / 100),
    centsAContract: lots === 0 ? null : significant(profit / lots / 100),
    uncertain: orders.uncertain,
  };
}

function grid(tapes: readonly Tape[]): object[] {
  return ["touch", "momentum"].flatMap((strategy) =>
    MODELS.flatMap((model) =>
      Object.entries(LATENCIES).map(([latency, settings]) => ({
        strategy,
        model,
        latency,
        ...figures(summary(tapes, { strategy, settings: { latency: settings } }, model)),
      })),
    ),
  );
}

function oneByOne(tapes: readonly Tape[], strategy: string): object[] {
  const base = summary(tapes, { strategy });
  const row = (name: string, found: WorldSummary): object => ({
    strategy,
    changed: name,
    ...figures(found),
    less: dollars(found.profit - base.profit),
  });
  const models = MODELS.filter((model) => model !== "queue").map((model) =>
    row(`fill model ${model}`, summary(tapes, { strategy }, model)),
  );
  const others = VARIATIONS.map(({ name, tape, patch, options, settings }) => {
    const undo = patch?.() ?? (() => undefined);
    try {
      const changed = tape === undefined ? tapes : tapes.map(tape);
      return row(
        name,
        summary(changed, { strategy, options: options ?? {}, ...(settings && { settings }) }),
      );
    } finally {
      undo();
    }
  });
  return [row("nothing", base), ...models, ...others];
}

const VARIATIONS: readonly Variation[] = [
  { name: "feed 0 ms", settings: { latency: { ...DEFAULT_LATENCY, feedUs: 0 } } },
  { name: "feed 250 ms", settings: { latency: { ...DEFAULT_LATENCY, feedUs: 250 * MS } } },
  { name: "orders 0 ms", settings: { latency: ordersOf(0) } },
  { name: "orders 250 ms", settings: { latency: ordersOf(250 * MS) } },
  {
    name: "orders 0 to 100 ms, drawn",
    settings: { latency: ordersOf({ minUs: 0, maxUs: 100 * MS }) },
  },
  { name: "answers 1 s", settings: { latency: { ...DEFAULT_LATENCY, answerUs: 1000 * MS } } },
  { name: "decisions at every change", settings: { cadence: "event" } },
  { name: "unknown cancels from the front", tape: withCancels((whose) => whose < 0) },
  { name: "all cancels from the front", tape: withCancels(() => true) },
  {
    name: "quotes at our price fill nobody",
    patch: () => {
      Object.assign(FILL_MODELS.queue, { aheadOfQuote: Infinity });
      return () => Object.assign(FILL_MODELS.queue, { aheadOfQuote: 0 });
    },
  },
  { name: "taken depth comes back at once", patch: withoutDepletion },
  { name: "others are faster half of the time", settings: overlaid({ fillPpm: 500_000 }) },
  { name: "half of the fills are partial", settings: overlaid({ partialPpm: 500_000 }) },
  { name: "one in ten orders is refused", settings: overlaid({ rejectionPpm: 100_000 }) },
  { name: "no fees", tape: withFees({ type: "quadratic", multiplierPpm: 0 }) },
  {
    name: "maker fees",
    tape: withFees({ type: "quadratic_with_maker_fees", multiplierPpm: 1_000_000 }),
  },
  { name: "cash rounded to cents (FCM)", settings: { membership: "fcm" } },
  { name: "1 contract an order", options: { size: 1 } },
  { name: "100 contracts an order", options: { size: 100 } },
  {
    name: "100 contracts, taken depth comes back",
    options: { size: 100 },
    patch: withoutDepletion,
  },
  { name: "100 dollars of cash", settings: { startingCash: (100 * 1_000_000) as MicroUsd } },
  { name: "no result known at the close", tape: withoutResults },
  {
    name: "the feed lost for 10 s every 10 min",
    tape: (tape) => withGaps(tape, 600 * 1000 * MS, 10 * 1000 * MS),
  },
];

function overlaid(change: Partial<OverlaySettings>): Partial<BacktestSettings> {
  return { overlay: { ...IDLE_OVERLAY, ...change } };
}

function ordersOf(term: LatencySettings["submitUs"]): LatencySettings {
  return { ...DEFAULT_LATENCY, submitUs: term, amendUs: term, cancelUs: term };
}

/** The tape with those cancels, chosen by the row that they are attributed to, from the front. */
function withCancels(chosen: (whose: number) => boolean): (tape: Tape) => Tape {
  return (tape) => {
    const queueRow = tape.queueRow.slice();
    for (const stream of tape.markets.keys()) {
      const [first, end] = streamRows(tape, stream);
      for (let row = first; row < end; row++) {
        const isCancel = tape.kind[row] === EventKind.delta && (tape.size[row] ?? 0) < 0;
        if (!isCancel || (tape.pairRow[row] ?? -1) >= 0) continue;
        if (chosen(queueRow[row] ?? -1)) queueRow[row] = first;
      }
    }
    return { ...tape, queueRow };
  };
}

function withFees(fees: FeeTerms): (tape: Tape) => Tape {
  return (tape) => ({
    ...tape,
    markets: tape.markets.map(({ feeChanges: _changes, ...info }) => ({ ...info, fees })),
  });
}

function withoutDepletion(): () => void {
  const { take } = Depletion.prototype;
  Depletion.prototype.take = () => undefined;
  return () => Object.assign(Depletion.prototype, { take });
}

function withoutResults(tape: Tape): Tape {
  return { ...tape, markets: tape.markets.map((info) => ({ ...info, settlement: null })) };
}

/** The three answers to two makers. */
function worlds(source: string, tapes: readonly Tape[]): object[] {
  return ["touch", "inventory"].flatMap((strategy) =>
    summaries(tapes, { strategy }).map((found) => ({
      source,
      strategy,
      world: found.world,
      ...figures(found),
    })),
  );
}

async function otherWorlds(): Promise<object[]> {
  const rows: object[] = [];
  for (const name of hasRecordings ? ["kalshi-ws-26MAR07", "kalshi-ws-ufc"] : []) {
    const { folder, dispose } = await importRecording(recordingFiles(name));
    try {
      rows.push(...worlds(name, [readTape(folder)]));
    } finally {
      dispose();
    }
  }
  return rows;
}
