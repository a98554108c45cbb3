/**
 * The lives of markets: initialized, active and inactive, closed, determined, finalized. Opening and
 * closing fall at times that the market's specification has, and are told by nobody; the rest is told.
 * Source: docs.kalshi.com, page "market lifecycle".
 */
import { assert, type CentiCents, type TimestampUs, US_PER_SECOND } from "../../core/index.ts";
import type { MicroUsd } from "../../core/index.ts";
import type { PriceRange } from "../../market/index.ts";
import type { LifecycleMessage } from "../../kalshi/index.ts";
import type { UpdateReason } from "./engine-events.ts";
import { EngineMarket, type MarketSpec, resultOf } from "./engine-market.ts";
import type { EngineState } from "./engine-state.ts";
import type { ExchangeAccount } from "./exchange-account.ts";

/** From a market's close to the end of the orders that rest in it. */
const CLOSE_CANCEL_US = US_PER_SECOND;
const MICRO_USD_PER_CENT = 10_000;

const UNSAID: Omit<LifecycleMessage, "ticker" | "what"> = {
  openUs: null,
  closeUs: null,
  isDeactivated: null,
  result: null,
  settlementValue: null,
  determinedUs: null,
  settledUs: null,
  exchangeIndex: null,
  priceLevelStructure: null,
  priceRanges: null,
  created: null,
};

export function addMarket(state: EngineState, spec: MarketSpec): EngineMarket {
  const { info } = spec;
  assert(!state.marketOf.has(info.ticker), "a market is added once");
  const market = new EngineMarket(state.markets.length, state.newId(), spec, state.nowUs);
  state.markets.push(market);
  state.infos.push(info);
  state.marketOf.set(info.ticker, market);
  tell(state, market, "created", {
    openUs: spec.openUs,
    closeUs: spec.closeUs,
    exchangeIndex: 0,
    priceLevelStructure: market.priceLevelStructure,
    priceRanges: market.book.ranges,
    created: {
      name: spec.title,
      title: spec.title,
      yesSubTitle: spec.title,
      noSubTitle: spec.title,
      rulesPrimary: "",
      rulesSecondary: "",
      canCloseEarly: true,
      eventTicker: info.eventTicker,
      expectedExpirationUs: spec.closeUs,
    },
  });
  at(state, spec.openUs, () => {
    if (market.phase === "initialized") enter(state, market, "active");
  });
  awaitClose(state, market);
  const { outcome } = spec;
  if (outcome !== null) {
    at(state, outcome.determinedUs, () => {
      if (market.value === null) determine(state, market, outcome.value);
      state.sumUp();
    });
  }
  return market;
}

/** Stops trading for a while; orders rest. */
export function deactivate(state: EngineState, market: EngineMarket): boolean {
  if (market.phase !== "active") return false;
  enter(state, market, "inactive");
  tell(state, market, "deactivated", { isDeactivated: true });
  return true;
}

/** Lets trading go on; the orders that rested through the pause are cancelled. */
export function activate(state: EngineState, market: EngineMarket): boolean {
  if (market.phase !== "inactive") return false;
  cancelResting(state, market, "HaltCancel");
  enter(state, market, "active");
  tell(state, market, "activated", { isDeactivated: false });
  return true;
}

export function moveClose(state: EngineState, market: EngineMarket, closeUs: TimestampUs): boolean {
  if (!isOpenYet(market)) return false;
  market.closeUs = closeUs;
  tell(state, market, "close_date_updated", { closeUs });
  awaitClose(state, market);
  return true;
}

/** Changes the prices at which the market trades; orders that rest stay. */
export function restructure(
  state: EngineState,
  market: EngineMarket,
  priceLevelStructure: string,
  priceRanges: readonly PriceRange[],
): void {
  market.book.restructure(priceRanges);
  market.priceLevelStructure = priceLevelStructure;
  tell(state, market, "price_level_structure_updated", { priceLevelStructure, priceRanges });
}

/** Closes a market, if it has not closed yet; its orders end a second later. */
export function close(state: EngineState, market: EngineMarket): void {
  if (!isOpenYet(market)) return;
  enter(state, market, "closed");
  state.time.after(CLOSE_CANCEL_US, () => {
    cancelResting(state, market, "CloseCancel");
    state.sumUp();
  });
}

/** Says what a YES contract will pay; payment follows after the settlement timer. */
export function determine(state: EngineState, market: EngineMarket, value: CentiCents): boolean {
  if (market.value !== null) return false;
  close(state, market);
  cancelResting(state, market, "CloseCancel");
  market.value = value;
  enter(state, market, "determined");
  tell(state, market, "determined", {
    result: resultOf(value),
    settlementValue: value,
    determinedUs: state.nowUs,
  });
  state.time.after(market.spec.settlementTimerSeconds * US_PER_SECOND, () => {
    settle(state, market, value);
    state.sumUp();
  });
  return true;
}

/** Takes all orders off the market. */
export function cancelResting(
  state: EngineState,
  market: EngineMarket,
  reason: UpdateReason,
): void {
  for (const side of [0, 1] as const) {
    for (const order of market.book.orders(side)) state.cancel(order, reason);
  }
}

function settle(state: EngineState, market: EngineMarket, value: CentiCents): void {
  for (const account of state.accounts) {
    const { index } = market;
    if (account.ledger.position(index) === 0) continue;
    if (!account.isCrowd) tellSettlement(state, account, market, value);
    state.settlementLoss += account.settle(index, value);
    state.touch(account);
  }
  market.openInterest = 0;
  market.settledUs = state.nowUs;
  enter(state, market, "finalized");
  tell(state, market, "settled", { settledUs: state.nowUs });
}

function tellSettlement(
  state: EngineState,
  account: ExchangeAccount,
  market: EngineMarket,
  value: CentiCents,
): void {
  const { index, ticker, spec } = market;
  const position = account.ledger.position(index);
  const cost = account.ledger.costs[index] as MicroUsd;
  const none = 0 as typeof position;
  const free = 0 as MicroUsd;
  const paid = position > 0 ? position * value : -position * (10_000 - value);
  state.tell({
    kind: "settlement",
    account: account.index,
    settlement: {
      ticker,
      exchangeIndex: 0,
      eventTicker: spec.info.eventTicker,
      result: resultOf(value),
      yesSize: position > 0 ? position : none,
      yesCost: position > 0 ? cost : free,
      noSize: position < 0 ? (-position as typeof position) : none,
      noCost: position < 0 ? cost : free,
      revenue: (paid - (paid % MICRO_USD_PER_CENT)) as MicroUsd,
      value: (value * 100) as MicroUsd,
      fees: account.fees[index] as MicroUsd,
      settledUs: state.nowUs,
    },
  });
}

function isOpenYet({ phase }: EngineMarket): boolean {
  return phase === "initialized" || phase === "active" || phase === "inactive";
}

function enter(state: EngineState, market: EngineMarket, phase: EngineMarket["phase"]): void {
  market.phase = phase;
  market.updatedUs = state.nowUs;
}

/** Arranges the close at the time that the market has now; a later move makes this one void. */
function awaitClose(state: EngineState, market: EngineMarket): void {
  const { closeUs } = market;
  at(state, closeUs, () => {
    if (market.closeUs === closeUs) close(state, market);
  });
}

function at(state: EngineState, atUs: TimestampUs, callback: () => void): void {
  state.time.after(Math.max(0, atUs - state.nowUs), callback);
}

function tell(
  state: EngineState,
  market: EngineMarket,
  what: string,
  said: Partial<LifecycleMessage>,
): void {
  const message = { ...UNSAID, ...said, ticker: market.ticker, what };
  state.tell({ kind: "lifecycle", market: market.index, message });
}
