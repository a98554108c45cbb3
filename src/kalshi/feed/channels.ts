/**
 * The channels that are spoken, and what a reader hears of them.
 * Source: AsyncAPI "Kalshi Market Data WebSocket API" 2.0.0, of about 2026-10.
 */
import type { FeedFault, FeedPayload } from "../wire/feed-messages.ts";

export type Channel =
  | "orderbook_delta"
  | "ticker"
  | "trade"
  | "fill"
  | "user_orders"
  | "market_positions"
  | "market_lifecycle_v2"
  | "order_group_updates";

interface ChannelFacts {
  /** Types of the messages that it carries. */
  readonly types: readonly string[];
  /** Whether it is about markets that one names ("must"), may name, or not. */
  readonly tickers: "must" | "may" | "none";
  /** Of our own account: few messages, each of which counts. */
  readonly isPrivate: boolean;
}

export const CHANNELS: Readonly<Record<Channel, ChannelFacts>> = {
  orderbook_delta: {
    types: ["orderbook_snapshot", "orderbook_delta"],
    tickers: "must",
    isPrivate: false,
  },
  ticker: { types: ["ticker"], tickers: "may", isPrivate: false },
  trade: { types: ["trade"], tickers: "may", isPrivate: false },
  fill: { types: ["fill"], tickers: "may", isPrivate: true },
  user_orders: { types: ["user_order"], tickers: "may", isPrivate: true },
  market_positions: { types: ["market_position"], tickers: "may", isPrivate: true },
  market_lifecycle_v2: {
    types: ["market_lifecycle_v2", "event_lifecycle", "event_fee_update"],
    tickers: "none",
    isPrivate: true,
  },
  order_group_updates: { types: ["order_group_updates"], tickers: "none", isPrivate: true },
};

const CHANNEL_OF_TYPE: ReadonlyMap<string, Channel> = new Map(
  (Object.keys(CHANNELS) as Channel[]).flatMap((channel) =>
    CHANNELS[channel].types.map((type) => [type, channel] as const),
  ),
);

/** The channel that carries messages of a type; null for replies and unknown types. */
export function channelOfType(type: string): Channel | null {
  return CHANNEL_OF_TYPE.get(type) ?? null;
}

/** Messages that carry something, as opposed to replies to commands. */
export type DataPayload = Exclude<
  FeedPayload,
  { kind: "subscribed" | "updated" | "subscriptions" | "unsubscribed" | "fault" | "other" }
>;

/**
 * Why messages are missing. `sequence`: their numbers were left out. `contradiction`: a level of a
 * book would have had less than nothing. `disconnected`: there was no connection. `overflow`: the
 * reader was too slow, and they were thrown away. `unreadable`: they came and could not be read.
 * `stale`: the venue no longer speaks for the subscription, or a quiet book was found to have changed.
 * `ended`: the venue ended the subscription.
 */
export type GapCause =
  "sequence" | "contradiction" | "disconnected" | "overflow" | "unreadable" | "stale" | "ended";

/** What a reader hears, in the order in which it came. */
export type FeedEvent =
  | { readonly kind: "connected"; readonly atUs: number }
  | { readonly kind: "disconnected"; readonly atUs: number; readonly reason: string }
  | {
      readonly kind: "message";
      readonly channel: Channel;
      readonly payload: DataPayload;
      readonly receivedUs: number;
    }
  /**
   * Messages are missing. A book is unknown from here to its next snapshot, and its deltas are not
   * told until then. On private channels the account is to be read by REST.
   */
  | {
      readonly kind: "gap";
      readonly channel: Channel;
      readonly cause: GapCause;
      /** The markets concerned, or null for all of the channel. */
      readonly tickers: readonly string[] | null;
      /** The last moment at which nothing was missing, as far as is known. */
      readonly fromUs: number;
      readonly atUs: number;
      /** Number of missing messages, where it is known. */
      readonly missing: number | null;
    }
  /** After a gap of a while: the channel is whole again. Books wait for their snapshots all the same. */
  | {
      readonly kind: "resumed";
      readonly channel: Channel;
      readonly atUs: number;
      /** Messages that were thrown away meanwhile. */
      readonly discarded: number;
    }
  /** The venue will not give what was asked for. */
  | {
      readonly kind: "refused";
      readonly channel: Channel | null;
      readonly tickers: readonly string[];
      readonly fault: FeedFault;
      readonly atUs: number;
    }
  /** A frame of which not even the kind could be read. */
  | { readonly kind: "unreadable"; readonly reason: string; readonly atUs: number };
