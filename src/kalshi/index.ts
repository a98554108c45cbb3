/**
 * kalshi: the venue's language and the way to it. Which hosts are allowed, keys and signatures, the
 * wire forms of REST and WebSocket, a REST client and a WebSocket feed, and on top of both the venue
 * behind the `OrderManager` port. Wire strings become integers here, once. It reads no clock and draws
 * no randomness of its own: time comes from a `Scheduler`, jitter from a `Prng`. It keeps no accounts.
 * It also records what the feed tells.
 */
export type { HttpOutcome, HttpRequest, Network, Socket, SocketEvents } from "./network.ts";
export { NodeNetwork } from "./node-network.ts";
export { type Answer, sentenceOf, valueOf } from "./rest/answer.ts";
export { type Call, calls, type PageQuery, type Query } from "./rest/calls.ts";
export {
  AccountReader,
  type AccountReaderOptions,
  type AccountTruth,
  type ReadingTerms,
} from "./orders/account-reader.ts";
export {
  KalshiOrderManager,
  type KalshiOrderManagerOptions,
  type OrderManagerHealth,
} from "./orders/kalshi-order-manager.ts";
export type { OrderNote, WriteKind } from "./orders/order-notes.ts";
export { type RecoverySettings } from "./orders/order-recovery.ts";
export { type EntryOutcome, OrderEntry, type OrderEntrySettings } from "./rest/order-entry.ts";
export {
  RestClient,
  type RestClientOptions,
  type RestHealth,
  type RestSettings,
} from "./rest/rest-client.ts";
export { TokenBucket } from "./rest/token-bucket.ts";
export { type Channel, type DataPayload, type FeedEvent, type GapCause } from "./feed/channels.ts";
export {
  FeedClient,
  type FeedClientOptions,
  type FeedHealth,
  type FeedSettings,
} from "./feed/feed-client.ts";
export type { QueueHealth } from "./feed/feed-queue.ts";
export type { ChannelHealth } from "./feed/session-host.ts";
export {
  KEY_VARIABLES,
  type KeyKind,
  type KeySource,
  keySourceFrom,
  loadSigningKey,
  type SigningKey,
} from "./signing-key.ts";
export { AUTH_HEADERS, isSignatureOf, signedHeaders, textToSign } from "./signing.ts";
export { type MarketList, readMarketList } from "./recorder/market-list.ts";
export { Recorder, type RecorderHealth, type RecorderOptions } from "./recorder/recorder.ts";
export { SessionFamily } from "./recorder/session-family.ts";
export type { RecordedSession } from "./recorder/session-spool.ts";
export { DEMO_ADDRESSES, openVenue, type Venue, type VenueAddresses } from "./venue.ts";
export { bodies, readBody, writeBody } from "./wire/bodies.ts";
export type {
  AccountLimits,
  BucketLimit,
  EndpointCost,
  EndpointCosts,
  ExchangeStatus,
  ShardStatus,
  ShardTransfer,
} from "./wire/account.ts";
export type { Codec, Page } from "./wire/codec.ts";
export {
  type Fault,
  RATE_FAULT,
  readFault,
  TOO_MANY_REQUESTS,
  writeFlatFault,
  writeNestedFault,
  writeQueryFault,
} from "./wire/faults.ts";
export {
  type FeedCommand,
  FeedFaultCode,
  feedFaultOf,
  readCommand,
  type RefusedCommand,
  type UpdateAction,
  writeCommand,
} from "./wire/feed-commands.ts";
export type {
  CreatedMarket,
  EventFeeUpdate,
  EventLifecycle,
  LifecycleMessage,
} from "./wire/feed-lifecycle.ts";
export {
  type BookDelta,
  type BookSnapshot,
  type Envelope,
  type FeedFault,
  type FeedPayload,
  readEnvelope,
  readPayload,
  type Subscribed,
  writeMessage,
} from "./wire/feed-messages.ts";
export type {
  FillMessage,
  GroupMessage,
  OrderMessage,
  PositionMessage,
  TickerMessage,
} from "./wire/feed-records.ts";
export type {
  BookLevel,
  SeriesFeeChange,
  TickerBook,
  VenueBook,
  VenueEvent,
  VenueMarket,
  VenueSeries,
  VenueTrade,
} from "./wire/markets.ts";
export type {
  BatchCreated,
  CancelTicket,
  OrderAmended,
  OrderAmendment,
  OrderCancelled,
  OrderCreated,
  OrderDecrease,
  OrderDecreased,
  OrderTicket,
  QueuePosition,
  VenueOrder,
  VenueOrderStatus,
} from "./wire/orders.ts";
export { USUAL_TERMS } from "./wire/orders.ts";
export type {
  Balance,
  EventPosition,
  OrderGroup,
  OrderGroupCreated,
  OrderGroupDetails,
  OrderGroupTicket,
  PositionPage,
  ShardBalance,
  VenueFill,
  VenuePosition,
  VenueSettlement,
} from "./wire/portfolio.ts";
