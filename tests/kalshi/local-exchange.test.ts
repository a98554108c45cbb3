/** The REST client and the feed against the local exchange, over real sockets. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { MachineScheduler } from "../../src/apps/machine-scheduler.ts";
import { centiCents, lots, Prng } from "../../src/core/index.ts";
import {
  type Answer,
  type Call,
  calls,
  type EntryOutcome,
  FeedClient,
  type FeedEvent,
  loadSigningKey,
  NodeNetwork,
  openVenue,
  OrderEntry,
  type OrderTicket,
  RestClient,
  valueOf,
  USUAL_TERMS,
} from "../../src/kalshi/index.ts";
import { BookSide } from "../../src/market/index.ts";
import { KEY_ID, RSA, ServedCase, TICKER } from "../exchange/served-case.ts";

let served: ServedCase;
let client: RestClient;
let entry: OrderEntry;
let feed: FeedClient;
let network: NodeNetwork;
const events: FeedEvent[] = [];

beforeAll(async () => {
  served = await ServedCase.open();
  const { rest, ws } = served.server;
  const venue = openVenue({ restUrl: rest, wsUrl: ws });
  const key = loadSigningKey(venue, { keyId: KEY_ID, pem: RSA.privateKey });
  network = new NodeNetwork(venue);
  const scheduler = new MachineScheduler();
  const prng = Prng.fromSeed(1);
  client = new RestClient({ venue, key, network, scheduler, prng });
  entry = new OrderEntry(client, scheduler, prng);
  const onEvents = (): void => {
    feed.drain(events);
  };
  feed = new FeedClient({ venue, key, network, scheduler, prng, onEvents });
});

afterAll(async () => {
  feed.close();
  client.close();
  entry.close();
  network.close();
  await served.server.close();
});

const send = async <T>(call: Call<T>): Promise<T> =>
  valueOf(await new Promise<Answer<T>>((resolve) => void client.send(call, resolve)), call.route);

/** Not all that is waited for comes with an event: that a channel is subscribed does not. */
async function until(isEnough: () => boolean): Promise<void> {
  while (!isEnough()) await new Promise((resolve) => setTimeout(resolve, 2));
}

const ticket = (
  clientOrderId: string,
  cents: number,
  contracts: number,
): OrderTicket & { clientOrderId: string } => ({
  ticker: TICKER,
  clientOrderId,
  side: BookSide.bid,
  size: lots(contracts * 100),
  price: centiCents(cents * 100),
  ...USUAL_TERMS,
});

test("every reading that the client knows is answered", async () => {
  const limits = await new Promise<Answer<unknown>>((resolve) => {
    client.learnLimits(resolve);
  });
  expect(limits.kind).toBe("ok");
  const market = await send(calls.market(TICKER));
  const { eventTicker } = market;
  const event = await send(calls.event(eventTicker, true));
  expect(event.markets.map(({ ticker }) => ticker)).toContain(TICKER);
  expect((await send(calls.series(event.seriesTicker))).feeType).toBe("quadratic");
  expect((await send(calls.exchangeStatus())).tradingActive).toBe(true);
  expect((await send(calls.balance())).cash).toBe(100_000_000);
  for (const call of [
    calls.markets({ limit: 10, status: "open" }),
    calls.events({ limit: 10 }),
    calls.trades({ ticker: TICKER }),
    calls.positions({}),
    calls.fills({}),
    calls.settlements({}),
    calls.orders({ ticker: TICKER }),
  ] as Call<{ items: readonly unknown[]; cursor: string }>[]) {
    expect(Array.isArray((await send(call)).items), call.route).toBe(true);
  }
  expect(await send(calls.userDataTime())).toBeGreaterThan(0);
  expect((await send(calls.queuePositions({ market_tickers: TICKER }))).items).toEqual([]);
  expect((await send(calls.orderGroups())).items).toEqual([]);
  expect((await send(calls.seriesFeeChanges(event.seriesTicker))).items).toEqual([]);
});

test("an order's life is told by its answers and by the feed alike", async () => {
  feed.watch("orderbook_delta", [TICKER]);
  for (const channel of ["trade", "fill", "user_orders", "market_positions"] as const) {
    feed.watch(channel, "all");
  }
  feed.watch("market_lifecycle_v2", "all");
  feed.start();
  await until(() => feed.health().channels.length === 6 && feed.health().booksKnown === 1);
  await until(() => feed.health().channels.every(({ isSubscribed }) => isSubscribed));

  const created = await new Promise<EntryOutcome<{ orderId: string }>>((resolve) => {
    entry.create(ticket("c-1", 40, 5), resolve);
  });
  if (created.kind !== "done") throw new Error(`the order was not created: ${created.kind}`);
  const { orderId } = created.answer;
  const amended = await send(
    calls.amendOrder(orderId, {
      ticker: TICKER,
      side: BookSide.bid,
      price: centiCents(4_100),
      size: lots(700),
      clientOrderId: "c-1",
      updatedClientOrderId: null,
      exchangeIndex: null,
    }),
  );
  expect(amended.orderId).toBe(orderId);
  served.crowd("ask", 41, 2, true);
  const told = (kind: string): FeedEvent[] =>
    events.filter((event) => event.kind === "message" && event.payload.kind === kind);
  await until(() => told("fill").length === 1 && told("position").length >= 1);
  const order = await send(calls.order(orderId));
  expect(order).toMatchObject({ price: 4_100, filled: 200, remaining: 500, status: "resting" });
  const [fill] = (await send(calls.fills({ ticker: TICKER }))).items;
  expect(told("fill")[0]).toMatchObject({
    payload: {
      body: {
        tradeId: fill?.tradeId,
        orderId,
        size: 200,
        price: 4_100,
        fee: fill?.fee,
        position: 200,
      },
    },
  });
  expect((await send(calls.queuePositions({ market_tickers: TICKER }))).items).toMatchObject([
    { orderId, ahead: 0 },
  ]);
  const cancelled = await new Promise<EntryOutcome<{ reducedBy: number }>>((resolve) => {
    entry.cancel(orderId, resolve);
  });
  expect(cancelled).toMatchObject({ kind: "done", answer: { reducedBy: 500 } });
  const position = (await send(calls.positions({}))).items.find(({ ticker }) => ticker === TICKER);
  expect(position?.position).toBe(200);
  expect(feed.health()).toMatchObject({ gaps: 0, repeated: 0, connections: 1 });
});

test("refusals arrive with their codes, batches in part", async () => {
  const refused = await new Promise<EntryOutcome<unknown>>((resolve) => {
    entry.create(ticket("c-1", 40, 1), resolve);
  });
  expect(refused).toMatchObject({
    kind: "refused",
    status: 409,
    fault: { code: "order_already_exists" },
  });
  const batch = await send(
    calls.createOrders([
      ticket("b-1", 10, 1),
      { ...ticket("b-2", 10, 1), price: centiCents(1_055) },
    ]),
  );
  expect(batch.map(({ fault }) => fault?.code ?? null)).toEqual([null, "invalid_price"]);
  expect(await send(calls.cancelAllOrders())).toBeNull();
  const open = await send(calls.orders({ status: "resting" }));
  expect(open.items).toEqual([]);
  const none = await new Promise<Answer<unknown>>((resolve) => {
    client.send(calls.market("NO-SUCH-MARKET"), resolve);
  });
  expect(none).toMatchObject({ kind: "refused", status: 404 });
});
