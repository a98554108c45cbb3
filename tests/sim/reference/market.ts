/**
 * One recorded market with our orders in it, slowly: docs/simulator.md read aloud.
 *
 * A price of a side is the plain list of what ever happened there, in order. How many lots stand, how
 * many of them we took, how many others are ahead of an order of ours: each is worked out from that
 * list, from its beginning, whenever it is asked.
 */
import type { FillEvidence, OrderRequest } from "../../../src/orders/index.ts";
import type { Side } from "./money.ts";
import type { RecordedMarket, RecordedRow } from "./recording.ts";

export type Model = "touch" | "queue" | "level" | "through";

export interface OwnOrder {
  readonly request: OrderRequest;
  readonly side: Side;
  price: number;
  /** With what has filled. */
  size: number;
  filled: number;
  /** Rounding account of its fees. */
  account: bigint;
  /** The next row of the tape when it joined its price, and the facts of that price until then. */
  joinedRow: number;
  joinedAfter: number;
}

export interface Owner {
  /** Lots that the order may still trade without opening a position, where it may only reduce. */
  reducible(order: OwnOrder): number;
  filled(
    order: OwnOrder,
    price: number,
    lots: number,
    role: "maker" | "taker",
    evidence: FillEvidence,
    atUs: number,
  ): void;
  ended(order: OwnOrder, reason: string, atUs: number): void;
}

/** How many lots of a trade were left when it came to each order of ours at its price. */
type Turns = ReadonlyMap<OwnOrder, number>;

type Fact =
  /** A snapshot shows `lots`. */
  | { readonly kind: "shown"; readonly lots: number }
  | { readonly kind: "arrived"; readonly lots: number }
  | { readonly kind: "cancelled"; readonly lots: number; readonly whose: number }
  /** The book change of a match that happens now. */
  | { readonly kind: "matched"; readonly lots: number; readonly turns: Turns }
  /** A match whose book change is not told, or not yet. */
  | { readonly kind: "told"; readonly turns: Turns }
  /** The book change of a match that the trade at `tradeRow` has told before. */
  | { readonly kind: "matchedBefore"; readonly lots: number; readonly tradeRow: number }
  /** We took; what arrives from `nextRow` on arrives later. */
  | { readonly kind: "took"; readonly lots: number; readonly nextRow: number };

/** What a price comes to after some of its facts. */
interface Standing {
  readonly recorded: number;
  /** Of the recorded lots, those that we took. */
  readonly taken: number;
}

const NOTHING: Standing = { recorded: 0, taken: 0 };

export class ReferenceMarket {
  readonly resting: OwnOrder[] = [];
  bookKnown = false;
  closed = false;
  uncertain = 0;
  /** Next row of the tape to happen. */
  nextRow: number;
  readonly #owner: Owner;
  readonly #model: Model;
  readonly #feedUs: number;
  readonly #facts = new Map<string, Fact[]>();

  constructor(market: RecordedMarket, feedUs: number, model: Model, owner: Owner) {
    this.nextRow = market.rows[0]?.row ?? 0;
    this.#owner = owner;
    this.#model = model;
    this.#feedUs = feedUs;
  }

  /** One recorded row happens. */
  happen(row: RecordedRow): void {
    const atUs = row.atUs - this.#feedUs;
    this.nextRow = row.lastRow + 1;
    switch (row.kind) {
      case "delta":
        return this.#change(row, atUs);
      case "trade":
        // Where its book change has been seen, the match has happened with that.
        if (row.pair >= 0 && row.pair < row.row) return;
        this.#fact(row.side, row.price, {
          kind: "told",
          turns: this.#match(row.side, row.price, row.lots, row.row, atUs),
        });
        return this.#endUseless(atUs);
      case "snapshot":
        return this.#snapshot(row, atUs);
      case "gap":
        this.bookKnown = false;
        this.uncertain += this.resting.length;
        return this.#endAll("feed_gap", atUs);
      case "close":
        this.closed = true;
        return this.#endAll("market_closed", atUs);
      default:
        return;
    }
  }

  /** An order arrives: it trades what it can; what is left rests, unless it may not. */
  place(order: OwnOrder, atUs: number): void {
    const meetsOwn = this.#take(order, atUs);
    this.#endUseless(atUs);
    if (remaining(order) === 0) return;
    if (this.#tradable(order, remaining(order)) === 0) {
      return this.#owner.ended(order, "exceeds_position", atUs);
    }
    if (meetsOwn) return this.#owner.ended(order, "self_trade", atUs);
    if (order.request.timeInForce !== "good_till_canceled") {
      return this.#owner.ended(order, "immediate_or_cancel", atUs);
    }
    order.joinedRow = this.nextRow;
    order.joinedAfter = this.#factsAt(order.side, order.price).length;
    this.resting.push(order);
  }

  /** Resting orders whose time has come end, the oldest first. */
  expire(atUs: number): void {
    for (const order of [...this.resting]) {
      if ((order.request.expiresUs ?? Infinity) > atUs) continue;
      this.remove(order);
      this.#owner.ended(order, "expired", atUs);
    }
  }

  remove(order: OwnOrder): void {
    this.resting.splice(this.resting.indexOf(order), 1);
  }

  /** Lots of others that an order at this limit could take at once. */
  depthWithin(side: Side, limit: number): number {
    return this.#pricesWithin(side, limit).reduce(
      (sum, price) => sum + this.#available(opposite(side), price),
      0,
    );
  }

  crosses(side: Side, limit: number): boolean {
    return this.crossesOwn(side, limit) || this.depthWithin(side, limit) > 0;
  }

  /** True where an order of our own stands in the way of one at this limit. */
  crossesOwn(side: Side, limit: number): boolean {
    const own = this.#byPriority(opposite(side))[0];
    return own !== undefined && !isBetter(side, own.price, limit);
  }

  /** Lots of others that are served before a resting order at its price. */
  aheadOf(order: OwnOrder): number {
    if (this.#model === "touch") return 0;
    if (this.#model === "through") return Infinity;
    const facts = this.#factsAt(order.side, order.price);
    let ahead = free(standingAfter(facts.slice(0, order.joinedAfter)));
    for (let count = order.joinedAfter; count < facts.length; count++) {
      const fact = facts[count] as Fact;
      ahead = Math.max(0, ahead - this.#servedBefore(order, fact));
      ahead = Math.min(ahead, free(standingAfter(facts.slice(0, count + 1))));
    }
    return ahead;
  }

  /** Lots ahead of an order that go with a fact. */
  #servedBefore(order: OwnOrder, fact: Fact): number {
    switch (fact.kind) {
      case "matched":
      case "told":
        return fact.turns.get(order) ?? 0;
      case "matchedBefore":
        // Who joined after the trade was told has counted its lots.
        return fact.tradeRow < order.joinedRow ? fact.lots : 0;
      case "cancelled": {
        const isBefore = fact.whose >= 0 && fact.whose < order.joinedRow;
        return isBefore && this.#model === "queue" ? fact.lots : 0;
      }
      case "took":
        return fact.lots;
      default:
        return 0;
    }
  }

  #change(row: RecordedRow, atUs: number): void {
    const { side, price } = row;
    if (row.lots > 0) {
      this.#fact(side, price, { kind: "arrived", lots: row.lots });
      this.#quote(side, price, row.lots, row.row, atUs);
    } else {
      const lots = -row.lots;
      if (row.pair > row.row) {
        const turns = this.#match(side, price, lots, row.pair, atUs);
        this.#fact(side, price, { kind: "matched", lots, turns });
      } else if (row.pair >= 0) {
        this.#fact(side, price, { kind: "matchedBefore", lots, tradeRow: row.pair });
      } else {
        this.#fact(side, price, { kind: "cancelled", lots, whose: row.whose });
      }
    }
    this.#endUseless(atUs);
  }

  #snapshot(row: RecordedRow, atUs: number): void {
    this.bookKnown = true;
    for (const key of this.#facts.keys()) this.#facts.get(key)?.push({ kind: "shown", lots: 0 });
    for (const { side, price, lots } of row.levels) {
      // Replaces the nothing that was just shown, or is the first fact of its price.
      const facts = this.#factsAt(side, price);
      if (facts.length > 0) facts.pop();
      facts.push({ kind: "shown", lots });
    }
    // Whoever is at or through our orders now is as one who arrives.
    const asks = row.levels.filter(({ side }) => side === "ask").sort((a, b) => a.price - b.price);
    const bids = row.levels.filter(({ side }) => side === "bid").sort((a, b) => b.price - a.price);
    for (const { side, price, lots } of [...asks, ...bids]) {
      this.#quote(side, price, lots, row.row, atUs);
      this.#endUseless(atUs);
    }
  }

  /** A taker hits `hit` for `lots` at `price`. */
  #match(hit: Side, price: number, lots: number, tradeRow: number, atUs: number): Turns {
    const turns = new Map<OwnOrder, number>();
    let left = lots;
    for (const order of this.#byPriority(hit)) {
      if (isBetter(hit, price, order.price)) continue;
      const isHere = order.price === price;
      const ahead = isHere ? this.aheadOf(order) : 0;
      if (isHere) turns.set(order, left);
      const given = this.#tradable(order, Math.min(remaining(order), Math.max(0, left - ahead)));
      if (given === 0) continue;
      left -= given;
      const evidence = { kind: "trade", row: tradeRow, price, size: lots, ahead };
      this.#fill(order, order.price, given, "maker", evidence as FillEvidence, atUs);
    }
    return turns;
  }

  /** Lots of `side` show up at `price`: they meet our orders of the other side. */
  #quote(side: Side, price: number, lots: number, row: number, atUs: number): void {
    let left = lots;
    const ours = opposite(side);
    for (const order of this.#byPriority(ours)) {
      if (isBetter(ours, price, order.price)) continue;
      if (order.price === price && this.#model === "through") continue;
      const given = this.#tradable(order, Math.min(remaining(order), left));
      if (given === 0) continue;
      left -= given;
      this.#fact(side, price, { kind: "took", lots: given, nextRow: this.nextRow });
      const evidence = { kind: "quote", row, price, size: lots };
      this.#fill(order, order.price, given, "maker", evidence as FillEvidence, atUs);
    }
  }

  /**
   * An order of ours walks the other side, best price first, as far as its limit and its own kind.
   * True where it ends at an order of our own; a `maker` one ends that order and goes on.
   */
  #take(order: OwnOrder, atUs: number): boolean {
    const other = opposite(order.side);
    for (;;) {
      const own = this.#byPriority(other).find(({ price }) => reaches(order, price));
      const mayStill = this.#takeBefore(own ?? null, order, atUs);
      if (own === undefined || !mayStill) return false;
      if (order.request.selfTradePrevention !== "maker") return true;
      this.remove(own);
      this.#owner.ended(own, "self_trade", atUs);
    }
  }

  /** Takes what stands before `own`, or all within the limit; true where the order may trade on. */
  #takeBefore(own: OwnOrder | null, order: OwnOrder, atUs: number): boolean {
    const other = opposite(order.side);
    for (const price of this.#pricesWithin(order.side, own?.price ?? order.price)) {
      const here = this.#available(other, price);
      const reach = own?.price === price ? Math.min(here, this.aheadOf(own)) : here;
      const given = this.#tradable(order, Math.min(remaining(order), reach));
      if (given === 0) continue;
      this.#fact(other, price, { kind: "took", lots: given, nextRow: this.nextRow });
      const evidence = { kind: "book", row: this.nextRow - 1, price, size: reach };
      this.#fill(order, price, given, "taker", evidence as FillEvidence, atUs);
    }
    return this.#tradable(order, remaining(order)) > 0;
  }

  #fill(
    order: OwnOrder,
    price: number,
    lots: number,
    role: "maker" | "taker",
    evidence: FillEvidence,
    atUs: number,
  ): void {
    order.filled += lots;
    this.#owner.filled(order, price, lots, role, evidence, atUs);
  }

  /** Full orders go; orders that have nothing left to reduce are cancelled, the newest first. */
  #endUseless(atUs: number): void {
    for (const order of [...this.resting].reverse()) {
      if (remaining(order) > 0) {
        if (this.#tradable(order, remaining(order)) > 0) continue;
        this.#owner.ended(order, "exceeds_position", atUs);
      }
      this.remove(order);
    }
  }

  #endAll(reason: string, atUs: number): void {
    for (const order of this.resting) this.#owner.ended(order, reason, atUs);
    this.resting.length = 0;
  }

  #tradable(order: OwnOrder, lots: number): number {
    return order.request.reduceOnly ? Math.min(lots, this.#owner.reducible(order)) : lots;
  }

  /** Own resting orders of a side: the better price first, then who joined it earlier. */
  #byPriority(side: Side): OwnOrder[] {
    const own = this.resting.filter((order) => order.side === side);
    return own.sort((a, b) => (side === "bid" ? b.price - a.price : a.price - b.price));
  }

  /** Prices at which the other side stands and an order at `limit` may trade, best first. */
  #pricesWithin(side: Side, limit: number): number[] {
    const other = opposite(side);
    const prices = [...this.#facts.keys()]
      .filter((key) => key.startsWith(other))
      .map((key) => Number(key.slice(other.length)))
      .filter((price) => standingAfter(this.#factsAt(other, price)).recorded > 0)
      .filter((price) => !isBetter(side, price, limit));
    return prices.sort((a, b) => (side === "bid" ? a - b : b - a));
  }

  #available(side: Side, price: number): number {
    return free(standingAfter(this.#factsAt(side, price)));
  }

  #fact(side: Side, price: number, fact: Fact): void {
    this.#factsAt(side, price).push(fact);
  }

  #factsAt(side: Side, price: number): Fact[] {
    const key = `${side}${price}`;
    const facts = this.#facts.get(key) ?? [];
    this.#facts.set(key, facts);
    return facts;
  }
}

/** What stands at a price, by the rules of "What we took". */
function standingAfter(facts: readonly Fact[]): Standing {
  let { recorded, taken } = NOTHING;
  let left = 0; // of those who stood there when we last took, what still does
  let nextRow = 0; // when we last took
  for (const fact of facts) {
    switch (fact.kind) {
      case "shown":
        recorded = fact.lots;
        taken = 0;
        break;
      case "arrived":
        recorded += fact.lots;
        break;
      case "took":
        taken += fact.lots;
        left = recorded - taken;
        nextRow = fact.nextRow;
        break;
      case "matched":
      case "matchedBefore":
        recorded -= fact.lots;
        left -= fact.lots;
        break;
      case "cancelled":
        recorded -= fact.lots;
        if (fact.whose >= 0 && fact.whose < nextRow) {
          // First of what we left standing, then of what we took.
          const ofLeft = Math.min(fact.lots, left);
          left -= ofLeft;
          taken -= fact.lots - ofLeft;
        }
        break;
      case "told":
        break;
    }
    recorded = Math.max(0, recorded);
    taken = Math.min(Math.max(0, taken), recorded);
    left = Math.min(Math.max(0, left), recorded - taken);
  }
  return { recorded, taken };
}

function free({ recorded, taken }: Standing): number {
  return recorded - taken;
}

export function remaining(order: OwnOrder): number {
  return order.size - order.filled;
}

function reaches(order: OwnOrder, price: number): boolean {
  return !isBetter(order.side, price, order.price);
}

function opposite(side: Side): Side {
  return side === "bid" ? "ask" : "bid";
}

/** True where price `a` is strictly better than `b` for those of `side` who stand there. */
function isBetter(side: Side, a: number, b: number): boolean {
  return side === "bid" ? a > b : a < b;
}
