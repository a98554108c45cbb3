/**
 * What a seed makes of a live run: the world, the trader's settings, what goes wrong at the venue and
 * on the way to it, and what people do meanwhile. Plain data, drawn from the seed alone.
 */
import type { CentiCents, Lots, MicroUsd } from "../../src/core/index.ts";
import { Prng } from "../../src/core/index.ts";
import { FAULT_KINDS, type FaultKind, type FaultRule } from "../../src/exchange/index.ts";
import type { LiveSettings } from "../../src/journal/index.ts";
import { PRICINGS } from "../../src/orders/index.ts";
import { SETTINGS } from "../live/live-case.ts";

const SECOND = 1_000_000;

/** Something that somebody does to the world or to the run at a moment. */
export type Deed =
  | { readonly kind: "network"; readonly isDown: boolean }
  | { readonly kind: "pause"; readonly market: number }
  | { readonly kind: "go on"; readonly market: number }
  | { readonly kind: "trading"; readonly isActive: boolean }
  | { readonly kind: "exchange"; readonly isActive: boolean }
  /** The market closes; it is determined so many seconds later. */
  | {
      readonly kind: "close";
      readonly market: number;
      readonly afterSeconds: number;
      readonly value: CentiCents;
      /** Its new closing time is told before. */
      readonly isTold: boolean;
    }
  /** Somebody uses the same account by hand: rests an order, or trades. */
  | {
      readonly kind: "hand";
      readonly market: number;
      readonly isBid: boolean;
      readonly cents: number;
      readonly contracts: number;
      readonly isImmediate: boolean;
    }
  | { readonly kind: "hands off" }
  /** The process is killed, and another one starts so many seconds later. */
  | { readonly kind: "die"; readonly forSeconds: number }
  | { readonly kind: "command"; readonly name: "stop" | "kill" };

export interface TimedDeed {
  /** Seconds from the start of the run. */
  readonly at: number;
  readonly deed: Deed;
}

export type PolicyName = "random" | "join" | "bids" | "asks";

export interface LivePlan {
  readonly seed: number;
  readonly markets: number;
  readonly activity: number;
  readonly policy: PolicyName;
  /** At which of its decisions the policy of each market breaks, once; null for never. */
  readonly breaksAt: number | null;
  readonly settings: Partial<LiveSettings>;
  /** Seconds during which things go wrong. */
  readonly troubleSeconds: number;
  readonly rules: readonly FaultRule[];
  /** In order of time. */
  readonly deeds: readonly TimedDeed[];
  /** Requests may be held for longer than the order entry waits for what it has given up. */
  readonly holdsLong: boolean;
}

export function drawPlan(seed: number): LivePlan {
  const prng = Prng.fromSeed(seed).fork("plan");
  const markets = 1 + prng.integer(4);
  const troubleSeconds = 20 + prng.integer(60);
  const rules = drawRules(prng.fork("rules"), troubleSeconds);
  return {
    seed,
    markets,
    activity: pick(prng, [0.3, 1, 3, 8]),
    policy: pick(prng, ["random", "random", "join", "bids", "asks"]),
    breaksAt: drawBreak(prng.fork("break")),
    settings: drawSettings(prng.fork("settings")),
    troubleSeconds,
    rules,
    deeds: drawDeeds(prng.fork("deeds"), markets, troubleSeconds),
    holdsLong: rules.some(({ kind, amountUs }) => kind === "held" && amountUs > 3 * SECOND),
  };
}

function drawBreak(prng: Prng): number | null {
  return prng.integer(8) === 0 ? 1 + prng.integer(40) : null;
}

function drawSettings(prng: Prng): Partial<LiveSettings> {
  const orderSize = (100 * pick(prng, [1, 5, 10])) as Lots;
  const isTight = prng.integer(4) === 0;
  return {
    cadence: prng.integer(3) === 0 ? "event" : "1s",
    pricing: pick(prng, [...PRICINGS]),
    orderSize,
    limits: {
      ...SETTINGS.limits,
      orderSizeMax: orderSize,
      positionLimit: (orderSize * pick(prng, [1, 2, 5])) as Lots,
      openOrdersMax: pick(prng, [2, 5, 20]),
    },
    budget: pick(prng, [null, null, 8, 30]) === null ? null : dollars(pick(prng, [8, 30])),
    lossMax: isTight ? dollars(pick(prng, [1, 2, 4]) / 2) : null,
    staleBookUs: pick(prng, [0, 0, 2, 8]) * SECOND,
    reconcileUs: pick(prng, [2, 5, 10]) * SECOND,
  };
}

function dollars(amount: number): MicroUsd {
  return Math.round(amount * SECOND) as MicroUsd;
}

/** A rule of each of some kinds, over a stretch, from rare to heavy; sometimes everything at once. */
function drawRules(prng: Prng, troubleSeconds: number): FaultRule[] {
  const count = pick(prng, [0, 1, 3, 6, 10, 16]);
  return Array.from({ length: count }, () => drawRule(prng, troubleSeconds));
}

function drawRule(prng: Prng, troubleSeconds: number): FaultRule {
  const kind = pick(prng, [...FAULT_KINDS]);
  const from = prng.integer(troubleSeconds);
  const seconds = pick(prng, [1, 4, 12, 40, troubleSeconds]);
  const chance = pick(prng, [0.005, 0.03, 0.1, 0.3, 1]);
  const channels = ["fill", "user_orders", "orderbook_delta", "trade", null, null];
  const isOfFeed = FEED_KINDS.has(kind);
  const isOfRequests = REQUEST_KINDS.has(kind);
  return {
    kind,
    fromUs: from * SECOND,
    untilUs: Math.min(from + seconds, troubleSeconds) * SECOND,
    // A whole feed that breaks at each message says no more than one that is down.
    chancePpm: Math.round(1_000_000 * (isOfFeed ? Math.min(chance, 0.3) : chance)),
    timesMax: pick(prng, [1, 5, Infinity, Infinity]),
    method: isOfRequests ? pick(prng, ["GET", "POST", "DELETE", null, null]) : null,
    path: null,
    channel: isOfFeed ? pick(prng, channels) : null,
    amountUs: amountOf(kind, prng),
  };
}

const FEED_KINDS: ReadonlySet<FaultKind> = new Set(["resetFeed", "gap", "duplicate", "late"]);
const REQUEST_KINDS: ReadonlySet<FaultKind> = new Set([
  ...(["refuse", "reset", "loseAnswer", "fail", "failAfter", "tooMany", "held", "slow"] as const),
]);

function amountOf(kind: FaultKind, prng: Prng): number {
  switch (kind) {
    case "held":
      return pick(prng, [20_000, 400_000, 1_500_000, 12_000_000, 25_000_000]);
    case "slow":
      return pick(prng, [20_000, 400_000, 3_000_000, 12_000_000]);
    case "stale":
      return pick(prng, [100_000, 400_000, 1_500_000]);
    case "skew":
      return pick(prng, [-40_000_000, -2_000_000, 2_000_000, 40_000_000]);
    default:
      return pick(prng, [1_000, 50_000, 700_000, 4_000_000]);
  }
}

function drawDeeds(prng: Prng, markets: number, troubleSeconds: number): TimedDeed[] {
  const deeds: TimedDeed[] = [];
  const moment = (): number => 1 + prng.integer(1_000 * troubleSeconds - 2_000) / 1_000;
  const maybe = (oneIn: number, add: (at: number) => void): void => {
    if (prng.integer(oneIn) === 0) add(moment());
  };
  const between = (at: number, seconds: number, off: Deed, on: Deed): void => {
    deeds.push({ at, deed: off }, { at: Math.min(at + seconds, troubleSeconds), deed: on });
  };
  maybe(4, (at) => {
    const seconds = pick(prng, [0.2, 3, 15, 40]);
    between(at, seconds, { kind: "network", isDown: true }, { kind: "network", isDown: false });
  });
  maybe(4, (at) => {
    const market = prng.integer(markets);
    between(at, pick(prng, [0.5, 5, 20]), { kind: "pause", market }, { kind: "go on", market });
  });
  maybe(8, (at) => {
    const off = { kind: "trading", isActive: false } as const;
    between(at, pick(prng, [1, 10]), off, { kind: "trading", isActive: true });
  });
  maybe(8, (at) => {
    const off = { kind: "exchange", isActive: false } as const;
    between(at, pick(prng, [1, 10]), off, { kind: "exchange", isActive: true });
  });
  for (let market = 0; market < markets; market++) {
    maybe(5, (at) => {
      const value = pick(prng, [0, 10_000, 3_700]) as CentiCents;
      const afterSeconds = prng.integer(8);
      const isTold = prng.integer(2) === 0;
      deeds.push({ at, deed: { kind: "close", market, afterSeconds, value, isTold } });
    });
  }
  if (prng.integer(3) === 0) drawHands(prng, markets, moment, deeds);
  maybe(3, (at) => {
    deeds.push({ at, deed: { kind: "die", forSeconds: pick(prng, [0.01, 1, 8]) } });
  });
  maybe(8, (at) => {
    deeds.push({ at, deed: { kind: "die", forSeconds: pick(prng, [0.01, 1, 8]) } });
  });
  maybe(10, (at) => {
    deeds.push({ at, deed: { kind: "command", name: pick(prng, ["stop", "kill"]) } });
  });
  return deeds.sort((one, other) => one.at - other.at);
}

/** Orders by hand; all of them are taken back in the end. */
function drawHands(prng: Prng, markets: number, moment: () => number, deeds: TimedDeed[]): void {
  const mayTrade = prng.integer(2) === 0;
  const count = 1 + prng.integer(4);
  for (let index = 0; index < count; index++) {
    const isImmediate = mayTrade && prng.integer(2) === 0;
    const isBid = prng.integer(2) === 0;
    // Resting ones stand where only the boldest would trade with them, unless they may trade.
    const away = isImmediate ? -20 : mayTrade ? prng.integer(8) : 30;
    const deed: Deed = {
      kind: "hand",
      market: prng.integer(markets),
      isBid,
      cents: isBid ? 45 - away : 45 + away,
      contracts: 1 + prng.integer(8),
      isImmediate,
    };
    deeds.push({ at: moment(), deed });
  }
  if (prng.integer(2) === 0) deeds.push({ at: moment(), deed: { kind: "hands off" } });
}

function pick<const T>(prng: Prng, choices: readonly T[]): T {
  return choices[prng.integer(choices.length)] as T;
}
