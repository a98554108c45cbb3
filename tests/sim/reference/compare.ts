/** Runs one random session through the simulator and the reference and finds where they part. */
import { isDeepStrictEqual } from "node:util";
import { type CentiCents, type Lots, type MicroUsd, Prng } from "../../../src/core/index.ts";
import {
  Account,
  type ApprovedOrder,
  type ClientOrderId,
  lockedCash,
  type OrderEvent,
} from "../../../src/orders/index.ts";
import { streamRows, EventKind, MarketStatus } from "../../../src/market/index.ts";
import { FILL_MODELS, SimulatedOrderManager } from "../../../src/sim/index.ts";
import { costAndProfit, dearestTerms, feesOf, payout, STEPS } from "./money.ts";
import { randomSettings, randomSteps, type Step } from "./random-commands.ts";
import { type RandomSession, randomSession } from "./random-session.ts";
import type { ReferenceMarket } from "./market.ts";
import type { RecordedMarket } from "./recording.ts";
import { type Command, ReferenceVenue, type VenueSettings } from "./venue.ts";

export interface Case {
  readonly seed: string;
  readonly session: RandomSession;
  readonly settings: VenueSettings;
  readonly steps: readonly Step[];
  /** Where the simulator is put down: at the first row, or behind those until this time. */
  readonly startUs: number | null;
}

export interface Difference {
  readonly step: number;
  readonly atUs: number;
  readonly what: string;
  readonly simulator: unknown;
  readonly reference: unknown;
}

/** What happened in a comparison: without it, agreement may be that of two who do nothing. */
export interface Tally {
  [what: string]: number;
}

export function randomCase(seed: string): Case {
  const prng = Prng.fromSeed(seed);
  const session = randomSession(prng.fork("session"));
  const settings = randomSettings(prng.fork("settings"));
  const start = prng.fork("start");
  const startUs = start.integer(4) === 0 ? startInside(session, start) : null;
  const steps = randomSteps(prng.fork("commands"), session, startUs ?? session.startUs - 100_000);
  return { seed, session, settings, steps, startUs };
}

/** A time at which all books are known and open; null where there is none among a few. */
function startInside(session: RandomSession, prng: Prng): number | null {
  for (let attempt = 0; attempt < 5; attempt++) {
    const atUs = session.startUs + prng.integer(session.endUs - session.startUs + 1);
    const isOpen = session.markets.every(({ rows }) => {
      const past = rows.filter((row) => row.atUs <= atUs);
      const isClosed = past.some(({ kind }) => kind === "close");
      const known = past.findLast(({ kind }) => kind === "snapshot" || kind === "gap");
      return known?.kind === "snapshot" && !isClosed;
    });
    if (isOpen) return atUs;
  }
  return null;
}

/** The first difference, or null. */
export function compare(play: Case, tally: Tally = {}): Difference | null {
  const { session, steps } = play;
  const pair = new Pair(play, tally);
  for (const [step, { atUs, commands }] of steps.entries()) {
    const found = pair.advanceTo(atUs);
    if (found !== null) return { step, atUs, ...found };
    for (const command of commands) pair.send(command);
  }
  // Whatever is on its way still arrives.
  let atUs = Math.max(session.endUs, steps.at(-1)?.atUs ?? 0);
  do {
    atUs += 1_000_000;
    const found = pair.advanceTo(atUs);
    if (found !== null) return { step: steps.length, atUs, ...found };
  } while (!pair.isQuiet);
  const found = pair.settle();
  return found === null ? null : { step: steps.length + 1, atUs, ...found };
}

type Found = Omit<Difference, "step" | "atUs">;

/** The same session twice. */
class Pair {
  readonly #simulator: SimulatedOrderManager;
  readonly #reference: ReferenceVenue;
  /** What the simulator's events alone say about the account; null once an order made no sense. */
  #account: Account | null;
  readonly #ids = new Set<string>();
  readonly #session: RandomSession;
  readonly #startingCash: bigint;
  readonly #step: bigint;
  /** Where no rounding can cost more than was locked for it. */
  readonly #neverShort: boolean;
  readonly #tally: Tally;

  constructor({ seed, session, settings, startUs }: Case, tally: Tally) {
    const prng = Prng.fromSeed(seed).fork("latency");
    const { startingCash, model, membership, latency } = settings;
    this.#session = session;
    this.#tally = tally;
    this.#startingCash = BigInt(startingCash);
    this.#step = STEPS[membership];
    this.#simulator = new SimulatedOrderManager({
      tape: session.tape,
      markets: session.markets.map((_, index) => index),
      startingCash: startingCash as MicroUsd,
      fillModel: FILL_MODELS[model],
      latency,
      membership,
      prng: prng.fork("same"),
    });
    this.#reference = new ReferenceVenue(session.markets, settings, prng.fork("same"));
    this.#account = new Account(
      session.markets.map(dearestTerms),
      startingCash as MicroUsd,
      Number(this.#step) as MicroUsd,
    );
    const whole = session.markets
      .flatMap(({ prices }) => prices)
      .every((price) => price % 100 === 0);
    this.#neverShort = whole && membership === "direct";
    if (startUs !== null) this.#startFrom(startUs);
  }

  /** Puts the simulator behind the rows that had reached us by then; the reference goes there. */
  #startFrom(startUs: number): void {
    const { tape } = this.#session;
    for (const [index, market] of this.#simulator.markets.entries()) {
      const [first, end] = streamRows(tape, index);
      let row = first;
      while (row < end && (tape.atUs[row] ?? 0) <= startUs) row += 1;
      market.startFrom((book) => {
        for (let next = first; next < row;) next = book.apply(tape, next);
        const statuses = [...tape.size.slice(first, row)].filter(
          (_, at) => tape.kind[first + at] === EventKind.status,
        );
        const last = statuses.findLast(
          (status) => status === MarketStatus.active || status === MarketStatus.inactive,
        );
        return last === MarketStatus.inactive;
      }, row);
    }
  }

  get isQuiet(): boolean {
    return !this.#simulator.hasMessagesInFlight() && this.#reference.isQuiet;
  }

  send(command: Command): void {
    this.#reference.send(command);
    this.#follow(command);
    if (command.kind === "submit") {
      return this.#simulator.submit(command.request as ApprovedOrder);
    }
    const id = command.id as ClientOrderId;
    if (command.kind === "cancel") return this.#simulator.cancel(id);
    this.#simulator.amend(id, command.price as CentiCents, command.size as Lots);
  }

  /** Tells the account what was sent, as the one who trades would. */
  #follow(command: Command): void {
    const account = this.#account;
    if (account === null) return;
    if (command.kind === "submit") {
      const { request } = command;
      const isSane = isWhole(request.price, request.size) && !this.#ids.has(request.clientOrderId);
      this.#ids.add(request.clientOrderId);
      if (isSane) return account.sent(request, 0);
      this.#account = null;
      return;
    }
    const id = command.id as ClientOrderId;
    if (account.order(id) === undefined) return;
    if (command.kind === "cancel") return account.cancelSent(id);
    if (!isWhole(command.price, command.size)) return;
    account.amendSent(id, command.price as CentiCents, command.size as Lots);
  }

  advanceTo(atUs: number): Found | null {
    try {
      this.#simulator.advanceTo(atUs);
      this.#reference.advanceTo(atUs);
      return this.#events() ?? this.#money() ?? this.#orders();
    } catch (error) {
      return { what: "an exception", simulator: String(error), reference: "none" };
    }
  }

  /** What has been heard of. */
  #events(): Found | null {
    const events: OrderEvent[] = [];
    this.#simulator.drain(events);
    const expected = this.#reference.heard();
    for (let index = 0; index < Math.max(events.length, expected.length); index++) {
      const found = unequal("event", events[index], expected[index]);
      if (found !== null) return found;
    }
    for (const event of events) {
      const reason = "reason" in event ? ` ${event.reason}` : "";
      const role = event.kind === "filled" ? ` ${event.role} ${event.evidence.kind}` : "";
      this.#count(`${event.kind}${reason}${role}`);
      this.#account?.apply(event);
    }
    return null;
  }

  settle(): Found | null {
    let cash = this.#reference.cash;
    let profit = 0n;
    for (const [market, { settlement }] of this.#session.markets.entries()) {
      const paid = payout(this.#reference.position(market), BigInt(settlement.valueCc));
      const closed = costAndProfit(this.#reference.fills, market);
      cash += paid;
      profit += closed.profit + paid - closed.cost;
      this.#simulator.venueLedger.settle(market, settlement.valueCc);
    }
    const { venueLedger } = this.#simulator;
    const found =
      unequal("settled cash", venueLedger.cash, Number(cash)) ??
      unequal("settled profit", venueLedger.realized, Number(profit));
    if (found !== null) return found;
    // Nothing is earned but what the profit says.
    const fees = feesOf(this.#reference.fills);
    return unequal("conserved", Number(cash - this.#startingCash), Number(profit - fees));
  }

  #money(): Found | null {
    const { venueLedger, markets } = this.#simulator;
    const { fills } = this.#reference;
    let locked = 0;
    for (const [index, market] of markets.entries()) {
      const { cost } = costAndProfit(fills, index);
      const dearest = dearestTerms(this.#session.markets[index] as RecordedMarket);
      const position = venueLedger.position(index);
      locked += lockedCash(dearest, position, market.resting, Number(this.#step) as MicroUsd);
      const found =
        unequal("position", venueLedger.position(index), Number(this.#reference.position(index))) ??
        unequal("cost", venueLedger.costs[index], Number(cost));
      if (found !== null) return found;
    }
    const cash = Number(this.#reference.cash);
    const found =
      unequal("cash", venueLedger.cash, cash) ??
      unequal("fees", venueLedger.fees, Number(feesOf(fills))) ??
      unequal("collateral", locked, Number(this.#reference.locked)) ??
      unequal("cash below zero", this.#neverShort && cash < 0, false);
    if (found !== null || this.#account === null || !this.isQuiet) return found;
    // All has been heard: the account has come to the same.
    return (
      unequal("heard cash", this.#account.ledger.cash, cash) ??
      unequal("heard collateral", this.#account.locked, locked) ??
      unequal("heard positions", [...this.#account.ledger.positions], [...venueLedger.positions])
    );
  }

  #orders(): Found | null {
    for (const [index, market] of this.#simulator.markets.entries()) {
      const reference = this.#reference.markets[index] as ReferenceMarket;
      const found =
        unequal(
          "resting orders",
          market.resting.map(({ request, price, size, filled, ahead }) => {
            return { id: request.clientOrderId, price, size, filled, ahead };
          }),
          reference.resting.map((order) => {
            const { request, price, size, filled } = order;
            return {
              id: request.clientOrderId,
              price,
              size,
              filled,
              ahead: reference.aheadOf(order),
            };
          }),
        ) ??
        unequal("uncertain orders", market.uncertainOrders, reference.uncertain) ??
        unequal(
          "offered",
          market.depthWithin(0, market.grid.count - 1),
          reference.depthWithin("bid", 10_000),
        ) ??
        unequal("wanted", market.depthWithin(1, 0), reference.depthWithin("ask", 0));
      if (found !== null) return found;
    }
    return null;
  }

  #count(what: string): void {
    this.#tally[what] = (this.#tally[what] ?? 0) + 1;
  }
}

/** The smallest number of commands, of the first ones, that still shows a difference. */
export function smallestPrefix(play: Case): { play: Case; difference: Difference } | null {
  const all = play.steps.reduce((sum, { commands }) => sum + commands.length, 0);
  for (let kept = 0; kept <= all; kept++) {
    const shorter = { ...play, steps: firstCommands(play.steps, kept) };
    const difference = compare(shorter);
    if (difference !== null) return { play: shorter, difference };
  }
  return null;
}

/** The same moments with the first `count` commands only. */
function firstCommands(steps: readonly Step[], count: number): Step[] {
  let left = count;
  return steps.map(({ atUs, commands }) => {
    const kept = commands.slice(0, left);
    left -= kept.length;
    return { atUs, commands: kept };
  });
}

/** A difference in words: enough to find it again. */
export function report(play: Case): string {
  const smallest = smallestPrefix(play);
  if (smallest === null) return `seed ${play.seed}: no difference`;
  const { difference, play: shortest } = smallest;
  const { settings, steps, session } = shortest;
  const since = (atUs: number): number => atUs - session.startUs;
  const commands = steps.flatMap(({ atUs, commands }, step) =>
    commands.map((command) => `  step ${step} at ${since(atUs)}: ${textOf(command)}`),
  );
  return [
    `seed ${play.seed}: ${difference.what} differs at step ${difference.step}, ` +
      `${since(difference.atUs)} us after the first row; to repeat it: ` +
      `REFERENCE_SEED=${play.seed} npx vitest run tests/sim/reference`,
    `settings: ${textOf(settings)}`,
    `simulator: ${textOf(difference.simulator)}`,
    `reference: ${textOf(difference.reference)}`,
    `the first ${commands.length} commands show it:`,
    ...commands,
  ].join("\n");
}

function unequal(what: string, simulator: unknown, reference: unknown): Found | null {
  return isDeepStrictEqual(simulator, reference) ? null : { what, simulator, reference };
}

/** JSON with members in the order of their names, and with infinities. */
function textOf(value: unknown): string {
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (Array.isArray(value)) return `[${value.map(textOf).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "nothing";
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${name}:${textOf(member)}`).join(",")}}`;
}

function isWhole(price: number, size: number): boolean {
  return Number.isSafeInteger(price) && Number.isSafeInteger(size) && size > 0;
}
