/**
 * A small exchange for tests: one market of whole cents with a quadratic fee, accounts with given
 * cash, orders in cents and contracts. Refusals are thrown away nowhere: every command returns what
 * the engine said.
 */
import {
  type CentiCents,
  type Lots,
  type MicroUsd,
  Prng,
  type TimestampUs,
  US_PER_SECOND,
} from "../../src/core/index.ts";
import {
  type Done,
  type EngineEvent,
  type ExchangeAccount,
  MatchingEngine,
  type MarketSpec,
  type Refusal,
} from "../../src/exchange/index.ts";
import { type OrderTicket, USUAL_TERMS } from "../../src/kalshi/index.ts";
import { BookSide, type FeeTerms, LINEAR_CENT } from "../../src/market/index.ts";

export const START_US = 1_795_176_000_000_000 as TimestampUs;
export const TICKER = "KXTEST-26DEC01-T50";
export const QUADRATIC: FeeTerms = { type: "quadratic", multiplierPpm: 1_000_000 };
export const FREE: FeeTerms = { type: "quadratic", multiplierPpm: 0 };

export function after(seconds: number): TimestampUs {
  return (START_US + seconds * US_PER_SECOND) as TimestampUs;
}

export function marketSpec(changes: Partial<MarketSpec> = {}, fees = FREE): MarketSpec {
  return {
    info: {
      ticker: TICKER,
      eventTicker: "KXTEST-26DEC01",
      seriesTicker: "KXTEST",
      closeUs: after(3_600),
      priceRanges: LINEAR_CENT,
      fees,
      settlement: null,
    },
    title: "Test",
    isExclusive: false,
    openUs: START_US,
    closeUs: after(3_600),
    outcome: null,
    settlementTimerSeconds: 60,
    ...changes,
  };
}

export class ExchangeCase {
  readonly engine: MatchingEngine;
  readonly events: EngineEvent[] = [];
  #count = 0;

  constructor(spec: MarketSpec = marketSpec()) {
    this.engine = new MatchingEngine({
      startUs: START_US,
      ids: Prng.fromSeed(1).fork("ids"),
      marketCapacity: 4,
    });
    this.engine.addMarket(spec);
  }

  account(name: string, dollars = 100): ExchangeAccount {
    return this.engine.addAccount(name, (dollars * 1_000_000) as MicroUsd);
  }

  /** Sends an order: price in cents, size in contracts. */
  send(
    account: ExchangeAccount,
    side: "bid" | "ask",
    cents: number,
    contracts: number,
    terms: Partial<OrderTicket> = {},
  ): Done | Refusal {
    return this.engine.create(account, this.ticket(side, cents, contracts, terms));
  }

  /** As `send`, for an order that must be taken. */
  put(...order: Parameters<ExchangeCase["send"]>): Done {
    const outcome = this.send(...order);
    if (outcome.kind === "refused") throw new Error(`refused: ${outcome.code} ${outcome.details}`);
    return outcome;
  }

  ticket(
    side: "bid" | "ask",
    cents: number,
    contracts: number,
    terms: Partial<OrderTicket> = {},
  ): OrderTicket {
    this.#count += 1;
    return {
      ticker: TICKER,
      clientOrderId: `c-${this.#count}`,
      side: BookSide[side],
      size: Math.round(contracts * 100) as Lots,
      price: Math.round(cents * 100) as CentiCents,
      ...USUAL_TERMS,
      ...terms,
    };
  }

  amend(account: ExchangeAccount, orderId: string, cents: number, contracts: number, more = {}) {
    return this.engine.amend(account, orderId, {
      ticker: TICKER,
      side: this.engine.openOrder(orderId)?.side ?? BookSide.bid,
      price: Math.round(cents * 100) as CentiCents,
      size: Math.round(contracts * 100) as Lots,
      clientOrderId: null,
      updatedClientOrderId: null,
      exchangeIndex: null,
      ...more,
    });
  }

  /** Collects events, and returns those of a kind that came since the last call. */
  heard<Kind extends EngineEvent["kind"]>(kind: Kind): Extract<EngineEvent, { kind: Kind }>[] {
    return this.engine
      .collect()
      .filter((event): event is Extract<EngineEvent, { kind: Kind }> => event.kind === kind);
  }

  /** The book as "cents x contracts" texts, best first. */
  book(): { bids: string[]; asks: string[] } {
    const view = this.engine.market(TICKER)?.book.view();
    const shown = (level: { price: number; size: number }): string =>
      `${level.price / 100} x ${level.size / 100}`;
    return { bids: view?.bids.map(shown) ?? [], asks: view?.asks.map(shown) ?? [] };
  }
}
