/** A live trader in the hands of a test: markets, a policy by script, a venue that answers at once. */
import type { CentiCents, Lots, MicroUsd, Prng } from "../../src/core/index.ts";
import { SCHEMA_HASH } from "../../src/features/index.ts";
import type {
  AccountReading,
  LiveEntry,
  LiveHeader,
  LiveInput,
  LiveOutput,
  LiveSettings,
  MarketNews,
} from "../../src/journal/index.ts";
import {
  type LiveEffect,
  LINKS,
  type LivePolicy,
  LiveTrader,
  type LiveTraderOptions,
  type RunListener,
} from "../../src/live/index.ts";
import { BookSide, type MarketInfo } from "../../src/market/index.ts";
import { Action, type ClientOrderId, type OrderEvent } from "../../src/orders/index.ts";
import { marketInfo, SECOND, START_US } from "../fixtures/tape-builder.ts";

export { SECOND, START_US };

export const SETTINGS: LiveSettings = {
  cadence: "1s",
  pricing: "join",
  orderSize: 1000 as Lots,
  limits: { orderSizeMax: 1000 as Lots, positionLimit: 5000 as Lots, openOrdersMax: 20 },
  membership: "direct",
  budget: null,
  lossMax: null,
  staleBookUs: 0,
  reconcileUs: 10 * SECOND,
  frames: 1,
};

export interface CaseOptions {
  readonly settings?: Partial<LiveSettings>;
  readonly markets?: readonly MarketInfo[];
  readonly policy?: () => LivePolicy;
  readonly listener?: RunListener | null;
  readonly exclusive?: boolean;
  readonly onFill?: LiveTraderOptions["onFill"];
}

/** Always the same action where it is allowed. */
export function always(action: Action): () => LivePolicy {
  return () => ({
    name: "always",
    act: (_observation, mask) => (mask[action] === 1 ? action : Action.hold),
  });
}

/** Any allowed action; every one is tried in time. */
export const anything = (): LivePolicy => ({
  name: "random",
  act: (_observation, mask, prng: Prng) => {
    const allowed = [...mask.keys()].filter((action) => mask[action] === 1);
    return allowed[prng.integer(allowed.length)] ?? Action.hold;
  },
});

export class LiveCase {
  readonly header: LiveHeader;
  readonly run: LiveTrader;
  readonly entries: LiveEntry[] = [];
  readonly outputs: LiveOutput[] = [];
  readonly effects: LiveEffect[] = [];
  /** What the policies were shown, one a decision. */
  readonly seen: Float32Array[] = [];
  nowUs = START_US;

  constructor(options: CaseOptions = {}) {
    const markets = options.markets ?? [marketInfo()];
    const exclusive = options.exclusive ?? false;
    const tickers = [...new Set(markets.map(({ eventTicker }) => eventTicker))];
    this.header = {
      software: "kalshi-gym test",
      idPrefix: "kg-1-",
      venue: "local",
      startedUs: START_US,
      markets,
      events: tickers.map((eventTicker) => ({
        eventTicker,
        exclusive,
        marketCount: markets.filter((info) => info.eventTicker === eventTicker).length,
      })),
      policy: { name: "test", modelHash: null, choice: "best" },
      seed: 7,
      schemaHash: SCHEMA_HASH,
      settings: { ...SETTINGS, ...options.settings },
    };
    const makePolicy = options.policy ?? always(Action.buyYes);
    const watched = (): LivePolicy => {
      const policy = makePolicy();
      return {
        ...policy,
        act: (observation, mask, prng) => {
          this.seen.push(observation.slice());
          return policy.act(observation, mask, prng);
        },
      };
    };
    const listener = options.listener ?? null;
    const { header } = this;
    const onFill = options.onFill ?? (() => undefined);
    this.run = new LiveTrader({ header, makePolicy: watched, listener, onFill });
  }

  /** Takes an input in; what came of it. */
  take(input: LiveInput): { outputs: LiveOutput[]; effects: LiveEffect[] } {
    const entry = { atUs: this.nowUs, input };
    this.entries.push(entry);
    this.run.handle(entry);
    const outputs: LiveOutput[] = [];
    const effects: LiveEffect[] = [];
    this.run.take(outputs, effects);
    this.outputs.push(...outputs);
    this.effects.push(...effects);
    return { outputs, effects };
  }

  /** What has been done since the last call. */
  done(): LiveEffect[] {
    return this.effects.splice(0);
  }

  wait(us: number): void {
    this.nowUs += us;
  }

  news(news: MarketNews): void {
    this.take({ kind: "market", news });
  }

  /** A book of whole cents and contracts. */
  book(bids: readonly [number, number][], asks: readonly [number, number][], market = 0): void {
    const levels = [
      ...bids.map(([cents, size]) => ({
        side: BookSide.bid,
        priceCc: cents * 100,
        size: size * 100,
      })),
      ...asks.map(([cents, size]) => ({
        side: BookSide.ask,
        priceCc: cents * 100,
        size: size * 100,
      })),
    ];
    this.news({ kind: "snapshot", market, levels });
  }

  /** The next whole second comes, with its tick. */
  second(): void {
    this.nowUs = (Math.floor(this.nowUs / SECOND) + 1) * SECOND;
    this.take({ kind: "tick", atUs: this.nowUs });
  }

  order(event: OrderEvent): void {
    this.take({ kind: "order", event });
  }

  reading(change: Partial<AccountReading> = {}): AccountReading {
    return {
      available: 100_000_000 as MicroUsd,
      positions: [],
      resting: [],
      askedUs: this.nowUs,
      toldUs: this.nowUs,
      completeUntilUs: null,
      ...change,
    };
  }

  account(change: Partial<AccountReading> = {}): void {
    this.take({ kind: "account", reading: this.reading(change) });
  }

  /** Two readings that tell the same, late enough to be the truth. */
  still(change: Partial<AccountReading> = {}): void {
    this.wait(2 * SECOND);
    this.account(change);
    this.account(change);
  }

  links(isUp = true): void {
    for (const link of LINKS) this.take({ kind: "link", link, isUp, why: "test" });
  }

  /** As far as READY, with a book of 44 to 46 cents. */
  ready(): void {
    this.take({ kind: "command", name: "start", by: "test" });
    this.links();
    this.book([[44, 100]], [[46, 100]]);
    this.still();
    this.done();
  }

  /** The only submitted order among what was done. */
  submitted(): ClientOrderId {
    const found = this.done().find((effect) => effect.kind === "submit");
    if (found?.kind !== "submit") throw new Error("no order was submitted");
    return found.order.clientOrderId;
  }

  accept(clientOrderId: ClientOrderId): void {
    this.order({ kind: "accepted", clientOrderId, atUs: this.nowUs });
  }

  fill(clientOrderId: ClientOrderId, cents: number, contracts: number, tradeId = "t1"): void {
    this.order({
      kind: "filled",
      clientOrderId,
      atUs: this.nowUs,
      price: (cents * 100) as CentiCents,
      size: (contracts * 100) as Lots,
      fee: 0 as MicroUsd,
      role: "maker",
      evidence: { kind: "venue", tradeId },
    });
  }
}

/** What was asked for since the last call, in a word each. */
export function kinds(live: LiveCase): string[] {
  return live.done().map((effect) => (effect.kind === "ask" ? effect.what : effect.kind));
}
