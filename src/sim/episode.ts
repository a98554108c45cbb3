/**
 * One episode: one agent, one market of one session, from one decision time to another. It joins the
 * recording's feature rows, the simulated venue and the trader, and is what both environments and
 * the recorder of episodes drive. Description of spaces and reward: `kalshi-env.ts`.
 */
import {
  assert,
  type CentiCents,
  type Lots,
  type MicroUsd,
  Prng,
  US_PER_SECOND,
} from "../core/index.ts";
import {
  type AccountView,
  copyMarketRow,
  createAccountView,
  encodeAccount,
} from "../features/index.ts";
import { balanceStepOf, dearestFees, type Membership, OrderBook } from "../market/index.ts";
import type { Action, Pricing } from "../orders/index.ts";
import { Trader, type TraderState } from "../strategies/index.ts";
import { FILL_MODELS, type FillModelName } from "./fill-model.ts";
import { DEFAULT_LATENCY, type LatencySettings } from "./latency.ts";
import type { OverlaySettings } from "./overlay.ts";
import type { MarketData } from "./session-data.ts";
import { SimulatedOrderManager } from "./simulated-order-manager.ts";
import type { VenueState } from "./venue-state.ts";

export interface EpisodeSettings {
  /** Decisions in an episode; null runs to the market's close or the end of the recording. */
  readonly steps: number | null;
  readonly startingCash: MicroUsd;
  readonly orderSize: Lots;
  readonly positionLimit: Lots;
  readonly openOrdersMax: number;
  readonly pricing: Pricing;
  readonly fillModel: FillModelName;
  readonly latency: LatencySettings;
  /** How positions are valued in the reward: at what they could be sold for, or at the mid price. */
  readonly rewardBasis: "liquidation" | "mid";
  /** Whose account it is, which decides how cash is rounded; a direct member's where absent. */
  readonly membership?: Membership;
  /** Chance on top of the fill model; none where absent. */
  readonly overlay?: OverlaySettings;
}

/**
 * 100 dollars, orders of 10 contracts, at most 100 contracts held; ten minutes at one a second. Our
 * orders wait in the reconstructed queues: what is expected, between optimism and pessimism.
 */
export const DEFAULT_EPISODE: EpisodeSettings = {
  steps: 600,
  startingCash: (100 * 1_000_000) as MicroUsd,
  orderSize: 1000 as Lots,
  positionLimit: 10_000 as Lots,
  openOrdersMax: 20,
  pricing: "join",
  fillModel: "queue",
  latency: DEFAULT_LATENCY,
  rewardBasis: "liquidation",
};

export type EpisodeEnd = "running" | "terminated" | "truncated";

/**
 * An episode at one of its decisions: the whole world that decides how it goes on. Shared by copies,
 * so nothing of it is ever changed.
 */
export interface EpisodeState {
  readonly data: MarketData;
  readonly settings: EpisodeSettings;
  readonly row: number;
  readonly end: EpisodeEnd;
  readonly reward: MicroUsd;
  readonly stepCount: number;
  readonly value: MicroUsd;
  readonly orders: VenueState;
  readonly trader: TraderState;
}

export class Episode {
  readonly data: MarketData;
  readonly settings: EpisodeSettings;
  readonly orders: SimulatedOrderManager;
  readonly trader: Trader;
  /** The feature row of the current decision. */
  row: number;
  end: EpisodeEnd = "running";
  /** What the last step gained, in micro-dollars. */
  reward = 0 as MicroUsd;
  stepCount = 0;
  readonly #view: AccountView = createAccountView();
  #value: MicroUsd;

  /** `startRow` is one of the market's `starts`; `prng` feeds latencies. */
  constructor(data: MarketData, settings: EpisodeSettings, startRow: number, prng: Prng) {
    assert(data.rows.valid[startRow] === 1, "an episode starts where the book is known");
    this.data = data;
    this.settings = settings;
    const { startingCash, positionLimit, orderSize, membership = "direct" } = settings;
    this.orders = new SimulatedOrderManager({
      tape: data.tape,
      markets: [data.market],
      grids: [data.grid],
      startingCash,
      fillModel: FILL_MODELS[settings.fillModel],
      latency: settings.latency,
      prng: prng.fork("latency"),
      membership,
      overlay: settings.overlay,
    });
    this.trader = new Trader({
      orders: this.orders,
      fees: [dearestFees(data.info)],
      balanceStep: balanceStepOf(membership),
      grids: [data.grid],
      startingCash,
      planner: { pricing: settings.pricing, orderSize, positionLimit },
      limits: { orderSizeMax: orderSize, positionLimit, openOrdersMax: settings.openOrdersMax },
      idPrefix: "e",
    });
    this.row = startRow;
    const venue = this.orders.markets[0];
    assert(venue !== undefined, "the episode's market is simulated");
    const startTapeRow = data.rows.tapeRow[startRow] as number;
    venue.startFrom((book: OrderBook) => data.keyframes.restore(startTapeRow, book), startTapeRow);
    this.orders.advanceTo(this.nowUs);
    this.#showQuote();
    this.#value = startingCash;
  }

  save(): EpisodeState {
    const { data, settings, row, end, reward, stepCount } = this;
    const orders = this.orders.save();
    const trader = this.trader.save();
    return { data, settings, row, end, reward, stepCount, value: this.#value, orders, trader };
  }

  /** Becomes the episode that was saved, which is of the same market and settings. */
  restore(state: EpisodeState): void {
    assert(state.data === this.data, "an episode is restored with its market");
    assert(state.settings === this.settings, "an episode is restored with its settings");
    this.row = state.row;
    this.end = state.end;
    this.reward = state.reward;
    this.stepCount = state.stepCount;
    this.#value = state.value;
    this.orders.restore(state.orders);
    this.trader.restore(state.trader);
  }

  /** Another episode that has come to the same point, and goes on by itself; nobody observes it. */
  fork(): Episode {
    const copy = new Episode(this.data, this.settings, this.row, Prng.fromSeed(0));
    copy.restore(this.save());
    return copy;
  }

  /** Time of the current decision, in microseconds. */
  get nowUs(): number {
    return this.data.rows.atUs[this.row] as number;
  }

  /** Portfolio value on the reward's basis. */
  get value(): MicroUsd {
    return this.#value;
  }

  /** Writes the 52 features of the current decision to `out[offset]` and on. */
  observe(out: Float32Array, offset: number): void {
    copyMarketRow(this.data.rows, this.row, out, offset);
    this.trader.fillView(this.#view, 0, this.nowUs, this.settings.positionLimit);
    encodeAccount(out, offset, this.#view);
  }

  /** Writes which of the five actions can be carried out to `out[offset]` and on. */
  mask(out: Uint8Array, offset: number): void {
    this.trader.mask(0, out, offset);
  }

  /** Acts at the current decision and runs the market to the next one. */
  step(action: Action): void {
    assert(this.end === "running", "reset comes after every ended episode");
    this.trader.act(action, 0, this.nowUs);
    this.stepCount += 1;
    const { rows } = this.data;
    const next = this.row + 1;
    if (next < rows.count && rows.valid[next] === 1) {
      this.row = next;
      this.orders.advanceTo(this.nowUs);
      this.trader.receive();
      this.#showQuote();
      if (this.stepCount === this.settings.steps) this.end = "truncated";
    } else {
      this.#finish(next);
    }
    this.#revalue();
  }

  /** The recording ends, closes or breaks before the next decision. */
  #finish(next: number): void {
    const { rows, closeRow, tape, info } = this.data;
    // The close may fall between the last decision and the end of the recording.
    const closes =
      closeRow >= 0 && (next >= rows.count || (rows.tapeRow[next] as number) > closeRow);
    const lastTapeUs = closes
      ? (tape.atUs[closeRow] as number)
      : next < rows.count
        ? (rows.atUs[next] as number)
        : this.nowUs;
    let untilUs = Math.max(lastTapeUs, this.nowUs);
    this.orders.advanceTo(untilUs);
    this.trader.receive();
    // Every message on its way still arrives; the market itself has ended.
    while (this.orders.hasMessagesInFlight()) {
      untilUs += US_PER_SECOND;
      this.orders.advanceTo(untilUs);
      this.trader.receive();
    }
    this.end = "truncated";
    if (closes && info.settlement !== null) {
      this.trader.account.settle(0, info.settlement.valueCc);
      this.orders.venueLedger.settle(0, info.settlement.valueCc);
      this.end = "terminated";
    }
  }

  #showQuote(): void {
    const { rows } = this.data;
    const bid = rows.bestBidCc[this.row] as CentiCents;
    const ask = rows.bestAskCc[this.row] as CentiCents;
    this.trader.showQuote(0, bid, ask);
  }

  #revalue(): void {
    const { trader, settings } = this;
    const positions =
      settings.rewardBasis === "mid" ? trader.positionsValueAtMid() : trader.positionsValue();
    const value = (trader.account.ledger.cash + positions) as MicroUsd;
    this.reward = (value - this.#value) as MicroUsd;
    this.#value = value;
  }
}
