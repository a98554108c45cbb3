/** What a session keeps to, whom it speaks to, and how it says that its channels are. */
import type { Channel, FeedEvent } from "./channels.ts";
import type { Wanted } from "./subscription.ts";

export interface SessionSettings {
  /** A command that is not answered within this time ends the connection. */
  readonly answerUs: number;
  /** A snapshot that has not come within this time is asked for again. */
  readonly snapshotUs: number;
  /** Without a sign of life for this long, a ping is sent ... */
  readonly pingAfterUs: number;
  /** ... and after this long the connection is held to be dead. */
  readonly deadAfterUs: number;
  /** A subscription that is silent for this long is asked whether it is still there. */
  readonly quietUs: number;
  /** Wait before a subscription that the venue has ended is asked for again. */
  readonly againUs: number;
}

export const SESSION_SETTINGS: SessionSettings = {
  answerUs: 10_000_000,
  snapshotUs: 5_000_000,
  pingAfterUs: 10_000_000,
  deadAfterUs: 30_000_000,
  quietUs: 30_000_000,
  againUs: 2_000_000,
};

export interface SessionHost {
  send(frame: string): void;
  ping(): void;
  tell(event: FeedEvent): void;
  /** The connection is of no use any more. */
  reconnect(reason: string): void;
  /** A channel has become whole: subscribed, on this connection. */
  covered(channel: Channel): void;
  readonly wanted: ReadonlyMap<Channel, Wanted>;
}

export interface ChannelHealth {
  readonly channel: Channel;
  readonly isSubscribed: boolean;
  /** 0 where it is about all markets, or about none in particular. */
  readonly markets: number;
  readonly lastMessageUs: number;
}
