/**
 * The orders of a live run beside the same orders in the simulator: each is sent at its own time to a
 * simulated venue over the run's recording, and the fills are compared, in cents, with why they differ.
 * The simulated account is set to the real one before each order, so that every order is judged by
 * itself, and a simulated order ends a moment after the real one has.
 *
 * The recording has the trades with our own orders: somebody came and took so much at that price, and
 * the model says whether that would have been ours.
 */
import {
  type CentiCents,
  formatCentiCents,
  formatFixed,
  type Lots,
  type MicroUsd,
  ONE_DOLLAR_CC,
  Prng,
} from "../../core/index.ts";
import type { LiveHeader, LiveInput } from "../../journal/index.ts";
import type { FoldedInput } from "../../live/index.ts";
import { BookSide, formatIsoTime, type Tape } from "../../market/index.ts";
import type { ApprovedOrder, ClientOrderId, OrderEvent } from "../../orders/index.ts";
import {
  FILL_MODELS,
  type FillModelName,
  type LatencySettings,
  SimulatedOrderManager,
} from "../../sim/index.ts";

export interface ComparedFill {
  readonly atUs: number;
  readonly price: CentiCents;
  readonly size: Lots;
  readonly fee: MicroUsd;
  readonly role: "maker" | "taker";
  /** Of a simulated one: what it rests on. */
  readonly evidence: string;
}

export interface ComparedOrder {
  readonly clientOrderId: string;
  readonly ticker: string;
  readonly side: "bid" | "ask";
  readonly price: CentiCents;
  readonly size: Lots;
  readonly sentUs: number;
  readonly real: readonly ComparedFill[];
  readonly simulated: readonly ComparedFill[];
  /** What the simulated order came to beyond the real one, positions at the mid when it ended. */
  readonly cents: number;
  /** Why they differ; "same" where they do not. */
  readonly why: string;
}

export interface QueueComparison {
  readonly atUs: number;
  readonly clientOrderId: string;
  readonly real: Lots;
  readonly simulated: Lots;
}

export interface ShadowReport {
  readonly model: FillModelName;
  readonly orders: readonly ComparedOrder[];
  readonly same: number;
  readonly realLots: number;
  readonly simulatedLots: number;
  /** Sum over orders. */
  readonly cents: number;
  readonly queue: readonly QueueComparison[];
}

interface Tracked {
  readonly order: ApprovedOrder;
  readonly sentUs: number;
  readonly real: ComparedFill[];
  readonly simulated: ComparedFill[];
  /** Lots that the model had before us when the venue filled us, by fill. */
  readonly aheadThen: number[];
  rejected: string | null;
  simulatedRejected: string | null;
  /** Mid prices when the real order ended, in centi-cents. */
  mark: number | null;
}

/** For so long after the real one a simulated order may still hear of its fills. */
const GRACE_US = 1_000_000;

/** Beyond any collateral: whether an order is funded was decided by the real account. */
const FUNDS = 1_000_000_000_000 as MicroUsd;

export class ShadowVenue {
  readonly #header: LiveHeader;
  readonly #model: FillModelName;
  readonly #orders: SimulatedOrderManager;
  readonly #tracked = new Map<string, Tracked>();
  readonly #compared: ComparedOrder[] = [];
  readonly #queue: QueueComparison[] = [];
  readonly #events: OrderEvent[] = [];
  /** Orders whose real half has ended, oldest first. */
  readonly #ending: { readonly tracked: Tracked; readonly atUs: number }[] = [];
  #nowUs = -Infinity;

  /** `roundTripUs` is the median time from an order to its answer, as the run measured it. */
  constructor(header: LiveHeader, tape: Tape, model: FillModelName, roundTripUs: number) {
    this.#header = header;
    this.#model = model;
    const way = Math.round(roundTripUs / 2);
    const latency: LatencySettings = {
      feedUs: 0,
      submitUs: way,
      amendUs: way,
      cancelUs: way,
      answerUs: way,
    };
    this.#orders = new SimulatedOrderManager({
      tape,
      markets: header.markets.map((_, index) => index),
      startingCash: FUNDS,
      fillModel: FILL_MODELS[model],
      latency,
      prng: Prng.fromSeed(header.seed),
      membership: header.settings.membership,
    });
  }

  /** Takes in what happened in the run; call it for every input, in order. */
  follow({ entry, effects, run }: FoldedInput): void {
    const { input, atUs } = entry;
    this.#advance(atUs);
    if (input.kind === "order") this.#heard(input.event, atUs, run);
    else if (input.kind === "queue") this.#compareQueues(input, atUs);
    for (const effect of effects) {
      if (effect.kind === "submit") this.#submit(effect.order, atUs, run);
      else if (effect.kind === "amend") {
        this.#orders.amend(effect.clientOrderId, effect.price, effect.size);
      } else if (effect.kind === "cancel") this.#orders.cancel(effect.clientOrderId);
    }
  }

  report(): ShadowReport {
    for (const tracked of this.#tracked.values()) this.#compare(tracked);
    const orders = this.#compared;
    const lots = (of: (order: ComparedOrder) => readonly ComparedFill[]): number =>
      orders.reduce((sum, order) => sum + sizeOf(of(order)), 0);
    return {
      model: this.#model,
      orders,
      same: orders.filter(({ why }) => why === "same").length,
      realLots: lots(({ real }) => real),
      simulatedLots: lots(({ simulated }) => simulated),
      cents: orders.reduce((sum, { cents }) => sum + cents, 0),
      queue: this.#queue,
    };
  }

  #advance(atUs: number): void {
    if (atUs > this.#nowUs) {
      this.#orders.advanceTo(atUs);
      this.#nowUs = atUs;
    }
    this.#orders.drain(this.#events);
    for (const event of this.#events) {
      const tracked = this.#tracked.get(event.clientOrderId);
      if (tracked === undefined) continue;
      if (event.kind === "filled") tracked.simulated.push(fillOf(event));
      else if (event.kind === "rejected") tracked.simulatedRejected = event.reason;
    }
    this.#events.length = 0;
    this.#endUntil(atUs);
  }

  #submit(order: ApprovedOrder, atUs: number, run: FoldedInput["run"]): void {
    const { trader } = run;
    if (trader !== null) {
      const { venueLedger } = this.#orders;
      const { positions, costs } = trader.account.ledger;
      const same = { positions: [...positions], costs: [...costs], cash: FUNDS };
      venueLedger.restore({ ...venueLedger.save(), ...same });
    }
    this.#tracked.set(order.clientOrderId, {
      order,
      sentUs: atUs,
      real: [],
      simulated: [],
      aheadThen: [],
      rejected: null,
      simulatedRejected: null,
      mark: null,
    });
    this.#orders.submit(order);
  }

  #heard(event: OrderEvent, atUs: number, run: FoldedInput["run"]): void {
    const tracked = this.#tracked.get(event.clientOrderId);
    if (tracked === undefined) return;
    if (event.kind === "filled") {
      tracked.real.push(fillOf(event));
      tracked.aheadThen.push(this.#aheadOf(tracked) ?? NaN);
    } else if (event.kind === "rejected") tracked.rejected = event.reason;
    if (run.trader?.account.order(event.clientOrderId) !== undefined) return;
    const quote = run.trader?.quote(tracked.order.market) ?? { bid: 0, ask: ONE_DOLLAR_CC };
    tracked.mark = (quote.bid + quote.ask) / 2;
    this.#ending.push({ tracked, atUs: atUs + GRACE_US });
  }

  #endUntil(atUs: number): void {
    for (;;) {
      const [first] = this.#ending;
      if (first === undefined || first.atUs > atUs) return;
      this.#ending.shift();
      const { clientOrderId } = first.tracked.order;
      this.#orders.cancel(clientOrderId);
      this.#compare(first.tracked);
      this.#tracked.delete(clientOrderId);
    }
  }

  #aheadOf({ order }: Tracked): number | null {
    const market = this.#orders.markets[order.market];
    const resting = market?.resting.find(
      ({ request }) => request.clientOrderId === order.clientOrderId,
    );
    return resting?.ahead ?? null;
  }

  #compareQueues(input: Extract<LiveInput, { kind: "queue" }>, atUs: number): void {
    for (const { clientOrderId, ahead } of input.places) {
      const tracked = this.#tracked.get(clientOrderId);
      const simulated = tracked === undefined ? null : this.#aheadOf(tracked);
      if (simulated === null) continue;
      this.#queue.push({ atUs, clientOrderId, real: ahead, simulated: simulated as Lots });
    }
  }

  #compare(tracked: Tracked): void {
    const { order, real, simulated, sentUs } = tracked;
    const { clientOrderId, market, side, price, size } = order;
    const mark = tracked.mark ?? price;
    const microUsd = worthOf(simulated, side, mark) - worthOf(real, side, mark);
    this.#compared.push({
      clientOrderId,
      ticker: this.#header.markets[market]?.ticker ?? String(market),
      side: side === BookSide.bid ? "bid" : "ask",
      price,
      size,
      sentUs,
      real,
      simulated,
      cents: microUsd / 10_000,
      why: whyOf(tracked),
    });
  }
}

/** The median time from a submitted order to its first answer, in microseconds; 0 without any. */
export class RoundTrips {
  readonly #sentUs = new Map<ClientOrderId, number>();
  readonly #times: number[] = [];

  follow({ entry, effects }: FoldedInput): void {
    for (const effect of effects) {
      if (effect.kind === "submit") this.#sentUs.set(effect.order.clientOrderId, entry.atUs);
    }
    if (entry.input.kind !== "order") return;
    const { clientOrderId } = entry.input.event;
    const sentUs = this.#sentUs.get(clientOrderId);
    if (sentUs === undefined) return;
    this.#times.push(entry.atUs - sentUs);
    this.#sentUs.delete(clientOrderId);
  }

  median(): number {
    const sorted = [...this.#times].sort((a, b) => a - b);
    return sorted[sorted.length >> 1] ?? 0;
  }
}

/** Lines for people: a summary, then every order that differs. */
export function shadowLines(report: ShadowReport): string[] {
  const { orders, same, realLots, simulatedLots, cents, queue, model } = report;
  const lines = [
    `${orders.length} orders beside the fill model "${model}": ${same} the same, ` +
      `${orders.length - same} differ; filled ${formatFixed(realLots, 2)} contracts at the venue and ` +
      `${formatFixed(simulatedLots, 2)} in the simulation, ${cents.toFixed(2)} cents more there`,
  ];
  for (const order of orders) {
    if (order.why === "same") continue;
    lines.push(
      `${formatIsoTime(order.sentUs)} ${order.clientOrderId} ${order.ticker} ${order.side} ` +
        `${formatFixed(order.size, 2)} at ${formatCentiCents(order.price)}: ` +
        `${order.cents.toFixed(2)} cents, ${order.why}`,
      ...order.real.map((fill) => `  venue      ${fillLine(fill)}`),
      ...order.simulated.map((fill) => `  simulation ${fillLine(fill)}, ${fill.evidence}`),
    );
  }
  if (queue.length > 0) {
    const off = queue
      .map(({ real, simulated }) => Math.abs(real - simulated))
      .sort((a, b) => a - b);
    const exact = off.filter((each) => each === 0).length;
    lines.push(
      `${queue.length} places in queues compared: ${exact} the same, the median is ` +
        `${contracts(off[off.length >> 1] ?? 0)} off`,
    );
  }
  return lines;
}

function fillLine({ atUs, price, size, fee, role }: ComparedFill): string {
  return (
    `${formatIsoTime(atUs)} ${formatFixed(size, 2)} at ${formatCentiCents(price)} as ${role}, ` +
    `fee ${formatFixed(fee, 6)} $`
  );
}

function fillOf(event: Extract<OrderEvent, { kind: "filled" }>): ComparedFill {
  const { atUs, price, size, fee, role, evidence } = event;
  const words =
    evidence.kind === "venue"
      ? "the venue's word"
      : evidence.kind === "trade"
        ? `a trade of ${contracts(evidence.size)} after ${contracts(evidence.ahead)} before us`
        : evidence.kind === "quote"
          ? `a quote of ${contracts(evidence.size)} that came to us`
          : `${contracts(evidence.size)} that rested there`;
  return { atUs, price, size, fee, role, evidence: words };
}

/** The model `through` has everybody before us. */
function contracts(lots: number): string {
  return Number.isFinite(lots) ? `${formatFixed(lots, 2)} contracts` : "all others";
}

function sizeOf(fills: readonly ComparedFill[]): number {
  return fills.reduce((sum, { size }) => sum + size, 0);
}

/** Cash and what was bought or sold at `mark`, in micro-dollars. */
function worthOf(fills: readonly ComparedFill[], side: BookSide, mark: number): number {
  const sign = side === BookSide.bid ? 1 : -1;
  return fills.reduce((sum, { price, size, fee }) => sum + sign * size * (mark - price) - fee, 0);
}

function costOf(fills: readonly ComparedFill[]): number {
  return fills.reduce((sum, { price, size }) => sum + price * size, 0);
}

function whyOf({ real, simulated, rejected, simulatedRejected, aheadThen }: Tracked): string {
  const [ours, theirs] = [sizeOf(real), sizeOf(simulated)];
  if (rejected !== null || simulatedRejected !== null) {
    if (rejected !== null && simulatedRejected !== null) return "same";
    return rejected !== null
      ? `refused by the venue (${rejected}) and not by the model`
      : `refused by the model (${simulatedRejected}) and not by the venue`;
  }
  if (ours === theirs) {
    if (costOf(real) === costOf(simulated)) return "same";
    return [...real, ...simulated].every(({ role }) => role === "maker")
      ? "filled at another of the prices that the order was moved to, earlier or later"
      : "other prices: the book at the order's arrival was not the one that had reached us";
  }
  if (ours > theirs) {
    const ahead = Math.max(0, ...aheadThen.filter((each) => !Number.isNaN(each)));
    if (real.every(({ role }) => role === "taker")) {
      return "the venue had more to take: the book had moved between our seeing it and the arrival";
    }
    return ahead > 0
      ? `the model had ${contracts(ahead)} before us when the venue filled us`
      : "the model's order was not there yet, or had been filled before";
  }
  return simulated.every(({ role }) => role === "taker")
    ? "the model found more to take: the book had moved between our seeing it and the arrival"
    : "the model had fewer before us than the venue";
}
