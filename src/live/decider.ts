/**
 * One decision: what the agent sees, what it chooses, what the trader makes of it. The observation is
 * put together as in training: the encoder's part, then the account's.
 */
import { bytesOf, type CentiCents, type Prng, sha256 } from "../core/index.ts";
import {
  type AccountView,
  createAccountView,
  encodeAccount,
  FEATURE_COUNT,
} from "../features/index.ts";
import type { LiveOutput } from "../journal/index.ts";
import { type Action, ACTION_COUNT, type RiskLimits } from "../orders/index.ts";
import type { Trader } from "../strategies/index.ts";
import type { LiveMarket } from "./live-market.ts";

/** Chooses an action from what it is shown; it may remember what it saw of its market. */
export interface LivePolicy {
  readonly name: string;
  /** What it saw before does not go on: at the start, and after a gap. */
  begin?(): void;
  act(observation: Float32Array, mask: Uint8Array, prng: Prng): number;
}

export type Decision = Extract<LiveOutput, { kind: "decision" }>;

export class Decider {
  count = 0;
  readonly observation = new Float32Array(FEATURE_COUNT);
  readonly #markets: readonly LiveMarket[];
  readonly #policies: readonly LivePolicy[];
  readonly #prng: Prng;
  readonly #limits: RiskLimits;
  readonly #mask = new Uint8Array(ACTION_COUNT);
  readonly #view: AccountView = createAccountView();

  constructor(
    markets: readonly LiveMarket[],
    makePolicy: () => LivePolicy,
    prng: Prng,
    limits: RiskLimits,
  ) {
    this.#markets = markets;
    this.#policies = markets.map(makePolicy);
    this.#prng = prng;
    this.#limits = limits;
    for (const { index } of markets) this.begin(index);
  }

  /** The market's history begins anew. */
  begin(market: number): void {
    this.#policies[market]?.begin?.();
  }

  /** Shows the trader the best prices of every market whose book is known. */
  showQuotes(trader: Trader | null): void {
    for (const market of this.#markets) this.showQuote(market, trader);
  }

  /** The same for one market. */
  showQuote({ encoder, index }: LiveMarket, trader: Trader | null): void {
    if (trader === null || !encoder.isKnown() || encoder.isClosed()) return;
    trader.showQuote(index, encoder.bestBidCc() as CentiCents, encoder.bestAskCc() as CentiCents);
  }

  /** Decides for one market as of `atUs`, and acts; `told` hears the decision before its orders. */
  decide(index: number, atUs: number, trader: Trader, told: (decision: Decision) => void): void {
    const market = this.#markets[index];
    const policy = this.#policies[index];
    if (market === undefined || policy === undefined) return;
    const { observation } = this;
    const mask = this.#mask;
    this.showQuote(market, trader);
    market.encode(atUs, observation);
    trader.fillView(this.#view, index, atUs, this.#limits.positionLimit);
    encodeAccount(observation, 0, this.#view);
    trader.mask(index, mask);
    const action = policy.act(observation, mask, this.#prng) as Action;
    const { bid, ask } = trader.quote(index);
    const decision: Decision = {
      kind: "decision",
      market: index,
      atUs,
      observationHash: sha256(bytesOf(observation)),
      mask: mask.join(""),
      action,
      bid,
      ask,
    };
    this.count += 1;
    told(decision);
    trader.act(action, index, atUs);
  }
}
