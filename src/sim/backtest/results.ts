/**
 * What a back-test of one session leaves, as plain data that threads can pass on. Money is in
 * micro-dollars, sizes in lots, prices in centi-cents, times in microseconds: integers that add up.
 */
import type { WorldName } from "./settings.ts";

/** A strategy's fault, in words that name the place. */
export interface Fault {
  readonly world: WorldName;
  readonly atUs: number;
  /** Why, such as "price_off_grid" or what was thrown. */
  readonly reason: string;
  /** The order asked for, or null where there was none. */
  readonly order: string | null;
}

/** One row a fill, in the order in which they reached us. */
export interface FillRow {
  readonly atUs: number;
  /** Place of the market in the session's list. */
  readonly market: number;
  readonly orderId: string;
  /** 1 where YES was bought or NO sold, -1 the other way. */
  readonly sign: 1 | -1;
  readonly priceCc: number;
  readonly lots: number;
  readonly fee: number;
  readonly isMaker: boolean;
  /** The recorded fact that it rests on: what it is, and its row of the tape (-1 for none). */
  readonly evidence: "trade" | "quote" | "book" | "venue";
  readonly row: number;
  /** The mark just before that fact. */
  readonly markCc: number;
  /** Marks 1, 10 and 60 seconds after the fill; null where the recording does not reach so far. */
  readonly laterCc: readonly (number | null)[];
}

/** Seconds after a fill at which the mark is looked at. */
export const HORIZONS_S = [1, 10, 60] as const;

/** The account at a whole minute. */
export interface EquityRow {
  readonly atUs: number;
  /** Cash and positions at the marks. */
  readonly value: number;
  readonly cash: number;
  /** What the positions held cost. */
  readonly stake: number;
  readonly openOrders: number;
}

/** Profit of a market and what it is made of: the four parts add up to it exactly. */
export interface Attribution {
  readonly profit: number;
  /** Distance of the fills' prices to the marks before them: positive where better than the mark. */
  readonly spread: number;
  /** Moves of the mark from the fills to the end of the market, on what was held. */
  readonly adverse: number;
  /** What positions ended at, less the last mark: the result, or the best price that bought them. */
  readonly settlement: number;
  /** Fees, negative. */
  readonly fees: number;
}

export interface MarketResult extends Attribution {
  readonly ticker: string;
  readonly eventTicker: string;
  readonly seriesTicker: string;
  readonly fills: number;
  readonly lots: number;
  /** Signed lots held to the end, and what one of them then was worth, as YES. */
  readonly heldLots: number;
  readonly endCc: number;
  /** True where a result paid them out, rather than the best price. */
  readonly isSettled: boolean;
  /** What the lots held to the end cost, in micro-dollars, without fees. */
  readonly heldCost: number;
}

/** Numbers of orders. */
export interface OrderCounts {
  readonly submitted: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly amended: number;
  readonly cancelsSent: number;
  /** Ended by a cancel of ours with something left. */
  readonly cancelled: number;
  /** Ended by the venue: a close, a gap, an immediate order's rest. */
  readonly ended: number;
  /** Filled at least in part, and in full. */
  readonly touched: number;
  readonly filled: number;
  /** Met by a feed gap while they rested: what would have become of them is not known. */
  readonly uncertain: number;
  /** Stopped by the risk gate, by reason. */
  readonly refused: Readonly<Record<string, number>>;
}

/** Sums over whole seconds of the session, taken after everything of the second. */
export interface SecondSums {
  readonly seconds: number;
  /** Seconds with a position in any market. */
  readonly inPosition: number;
  /** Seconds of open markets, and those of them with a position. */
  readonly marketSeconds: number;
  readonly marketInPosition: number;
  readonly stake: number;
  readonly stakeMax: number;
  /** Largest stake in each event, by ticker. */
  readonly eventStakeMax: Readonly<Record<string, number>>;
  /** Value less cash at the start: least, greatest, and the largest fall from a height. */
  readonly low: number;
  readonly high: number;
  readonly drawdown: number;
}

export interface WorldResult {
  readonly world: WorldName;
  readonly fillModel: string;
  readonly profit: number;
  readonly orders: OrderCounts;
  readonly seconds: SecondSums;
  readonly markets: readonly MarketResult[];
  readonly fills: readonly FillRow[];
  readonly equity: readonly EquityRow[];
  readonly journalHash: string;
}

/** How well the queues of a session's traded markets are reconstructed; shares are of 1. */
export interface QueueTrust {
  /** Of the trades, those that the order believed to be in front was large enough for. */
  readonly consistentShare: number;
  /** Of the cancels, those of one order of exactly their size. */
  readonly exactShare: number;
  /** Markets in which they are not used: `queue` goes by the totals of levels there. */
  readonly withoutQueues: number;
}

export interface SessionResult {
  readonly sessionId: string;
  readonly contentHash: string;
  readonly tickers: readonly string[];
  /** Recorded events that the strategy could see; levels of snapshots are not counted apart. */
  readonly events: number;
  readonly queues: QueueTrust;
  /** First and last time of the run. */
  readonly startUs: number;
  readonly endUs: number;
  /** False where a fault or an interruption ended the run before the recording did. */
  readonly isComplete: boolean;
  /** The fault that ended it, or null. */
  readonly fault: Fault | null;
  /** The first faults that were refused, and how many there were. */
  readonly faults: readonly Fault[];
  readonly faultCount: number;
  /** Every market's mark at whole minutes, for pictures. */
  readonly minutes: readonly { readonly atUs: number; readonly marksCc: readonly number[] }[];
  readonly worlds: readonly WorldResult[];
}
