/**
 * The subscriptions of one connection: each channel has at most one, under a number `sid` that counts
 * from 1, and each counts its own messages by `seq`, dense from 1 on.
 *
 * What the venue's description leaves open is answered so: a second subscribe to a channel merges its
 * markets and is answered by `ok`; an unknown market is "Invalid parameter" and names the market;
 * answers to commands are counted in every channel, data only in those that the venue counts.
 */

/** The channels that there are. The second is true where data messages carry a number. */
export const CHANNELS = {
  orderbook_delta: true,
  trade: true,
  market_lifecycle_v2: true,
  order_group_updates: true,
  ticker: false,
  fill: false,
  user_orders: false,
  market_positions: false,
} as const;

export type Channel = keyof typeof CHANNELS;

export function isChannel(name: string): name is Channel {
  return Object.hasOwn(CHANNELS, name);
}

/** Channels that a list of markets does not narrow. */
export function isUnfiltered(channel: Channel): boolean {
  return channel === "market_lifecycle_v2" || channel === "order_group_updates";
}

export class Subscription {
  readonly channel: Channel;
  readonly sid: number;
  readonly useYesPrice: boolean;
  /** Indices of its markets; null for all. */
  markets: Set<number> | null;
  #seq = 0;

  constructor(channel: Channel, sid: number, markets: Set<number> | null, useYesPrice: boolean) {
    this.channel = channel;
    this.sid = sid;
    this.markets = markets;
    this.useYesPrice = useYesPrice;
  }

  has(market: number): boolean {
    return this.markets === null || this.markets.has(market);
  }

  /** The head of an answer: always counted. */
  answerHead(): { sid: number; seq: number } {
    this.#seq += 1;
    return { sid: this.sid, seq: this.#seq };
  }

  /** The head of a data message: counted where the channel counts. */
  dataHead(): { sid: number; seq?: number } {
    return CHANNELS[this.channel] ? this.answerHead() : { sid: this.sid };
  }
}

/** Adds markets to a subscription; returns those that are new in it. A list narrows "all". */
export function addMarkets(subscription: Subscription, markets: readonly number[]): number[] {
  const { markets: held } = subscription;
  if (held === null) return [];
  const fresh = markets.filter((market) => !held.has(market));
  for (const market of fresh) held.add(market);
  return fresh;
}
