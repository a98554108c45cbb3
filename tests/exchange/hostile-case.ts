/**
 * Messages of somebody who means no good, from a seed: requests and commands that are right, nearly
 * right, or anything at all.
 */
import type { Prng } from "../../src/core/index.ts";
import { TICKER } from "./exchange-case.ts";

export interface HostileRequest {
  readonly method: string;
  /** From the root, with its query. */
  readonly path: string;
  readonly body: string;
}

const PIECES = [
  ...'{}[],:"\\0-.e\u0000\u2028\ufeff',
  ...["null", "true", "-1", "1e309", "9007199254740993", '"__proto__"', "\\ud800", "[[[[", "NaN"],
  ...["9".repeat(40), '{"constructor":{"prototype":{}}}', `"${"x".repeat(300)}"`, "💥", "1.001"],
];
const COUNTS = ["0.01", "1.00", "5", "3.50", "0", "-1.00", "1e3", "90000000000000.00", "0.001", ""];
const PRICES = [
  "0.4500",
  "0.4600",
  "0.0100",
  "0.99",
  "0",
  "1.0000",
  "0.455",
  "0.12345",
  "-0.5",
  "NaN",
];
const CHANNELS = ["orderbook_delta", "trade", "ticker", "fill", "user_orders", "market_positions"];
const ODD_CHANNELS = [
  "market_lifecycle_v2",
  "order_group_updates",
  "communications",
  "",
  "toString",
];
const ORDERS = "/trade-api/v2/portfolio/events/orders";
const GROUPS = "/trade-api/v2/portfolio/order_groups";
const READINGS = [
  ...["/portfolio/orders", "/portfolio/fills", "/portfolio/positions", "/portfolio/settlements"],
  ...["/portfolio/balance", "/markets", "/markets/trades", "/events", "/series", "/account/limits"],
  ...[`/markets/${TICKER}`, `/markets/${TICKER}/orderbook`, "/markets/orderbooks", "/nowhere"],
  ...["/portfolio/orders/queue_positions", "/portfolio/order_groups", "/exchange/schedule"],
];
const QUERIES = [
  ...["limit=1000", "limit=0", "limit=-1", "limit=1e3", "cursor=garbage", "cursor=YXQ6OTk5OTk5OTk"],
  ...[
    "status=resting",
    "status=open",
    "status=%00",
    "min_ts=9999999999999",
    "max_ts=-1",
    "depth=101",
  ],
  ...[
    `ticker=${TICKER}`,
    "tickers=" + "A,".repeat(200),
    "event_ticker=%F0%9F%92%A5",
    "a=b&a=c&&=&?",
    "%",
  ],
  `market_tickers=${TICKER}`,
];

export class Attacker {
  readonly #prng: Prng;
  /** Ids of orders and groups that were told of. */
  readonly orders: string[] = [];
  readonly groups: string[] = [];
  #count = 0;

  constructor(prng: Prng) {
    this.#prng = prng;
  }

  request(): HostileRequest {
    const made = this.#request();
    return this.#chance(4) ? { ...made, body: this.#mutated(made.body) } : made;
  }

  command(): string {
    const { text } = { text: JSON.stringify(this.#command()) };
    return this.#chance(3) ? this.#mutated(text) : text;
  }

  #request(): HostileRequest {
    const id = encodeURIComponent(this.#id(this.orders));
    const group = encodeURIComponent(this.#id(this.groups));
    const write = (method: string, path: string, body: unknown): HostileRequest => ({
      method,
      path,
      body: JSON.stringify(body),
    });
    switch (this.#prng.integer(16)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return write("POST", ORDERS, this.#ticket());
      case 4:
        return write("POST", `${ORDERS}/batched`, { orders: this.#some(() => this.#ticket()) });
      case 5:
        return write("DELETE", `${ORDERS}/batched`, {
          orders: this.#some(() => ({ order_id: this.#id(this.orders) })),
        });
      case 6:
        return write("POST", `${ORDERS}/${id}/amend`, this.#ticket());
      case 7:
        return write("POST", `${ORDERS}/${id}/decrease`, {
          [this.#one(["reduce_by", "reduce_to", "both"])]: this.#one(COUNTS),
        });
      case 8:
        return { method: "DELETE", path: `${ORDERS}/${id}`, body: "" };
      case 9:
        return write("POST", `${GROUPS}/create`, {
          [this.#one(["contracts_limit", "contracts_limit_fp"])]: this.#one<unknown>([
            1,
            5,
            ...COUNTS,
          ]),
        });
      case 10: {
        const action = this.#one(["reset", "trigger", "limit"]);
        return write("PUT", `${GROUPS}/${group}/${action}`, {
          contracts_limit: this.#prng.integer(9),
        });
      }
      case 11:
        // Somebody else's orders, so that something trades.
        return write("POST", `/control/markets/${TICKER}/crowd`, {
          side: this.#one(["bid", "ask"]),
          price: this.#one(PRICES),
          count: this.#one(COUNTS),
          takes: this.#chance(2),
        });
      case 12:
        return this.#chance(100)
          ? { method: "DELETE", path: ORDERS, body: "" }
          : write("POST", ORDERS, this.#ticket());
      default: {
        const query = this.#some(() => this.#one(QUERIES)).join("&");
        const path = `/trade-api/v2${this.#one(READINGS)}?${query}`;
        return { method: this.#one(["GET", "GET", "GET", "PUT", "PATCH"]), path, body: "" };
      }
    }
  }

  #ticket(): object {
    this.#count += 1;
    const more: Record<string, unknown> = {
      client_order_id: this.#one([`h-${this.#count}`, "again", "", "💥".repeat(50)]),
      expiration_time: this.#one<unknown>([
        1,
        4_000_000_000,
        -1,
        "soon",
        1.5,
        9_007_199_254_740_992,
      ]),
      post_only: this.#one<unknown>([true, false, "yes"]),
      reduce_only: true,
      subaccount: this.#one<unknown>([0, 1, -1]),
      exchange_index: this.#one<unknown>([-1, 0, 2]),
      order_group_id: this.#id(this.groups),
      cancel_order_on_pause: true,
      nested: { a: [[[{}]]] },
    };
    const chosen = Object.entries(more).filter(([name]) =>
      this.#chance(name === "client_order_id" ? 2 : 12),
    );
    return {
      ticker: this.#chance(10) ? this.#one(["", "KXNONE", "__proto__"]) : TICKER,
      side: this.#one(["bid", "ask"]),
      price: this.#chance(3) ? this.#one(PRICES) : `0.4${this.#prng.integer(10)}00`,
      count: this.#chance(3) ? this.#one(COUNTS) : `${1 + this.#prng.integer(9)}.00`,
      time_in_force: this.#one([
        ...["good_till_canceled", "good_till_canceled", "immediate_or_cancel", "fill_or_kill"],
      ]),
      self_trade_prevention_type: this.#one(["taker_at_cross", "maker"]),
      ...Object.fromEntries(chosen),
    };
  }

  #command(): object {
    const id = this.#one<unknown>([1, 2, 0, -1, "x", 1e20]);
    const tickers = this.#some(() => this.#one([TICKER, TICKER, "KXNONE", ""]));
    switch (this.#prng.integer(5)) {
      case 0: {
        const channels = this.#some(() => this.#one(this.#chance(4) ? ODD_CHANNELS : CHANNELS));
        const params = { channels, market_tickers: tickers, use_yes_price: this.#chance(2) };
        return { id, cmd: "subscribe", params };
      }
      case 1:
        return {
          id,
          cmd: "unsubscribe",
          params: { sids: this.#some(() => this.#prng.integer(30)) },
        };
      case 2: {
        const action = this.#one(["add_markets", "delete_markets", "get_snapshot", "dance"]);
        const params = { sid: this.#prng.integer(30), action, market_tickers: tickers };
        return { id, cmd: "update_subscription", params };
      }
      case 3:
        return { id, cmd: "list_subscriptions" };
      default:
        return { id, cmd: this.#one(["", "shutdown", "subscribe"]), params: null };
    }
  }

  #mutated(text: string): string {
    let result = text;
    for (let times = 1 + this.#prng.integer(3); times > 0; times--) {
      const at = this.#prng.integer(result.length + 1);
      const end = at + this.#prng.integer(6);
      result = result.slice(0, at) + (this.#chance(3) ? "" : this.#one(PIECES)) + result.slice(end);
    }
    return result;
  }

  #id(known: readonly string[]): string {
    return known.length > 0 && !this.#chance(8)
      ? (known[Math.max(0, known.length - 1 - this.#prng.integer(40))] ?? "")
      : this.#one(["none", "../../x", "\u0000", "a".repeat(2_000)]);
  }

  #one<T>(list: readonly T[]): T {
    return list[this.#prng.integer(list.length)] as T;
  }

  #some<T>(make: () => T): T[] {
    return Array.from({ length: this.#prng.integer(5) }, make);
  }

  /** True once in `times`. */
  #chance(times: number): boolean {
    return this.#prng.integer(times) === 0;
  }
}
