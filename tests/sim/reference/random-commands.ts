/** Random orders, amendments and cancels, and the moments at which somebody looks. */
import type { CentiCents, Lots, Prng, TimestampUs } from "../../../src/core/index.ts";
import type { ClientOrderId, OrderRequest } from "../../../src/orders/index.ts";
import { SECOND } from "../../fixtures/tape-builder.ts";
import { pick, type RandomSession } from "./random-session.ts";
import type { Model } from "./market.ts";
import type { Quote, RecordedMarket } from "./recording.ts";
import type { Command, Latencies, Term, VenueSettings } from "./venue.ts";

export interface Step {
  readonly atUs: number;
  /** Sent at that time, after everything that has reached us. */
  readonly commands: readonly Command[];
}

const MODELS: readonly Model[] = ["queue", "queue", "queue", "level", "touch", "through"];

export function randomSettings(prng: Prng): VenueSettings {
  const isInstant = prng.integer(4) === 0;
  const term = (): Term => {
    if (isInstant) return 0;
    const least = pick(prng, [0, 0, 1_000, 3_000, 17_123]);
    return prng.integer(2) === 0
      ? least
      : { minUs: least, maxUs: least + pick(prng, [0, 2, 9_000, 60_000]) };
  };
  const latency: Latencies = {
    feedUs: isInstant ? 0 : pick(prng, [0, 1_000, 4_321]),
    submitUs: term(),
    amendUs: term(),
    cancelUs: term(),
    answerUs: term(),
  };
  const dollars = pick(prng, [1, 20, 200, 5_000, 1_000_000]);
  return {
    startingCash: dollars * 1_000_000 - prng.integer(1_000),
    model: pick(prng, MODELS),
    membership: prng.integer(4) === 0 ? "fcm" : "direct",
    latency,
  };
}

export function randomSteps(prng: Prng, session: RandomSession, startUs: number): Step[] {
  const { endUs, markets } = session;
  const rowTimes = markets.flatMap(({ rows }) => rows.map(({ atUs }) => atUs));
  const times = Array.from({ length: 8 + prng.integer(40) }, () =>
    prng.integer(2) === 0
      ? startUs + prng.integer(endUs - startUs + 30_000)
      : Math.max(startUs, pick(prng, rowTimes) + pick(prng, [-1_000, -1, 0, 0, 0, 1])),
  )
    // Orders expire on whole seconds.
    .map((atUs) => (prng.integer(10) === 0 ? Math.ceil(atUs / SECOND) * SECOND : atUs))
    .sort((a, b) => a - b);
  const flow = new RandomFlow(prng, markets);
  const first = { atUs: startUs, commands: [] };
  return [first, ...times.map((atUs) => ({ atUs, commands: flow.commandsAt(atUs) }))];
}

class RandomFlow {
  readonly #prng: Prng;
  readonly #markets: readonly RecordedMarket[];
  readonly #sent: OrderRequest[] = [];

  constructor(prng: Prng, markets: readonly RecordedMarket[]) {
    this.#prng = prng;
    this.#markets = markets;
  }

  commandsAt(atUs: number): Command[] {
    const count = pick(this.#prng, [0, 1, 1, 1, 2, 3]);
    return Array.from({ length: count }, () => this.#command(atUs));
  }

  #command(atUs: number): Command {
    const prng = this.#prng;
    const chance = prng.integer(10);
    if (chance < 6 || this.#sent.length === 0) return this.#submit(atUs);
    // The later ones are more likely to be open still.
    const lately = this.#sent.slice(-5);
    const request = pick(prng, prng.integer(6) === 0 ? this.#sent : lately);
    const id = prng.integer(40) === 0 ? "nobody" : request.clientOrderId;
    if (chance < 8) return { kind: "cancel", id };
    const { price, size, market, side } = request;
    return {
      kind: "amend",
      id,
      price: prng.integer(2) === 0 ? price : this.#price(market, side, atUs),
      size: pick(prng, [
        size,
        size,
        size + 100,
        2 * size,
        Math.ceil(size / 2),
        this.#size(market, side, atUs),
      ]),
    };
  }

  #submit(atUs: number): Command {
    const prng = this.#prng;
    const market = this.#market(atUs);
    const side = pick(prng, [0, 1] as const);
    const isRepeated = this.#sent.length > 0 && prng.integer(25) === 0;
    const id = isRepeated ? pick(prng, this.#sent).clientOrderId : `o${this.#sent.length}`;
    const request: OrderRequest = {
      clientOrderId: id as ClientOrderId,
      market,
      side,
      price: this.#price(market, side, atUs) as CentiCents,
      size: this.#size(market, side, atUs) as Lots,
      timeInForce: pick(prng, [
        "good_till_canceled",
        "good_till_canceled",
        "good_till_canceled",
        "good_till_canceled",
        "immediate_or_cancel",
        "fill_or_kill",
      ]),
      postOnly: prng.integer(5) === 0,
      reduceOnly: prng.integer(6) === 0,
      ...(prng.integer(6) === 0 ? { expiresUs: this.#expiry(atUs) } : {}),
      ...(prng.integer(3) === 0 ? { selfTradePrevention: "maker" } : {}),
    };
    if (!isRepeated) this.#sent.push(request);
    return { kind: "submit", request };
  }

  /** Any market, but mostly one that is not closed. */
  #market(atUs: number): number {
    const open = [...this.#markets.keys()].filter((index) => {
      const close = this.#markets[index]?.rows.find(({ kind }) => kind === "close");
      return close === undefined || close.atUs >= atUs;
    });
    if (open.length === 0 || this.#prng.integer(20) === 0) {
      return this.#prng.integer(this.#markets.length);
    }
    return pick(this.#prng, open);
  }

  /** Near the best prices of the time, now and then off the grid. */
  #price(market: number, side: 0 | 1, atUs: number): number {
    const prng = this.#prng;
    const { prices } = this.#markets[market] as RecordedMarket;
    const quote = this.#quote(market, atUs);
    const best = (side === 0 ? quote?.bid : quote?.ask)?.price ?? 0;
    const at =
      prices.indexOf(best) + (side === 0 ? 1 : -1) * pick(prng, [-4, -2, -1, 0, 0, 1, 2, 4]);
    const price = prices[Math.min(prices.length - 1, Math.max(0, at))] as number;
    if (prng.integer(30) > 0) return price;
    return pick(prng, [price + 5, price + 0.5, 0, 10_000, -100, 20_000, Number.NaN]);
  }

  /** A whole second to come; now and then one that has passed, or none at all. */
  #expiry(atUs: number): TimestampUs {
    const second = Math.ceil(atUs / SECOND) + pick(this.#prng, [-1, 0, 0, 0, 1, 1, 2]);
    return (second * SECOND + pick(this.#prng, [0, 0, 0, 0, 0, 0, 0, 1])) as TimestampUs;
  }

  #quote(market: number, atUs: number): Quote | undefined {
    const { quotes } = this.#markets[market] as RecordedMarket;
    return quotes.findLast((known) => known.atUs <= atUs) ?? quotes[0];
  }

  /** Anything; now and then just what stands at the best price that it may take. */
  #size(market: number, side: 0 | 1, atUs: number): number {
    const prng = this.#prng;
    const quote = this.#quote(market, atUs);
    const offered = (side === 0 ? quote?.ask : quote?.bid)?.lots ?? 0;
    if (offered > 0 && prng.integer(8) === 0) return offered;
    if (prng.integer(30) === 0) return pick(prng, [0, -100, 1.5, Number.NaN]);
    return 1 + prng.integer(pick(prng, [3, 100, 100, 1_000, 20_000]));
  }
}
