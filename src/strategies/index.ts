/**
 * strategies: who decides. The `Strategy` interface with its view of markets and account and the
 * desk that intents go to, the `Trader` that carries decisions out, rule-based strategies, and the
 * baselines that learned policies are measured against. No recorded data, no clock, no venue.
 */
export { type ActionPolicy, BASELINES, HOLD, JOIN, RANDOM } from "./baselines.ts";
export { Trader, type TraderObserver, type TraderOptions, type TraderState } from "./trader.ts";
export type {
  Desk,
  EventView,
  IntentRefusal,
  LevelView,
  MarketFacts,
  MarketView,
  NewOrder,
  Strategy,
  StrategyContext,
  TradeView,
  View,
} from "./strategy.ts";
export {
  defineStrategy,
  type OptionSpec,
  type OptionSpecs,
  type OptionValues,
  type StrategyDefinition,
  type StrategyParts,
} from "./strategy-options.ts";
export { type MarkListener, MarketFeed } from "./market-feed.ts";
export { factsOf, ViewOfAccount } from "./account-view.ts";
export { type IntentFault, OrderDesk } from "./order-desk.ts";
export { policyStrategy } from "./rules/policy.ts";
export { STRATEGIES } from "./catalogue.ts";
