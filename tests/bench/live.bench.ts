/**
 * The live run's latencies: the whole actor with its journal on disk, over real sockets, against an
 * exchange in another process, with 100 markets and about 2,000 messages a second. It decides on every
 * change of a book.
 *   bookToDecision     from the network's piece of data that held a book message to the decision
 *   decisionToWire     from the decision to the HTTP request that is handed to the socket: planning,
 *                      the gate, the journal, signing
 *   fillToLedger       from the piece of data that held a fill to the position in the ledger
 *   orderToAnswer      from the decision to the first word of the venue about the order
 * All messages that one piece of data held count from its arrival. `cpuWaitShare` is the share of time
 * in which the run was ready and others had the core: on a quiet machine below 0.02. SOAK_SECONDS=600
 * goes on for as long and says how memory moves.
 */
import { readFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { oncePerTurn } from "../../src/apps/live/once-per-turn.ts";
import { VenueLink } from "../../src/apps/live/venue-link.ts";
import { MachineScheduler } from "../../src/apps/machine-scheduler.ts";
import { type Lots, type OperationError, Prng } from "../../src/core/index.ts";
import { SCHEMA_HASH } from "../../src/features/index.ts";
import { LiveJournal, type LiveHeader } from "../../src/journal/index.ts";
import {
  type HttpOutcome,
  type HttpRequest,
  loadSigningKey,
  type MarketList,
  type Network,
  NodeNetwork,
  openVenue,
  readMarketList,
  RestClient,
  type Socket,
  type SocketEvents,
} from "../../src/kalshi/index.ts";
import { Actor, type LivePolicy, LiveTrader } from "../../src/live/index.ts";
import { Action } from "../../src/orders/index.ts";
import { type BenchExchange, besideExchange } from "./exchange-process.ts";
import { significant } from "./measure.ts";

const MARKETS = 100;
/** Gives about 2,000 messages a second. */
const ACTIVITY = 2.3;
const WARM_UP_MS = 5_000;
const SECONDS = Number(process.env["SOAK_SECONDS"] ?? 60);
/** Of the decisions; the rest hold. */
const ACT_ONE_IN = 60;

export function run(_options: { json: boolean }): Promise<object> {
  return besideExchange(MARKETS, ACTIVITY, (exchange, folder) =>
    measure(exchange, join(folder, "journal.db")),
  );
}

/** The network, with the moments at which data came and requests went. */
class TimedNetwork implements Network {
  /** When the data that is being handled arrived; null between two pieces. */
  arrivedMs: number | null = null;
  /** The actor is going to handle what has come. */
  isAwaited = false;
  onRequest: (request: HttpRequest) => void = () => undefined;
  readonly #inner: NodeNetwork;

  constructor(inner: NodeNetwork) {
    this.#inner = inner;
  }

  request(request: HttpRequest, done: (outcome: HttpOutcome) => void): () => void {
    const callOff = this.#inner.request(request, (outcome) => {
      this.#arrived();
      done(outcome);
    });
    this.onRequest(request);
    return callOff;
  }

  openSocket(headers: Readonly<Record<string, string>>, events: SocketEvents): Socket {
    return this.#inner.openSocket(headers, {
      ...events,
      message: (text) => {
        this.#arrived();
        events.message(text);
      },
    });
  }

  /** All that is handled in one turn of the loop came with its first piece. */
  #arrived(): void {
    if (this.arrivedMs !== null) return;
    this.arrivedMs = performance.now();
    setImmediate(() => {
      if (!this.isAwaited) this.arrivedMs = null;
    });
  }
}

/** Holds, but for one decision in many, which is any that is allowed. */
function mostlyHold(): LivePolicy {
  return {
    name: "mostly hold",
    act: (_observation, mask, prng) => {
      if (prng.integer(ACT_ONE_IN) !== 0) return Action.hold;
      const allowed = [...mask.keys()].filter((action) => action > 0 && mask[action] === 1);
      return allowed[prng.integer(Math.max(1, allowed.length))] ?? Action.hold;
    },
  };
}

async function measure(exchange: BenchExchange, path: string): Promise<object> {
  const venue = openVenue({ restUrl: exchange.rest, wsUrl: exchange.ws });
  const key = loadSigningKey(venue, { keyId: exchange.keyId, pem: exchange.key });
  const network = new TimedNetwork(new NodeNetwork(venue));
  const scheduler = new MachineScheduler();
  const prng = Prng.fromSeed(1);
  const link = { venue, key, network, scheduler, prng };
  const list = await marketsOf(new RestClient(link), exchange.tickers, scheduler.nowUs());
  const header = headerOf(list, scheduler.nowUs());
  const journal = LiveJournal.open(path, header);
  const trader = new LiveTrader({ header, makePolicy: mostlyHold });
  const times = new Times();
  const turn = oncePerTurn(() => {
    actor.pump();
    network.isAwaited = false;
    network.arrivedMs = null;
  });
  const venueLink = new VenueLink({
    ...link,
    tickers: exchange.tickers,
    closesUs: list.closesUs,
    onNews: () => {
      network.isAwaited = true;
      turn();
    },
  });
  const sent = new Map<string, number>();
  const toldFills = (nowMs: number): void => {
    for (; times.fillsWaiting > 0; times.fillsWaiting--) {
      times.add("fillToLedger", nowMs - (network.arrivedMs ?? nowMs));
    }
  };
  const actor: Actor = new Actor({
    trader,
    journal: {
      inputs: (entries) => {
        journal.inputs(entries);
        for (const { input } of entries) {
          if (input.kind !== "order") continue;
          const { clientOrderId, kind } = input.event;
          const sentMs = sent.get(clientOrderId);
          if (sentMs !== undefined) times.add("orderToAnswer", performance.now() - sentMs);
          sent.delete(clientOrderId);
          if (kind === "filled") times.fillsWaiting += 1;
        }
      },
      outputs: (outputs) => {
        // The fold has just taken place: decisions are made and fills are in the ledger.
        const nowMs = performance.now();
        const arrivedMs = network.arrivedMs ?? nowMs;
        for (const output of outputs) {
          if (output.kind === "decision") times.add("bookToDecision", nowMs - arrivedMs);
          if (output.kind === "sent" && output.command.kind === "submit") {
            sent.set(output.command.request.clientOrderId, nowMs);
          }
        }
        toldFills(nowMs);
        journal.outputs(outputs);
      },
    },
    orders: venueLink.orders,
    desk: venueLink,
    news: venueLink,
    scheduler,
    onFatal: (error) => {
      throw error;
    },
    onDone: () => undefined,
  });
  actor.probe = {
    // Fills change the ledger with or without anything to say about it.
    batch: () => toldFills(performance.now()),
  };
  network.onRequest = ({ method, body }) => {
    if (method !== "POST" || body === null) return;
    const id = /"client_order_id":"([^"]+)"/.exec(body)?.[1] ?? "";
    const sentMs = sent.get(id);
    if (sentMs !== undefined) times.add("decisionToWire", performance.now() - sentMs);
  };
  venueLink.start();
  actor.start("bench");
  try {
    await pause(WARM_UP_MS);
    return await watch(times, { trader, actor, journal });
  } finally {
    actor.close();
    venueLink.close();
    journal.close();
  }
}

async function watch(
  times: Times,
  { trader, actor, journal }: { trader: LiveTrader; actor: Actor; journal: LiveJournal },
): Promise<object> {
  const heap: number[] = [];
  const rss: number[] = [];
  const weigh = (): void => {
    globalThis.gc?.();
    heap.push(megabytes(process.memoryUsage().heapUsed));
    rss.push(megabytes(process.memoryUsage().rss));
  };
  weigh();
  await pause(1_000);
  times.clear();
  const loop = monitorEventLoopDelay({ resolution: 1 });
  loop.enable();
  const from = { handled: actor.handled, decisions: trader.decider.count, cpu: process.cpuUsage() };
  const fromWaitMs = cpuWaitMs();
  const fromMs = performance.now();
  for (let round = 0; round < 10; round++) {
    await pause((SECONDS * 1_000) / 10);
    // A collection stops everything: a short measurement has none but at its ends.
    if (SECONDS > 60 && round < 9) weigh();
  }
  const seconds = (performance.now() - fromMs) / 1_000;
  const { user, system } = process.cpuUsage(from.cpu);
  const waitedMs = cpuWaitMs() - fromWaitMs;
  loop.disable();
  weigh();
  return {
    loadAverage: significant(loadavg()[0] ?? 0),
    seconds: significant(seconds),
    markets: MARKETS,
    inputsPerSecond: significant((actor.handled - from.handled) / seconds),
    decisionsPerSecond: significant((trader.decider.count - from.decisions) / seconds),
    orders: journal.counts.orders,
    fills: journal.counts.fills,
    cpuShare: significant((user + system) / 1e6 / seconds),
    cpuWaitShare: significant(waitedMs / 1e3 / seconds),
    milliseconds: times.summary(),
    loopDelayP99Ms: significant(loop.percentile(99) / 1e6),
    heapMb: heap,
    rssMb: rss,
    state: trader.state,
    reconciled: trader.sync.reconciled,
    corrections: trader.sync.corrections,
  };
}

type Leg = "bookToDecision" | "decisionToWire" | "fillToLedger" | "orderToAnswer";

class Times {
  /** Fills of the batch that is being handled. */
  fillsWaiting = 0;
  /** Room for all, from the start: lists that grow would be the collector's work, not the run's. */
  readonly #of = new Map<Leg, { readonly ms: Float64Array; count: number }>();

  add(leg: Leg, ms: number): void {
    let times = this.#of.get(leg);
    if (times === undefined) {
      times = { ms: new Float64Array(SECONDS * 5_000), count: 0 };
      this.#of.set(leg, times);
    }
    if (times.count < times.ms.length) times.ms[times.count++] = ms;
  }

  clear(): void {
    for (const times of this.#of.values()) times.count = 0;
  }

  summary(): object {
    return Object.fromEntries(
      [...this.#of].map(([leg, times]) => {
        const sorted = times.ms.subarray(0, times.count).sort();
        const at = (share: number): number =>
          significant(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
        return [
          leg,
          { count: sorted.length, p50: at(0.5), p99: at(0.99), p999: at(0.999), most: at(1) },
        ];
      }),
    );
  }
}

function headerOf({ markets, events }: MarketList, startedUs: number): LiveHeader {
  return {
    software: "bench",
    idPrefix: `kg-${startedUs.toString(36)}-`,
    venue: "local",
    startedUs,
    markets,
    events,
    policy: { name: "bench", modelHash: null, choice: "best" },
    seed: 1,
    schemaHash: SCHEMA_HASH,
    settings: {
      cadence: "event",
      pricing: "join",
      orderSize: 1000 as Lots,
      limits: { orderSizeMax: 1000 as Lots, positionLimit: 10_000 as Lots, openOrdersMax: 500 },
      membership: "direct",
      budget: null,
      lossMax: null,
      staleBookUs: 0,
      reconcileUs: 10_000_000,
      frames: 1,
    },
  };
}

function marketsOf(
  client: RestClient,
  tickers: readonly string[],
  nowUs: number,
): Promise<MarketList> {
  return new Promise((resolve, reject) => {
    readMarketList(client, tickers, nowUs, (list) => {
      if ("markets" in list) resolve(list);
      else reject(list as OperationError);
    });
  });
}

/** How long this thread has been ready while others had the core; NaN where the system does not say. */
function cpuWaitMs(): number {
  try {
    return Number(readFileSync("/proc/self/schedstat", "latin1").split(" ")[1]) / 1e6;
  } catch {
    return NaN;
  }
}

function megabytes(bytes: number): number {
  return significant(bytes / 1e6);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
