/** The venue's order manager keeps the contract over real sockets, in real time. */
import { MachineScheduler } from "../../src/apps/machine-scheduler.ts";
import { Prng } from "../../src/core/index.ts";
import {
  FeedClient,
  type FeedEvent,
  KalshiOrderManager,
  loadSigningKey,
  NodeNetwork,
  openVenue,
  OrderEntry,
  RestClient,
} from "../../src/kalshi/index.ts";
import { BookSide } from "../../src/market/index.ts";
import { orderManagerContract, type World } from "../contract/order-manager-contract.ts";
import { KEY_ID, RSA, ServedCase, TICKER } from "../exchange/served-case.ts";
import { Others } from "./order-manager-case.ts";

/** Everything of a run, and what has been heard of it. */
class ServedWorld implements World {
  readonly orders: KalshiOrderManager;
  readonly #served: ServedCase;
  readonly #others: Others;
  readonly #scheduler = new MachineScheduler();
  readonly #network: NodeNetwork;
  readonly #client: RestClient;
  readonly #entry: OrderEntry;
  readonly #feed: FeedClient;
  /** States and fills that have come by message, in words. */
  readonly #heard = new Set<string>();
  #isClosing = false;

  constructor(served: ServedCase) {
    this.#served = served;
    this.#others = new Others(served.exchange, served.market);
    const { rest, ws } = served.server;
    const venue = openVenue({ restUrl: rest, wsUrl: ws });
    const key = loadSigningKey(venue, { keyId: KEY_ID, pem: RSA.privateKey });
    const scheduler = this.#scheduler;
    const prng = Prng.fromSeed(1);
    const network = new NodeNetwork(venue);
    const options = { venue, key, network, scheduler, prng };
    // One request at a time: the contract's orders keep their order.
    const client = new RestClient({ ...options, settings: { writesInFlightMax: 1 } });
    const entry = new OrderEntry(client, scheduler, prng);
    const tickers = [TICKER];
    this.#network = network;
    this.#client = client;
    this.#entry = entry;
    this.orders = new KalshiOrderManager({ entry, client, scheduler, prng, tickers });
    this.#feed = new FeedClient({ ...options, onEvents: () => this.#hear() });
  }

  static async open(): Promise<World> {
    const world = new ServedWorld(await ServedCase.open());
    world.#others.open();
    world.#feed.watch("fill", "all");
    world.#feed.watch("user_orders", "all");
    world.#feed.start();
    await world.#until(() => {
      const { channels } = world.#feed.health();
      return channels.length === 2 && channels.every(({ isSubscribed }) => isSubscribed);
    });
    return world;
  }

  nowUs(): number {
    return this.#scheduler.nowUs();
  }

  trade(hit: BookSide, cents: number, contracts: number): void {
    this.#others.take(hit, cents, contracts);
  }

  quote(side: BookSide, cents: number, contracts: number): void {
    this.#others.rest(side === BookSide.bid ? "bid" : "ask", cents, contracts);
  }

  closeMarket(): void {
    this.#others.close();
    this.#isClosing = true;
  }

  async passTo(us: number): Promise<void> {
    await this.#until(() => this.#scheduler.nowUs() >= us);
    // The exchange does what is due when its own timer says so.
    this.#served.exchange.advanceTo(this.#scheduler.nowUs());
  }

  async run(): Promise<void> {
    await this.#until(() => this.#isQuiet());
  }

  async dispose(): Promise<void> {
    this.#feed.close();
    this.#client.close();
    this.#entry.close();
    this.orders.close();
    this.#network.close();
    await this.#served.server.close();
  }

  #hear(): void {
    const events: FeedEvent[] = [];
    this.#feed.drain(events);
    for (const event of events) {
      this.orders.hear(event);
      if (event.kind !== "message") continue;
      const { payload } = event;
      if (payload.kind === "fill")
        this.#heard.add(`${payload.body.orderId} ${payload.body.tradeId}`);
      else if (payload.kind === "order") {
        const { orderId, status, price, filled, remaining } = payload.body;
        this.#heard.add(`${orderId} ${status} ${price} ${filled} ${remaining}`);
      }
    }
  }

  /** Whether everything has been answered, and everything that the exchange has told was heard. */
  #isQuiet(): boolean {
    const { exchange, account } = this.#served;
    const { inFlight, owing } = this.orders.health();
    if (inFlight + owing > 0) return false;
    // What was done at the exchange by hand, its own timer does not know of.
    if (this.#isClosing) exchange.advanceTo(this.#scheduler.nowUs());
    if (this.#isClosing && account.openOrders().next().done !== true) return false;
    exchange.model.catchUp(exchange.nowUs, 0);
    const view = exchange.model.account(account.index);
    for (let index = view.fills.first; index < view.fills.end; index++) {
      const fill = view.fills.at(index);
      if (!this.#heard.has(`${fill?.orderId} ${fill?.tradeId}`)) return false;
    }
    for (let index = view.orderIds.first; index < view.orderIds.end; index++) {
      const order = view.order(view.orderIds.at(index) ?? "");
      const { orderId, status, price, filled, remaining } = order ?? {};
      if (!this.#heard.has(`${orderId} ${status} ${price} ${filled} ${remaining}`)) return false;
    }
    return true;
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => void setImmediate(resolve));
  }
}

orderManagerContract("the venue's, real sockets", () => ServedWorld.open());
