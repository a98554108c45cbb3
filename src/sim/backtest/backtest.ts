/**
 * Back-tests: a strategy over sessions, each with its own cash, and what all of them add up to.
 * Sessions may be run anywhere and in any order; `summarise` takes their results in theirs.
 */
import { canonicalJson, Prng, sha256 } from "../../core/index.ts";
import { meanInterval } from "../../learn/index.ts";
import { openSession, type Tape } from "../../market/index.ts";
import type { StrategyDefinition } from "../../strategies/index.ts";
import { prepareTape, type SessionData } from "../session-data.ts";
import {
  adverseSelection,
  type AdverseSelection,
  type Calibration,
  calibrationOf,
  changesOf,
  drawdownOf,
  profitsOfEvents,
  type Ratios,
  ratiosOf,
} from "./measures.ts";
import type { Attribution, Fault, OrderCounts, SessionResult, WorldResult } from "./results.ts";
import { runSession, type SessionRunOptions } from "./run-session.ts";
import {
  type BacktestSettings,
  DEFAULT_BACKTEST,
  WORLD_NAMES,
  type WorldName,
} from "./settings.ts";

/** A session's folder, its tape, or its data made ready. */
export type BacktestSession = string | Tape | SessionData;

export interface BacktestOptions {
  readonly sessions: readonly BacktestSession[];
  readonly strategy: StrategyDefinition;
  /** The strategy's own options, over its defaults. */
  readonly options?: Readonly<Record<string, unknown>>;
  readonly settings?: Partial<BacktestSettings>;
}

/** All sessions in one world. Money in micro-dollars. */
export interface WorldSummary extends Attribution, Ratios {
  readonly world: WorldName;
  readonly fillModel: string;
  /** 95 % bootstrap over the events of the sessions; null where there is only one. */
  readonly interval: {
    readonly low: number;
    readonly high: number;
    readonly events: number;
  } | null;
  /** Largest fall of value from a height, looked at every second. */
  readonly drawdown: number;
  readonly orders: OrderCounts;
  readonly fills: number;
  readonly lots: number;
  /** What the fills' contracts cost as YES. */
  readonly turnover: number;
  // Shares; null where there is nothing to share.
  /** Of the lots filled, those as maker. */
  readonly makerShare: number | null;
  /** Of the accepted orders, those that filled at least in part. */
  readonly fillRate: number | null;
  /** Of the accepted orders, those that ended by a cancel of ours. */
  readonly cancelRate: number | null;
  readonly adverseSelection: readonly AdverseSelection[];
  /** Shares of time with a position: in any market, and of the markets' open time. */
  readonly timeInPosition: number | null;
  readonly marketTimeInPosition: number | null;
  /** Cost of the positions held: its mean over time, and its most. */
  readonly stakeMean: number;
  readonly stakeMax: number;
  readonly calibration: Calibration;
}

export interface BacktestResult {
  readonly strategy: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly settings: BacktestSettings;
  readonly sessions: readonly SessionResult[];
  readonly worlds: readonly WorldSummary[];
  readonly events: number;
  /** False where a fault or an interruption ended it early. */
  readonly isComplete: boolean;
  readonly fault: (Fault & { readonly sessionId: string }) | null;
  readonly faultCount: number;
  /** Over strategy, settings, and every world's journal of every session. */
  readonly journalHash: string;
}

/** Runs the sessions one after another; a fault that stops one ends the run with it. */
export function runBacktest(options: BacktestOptions): BacktestResult {
  const { strategy, options: given = {} } = options;
  const settings = { ...DEFAULT_BACKTEST, ...options.settings };
  const sessions: SessionResult[] = [];
  for (const session of options.sessions) {
    const loaded = loadForBacktest(session, strategy, settings);
    const result = runSession({ ...loaded, strategy, options: given, settings });
    sessions.push(result);
    if (result.fault !== null) break;
  }
  const isComplete = sessions.length === options.sessions.length;
  return summarise({ strategy: strategy.name, options: given, settings, sessions, isComplete });
}

/** What a run needs of a session: its features are worked out only where they are used. */
export function loadForBacktest(
  session: BacktestSession,
  { usesFeatures }: StrategyDefinition,
  { cadence }: BacktestSettings,
): Pick<SessionRunOptions, "tape" | "data"> {
  if (typeof session !== "string" && "tape" in session) {
    const { tape } = session;
    if (!usesFeatures) return { tape };
    return { tape, data: session.cadence === cadence ? session : prepareTape(tape, { cadence }) };
  }
  const tape = typeof session === "string" ? readTape(session) : session;
  return usesFeatures ? { tape, data: prepareTape(tape, { cadence }) } : { tape };
}

function readTape(folder: string): Tape {
  const session = openSession(folder);
  try {
    return session.readTape();
  } finally {
    session.close();
  }
}

export interface Summarised {
  readonly strategy: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly settings: BacktestSettings;
  /** In the order in which they were asked for. */
  readonly sessions: readonly SessionResult[];
  /** True where these are all sessions that were asked for. */
  readonly isComplete: boolean;
}

/** What sessions add up to. */
export function summarise(parts: Summarised): BacktestResult {
  const { strategy, options, settings, sessions } = parts;
  const faulty = sessions.find(({ fault }) => fault !== null);
  const chosen = WORLD_NAMES.filter((name) => settings.worlds.includes(name));
  const journals = sessions.map(({ contentHash, worlds }) => ({
    contentHash,
    worlds: worlds.map(({ world, journalHash }) => [world, journalHash]),
  }));
  return {
    strategy,
    options,
    settings,
    sessions,
    worlds: chosen.map((world) => summariseWorld(world, parts)),
    events: sessions.reduce((sum, { events }) => sum + events, 0),
    isComplete: parts.isComplete && sessions.every(({ isComplete }) => isComplete),
    fault:
      faulty === undefined || faulty.fault === null
        ? null
        : { ...faulty.fault, sessionId: faulty.sessionId },
    faultCount: sessions.reduce((sum, { faultCount }) => sum + faultCount, 0),
    journalHash: sha256(canonicalJson({ strategy, options, settings, journals })),
  };
}

function summariseWorld(world: WorldName, { settings, sessions }: Summarised): WorldSummary {
  const results = sessions.flatMap(({ worlds }) => worlds.filter((each) => each.world === world));
  const markets = results.flatMap((each) => each.markets);
  const sum = (of: (result: WorldResult) => number): number =>
    results.reduce((total, result) => total + of(result), 0);
  const seconds = sum((result) => result.seconds.seconds);
  const marketSeconds = sum((result) => result.seconds.marketSeconds);
  const orders = addOrders(results.map((result) => result.orders));
  const changes = changesOf(results, settings.startingCash);
  return {
    world,
    fillModel: results[0]?.fillModel ?? "",
    ...addParts(markets),
    ...ratiosOf(changes),
    interval: intervalOf(
      profitsOfEvents(sessions, world).map(({ profit }) => profit),
      settings.seed,
    ),
    drawdown: drawdownOf(results),
    orders,
    ...addFills(results),
    fillRate: share(orders.touched, orders.accepted),
    cancelRate: share(orders.cancelled, orders.accepted),
    adverseSelection: adverseSelection(results),
    timeInPosition: share(
      sum((result) => result.seconds.inPosition),
      seconds,
    ),
    marketTimeInPosition: share(
      sum((result) => result.seconds.marketInPosition),
      marketSeconds,
    ),
    stakeMean: seconds === 0 ? 0 : Math.round(sum((result) => result.seconds.stake) / seconds),
    stakeMax: results.reduce((most, result) => Math.max(most, result.seconds.stakeMax), 0),
    calibration: calibrationOf(markets),
  };
}

/** The parts of several profits, each added up. */
export function addParts(parts: readonly Attribution[]): Attribution {
  const total = { profit: 0, spread: 0, adverse: 0, settlement: 0, fees: 0 };
  for (const part of parts) {
    total.profit += part.profit;
    total.spread += part.spread;
    total.adverse += part.adverse;
    total.settlement += part.settlement;
    total.fees += part.fees;
  }
  return total;
}

function addFills(
  results: readonly WorldResult[],
): Pick<WorldSummary, "fills" | "lots" | "turnover" | "makerShare"> {
  let [fills, lots, turnover, makerLots] = [0, 0, 0, 0];
  for (const result of results) {
    fills += result.fills.length;
    for (const fill of result.fills) {
      lots += fill.lots;
      turnover += fill.lots * fill.priceCc;
      if (fill.isMaker) makerLots += fill.lots;
    }
  }
  return { fills, lots, turnover, makerShare: share(makerLots, lots) };
}

function addOrders(counts: readonly OrderCounts[]): OrderCounts {
  const sum = (of: (count: OrderCounts) => number): number =>
    counts.reduce((total, count) => total + of(count), 0);
  const refused: Record<string, number> = {};
  for (const count of counts) {
    for (const [reason, times] of Object.entries(count.refused)) {
      refused[reason] = (refused[reason] ?? 0) + times;
    }
  }
  return {
    submitted: sum(({ submitted }) => submitted),
    accepted: sum(({ accepted }) => accepted),
    rejected: sum(({ rejected }) => rejected),
    amended: sum(({ amended }) => amended),
    cancelsSent: sum(({ cancelsSent }) => cancelsSent),
    cancelled: sum(({ cancelled }) => cancelled),
    ended: sum(({ ended }) => ended),
    touched: sum(({ touched }) => touched),
    filled: sum(({ filled }) => filled),
    uncertain: sum(({ uncertain }) => uncertain),
    refused,
  };
}

/** The interval of a sum: that of the mean, so many times. */
function intervalOf(profits: readonly number[], seed: number | string): WorldSummary["interval"] {
  const events = profits.length;
  if (events < 2) return null;
  const { low, high } = meanInterval(profits, Prng.fromSeed(`backtest interval ${seed}`));
  return { low: Math.round(low * events), high: Math.round(high * events), events };
}

function share(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
