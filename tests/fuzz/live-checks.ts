/**
 * What must hold of a played seed, judged by the exchange's own engine: its ledger, its orders, its
 * book, and the requests that reached it.
 */
import { canonicalJson, type CentiCents } from "../../src/core/index.ts";
import type { LiveEntry, LiveOutput } from "../../src/journal/index.ts";
import type { VenueFill, VenueOrder } from "../../src/kalshi/index.ts";
import { replayRun } from "../../src/live/index.ts";
import { BookSide } from "../../src/market/index.ts";
import {
  applyOrderEvent,
  type ClientOrderId,
  isOpen,
  newOrder,
  type Order,
} from "../../src/orders/index.ts";
import { isOurs, type LivePlay, type PlayedRun } from "./live-play.ts";
import { ListenedBooks } from "./listened-books.ts";
import { replayedPolicies } from "./live-policies.ts";

/** Inputs that may wait together before it is a queue that grows. */
const WAITING_MAX = 2_000;

/** In the calm, before the stop: the run's view is the venue's. */
export function checkCalm(play: LivePlay): void {
  const { world, last } = play;
  const { run } = last;
  if (run.fatal !== null) play.fail("exception", String(run.fatal));
  const { trader } = run.trader;
  if (run.isDone || trader === null) return;
  const { account } = trader;
  world.markets.forEach((market, index) => {
    const ours = account.ledger.position(index);
    const venue = world.account.ledger.position(market.index);
    if (ours !== venue) play.fail("positions", `${market.ticker}: ${ours}, ${venue} there`);
  });
  checkCash(play, last);
  checkOpen(play, last);
  checkLoss(play, last);
}

function checkCash(play: LivePlay, played: PlayedRun): void {
  const { run, availableAtStart, isHiddenAtStart } = played;
  const { trader } = run.trader;
  const { budget } = run.header.settings;
  if (trader === null || availableAtStart === null) return;
  // How much was outside the budget is not known where somebody's orders may have locked some of it.
  if (budget !== null && isHiddenAtStart) return;
  const outside = budget === null ? 0 : Math.max(0, availableAtStart - budget);
  const ours = trader.account.ledger.cash + outside;
  const venue = play.world.account.ledger.cash;
  if (ours !== venue) play.fail("cash", `${ours}, ${venue} there, ${venue - ours} more`);
}

function checkOpen(play: LivePlay, { run }: PlayedRun): void {
  const { world } = play;
  const { trader } = run.trader;
  if (trader === null) return;
  const there = new Map(
    [...world.account.openOrders()].filter(isOurs).map((order) => [order.clientOrderId, order]),
  );
  world.markets.forEach((_, index) => {
    for (const order of trader.account.openOrders(index)) {
      const { clientOrderId } = order.request;
      const venue = there.get(clientOrderId);
      there.delete(clientOrderId);
      const ours = `${order.status} ${order.size - order.filled} at ${order.price}`;
      if (venue === undefined) play.fail("open orders", `${clientOrderId}: ${ours}, none there`);
      else {
        const theirs = `resting ${venue.remaining} at ${venue.price}`;
        if (ours !== theirs) play.fail("open orders", `${clientOrderId}: ${ours}, ${theirs} there`);
      }
    }
  });
  for (const id of there.keys()) play.fail("open orders", `${id} rests there and is not known`);
}

/** A run that has lost more than it may has stopped. */
function checkLoss(play: LivePlay, { run }: PlayedRun): void {
  const { lossMax } = run.header.settings;
  const { trader, startValue, stopReason } = run.trader;
  if (lossMax === null || trader === null || startValue === null || stopReason !== null) return;
  const lost = startValue - trader.portfolioValue();
  if (lost >= lossMax) play.fail("loss limit", `${lost} lost, ${lossMax} allowed, and it goes on`);
}

/** After the stop: every order is accounted for, and the journals tell all of it. */
export function checkEnd(play: LivePlay): void {
  const { last, world } = play;
  if (!last.run.isDone && last.run.trader.trader !== null) {
    play.fail("stop", `${last.run.trader.state}, ${last.run.trader.openCount} open`);
  }
  const excused = excusedLeavings(play);
  for (const order of world.account.openOrders()) {
    if (!isOurs(order) || excused(order.clientOrderId)) continue;
    play.fail("left behind", `${order.clientOrderId} rests after the stop`);
  }
  checkCreations(play);
  const there = ordersThere(play);
  for (const played of play.runs) {
    checkOrders(play, played, there);
    checkQueues(play, played);
    checkReplay(play, played);
  }
}

/**
 * What a run may leave behind. A creation that was held on its way for longer than the order manager
 * waits is given up, and may come when the run is over, also one of a run that was killed. A run that
 * never reached the venue leaves what a killed one before it left: that one's watchdog cancels it, which
 * is not played here.
 */
function excusedLeavings({ plan, last }: LivePlay): (clientOrderId: string) => boolean {
  const { header, journal, trader } = last.run;
  const givenUp = new Set<string>();
  for (const { input } of entriesOf(journal.blocks)) {
    if (input.kind === "order" && input.event.kind === "rejected") {
      givenUp.add(input.event.clientOrderId);
    }
  }
  return (id) => {
    const isOfKilled = !id.startsWith(header.idPrefix);
    if (plan.holdsLong) return givenUp.has(id) || isOfKilled;
    return isOfKilled && trader.trader === null;
  };
}

/** No order is sent twice, none that the journal does not have, none after the end of trading. */
function checkCreations(play: LivePlay): void {
  const sent = new Map<string, number>();
  for (const { run } of play.runs) {
    for (const output of outputsOf(run.journal.blocks)) {
      if (output.kind !== "sent" || output.command.kind !== "submit") continue;
      const { clientOrderId } = output.command.request;
      if (sent.has(clientOrderId)) play.fail("twice", `${clientOrderId} was submitted twice`);
      sent.set(clientOrderId, output.atUs);
    }
  }
  const created = new Set<string>();
  for (const { atUs, method, path, body } of play.world.writes) {
    if (method !== "POST" || !path.endsWith("/events/orders")) continue;
    const { client_order_id: id } = JSON.parse(body) as { client_order_id: string };
    if (created.has(id)) play.fail("twice", `${id} was sent to the exchange twice`);
    created.add(id);
    if (!((sent.get(id) ?? Infinity) <= atUs))
      play.fail("unknown order", `${id} at ${atUs} was in no journal, sent ${sent.get(id)}`);
  }
}

interface There {
  readonly order: VenueOrder;
  readonly fills: VenueFill[];
}

/** All orders that the account ever had, by client id. */
function ordersThere(play: LivePlay): Map<string, There> {
  const { exchange, account } = play.world;
  const view = exchange.model.account(account.index);
  const byId = new Map<string, There>();
  const byClient = new Map<string, There>();
  for (let index = 0; index < view.orderIds.end; index++) {
    const orderId = view.orderIds.at(index) ?? "";
    const order = view.order(orderId);
    if (order === undefined) continue;
    const there = { order, fills: [] };
    byId.set(orderId, there);
    if (byClient.has(order.clientOrderId)) {
      play.fail("twice", `${order.clientOrderId} is there twice`);
    }
    byClient.set(order.clientOrderId, there);
  }
  for (let index = 0; index < view.fills.end; index++) {
    const fill = view.fills.at(index);
    if (fill !== undefined) byId.get(fill.orderId)?.fills.push(fill);
  }
  return byClient;
}

type Blocks = PlayedRun["run"]["journal"]["blocks"];

function entriesOf(blocks: Blocks): LiveEntry[] {
  return blocks.flatMap((block) => (block.kind === "inputs" ? block.entries : []));
}

function outputsOf(blocks: Blocks): LiveOutput[] {
  return blocks.flatMap((block) => (block.kind === "outputs" ? block.outputs : []));
}

/** Each order as the journal's events fold is what it is at the exchange, and so are its fills. */
function checkOrders(play: LivePlay, played: PlayedRun, there: ReadonlyMap<string, There>): void {
  const { run } = played;
  const { blocks } = run.journal;
  const orders = new Map<ClientOrderId, Order>();
  const fills = new Map<string, Set<string>>();
  const corrected = new Set<string>();
  for (const output of outputsOf(blocks)) {
    if (output.kind === "sent" && output.command.kind === "submit") {
      const { request } = output.command;
      orders.set(request.clientOrderId, newOrder(request, output.atUs));
    }
    if (output.kind === "correction") corrected.add(output.correction.name);
  }
  for (const { input } of entriesOf(blocks)) {
    // A fill of an order that had been given up is told as a doubt, and shows at the next reading.
    if (input.kind === "doubt") corrected.add(input.why.split(" ").at(-1) ?? "");
    if (input.kind !== "order") continue;
    const { event } = input;
    const before = orders.get(event.clientOrderId);
    if (before === undefined) {
      play.fail("journal", `an event of ${event.clientOrderId}, which was not sent`);
      continue;
    }
    const isLateRefusal = event.kind === "cancelRejected" || event.kind === "amendRejected";
    if (isLateRefusal && !isOpen(before)) continue;
    orders.set(event.clientOrderId, applyOrderEvent(before, event));
    if (event.kind !== "filled" || event.evidence.kind !== "venue") continue;
    const told = fills.get(event.clientOrderId) ?? new Set();
    const { tradeId } = event.evidence;
    if (told.has(tradeId)) play.fail("fill doubled", `${event.clientOrderId} ${tradeId}`);
    told.add(tradeId);
    fills.set(event.clientOrderId, told);
  }
  const over = outputsOf(blocks).find((output) => output.kind === "state" && output.to === "IDLE");
  for (const [id, order] of orders) {
    const venue = there.get(id);
    // Given up, held for longer than that on its way, and come when the run was over.
    const isTooLate = venue?.fills.every(
      ({ createdUs }) => (createdUs ?? 0) > (over?.atUs ?? Infinity),
    );
    if (play.plan.holdsLong && order.status === "rejected" && isTooLate === true) continue;
    const ticker = run.header.markets[order.request.market]?.ticker ?? "";
    const names = [ticker, id, "cash"];
    const isCovered = played.killedUs !== null || names.some((name) => corrected.has(name));
    checkFills(play, id, fills.get(id) ?? new Set(), venue, isCovered);
    // What a killed process did not hear of is the next one's to ask for.
    if (played.killedUs !== null) continue;
    const difference = differenceOf(order, venue, isCovered);
    if (difference !== null) play.fail("order's end", `${id}: ${difference}`);
  }
}

function checkFills(
  play: LivePlay,
  id: string,
  told: ReadonlySet<string>,
  venue: There | undefined,
  isCovered: boolean,
): void {
  const real = new Set(venue?.fills.map(({ tradeId }) => tradeId));
  for (const tradeId of told) {
    if (!real.has(tradeId)) play.fail("fill made up", `${id} ${tradeId}`);
  }
  for (const tradeId of real) {
    if (!told.has(tradeId) && !isCovered) play.fail("fill lost", `${id} ${tradeId}`);
  }
}

/** One ended order by its events and at the exchange; what differs, or null. */
function differenceOf(own: Order, there: There | undefined, isCovered: boolean): string | null {
  const { status, filled } = own;
  const venue = there?.order;
  if (venue?.status === "resting") return `${status}, resting there`;
  switch (status) {
    case "pending":
    case "resting":
      return `${status} still, ${venue?.status ?? "nothing"} there`;
    case "rejected":
      // One that was held for too long came late, and was cancelled when it was seen.
      return venue === undefined || venue.filled === 0 || isCovered
        ? null
        : `rejected, ${venue.filled} filled there`;
    case "filled":
    case "cancelled":
      if (venue === undefined) return `${status}, and not there`;
      return venue.filled === filled || isCovered
        ? null
        : `${status} with ${filled} filled, ${venue.filled} there`;
  }
}

function checkQueues(play: LivePlay, { run }: PlayedRun): void {
  const { mostWaiting } = run.actor;
  if (mostWaiting > WAITING_MAX) play.fail("queue", `${mostWaiting} inputs waited together`);
}

/** The journal gives the same run, and the book that it shows is the exchange's without our orders. */
function checkReplay(play: LivePlay, { run, calms }: PlayedRun): void {
  const { header, journal } = run;
  const books = new ListenedBooks(header.markets.length);
  const isLast = run === play.last.run;
  const calmInputs = entriesOf(journal.blocks.slice(0, play.calmBlocks)).length;
  let inputs = 0;
  let isStopped = false;
  const replay = replayRun({
    header,
    blocks: journal.blocks,
    makePolicy: replayedPolicies(play.plan, calms),
    listener: books,
    afterInput: ({ outputs, run: { stopReason } }) => {
      inputs += 1;
      const late = outputs.find((output) => isStopped && isNewRisk(output));
      if (late !== undefined) play.fail("after the stop", toText(late));
      isStopped = stopReason !== null;
      if (isLast && inputs === calmInputs) checkBooks(play, books);
    },
  });
  if (replay.difference !== null) {
    const { output, journalled, replayed } = replay.difference;
    play.fail("replay", `output ${output}: ${toText(journalled)}, replayed ${toText(replayed)}`);
  }
  if (replay.unwritten > 0) play.fail("replay", `${replay.unwritten} outputs more than journalled`);
}

/** An order, or more of one. */
function isNewRisk(output: LiveOutput): boolean {
  return output.kind === "sent" && output.command.kind !== "cancel";
}

function toText(output: LiveOutput | null): string {
  return output === null ? "nothing" : canonicalJson(output).slice(0, 200);
}

function checkBooks(play: LivePlay, books: ListenedBooks): void {
  play.calmBooks.forEach((venue, index) => {
    if (venue === null || !books.isKnown(index)) return;
    for (const side of [BookSide.bid, BookSide.ask]) {
      const prices = new Set([...books.levels(index, side).keys(), ...venue[side].keys()]);
      for (const price of prices) {
        const ours = books.levels(index, side).get(price) ?? 0;
        const others = venue[side].get(price as CentiCents) ?? 0;
        if (ours === others) continue;
        const word = side === BookSide.bid ? "bids" : "asks";
        play.fail("book", `market ${index}, ${word} at ${price}: ${ours}, ${others} there`);
      }
    }
  });
}
