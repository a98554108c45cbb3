/**
 * orders: what we do. The life of an order, the account that its events add up to, the five actions
 * and the planner that turns one into order commands, the risk gate, and the `OrderManager` port.
 * No network, no clock, no recorded data: venues, real or simulated, stand behind the port.
 */
export { Account, type AccountState } from "./account.ts";
export { type Exposure, lockedCash } from "./collateral.ts";
export {
  type EventGroup,
  exposureIn,
  type MarketGroup,
  MarketGroups,
  worstLossOf,
} from "./exposure.ts";
export { Ledger, type LedgerState } from "./ledger.ts";
export {
  applyOrderEvent,
  type CancelReason,
  type ClientOrderId,
  contradictionIn,
  type FillEvidence,
  isOpen,
  newOrder,
  type Order,
  type FillEvent,
  type OrderEvent,
  type OrderRequest,
  type RejectReason,
  remainingOf,
  type SelfTradePrevention,
  type TimeInForce,
} from "./order.ts";
export type { ApprovedOrder, OrderCommand, OrderManager } from "./order-manager.ts";
export {
  Action,
  ACTION_COUNT,
  ACTION_NAMES,
  actionOf,
  Planner,
  type PlannerSettings,
  type Pricing,
  PRICINGS,
  type Quote,
} from "./planner.ts";
export {
  RiskGate,
  type RiskLimits,
  type RiskRefusalReason,
  type RiskVerdict,
} from "./risk-gate.ts";
