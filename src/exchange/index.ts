/**
 * exchange: a local exchange that speaks Kalshi's protocol. A matching engine, the feed and the
 * accounts' views of it, a server on loopback, liquidity from recordings or made up, and faults on
 * demand. Engine, feed and faults read no clock: time and randomness are passed in, so that a whole
 * exchange also runs inside a test. It never reaches beyond this machine.
 */
export { type CrowdTerms, type EngineOptions, MatchingEngine } from "./engine/matching-engine.ts";
export type { Cause, EngineEvent, UpdateReason } from "./engine/engine-events.ts";
export type { EngineMarket, MarketPhase, MarketSpec, Outcome } from "./engine/engine-market.ts";
export type { ExchangeAccount } from "./engine/exchange-account.ts";
export { nextId } from "./engine/ids.ts";
export type { Done } from "./engine/order-desk.ts";
export type { Refusal, RefusalCode } from "./engine/refusal.ts";
export { Feed } from "./feed/feed.ts";
export type { FeedConnection, FeedSource, SendFrame } from "./feed/feed-connection.ts";
export type { Channel } from "./feed/subscriptions.ts";
export {
  type FeedClient,
  type FeedLine,
  type Handling,
  LocalExchange,
  type LocalExchangeOptions,
  type MemberOptions,
  type Player,
  type Write,
} from "./local-exchange.ts";
export { FAULT_KINDS, type FaultKind, FaultPlan, type FaultRule } from "./faults/fault-plan.ts";
export { readFaultRules, readFaultWord } from "./faults/fault-script.ts";
export { BASIC_LIMITS, limitsOf, type Tier, TIER_NAMES } from "./rest/access.ts";
export type { ExchangeAnswer, ExchangeRequest } from "./rest/request.ts";
export { PREFIX, WS_PATH } from "./rest/route.ts";
export { ExchangeDriver } from "./server/exchange-driver.ts";
export {
  type ExchangeServer,
  serveExchange,
  type ServerOptions,
} from "./server/exchange-server.ts";
export {
  type NetworkDelays,
  SimulatedNetwork,
  type SimulatedNetworkOptions,
} from "./server/simulated-network.ts";
export { MadeUpCrowd, type MadeUpCrowdOptions } from "./liquidity/made-up-crowd.ts";
export { RecordedCrowd, type RecordedCrowdOptions } from "./liquidity/recorded-crowd.ts";
