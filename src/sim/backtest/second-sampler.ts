/** Looks at an account at every whole second: value, stake, time in position, drawdown. */
import { type CentiCents, ONE_DOLLAR_CC, US_PER_SECOND } from "../../core/index.ts";
import type { Account } from "../../orders/index.ts";
import type { EventView, MarketFeed } from "../../strategies/index.ts";
import type { EquityRow, SecondSums } from "./results.ts";

const US_PER_MINUTE = 60 * US_PER_SECOND;

export class SecondSampler {
  readonly equity: EquityRow[] = [];
  readonly #account: Account;
  readonly #feeds: readonly MarketFeed[];
  readonly #events: readonly EventView[];
  readonly #eventStakeMax: Float64Array;
  #seconds = 0;
  #inPosition = 0;
  #marketSeconds = 0;
  #marketInPosition = 0;
  #stake = 0;
  #stakeMax = 0;
  #low = 0;
  #high = 0;
  #drawdown = 0;

  constructor(account: Account, feeds: readonly MarketFeed[], events: readonly EventView[]) {
    this.#account = account;
    this.#feeds = feeds;
    this.#events = events;
    this.#eventStakeMax = new Float64Array(events.length);
  }

  /** Takes note of the account at `atUs`, a whole second, while `openCount` markets are open. */
  sample(atUs: number, openCount: number): void {
    const { ledger } = this.#account;
    const { positions, costs } = ledger;
    let held = 0;
    let stake = 0;
    let value: number = ledger.cash;
    for (let market = 0; market < positions.length; market++) {
      const position = positions[market] as number;
      if (position === 0) continue;
      const { mark, isKnown, isClosed } = this.#feeds[market] as MarketFeed;
      if (isKnown && !isClosed) held += 1;
      stake += costs[market] as number;
      value += valueAt(position, mark);
    }
    this.#seconds += 1;
    if (stake > 0) this.#inPosition += 1;
    this.#marketSeconds += openCount;
    this.#marketInPosition += held;
    this.#sumStake(stake);
    this.#follow(value - ledger.startingCash);
    if (atUs % US_PER_MINUTE === 0) this.#note(atUs, value, stake);
  }

  /** The account at the end of the run, once what is left has been valued at `value`. */
  finish(atUs: number, value: number): void {
    this.#follow(value - this.#account.ledger.startingCash);
    this.#note(atUs, value, 0);
  }

  get sums(): SecondSums {
    const maxima = this.#events.map(
      ({ info }, index) => [info.eventTicker, this.#eventStakeMax[index] as number] as const,
    );
    return {
      seconds: this.#seconds,
      inPosition: this.#inPosition,
      marketSeconds: this.#marketSeconds,
      marketInPosition: this.#marketInPosition,
      stake: this.#stake,
      stakeMax: this.#stakeMax,
      eventStakeMax: Object.fromEntries(maxima),
      low: this.#low,
      high: this.#high,
      drawdown: this.#drawdown,
    };
  }

  #sumStake(stake: number): void {
    this.#stake += stake;
    if (stake > this.#stakeMax) this.#stakeMax = stake;
    if (stake === 0) return;
    for (let event = 0; event < this.#events.length; event++) {
      const own = (this.#events[event] as EventView).stake;
      if (own > (this.#eventStakeMax[event] as number)) this.#eventStakeMax[event] = own;
    }
  }

  #follow(gain: number): void {
    if (gain > this.#high) this.#high = gain;
    if (gain < this.#low) this.#low = gain;
    const fall = this.#high - gain;
    if (fall > this.#drawdown) this.#drawdown = fall;
  }

  #note(atUs: number, value: number, stake: number): void {
    const { openCount, ledger } = this.#account;
    if (this.equity.at(-1)?.atUs === atUs) this.equity.pop();
    this.equity.push({ atUs, value, cash: ledger.cash, stake, openOrders: openCount });
  }
}

/** What a signed position is worth with YES at `price`. */
export function valueAt(position: number, price: CentiCents): number {
  return position > 0 ? position * price : -position * (ONE_DOLLAR_CC - price);
}
