/** Inputs and outputs of live runs for tests: single ones, a busy feed, a whole run by script. */
import type { CentiCents, Lots, MicroUsd } from "../../src/core/index.ts";
import { Prng } from "../../src/core/index.ts";
import type { LiveEntry, LiveHeader, LiveOutput } from "../../src/journal/index.ts";
import type { MarketInfo } from "../../src/market/index.ts";
import type { ClientOrderId, OrderEvent } from "../../src/orders/index.ts";

export const START_US = 1_790_000_000_000_000;

function market(ticker: string): MarketInfo {
  return {
    ticker,
    eventTicker: "KXTEST-26",
    seriesTicker: "KXTEST",
    closeUs: null,
    priceRanges: [
      { startCc: 0 as CentiCents, endCc: 10_000 as CentiCents, stepCc: 100 as CentiCents },
    ],
    fees: { type: "quadratic", multiplierPpm: 1_000_000 },
    settlement: null,
  };
}

export function headerOf(startedUs = START_US): LiveHeader {
  return {
    software: "test",
    idPrefix: "t1-",
    venue: "local",
    startedUs,
    markets: [market("KXTEST-26-A"), market("KXTEST-26-B")],
    events: [{ eventTicker: "KXTEST-26", exclusive: true, marketCount: 2 }],
    policy: { name: "join", modelHash: null, choice: "best" },
    seed: 7,
    schemaHash: "f".repeat(64),
    settings: {
      cadence: "1s",
      pricing: "join",
      orderSize: 100 as Lots,
      limits: { orderSizeMax: 100 as Lots, positionLimit: 1000 as Lots, openOrdersMax: 4 },
      membership: "direct",
      budget: null,
      lossMax: 5_000_000 as MicroUsd,
      staleBookUs: 0,
      reconcileUs: 30_000_000,
      frames: 1,
    },
  };
}

export const orderId = (text: string): ClientOrderId => text as ClientOrderId;

export function filled(id: string, tradeId: string, atUs: number, size = 100): LiveEntry {
  const event: OrderEvent = {
    kind: "filled",
    clientOrderId: orderId(id),
    atUs,
    price: 4400 as CentiCents,
    size: size as Lots,
    fee: 17_300 as MicroUsd,
    role: "taker",
    evidence: { kind: "venue", tradeId },
  };
  return { atUs, input: { kind: "order", event } };
}

export function submitted(id: string, atUs: number, inMarket = 0): LiveOutput {
  const command = {
    kind: "submit",
    request: {
      clientOrderId: orderId(id),
      market: inMarket,
      side: 0,
      price: 4400 as CentiCents,
      size: 100 as Lots,
      timeInForce: "good_till_canceled",
      postOnly: false,
      reduceOnly: false,
    },
  } as const;
  return { kind: "sent", command, atUs };
}

export function delta(atUs: number, price: number, change: number, inMarket = 0): LiveEntry {
  return {
    atUs,
    input: {
      kind: "market",
      news: {
        kind: "delta",
        market: inMarket,
        side: price < 5000 ? 0 : 1,
        price: price as CentiCents,
        change: change as Lots,
        stampUs: atUs - 41_000,
        own: false,
      },
    },
  };
}

export const isInputs = (block: readonly (LiveEntry | LiveOutput)[]): block is LiveEntry[] =>
  block[0] !== undefined && "input" in block[0];

/**
 * Block `index` of a run with everything in it: inputs and outputs by turns, an order and its fill
 * in every eight, and each fill told again a while later.
 */
export function scriptedBlock(part: number, index: number): LiveEntry[] | LiveOutput[] {
  const atUs = START_US + part * 1_000_000_000 + index * 1000;
  const place = `${part}-${index - (index % 8)}`;
  switch (index % 8) {
    case 1:
      return [decision(atUs), submitted(`order-${place}`, atUs), note(atUs)];
    case 3:
      return [...feedOf(5, index), filled(`order-${place}`, `trade-${place}`, atUs)];
    case 5:
      return [note(atUs)];
    case 6:
      return [filled(`order-${place}`, `trade-${place}`, atUs), ...feedOf(90, index)];
    default:
      return feedOf(1 + (index % 7), part * 1_000_000 + index);
  }
}

const note = (atUs: number): LiveOutput => ({ kind: "note", text: "nothing changed", atUs });

function decision(atUs: number): LiveOutput {
  const [bid, ask] = [4400 as CentiCents, 4700 as CentiCents];
  const observationHash = "ab".repeat(32);
  return { kind: "decision", market: 1, atUs, observationHash, mask: "11010", action: 3, bid, ask };
}

/** Deltas as a feed of 100 markets brings them, 2,000 a second. */
export function feedOf(count: number, seed: number): LiveEntry[] {
  const prng = Prng.fromSeed(seed);
  let atUs = START_US;
  return Array.from({ length: count }, () => {
    atUs += prng.integer(1000);
    const entry = delta(atUs, 100 * (1 + prng.integer(99)), prng.integer(60_000) - 30_000);
    return withMarket(entry, prng.integer(100), atUs - 30_000 - prng.integer(20_000));
  });
}

function withMarket({ atUs, input }: LiveEntry, inMarket: number, stampUs: number): LiveEntry {
  if (input.kind !== "market" || input.news.kind !== "delta") return { atUs, input };
  return { atUs, input: { kind: "market", news: { ...input.news, market: inMarket, stampUs } } };
}
