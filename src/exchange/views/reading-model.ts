/**
 * What can be read at the exchange: accounts and public trades, as complete as the reading side is at a
 * moment. Events wait until they are `lagUs` old; then they are folded, and stay so when the lag grows.
 * What is there at the start can be read from the start on: nobody saw the exchange before it.
 */
import type { TimestampUs } from "../../core/index.ts";
import type { VenueTrade } from "../../kalshi/index.ts";
import type { EngineEvent } from "../engine/engine-events.ts";
import { AccountView } from "./account-view.ts";
import { AppendList } from "./append-list.ts";

const TRADES_MAX = 200_000;

interface Waiting {
  readonly atUs: number;
  readonly event: EngineEvent;
}

export class ReadingModel {
  readonly trades = new AppendList<VenueTrade>(TRADES_MAX);
  readonly #accounts = new Map<number, AccountView>();
  #waiting: Waiting[] = [];
  readonly #startUs: number;
  #asOfUs: number;

  constructor(startUs: TimestampUs) {
    this.#startUs = startUs;
    this.#asOfUs = startUs;
  }

  /** The moment up to which answers are complete. */
  get asOfUs(): TimestampUs {
    return this.#asOfUs as TimestampUs;
  }

  account(index: number): AccountView {
    let view = this.#accounts.get(index);
    if (view === undefined) this.#accounts.set(index, (view = new AccountView()));
    return view;
  }

  push(events: readonly EngineEvent[], atUs: TimestampUs): void {
    for (const event of events) {
      if (event.kind === "trade") this.trades.push(event.trade);
      else if ("account" in event) this.#waiting.push({ atUs, event });
    }
  }

  /** Folds what is at least `lagUs` old at `nowUs`, or as old as the exchange. */
  catchUp(nowUs: TimestampUs, lagUs: number): void {
    const untilUs = Math.max(nowUs - lagUs, this.#startUs);
    let ready = 0;
    for (const { atUs, event } of this.#waiting) {
      if (atUs > untilUs) break;
      ready += 1;
      if ("account" in event) this.account(event.account).apply(event);
    }
    if (ready > 0) this.#waiting = this.#waiting.slice(ready);
    this.#asOfUs = Math.max(this.#asOfUs, untilUs);
  }
}
