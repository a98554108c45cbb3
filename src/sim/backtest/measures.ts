/**
 * What traders ask of a result, each by its definition. Ratios are over changes of the portfolio's
 * value from one whole minute to the next, sessions one after another; a day has 1,440 of them.
 * Nothing is assumed to grow: cash earns no interest, so the ratios have no rate to beat.
 */
import { HORIZONS_S, type MarketResult, type SessionResult, type WorldResult } from "./results.ts";

const MINUTES_A_DAY = 1440;

export interface Ratios {
  /** Mean change over its standard deviation (n - 1), for a day; null where nothing varies. */
  readonly sharpe: number | null;
  /** Mean change over the root of the mean squared loss, for a day; null without a loss. */
  readonly sortino: number | null;
  /** Changes that they rest on. */
  readonly minutes: number;
}

/** Changes of value within each session, from its start through its minutes to its end. */
export function changesOf(sessions: readonly WorldResult[], startingCash: number): number[] {
  return sessions.flatMap(({ equity }) =>
    equity.map(({ value }, index) => value - (equity[index - 1]?.value ?? startingCash)),
  );
}

export function ratiosOf(changes: readonly number[]): Ratios {
  const n = changes.length;
  if (n < 2) return { sharpe: null, sortino: null, minutes: n };
  const mean = changes.reduce((sum, change) => sum + change, 0) / n;
  let squares = 0;
  let losses = 0;
  for (const change of changes) {
    squares += (change - mean) * (change - mean);
    if (change < 0) losses += change * change;
  }
  const deviation = Math.sqrt(squares / (n - 1));
  const downside = Math.sqrt(losses / n);
  const day = Math.sqrt(MINUTES_A_DAY);
  return {
    sharpe: deviation > 0 ? (mean / deviation) * day : null,
    sortino: downside > 0 ? (mean / downside) * day : null,
    minutes: n,
  };
}

/** The largest fall of value from a height, over sessions played one after another. */
export function drawdownOf(sessions: readonly WorldResult[]): number {
  let gained = 0;
  let height = 0;
  let drawdown = 0;
  for (const { seconds, profit } of sessions) {
    drawdown = Math.max(drawdown, seconds.drawdown, height - (gained + seconds.low));
    height = Math.max(height, gained + seconds.high);
    gained += profit;
  }
  return drawdown;
}

/** How marks moved after fills, seen from the position that they made: negative is against us. */
export interface AdverseSelection {
  readonly seconds: number;
  /** Cents a contract, and the contracts that it is the mean of; null where there are none. */
  readonly maker: number | null;
  readonly makerContracts: number;
  readonly taker: number | null;
  readonly takerContracts: number;
}

export function adverseSelection(worlds: readonly WorldResult[]): AdverseSelection[] {
  return HORIZONS_S.map((seconds, index) => {
    const lots = { maker: 0, taker: 0 };
    const moved = { maker: 0, taker: 0 };
    for (const { fills } of worlds) {
      for (const fill of fills) {
        const later = fill.laterCc[index] ?? null;
        if (later === null) continue;
        const role = fill.isMaker ? "maker" : "taker";
        lots[role] += fill.lots;
        moved[role] += fill.sign * fill.lots * (later - fill.markCc);
      }
    }
    const cents = (role: "maker" | "taker"): number | null =>
      lots[role] === 0 ? null : moved[role] / lots[role] / 100;
    return {
      seconds,
      maker: cents("maker"),
      makerContracts: lots.maker / 100,
      taker: cents("taker"),
      takerContracts: lots.taker / 100,
    };
  });
}

export interface CalibrationBucket {
  /** Prices from `from` up to, but not including, `to`, in dollars. */
  readonly from: number;
  readonly to: number;
  readonly contracts: number;
  /** Means over its contracts: the price paid, as YES, and what the market came to. */
  readonly price: number;
  readonly outcome: number;
}

/** Prices held to settlement against what came of them. */
export interface Calibration {
  /** Mean squared difference of price and outcome over contracts; null where none were held. */
  readonly brier: number | null;
  readonly contracts: number;
  readonly markets: number;
  /** Tenths of a dollar with something in them. */
  readonly buckets: readonly CalibrationBucket[];
}

const BUCKETS = 10;

/** A position's price is what it cost on average; NO at q is YES at one dollar less q. */
export function calibrationOf(markets: readonly MarketResult[]): Calibration {
  const held = markets
    .filter(({ isSettled, heldLots }) => isSettled && heldLots !== 0)
    .map(({ heldLots, heldCost, endCc }) => {
      const lots = Math.abs(heldLots);
      const paid = heldCost / lots / 10_000;
      return { lots, price: heldLots > 0 ? paid : 1 - paid, outcome: endCc / 10_000 };
    });
  const total = held.reduce((sum, { lots }) => sum + lots, 0);
  const squares = held.reduce(
    (sum, { lots, price, outcome }) => sum + lots * (price - outcome) * (price - outcome),
    0,
  );
  const buckets: CalibrationBucket[] = [];
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const within = held.filter(
      ({ price }) => Math.min(BUCKETS - 1, Math.max(0, Math.floor(price * BUCKETS))) === bucket,
    );
    const lots = within.reduce((sum, each) => sum + each.lots, 0);
    if (lots === 0) continue;
    const mean = (of: (each: (typeof within)[number]) => number): number =>
      within.reduce((sum, each) => sum + each.lots * of(each), 0) / lots;
    buckets.push({
      from: bucket / BUCKETS,
      to: (bucket + 1) / BUCKETS,
      contracts: lots / 100,
      price: mean(({ price }) => price),
      outcome: mean(({ outcome }) => outcome),
    });
  }
  return {
    brier: total === 0 ? null : squares / total,
    contracts: total / 100,
    markets: held.length,
    buckets,
  };
}

/** Profit of each event of each session: the units that chance deals in, for its markets are bound. */
export function profitsOfEvents(
  sessions: readonly SessionResult[],
  world: WorldResult["world"],
): { readonly sessionId: string; readonly eventTicker: string; readonly profit: number }[] {
  return sessions.flatMap(({ sessionId, worlds }) => {
    const profits = new Map<string, number>();
    const markets = worlds.find((each) => each.world === world)?.markets ?? [];
    for (const { eventTicker, profit } of markets) {
      profits.set(eventTicker, (profits.get(eventTicker) ?? 0) + profit);
    }
    return [...profits].map(([eventTicker, profit]) => ({ sessionId, eventTicker, profit }));
  });
}
