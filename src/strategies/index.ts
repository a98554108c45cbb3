/**
 * strategies: who decides. The `Trader`, which carries decisions out for anyone who makes them, and
 * the rule-based policies that learned ones are measured against. No market data of its own, no
 * clock, no venue.
 */
export { type ActionPolicy, BASELINES, HOLD, JOIN, RANDOM } from "./baselines.ts";
export { Trader, type TraderObserver, type TraderOptions } from "./trader.ts";
