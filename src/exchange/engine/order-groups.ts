/**
 * Order groups: a brake on how much a group's orders may trade. Lots that they match count for 15
 * seconds; where the sum comes to the limit, the group is triggered: its orders are cancelled and
 * new ones refused until it is reset. The venue's page says "exceeds the limit" and its API "the limit
 * is hit"; here reaching it triggers, for the limit is called the most that can be matched.
 * Source: docs.kalshi.com, page "order groups".
 */
import { assert, type Lots, US_PER_SECOND } from "../../core/index.ts";
import type { EngineOrder } from "./engine-order.ts";

const WINDOW_US = 15 * US_PER_SECOND;
/** Contracts. */
export const GROUP_LIMIT_MAX = 1_000_000;
export const GROUP_COUNT_MAX = 100_000;

export class OrderGroupState {
  readonly orderGroupId: string;
  /** Index of the account that it is of. */
  readonly account: number;
  limit: Lots;
  isTriggered = false;
  /** Open orders of the group. */
  readonly orders = new Set<EngineOrder>();
  /** Matched lots of the last 15 seconds, oldest first. */
  #matches: { readonly atUs: number; readonly size: number }[] = [];
  #sum = 0;

  constructor(orderGroupId: string, account: number, limit: Lots) {
    this.orderGroupId = orderGroupId;
    this.account = account;
    this.limit = limit;
  }

  /** Counts a match; true where it brings the group to its limit. */
  matched(size: Lots, atUs: number): boolean {
    assert(size > 0, "a match has a size");
    this.#matches.push({ atUs, size });
    this.#sum += size;
    return !this.isTriggered && this.volume(atUs) >= this.limit;
  }

  /** Lots matched in the 15 seconds before `atUs`. */
  volume(atUs: number): number {
    let stale = 0;
    for (const match of this.#matches) {
      if (match.atUs > atUs - WINDOW_US) break;
      this.#sum -= match.size;
      stale += 1;
    }
    if (stale > 0) this.#matches = this.#matches.slice(stale);
    return this.#sum;
  }

  reset(): void {
    this.isTriggered = false;
    this.#matches = [];
    this.#sum = 0;
  }
}
