/**
 * The market's features straight from their definitions: every row goes through the whole list of
 * events again, in dollars, contracts and seconds, and keeps no state. Written from the text of the
 * specification, slow on purpose, and sharing nothing with the encoder but the logarithm.
 */
import { ln } from "../../src/core/index.ts";
import { EventKind } from "../../src/market/index.ts";
import { ASK, BID, type TestEvent } from "./tape-builder.ts";

interface Moment {
  readonly at: number;
  readonly mid: number;
}

/** One market's past as a list: what the definitions speak of. */
interface Past {
  readonly bids: Map<number, number>;
  readonly asks: Map<number, number>;
  /** Times of book changes, microseconds. */
  readonly changes: number[];
  readonly trades: TestEvent[];
  /** Mid after the first book and after every change of the book. */
  readonly mids: Moment[];
  known: boolean;
  closed: boolean;
  active: boolean;
  bookAt: number;
}

export interface EventFacts {
  readonly closeUs: number | null;
  /** All markets of the event when they are exclusive and all held; else null. */
  readonly joint: readonly number[] | null;
}

const US = 1_000_000;
const cap = (x: number): number => Math.min(1, Math.max(0, x));
const clamp = (x: number): number => Math.min(1, Math.max(-1, x));

function emptyPast(): Past {
  return {
    bids: new Map(),
    asks: new Map(),
    changes: [],
    trades: [],
    mids: [],
    known: false,
    closed: false,
    active: true,
    bookAt: NaN,
  };
}

function best(past: Past): { yb: number; ya: number } {
  const yb = past.bids.size === 0 ? 0 : Math.max(...past.bids.keys()) / 10_000;
  const ya = past.asks.size === 0 ? 1 : Math.min(...past.asks.keys()) / 10_000;
  return { yb, ya };
}

function midOf(past: Past): number {
  const { yb, ya } = best(past);
  return (yb + ya) / 2;
}

/** The past of `market` after `events`. */
function replay(events: readonly TestEvent[], market: number): Past {
  let past = emptyPast();
  for (const event of events) {
    if (event.market !== market || past.closed) continue;
    const side = event.side === BID ? past.bids : past.asks;
    const price = event.priceCc ?? 0;
    const size = event.size ?? 0;
    if (event.kind === EventKind.close) past.closed = true;
    if (event.kind === EventKind.status) {
      if (size > 2) past.closed = true;
      else past.active = size === 1;
    }
    if (event.kind === EventKind.gap) past = { ...emptyPast(), active: past.active };
    if (event.kind === EventKind.trade) past.trades.push(event);
    if (event.kind === EventKind.delta && past.known) {
      const after = Math.max(0, (side.get(price) ?? 0) + size);
      if (after === 0) side.delete(price);
      else side.set(price, after);
      past.changes.push(event.atUs);
      past.mids.push({ at: event.atUs, mid: midOf(past) });
    }
    if (event.kind === EventKind.snapshot) {
      const text = (): string => JSON.stringify([[...past.bids].sort(), [...past.asks].sort()]);
      const before = text();
      past.bids.clear();
      past.asks.clear();
      for (const [at, priceCc, lots] of event.levels ?? []) {
        (at === BID ? past.bids : past.asks).set(priceCc, lots);
      }
      const differs = text() !== before;
      if (!past.known) past.bookAt = event.atUs;
      if (!past.known || differs) past.mids.push({ at: event.atUs, mid: midOf(past) });
      if (differs) past.changes.push(event.atUs);
      past.known = true;
    }
  }
  return past;
}

/** Average price of taking 1,000 contracts from `levels`, nearest first; null if there are fewer. */
function average(levels: readonly (readonly [number, number])[]): number | null {
  let left = 1_000;
  let paid = 0;
  for (const [priceCc, lots] of levels) {
    const take = Math.min(left, lots / 100);
    paid += take * (priceCc / 10_000);
    left -= take;
  }
  return left > 0 ? null : paid / 1_000;
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const largest = (side: Map<number, number>): number =>
  sum([...side.values()].sort((a, b) => b - a).slice(0, 3));
const ratio = (a: number, b: number): number => (a + b === 0 ? 0 : (a - b) / (a + b));

/**
 * The 35 features of `market` at `nowUs`, given all events of the session decided on, or null where
 * the book is not known.
 */
export function naiveRow(
  events: readonly TestEvent[],
  market: number,
  nowUs: number,
  facts: EventFacts,
): number[] | null {
  const past = replay(events, market);
  if (!past.known) return null;
  return [...marketPart(past, events, facts), ...temporalPart(past, nowUs, facts)];
}

function marketPart(past: Past, events: readonly TestEvent[], facts: EventFacts): number[] {
  const bids = [...past.bids].sort((a, b) => b[0] - a[0]);
  const asks = [...past.asks].sort((a, b) => a[0] - b[0]);
  const { yb, ya } = best(past);
  const mid = (yb + ya) / 2;
  const spread = Math.max(0, ya - yb);
  const bestBidCc = bids[0]?.[0] ?? 0;
  const bestAskCc = asks[0]?.[0] ?? 10_000;
  const b5 = sum(bids.filter(([price]) => price >= bestBidCc - 500).map(([, lots]) => lots / 100));
  const a5 = sum(asks.filter(([price]) => price <= bestAskCc + 500).map(([, lots]) => lots / 100));
  const b1 = (bids[0]?.[1] ?? 0) / 100;
  const a1 = (asks[0]?.[1] ?? 0) / 100;
  const vb = sum(bids.map(([, lots]) => lots / 100));
  const va = sum(asks.map(([, lots]) => lots / 100));
  const volume = (contracts: number): number => cap(ln(1 + contracts) / ln(1 + 1e7));
  const buy = average(asks);
  const sell = average(bids);
  const soft = (x: number): number => x / (x + 0.01);
  const last = past.trades.at(-1);
  const noMid = Math.min(mid, 1 - mid);
  let arbitrage = 0;
  let efficiency = 1 - cap(10 * spread);
  const all = facts.joint?.map((member) => replay(events, member)) ?? null;
  if (all?.every((member) => member.known && !member.closed && member.active) === true) {
    const sides = all.map(best);
    const yes = sum(sides.map((side) => side.yb));
    const no = sum(sides.map((side) => side.ya));
    arbitrage = cap(Math.max(0, yes - 1, 1 - no) / 0.05);
    efficiency = 1 - cap(10 * Math.abs(1 - (yes + no) / 2));
  }
  return [
    yb,
    ya,
    cap(spread / 0.1),
    volume(b5),
    volume(b1),
    ratio(b5, a5),
    1 - ya,
    1 - yb,
    noMid === 0 ? 1 : cap(spread / (2 * noMid)),
    volume(a5),
    volume(a1),
    ratio(a1, b1),
    mid,
    buy === null ? 1 : soft(buy - ya),
    sell === null ? 1 : soft(yb - sell),
    ratio(vb, va),
    vb === 0 ? 0 : largest(past.bids) / 100 / vb,
    va === 0 ? 0 : largest(past.asks) / 100 / va,
    last === undefined ? 0 : clamp(((last.priceCc ?? 0) / 10_000 - mid) / 0.05),
    arbitrage,
    efficiency,
  ];
}

/** The mid in force at `atUs`; before the book was known, the first. */
function midAt(past: Past, atUs: number): number {
  const then = past.mids.filter((moment) => moment.at <= atUs).at(-1) ?? past.mids[0];
  return then?.mid ?? NaN;
}

function temporalPart(past: Past, nowUs: number, facts: EventFacts): number[] {
  const inside = (at: number, fromS: number, toS: number): boolean =>
    at > nowUs - fromS * US && at <= nowUs - toS * US;
  const score = (fromS: number, toS: number): number => {
    const count = past.changes.filter((at) => inside(at, fromS, toS)).length;
    return cap(ln(1 + count) / ln(1 + 10_000));
  };
  const trades = past.trades.filter((event) => inside(event.atUs, 60, 0));
  const taken = (side: number): number =>
    sum(trades.filter((event) => event.side === side).map((event) => (event.size ?? 0) / 100));
  const y = taken(ASK);
  const n = taken(BID);
  const mid = past.mids.at(-1)?.mid ?? NaN;
  const soft = (x: number, k: number): number => x / (Math.abs(x) + k);
  const sinceChange = (nowUs - Math.max(past.bookAt, past.changes.at(-1) ?? -Infinity)) / US;
  const lastTrade = past.trades.at(-1);
  const sinceTrade = lastTrade === undefined ? null : (nowUs - lastTrade.atUs) / US;
  const inMinute = [
    midAt(past, nowUs - 60 * US),
    ...past.mids.filter((moment) => inside(moment.at, 60, 0)).map((moment) => moment.mid),
  ];
  const range = Math.max(...inMinute) - Math.min(...inMinute);
  const active = Array.from({ length: 60 }, (_, k) => k).filter((k) =>
    past.changes.some((at) => inside(at, k + 1, k)),
  ).length;
  const date = new Date(nowUs / 1_000);
  const secondOfDay = date.getUTCHours() * 3_600 + date.getUTCMinutes() * 60 + date.getUTCSeconds();
  const leftS = facts.closeUs === null ? null : Math.max(0, (facts.closeUs - nowUs) / US);
  const deviation = deviationOfChanges(past, nowUs);
  return [
    sinceChange / (sinceChange + 2),
    sinceTrade === null ? 1 : sinceTrade / (sinceTrade + 5),
    score(60, 0),
    score(60, 0) - score(120, 60),
    cap(ln(1 + y + n) / ln(1 + 1e6)),
    (y - n) / (y + n + 100),
    soft(mid - midAt(past, nowUs - 60 * US), 0.05),
    soft(mid - midAt(past, nowUs - 600 * US), 0.15),
    deviation / (deviation + 0.003),
    0.05 / (range + 0.05),
    active / 60,
    secondOfDay / 86_400,
    ((date.getUTCDay() + 6) % 7) / 6,
    leftS === null ? 1 : cap(ln(1 + leftS) / ln(1 + 2_592_000)),
  ];
}

/** Population deviation of the differences of the newest 301 mids at whole seconds. */
function deviationOfChanges(past: Past, nowUs: number): number {
  const mids: number[] = [];
  for (
    let second = Math.floor(nowUs / US);
    second * US >= past.bookAt && mids.length < 301;
    second--
  ) {
    mids.unshift(midAt(past, second * US));
  }
  const changes = mids.slice(1).map((mid, index) => mid - (mids[index] ?? NaN));
  if (changes.length < 2) return 0;
  const mean = sum(changes) / changes.length;
  return Math.sqrt(sum(changes.map((x) => (x - mean) * (x - mean))) / changes.length);
}
