/**
 * One account of the exchange: cash, positions, open orders, what they lock, and the totals that are
 * told of each market. Money follows the rules of `orders` and `market`; here they are only applied.
 *
 * The crowd's accounts stand for everybody whose orders are recorded or made up: they have cash
 * without end, are never told anything, and nothing of theirs is kept.
 */
import {
  assert,
  type CentiCents,
  type Lots,
  type MicroUsd,
  ONE_DOLLAR_CC,
} from "../../core/index.ts";
import {
  BookSide,
  chargeFee,
  dearestFees,
  feesAt,
  type LiquidityRole,
  type MarketInfo,
  tradeFee,
} from "../../market/index.ts";
import { type Exposure, Ledger } from "../../orders/index.ts";
import type { EngineOrder } from "./engine-order.ts";
import type { OrderGroupState } from "./order-groups.ts";
import { OrderLocks } from "./order-locks.ts";

/** One fill of one order, as it is to be booked. */
export interface BookedFill {
  readonly order: EngineOrder;
  readonly price: CentiCents;
  readonly size: Lots;
  readonly role: LiquidityRole;
  readonly atUs: number;
}

export interface AccountOptions {
  readonly index: number;
  readonly userId: string;
  readonly cash: MicroUsd;
  readonly isCrowd: boolean;
  /** The exchange's markets, which grow while it runs, up to `marketCapacity`. */
  readonly infos: readonly MarketInfo[];
  readonly marketCapacity: number;
}

const NO_ORDERS: ReadonlySet<EngineOrder> = new Set();

export class ExchangeAccount {
  readonly index: number;
  readonly userId: string;
  readonly isCrowd: boolean;
  readonly ledger: Ledger;
  /** Every client's id that was ever used: none becomes free again. */
  readonly clientOrderIds = new Set<string>();
  readonly groups = new Map<string, OrderGroupState>();
  /** Lots bought and sold, money spent on positions, profit of closed ones, fees. [M] */
  readonly volume: Float64Array;
  readonly traded: Float64Array;
  readonly realized: Float64Array;
  readonly fees: Float64Array;
  readonly #infos: readonly MarketInfo[];
  readonly #open = new Map<number, OrderLocks>();
  readonly #locked: Float64Array;
  readonly #stale = new Set<number>();
  #lockedTotal = 0;

  constructor(options: AccountOptions) {
    const { index, userId, cash, isCrowd, infos, marketCapacity } = options;
    this.index = index;
    this.userId = userId;
    this.isCrowd = isCrowd;
    this.ledger = new Ledger(marketCapacity, cash);
    this.volume = new Float64Array(marketCapacity);
    this.traded = new Float64Array(marketCapacity);
    this.realized = new Float64Array(marketCapacity);
    this.fees = new Float64Array(marketCapacity);
    this.#infos = infos;
    this.#locked = new Float64Array(marketCapacity);
  }

  /** Cash that open orders lock. */
  get locked(): MicroUsd {
    for (const market of this.#stale) {
      const locked = this.#locks(market).locked(this.ledger.position(market), null, null);
      this.#lockedTotal += locked - (this.#locked[market] as number);
      this.#locked[market] = locked;
    }
    this.#stale.clear();
    return this.#lockedTotal as MicroUsd;
  }

  /** Cash that new orders may use. */
  get available(): MicroUsd {
    return (this.ledger.cash - this.locked) as MicroUsd;
  }

  openIn(market: number): ReadonlySet<EngineOrder> {
    return this.#open.get(market)?.orders ?? NO_ORDERS;
  }

  /** All open orders, by market and then by age. */
  *openOrders(): Generator<EngineOrder> {
    for (const { orders } of this.#open.values()) yield* orders;
  }

  opened(order: EngineOrder): void {
    if (this.isCrowd) return;
    this.#locks(order.market).put(order);
    this.#stale.add(order.market);
  }

  ended(order: EngineOrder): void {
    if (this.isCrowd) return;
    this.#open.get(order.market)?.remove(order);
    this.#stale.add(order.market);
  }

  /** Told whenever an open order's price or size changes. */
  changed(order: EngineOrder): void {
    this.opened(order);
  }

  /** Lots of the position that an order of `side` closes. */
  reducible(market: number, side: BookSide): Lots {
    const position = this.ledger.position(market);
    return Math.max(0, side === BookSide.bid ? -position : position) as Lots;
  }

  /** True where cash covers all open orders, with `added` in place of `replaced`. */
  isFunded(market: number, replaced: EngineOrder | null, added: Exposure): boolean {
    if (this.isCrowd) return true;
    const others = this.locked - (this.#locked[market] as number);
    const position = this.ledger.position(market);
    return others + this.#locks(market).locked(position, replaced, added) <= this.ledger.cash;
  }

  /** Books a fill at the fees in force; returns the net fee. */
  book({ order, price, size, role, atUs }: BookedFill): MicroUsd {
    const { market, side } = order;
    const { ledger } = this;
    const info = this.#infos[market];
    assert(info !== undefined, "a fill is in a market of the exchange");
    const trade = this.isCrowd ? (0 as MicroUsd) : tradeFee(feesAt(info, atUs), role, price, size);
    const cash = ledger.cash;
    const realized = ledger.realized;
    const opened = size - Math.min(size, this.reducible(market, side));
    // The fee's rounding depends on the cash that the fill moves, so the fill is booked free first.
    ledger.fill(market, side, price, size, 0 as MicroUsd);
    if (this.isCrowd) return trade;
    const revenue = (ledger.cash - cash) as MicroUsd;
    const { fee, carry } = chargeFee({ trade, revenue, carry: order.feeCarry });
    ledger.chargeFee(fee);
    order.feeCarry = carry;
    add(this.volume, market, size);
    add(this.traded, market, opened * (side === BookSide.bid ? price : ONE_DOLLAR_CC - price));
    add(this.realized, market, ledger.realized - realized);
    add(this.fees, market, fee);
    this.changed(order);
    return fee;
  }

  /** Pays a settled market out, whose orders have ended; returns what rounding to cents took. */
  settle(market: number, value: CentiCents): MicroUsd {
    const realized = this.ledger.realized;
    const lost = this.ledger.settle(market, value);
    add(this.realized, market, this.ledger.realized - realized);
    return lost;
  }

  #locks(market: number): OrderLocks {
    let locks = this.#open.get(market);
    if (locks === undefined) {
      const info = this.#infos[market];
      assert(info !== undefined, "an order is in a market of the exchange");
      this.#open.set(market, (locks = new OrderLocks(dearestFees(info))));
    }
    return locks;
  }
}

function add(column: Float64Array, index: number, amount: number): void {
  column[index] = (column[index] as number) + amount;
}
