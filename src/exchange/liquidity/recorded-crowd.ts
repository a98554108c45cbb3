/**
 * A recorded session as the crowd of the exchange: what was recorded happens again, as orders and
 * trades of nobody in particular, in real time or at another speed, in a market in which accounts
 * trade too.
 *
 * Rules. An arrival is an order that rests. A cancel takes from the order that the tape attributes it
 * to, and else from the newest ones of its price. A trade is an order that takes, at the recorded
 * price, from whoever stands first, accounts included; what of the recorded size it did not get from
 * the crowd at that price is then taken off the crowd's oldest orders there. So the crowd never has
 * more at a price than was recorded, and what accounts took of it stays taken until the recording
 * itself changes that level. A quote that meets an account's order trades with it. A trade that no
 * change of the book belongs to is left out and counted.
 *
 * A market closes where it closed in the recording; where its result is known it is determined five
 * seconds later. When the recording ends, markets with a known result end likewise and others rest.
 */
import {
  type CentiCents,
  type Lots,
  present,
  type TimestampUs,
  US_PER_SECOND,
} from "../../core/index.ts";
import {
  BookSide,
  EventKind,
  type MarketInfo,
  MarketStatus,
  type Tape,
} from "../../market/index.ts";
import type { EngineMarket, MarketSpec } from "../engine/engine-market.ts";
import type { EngineOrder } from "../engine/engine-order.ts";
import { otherSide } from "../engine/match.ts";
import type { MatchingEngine } from "../engine/matching-engine.ts";
import type { Player } from "../local-exchange.ts";

export interface RecordedCrowdOptions {
  readonly engine: MatchingEngine;
  readonly tape: Tape;
  /** Exchange time at which the recording begins. */
  readonly startUs: TimestampUs;
  /** Recorded seconds a second: 1 is real time. */
  readonly speed: number;
  /** Microseconds of the recording that happen at once, at the start. */
  readonly skipUs?: number;
}

const SETTLEMENT_TIMER_SECONDS = 10;
const DETERMINED_AFTER_US = 5 * US_PER_SECOND;
const ORDERS_MAX = 10_000;
/** How long a market stays open after the recording's end where its close is not known. */
const OPEN_END_US = 3_600 * US_PER_SECOND;

export class RecordedCrowd implements Player {
  /** Recorded trades that no change of a book belongs to, and which did not happen here. */
  unpairedTrades = 0;
  readonly #engine: MatchingEngine;
  readonly #tape: Tape;
  readonly #startUs: number;
  readonly #firstUs: number;
  readonly #speed: number;
  readonly #markets: readonly EngineMarket[];
  /** Orders by the row that they came with. */
  readonly #orders = new Map<number, EngineOrder>();
  /** Rows that have happened together with an earlier one. */
  readonly #done = new Set<number>();
  readonly #endings: { readonly atUs: number; readonly market: number }[] = [];
  #next = 0;
  /** At this number of orders those that have ended are forgotten. */
  #ordersMax = ORDERS_MAX;
  #hasEnded = false;

  constructor(options: RecordedCrowdOptions) {
    const { engine, tape, startUs, speed, skipUs = 0 } = options;
    this.#engine = engine;
    this.#tape = tape;
    this.#startUs = startUs;
    this.#speed = speed;
    const opening = tape.order[0];
    this.#firstUs = (opening === undefined ? 0 : (tape.atUs[opening] as number)) + skipUs;
    this.#markets = tape.markets.map((info, index) =>
      engine.addMarket(this.#specOf(info, lastUs(tape, index))),
    );
  }

  nextUs(): number | null {
    const row = this.#tape.order[this.#next];
    const ending = this.#endings[0]?.atUs ?? Infinity;
    if (row !== undefined) return Math.min(ending, this.#whenUs(this.#tape.atUs[row] as number));
    if (!this.#hasEnded) return this.#engine.nowUs;
    return ending === Infinity ? null : ending;
  }

  act(atUs: number): void {
    const { order, atUs: times } = this.#tape;
    this.#endMarkets(atUs);
    for (; this.#next < order.length; this.#next++) {
      const row = order[this.#next] as number;
      if (this.#whenUs(times[row] as number) > atUs) return;
      if (!this.#done.delete(row)) this.#happen(row);
    }
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#markets.forEach((market, index) => {
      if (this.#valueOf(index) !== null) this.#close(market, index);
    });
  }

  /** Exchange time of a moment of the recording. */
  #whenUs(recordedUs: number): number {
    return this.#startUs + Math.max(0, Math.floor((recordedUs - this.#firstUs) / this.#speed));
  }

  #specOf(info: MarketInfo, endedUs: number): MarketSpec {
    const { feeChanges } = info;
    const endUs = this.#whenUs(endedUs) + OPEN_END_US;
    const closeUs = info.closeUs === null ? endUs : this.#whenUs(info.closeUs);
    return {
      info: {
        ...info,
        ...(feeChanges === undefined
          ? {}
          : {
              feeChanges: feeChanges.map(({ atUs, terms }) => ({
                atUs: this.#whenUs(atUs) as TimestampUs,
                terms,
              })),
            }),
      },
      title: info.ticker,
      isExclusive: this.#isExclusive(info.eventTicker),
      openUs: this.#startUs as TimestampUs,
      // A close that was expected earlier than the market closed must not end the recording.
      closeUs: Math.max(closeUs, this.#whenUs(endedUs) + US_PER_SECOND) as TimestampUs,
      outcome: null,
      settlementTimerSeconds: SETTLEMENT_TIMER_SECONDS,
    };
  }

  #isExclusive(eventTicker: string): boolean {
    const event = this.#tape.events.find((one) => one.eventTicker === eventTicker);
    return event?.exclusive === true;
  }

  #happen(row: number): void {
    const tape = this.#tape;
    const index = streamOf(tape, row);
    const market = this.#markets[index];
    // Reference prices are no market.
    if (market === undefined) return;
    switch (tape.kind[row] as EventKind) {
      case EventKind.delta:
        return this.#delta(market, row);
      case EventKind.trade:
        return this.#trade(market, row, tape.pairRow[row] as number);
      case EventKind.snapshot:
        return this.#snapshot(market, row);
      case EventKind.close:
        return this.#close(market, index);
      case EventKind.status:
        return this.#status(market, index, tape.size[row] as MarketStatus);
      case EventKind.level:
      case EventKind.gap:
      case EventKind.reference:
      case EventKind.blockTrade:
        return;
      // No default: the compiler sees to it that every kind is named.
    }
  }

  #delta(market: EngineMarket, row: number): void {
    const tape = this.#tape;
    const size = tape.size[row] as number;
    const side = tape.side[row] as BookSide;
    const price = tape.priceCc[row] as CentiCents;
    if (size > 0) return this.#arrive(market, side, price, size, row);
    const traded = tape.pairRow[row] as number;
    if (traded >= 0) return this.#trade(market, traded, row);
    const arrival = this.#orders.get(tape.queueRow[row] as number);
    let left = -size;
    if (arrival !== undefined) {
      const known = Math.min(left, arrival.remaining);
      this.#engine.crowdReduce(arrival, known);
      left -= known;
    }
    this.#shrink(market, side, price, left, "newest");
  }

  #arrive(
    market: EngineMarket,
    side: BookSide,
    price: CentiCents,
    size: number,
    row: number,
  ): void {
    const order = this.#engine.crowdQuote({ market, side, price, size: size as Lots });
    if (order === null) return;
    this.#orders.set(row, order);
    if (this.#orders.size < this.#ordersMax) return;
    for (const [of, { isQueued }] of this.#orders) if (!isQueued) this.#orders.delete(of);
    this.#ordersMax = Math.max(ORDERS_MAX, 2 * this.#orders.size);
  }

  /** A trade with the change of the book that it made, whichever of them comes first. */
  #trade(market: EngineMarket, row: number, delta: number): void {
    const tape = this.#tape;
    if (delta < 0) {
      this.unpairedTrades += 1;
      return;
    }
    // Rows of one stream stand in the order in which they happened.
    this.#done.add(Math.max(row, delta));
    const side = tape.side[row] as BookSide;
    const price = tape.priceCc[row] as CentiCents;
    const size = tape.size[row] as Lots;
    const before = this.#crowdAt(market, side, price);
    this.#engine.crowdTake({ market, side: otherSide(side), price, size });
    const lost = before - this.#crowdAt(market, side, price);
    this.#shrink(market, side, price, -(tape.size[delta] as number) - lost, "oldest");
  }

  /** Lots of the crowd at a price. */
  #crowdAt({ book }: EngineMarket, side: BookSide, price: number): number {
    let sum = 0;
    for (const order of book.ordersAt(side, price)) {
      if (this.#engine.isCrowd(order)) sum += order.remaining;
    }
    return sum;
  }

  /** Takes lots off the crowd's orders of a price, as many as there are. */
  #shrink(
    { book }: EngineMarket,
    side: BookSide,
    price: number,
    size: number,
    from: "oldest" | "newest",
  ): void {
    if (size <= 0) return;
    const orders = [...book.ordersAt(side, price)].filter((one) => this.#engine.isCrowd(one));
    if (from === "newest") orders.reverse();
    let left = size;
    for (const order of orders) {
      if (left <= 0) return;
      const part = Math.min(left, order.remaining);
      this.#engine.crowdReduce(order, part);
      left -= part;
    }
  }

  /** Brings the crowd to what a snapshot says; what agrees with it keeps its place. */
  #snapshot(market: EngineMarket, row: number): void {
    const tape = this.#tape;
    const end = row + 1 + (tape.size[row] as number);
    const rows = new Map<string, number>();
    for (let level = row + 1; level < end; level++) {
      rows.set(`${tape.side[level]} ${tape.priceCc[level]}`, level);
    }
    for (const side of [BookSide.bid, BookSide.ask]) {
      for (const { price } of market.book.levelsOf(side)) {
        const level = rows.get(`${side} ${price}`);
        const wanted = level === undefined ? 0 : (tape.size[level] as number);
        const surplus = this.#crowdAt(market, side, price) - wanted;
        this.#shrink(market, side, price, surplus, "newest");
      }
    }
    for (const level of rows.values()) {
      const side = tape.side[level] as BookSide;
      const price = tape.priceCc[level] as CentiCents;
      const missing = (tape.size[level] as number) - this.#crowdAt(market, side, price);
      if (missing > 0) this.#arrive(market, side, price, missing, level);
    }
  }

  #status(market: EngineMarket, index: number, status: MarketStatus): void {
    switch (status) {
      case MarketStatus.active:
        this.#engine.activate(market);
        return;
      case MarketStatus.inactive:
        this.#engine.deactivate(market);
        return;
      case MarketStatus.closed:
      case MarketStatus.determined:
      case MarketStatus.settled:
        return this.#close(market, index);
      // No default: the compiler sees to it that every status is named.
    }
  }

  #close(market: EngineMarket, index: number): void {
    const isOpen = market.phase === "active" || market.phase === "inactive";
    if (!isOpen) return;
    this.#engine.close(market);
    if (this.#valueOf(index) === null) return;
    this.#endings.push({ atUs: this.#engine.nowUs + DETERMINED_AFTER_US, market: index });
  }

  #endMarkets(atUs: number): void {
    for (let first = this.#endings[0]; first !== undefined; first = this.#endings[0]) {
      if (first.atUs > atUs) return;
      this.#endings.shift();
      const market = present(this.#markets[first.market], "an ending is of a market");
      const value = present(this.#valueOf(first.market), "an ending has a value");
      this.#engine.determine(market, value);
    }
  }

  #valueOf(index: number): CentiCents | null {
    return this.#tape.markets[index]?.settlement?.valueCc ?? null;
  }
}

/** The stream of a row, by halving. */
function streamOf({ streamStart }: Tape, row: number): number {
  let low = 0;
  let high = streamStart.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((streamStart[middle] as number) <= row) low = middle;
    else high = middle;
  }
  return low;
}

/** Time of a stream's last row. */
function lastUs({ streamStart, atUs }: Tape, stream: number): number {
  const end = streamStart[stream + 1] as number;
  return end === streamStart[stream] ? 0 : (atUs[end - 1] as number);
}
