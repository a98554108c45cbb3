/** The trader of a live run, made from what the account has when the run begins. */
import { assert, type MicroUsd, OperationError } from "../core/index.ts";
import type { AccountReading, LiveHeader } from "../journal/index.ts";
import { balanceStepOf, dearestFees, PriceGrid } from "../market/index.ts";
import { MarketGroups, type OrderManager, type Pricing, PRICINGS } from "../orders/index.ts";
import { Trader } from "../strategies/index.ts";

export interface OpenedTrader {
  readonly trader: Trader;
  /** Cash of the account that is beyond the run's budget; null where resting orders hide some. */
  readonly outside: MicroUsd | null;
}

/** Positions that the account has count as bought for what they cost; the run starts from there. */
export function openTrader(
  header: LiveHeader,
  orders: OrderManager,
  reading: AccountReading,
): OpenedTrader {
  const { markets, events, settings, idPrefix } = header;
  const { budget, limits, orderSize, membership } = settings;
  const cash = (
    budget === null ? reading.available : Math.min(budget, reading.available)
  ) as MicroUsd;
  const held = markets.map(({ ticker }) =>
    reading.positions.find((position) => position.ticker === ticker),
  );
  const costs = held.map((position) => position?.cost ?? 0);
  const startingCash = (cash + costs.reduce<number>((sum, cost) => sum + cost, 0)) as MicroUsd;
  const trader = new Trader({
    orders,
    fees: markets.map(dearestFees),
    balanceStep: balanceStepOf(membership),
    grids: markets.map(({ priceRanges }) => new PriceGrid(priceRanges)),
    startingCash,
    planner: {
      pricing: requirePricing(settings.pricing),
      orderSize,
      positionLimit: limits.positionLimit,
    },
    limits,
    groups: new MarketGroups(markets, events),
    idPrefix,
  });
  const { account } = trader;
  const state = account.save();
  const positions = held.map((position) => position?.position ?? 0);
  account.restore({ ...state, ledger: { ...state.ledger, cash, positions, costs } });
  assert(account.ledger.cash === cash, "the account is as the venue tells it");
  // Without a budget all cash is the run's, also what is locked by others' orders for now.
  const isHidden = budget !== null && reading.resting.length > 0;
  const outside = budget === null ? 0 : reading.available - cash;
  return { trader, outside: isHidden ? null : (outside as MicroUsd) };
}

function requirePricing(pricing: string): Pricing {
  const known = PRICINGS.find((each) => each === pricing);
  if (known !== undefined) return known;
  throw new OperationError(
    "SETTINGS",
    `pricing: expected one of ${PRICINGS.join(", ")}, was "${pricing}"`,
  );
}
