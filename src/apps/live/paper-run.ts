/**
 * A run on paper from beginning to end: the connections, the folder, the watchdog beside it, the status
 * of every second, and the last word about it. The composition of a live run; nothing here decides.
 */
import { messageOf, OperationError, Prng, type TimestampUs } from "../../core/index.ts";
import { SCHEMA_HASH } from "../../features/index.ts";
import {
  LiveJournal,
  type LiveHeader,
  type LiveOutput,
  type LiveSettings,
} from "../../journal/index.ts";
import {
  calls,
  type MarketList,
  NodeNetwork,
  type OrderNote,
  readMarketList,
  RestClient,
  sentenceOf,
  type SigningKey,
  type Venue,
} from "../../kalshi/index.ts";
import {
  Actor,
  ID_FAMILY,
  LiveTrader,
  DecisionLog,
  FillLog,
  outputWords,
  type Remark,
  Remarks,
  statusText,
  strangersIn,
} from "../../live/index.ts";
import { formatIsoTime } from "../../market/index.ts";
import type { Console } from "../console.ts";
import { MachineScheduler } from "../machine-scheduler.ts";
import { SOFTWARE } from "../wire.ts";
import type { KeyPlace } from "./local-venue.ts";
import { noteWords } from "./note-words.ts";
import { oncePerTurn } from "./once-per-turn.ts";
import type { Decides } from "./paper-plan.ts";
import type { RunFolder } from "./run-folder.ts";
import { VenueLink } from "./venue-link.ts";
import { Watch } from "./watch.ts";

export interface PaperRunOptions {
  readonly io: Console;
  readonly folder: RunFolder;
  readonly venue: Venue;
  /** In a word, for people and the journal. */
  readonly venueName: string;
  readonly key: SigningKey;
  /** Where the key is, for the watchdog; null where it is in the environment. */
  readonly keyPlace: KeyPlace | null;
  /** The exchange was started for this run and ends with it. */
  readonly isOwnExchange: boolean;
  readonly decides: Decides;
  readonly settings: LiveSettings;
  readonly seed: number | string;
  /** Ask for our places in the queues, for the comparison with a simulation afterwards. */
  readonly isShadow: boolean;
  /** Null for all that trade (of a local exchange). */
  readonly tickers: readonly string[] | null;
}

export interface PaperResult {
  readonly state: string;
  readonly decisions: number;
  readonly orders: number;
  readonly fills: number;
  /** At the end our own view was the venue's. */
  readonly reconciled: boolean;
  readonly journal: string;
  readonly journalHash: string;
}

/** How long a stop may take before the run ends with what it has. */
const STOP_MS = 15_000;
const STATUS_MS = 1_000;
/** The status goes to the history so often, and whenever the state has changed. */
const HISTORY_MS = 60_000;
/** Between two questions for our places in the queues. */
const QUEUES_MS = 5_000;
/** How long the last readings may take, and the wait between two. */
const LAST_MS = 6_000;
const LAST_AGAIN_MS = 500;

export class PaperRun {
  readonly #options: PaperRunOptions;
  readonly #scheduler = new MachineScheduler();
  readonly #network: NodeNetwork;
  readonly #prng: Prng;
  readonly #remarks = new Remarks();
  readonly #decisions = new DecisionLog();
  readonly #fills = new FillLog();
  readonly #watch = new Watch((text) => {
    this.#say(text);
  });
  #link: VenueLink | null = null;
  #actor: Actor | null = null;
  #trader: LiveTrader | null = null;
  #journal: LiveJournal | null = null;
  #timers: NodeJS.Timeout[] = [];
  #historyMs = -Infinity;
  #end: (error: Error | null) => void = () => undefined;

  constructor(options: PaperRunOptions) {
    this.#options = options;
    this.#network = new NodeNetwork(options.venue);
    // Chance decides no more than how long to wait before trying again.
    this.#prng = Prng.fromSeed(process.pid);
  }

  /** The time by which orders' ids are told apart. */
  static prefixAt(nowUs: number): string {
    return `${ID_FAMILY}${Math.floor(nowUs / 1_000).toString(36)}-`;
  }

  /**
   * Reads the markets, opens journal and folder, and trades until it is stopped. Errors before the
   * first order leave nothing behind but the folder.
   */
  async run(stopAsked: Promise<string>): Promise<PaperResult> {
    const { folder, venueName, io, decides } = this.#options;
    const list = await this.#readMarkets();
    await this.#requireFunds();
    this.#watch.start();
    const startedUs = this.#scheduler.nowUs();
    const header = this.#header(list, startedUs);
    const journal = LiveJournal.open(folder.journal, header);
    this.#journal = journal;
    const { idPrefix } = header;
    const note = { pid: process.pid, venue: venueName, idPrefix, startedUs };
    folder.open({ ...note, endedUs: null });
    await this.#beginWatch(idPrefix);
    const ended = new Promise<Error | null>((resolve) => (this.#end = resolve));
    this.#compose(header, list, journal);
    io.line(`Deciding: ${decides.description}.`);
    io.line(`Run ${idPrefix} in ${folder.path}; "kalshi-gym paper stop ${folder.path}" ends it.`);
    void stopAsked.then((by) => {
      this.#stop(by);
    });
    this.#keepTime();
    if (this.#options.isShadow) {
      this.#timers.push(setInterval(() => this.#askForQueues(header), QUEUES_MS));
    }
    this.#link?.start();
    this.#actor?.start("paper");
    const error = await ended;
    if (error !== null) throw this.#broken(journal, error);
    const reconciled = await this.#isReconciled();
    const { counts } = journal;
    const journalHash = journal.end("stopped", this.#scheduler.nowUs());
    folder.tell({ ...note, endedUs: this.#scheduler.nowUs() });
    // Where the venue has not said that no order is left, the watchdog sees to it.
    if (reconciled) this.#watch.goodbye();
    else this.#watch.close();
    const state = this.#trader?.state ?? "IDLE";
    const { decisions, orders, fills } = counts;
    return { state, decisions, orders, fills, reconciled, journal: folder.journal, journalHash };
  }

  /** Ends every connection, timer and process beside. */
  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
    if (this.#trader !== null) this.#showStatus(true);
    this.#actor?.close();
    this.#link?.close();
    this.#network.close();
    this.#journal?.close();
    this.#watch.close();
  }

  #client(): RestClient {
    const { venue, key } = this.#options;
    const [network, scheduler, prng] = [this.#network, this.#scheduler, this.#prng];
    return new RestClient({ venue, key, network, scheduler, prng });
  }

  async #readMarkets(): Promise<MarketList> {
    const client = this.#client();
    try {
      const tickers = this.#options.tickers ?? (await openTickers(client));
      const list = await new Promise<MarketList | OperationError>((resolve) => {
        readMarketList(client, tickers, this.#scheduler.nowUs(), resolve);
      });
      if (list instanceof OperationError) throw list;
      return list;
    } finally {
      client.close();
    }
  }

  async #requireFunds(): Promise<void> {
    const client = this.#client();
    const { venue } = this.#options;
    try {
      const balance = await new Promise<number>((resolve, reject) => {
        client.send(calls.balance(), (answer) => {
          if (answer.kind === "ok") resolve(answer.value.cash);
          else reject(new OperationError("PAPER_VENUE", `the balance: ${sentenceOf(answer)}`));
        });
      });
      if (balance >= 1_000_000) return;
      throw new OperationError(
        "NO_FUNDS",
        `the account: expected at least one dollar to trade with, was ${balance / 1_000_000} $; ` +
          (venue.isLocal
            ? 'start the local exchange anew with more: "kalshi-gym exchange --cash <dollars>"'
            : "add funds on the demo exchange's site"),
      );
    } finally {
      client.close();
    }
  }

  #header({ markets, events }: MarketList, startedUs: TimestampUs): LiveHeader {
    const { venueName, decides, settings, seed } = this.#options;
    const { name, modelHash } = decides;
    return {
      software: SOFTWARE,
      idPrefix: PaperRun.prefixAt(startedUs),
      venue: venueName,
      startedUs,
      markets: markets.map((info) => ({ ...info, settlement: null })),
      events,
      policy: { name, modelHash, choice: decides.choice },
      seed,
      schemaHash: SCHEMA_HASH,
      settings,
    };
  }

  #compose(header: LiveHeader, list: MarketList, journal: LiveJournal): void {
    const { venue, key, decides } = this.#options;
    const trader = new LiveTrader({
      header,
      makePolicy: decides.makePolicy,
      onFill: (fill, request) => {
        this.#fills.hear(fill, request, header.markets[request.market]?.ticker ?? "");
      },
    });
    const link = new VenueLink({
      venue,
      key,
      network: this.#network,
      scheduler: this.#scheduler,
      prng: this.#prng,
      tickers: header.markets.map(({ ticker }) => ticker),
      closesUs: list.closesUs,
      former: journal,
      onNews: oncePerTurn(() => {
        this.#actor?.pump();
      }),
      onNote: (note) => {
        this.#tellNote(note);
      },
    });
    this.#link = link;
    this.#trader = trader;
    this.#actor = new Actor({
      trader,
      journal,
      orders: link.orders,
      desk: link,
      news: link,
      scheduler: this.#scheduler,
      observers: [
        (outputs) => {
          this.#tellOutputs(outputs, header);
        },
      ],
      onFatal: (error) => {
        this.#end(error);
      },
      onDone: () => {
        this.#end(null);
      },
    });
  }

  /** Ends the part, where that can still be written; what is told of the end. */
  #broken(journal: LiveJournal, error: Error): Error {
    try {
      journal.end(error.message, this.#scheduler.nowUs());
    } catch (failure) {
      // It stays without an end, like that of a run that was killed.
      this.#remember(`the journal's end: ${messageOf(failure)}`);
    }
    return error;
  }

  /** Something that the run cannot do without is gone. */
  fail(error: OperationError): void {
    this.#actor?.close();
    this.#end(error);
  }

  #stop(by: string): void {
    this.#actor?.take({ kind: "command", name: "stop", by });
    const timer = setTimeout(() => {
      const waited = `${STOP_MS / 1_000} s after the stop`;
      this.fail(
        new OperationError(
          "ORDERS_OPEN",
          `${this.#options.folder.path}: expected that no order is left ${waited}, was not so; ` +
            `a process beside goes on cancelling, see watchdog.log`,
        ),
      );
    }, STOP_MS);
    this.#timers.push(timer);
  }

  // --- beside the run ---

  #beginWatch(idPrefix: string): Promise<void> {
    const { folder, venue, keyPlace, isOwnExchange } = this.#options;
    return this.#watch.begin({
      kind: "watch",
      folder: folder.path,
      pid: process.pid,
      restUrl: venue.restUrl,
      wsUrl: venue.wsUrl,
      key: keyPlace,
      idPrefix,
      isOwnExchange,
    });
  }

  #keepTime(): void {
    let isStopping = false;
    const timer = setInterval(() => {
      this.#watch.alive();
      this.#showStatus(false);
      const by = this.#options.folder.isStopAsked
        ? "paper stop"
        : this.#isSettled
          ? "the settlement of every market"
          : null;
      if (isStopping || by === null) return;
      isStopping = true;
      this.#stop(by);
    }, STATUS_MS);
    this.#timers.push(timer);
  }

  /** Every market has been settled, and what we held is paid: there is nothing left to do. */
  get #isSettled(): boolean {
    const account = this.#trader?.trader?.account;
    if (account === undefined || this.#link?.areMarketsSettled !== true) return false;
    return account.openCount === 0 && account.ledger.positions.every((lots) => lots === 0);
  }

  #askForQueues({ markets }: LiveHeader): void {
    const trader = this.#trader;
    if (trader === null || trader.openCount === 0) return;
    const resting = trader.sync.lastReading?.resting ?? [];
    const clientIds = new Map(resting.map((order) => [order.orderId, order.clientOrderId]));
    const query = { market_tickers: markets.map(({ ticker }) => ticker).join(",") };
    this.#link?.client.send(calls.queuePositions(query), (answer) => {
      if (answer.kind !== "ok") return;
      const places = answer.value.items.flatMap(({ orderId, ahead }) => {
        const clientOrderId = clientIds.get(orderId) ?? null;
        return clientOrderId === null ? [] : [{ clientOrderId, ahead }];
      });
      if (places.length > 0) this.#actor?.take({ kind: "queue", places });
    });
  }

  #showStatus(isLast: boolean): void {
    this.#tellFills();
    const trader = this.#trader;
    if (trader === null) return;
    const { folder } = this.#options;
    try {
      const text = this.status();
      folder.showStatus(text);
      const nowMs = performance.now();
      if (!isLast && nowMs - this.#historyMs < HISTORY_MS) return;
      this.#historyMs = nowMs;
      folder.keepStatus(text);
    } catch (error) {
      // A disk that is full for the status is full for the journal, which says so.
      this.#remember(`the status: ${messageOf(error)}`);
    }
  }

  /** The block of text to copy and paste. */
  status(): string {
    const trader = this.#trader;
    if (trader === null) return "not started\n";
    return statusText({
      nowUs: this.#scheduler.nowUs(),
      run: trader,
      services: this.#link?.services() ?? [],
      decisions: this.#decisions.last,
      fills: this.#fills.last,
      remarks: this.#remarks.all,
      handled: this.#actor?.handled ?? 0,
      ticksMissed: this.#actor?.ticksMissed ?? 0,
    });
  }

  #tellFills(): void {
    for (const { atUs, words } of this.#fills.take()) {
      const line = `${formatIsoTime(atUs as TimestampUs)} ${words}`;
      this.#log(line);
      this.#options.io.line(line);
    }
  }

  #tellOutputs(outputs: readonly LiveOutput[], header: LiveHeader): void {
    // They are why some of the outputs are there.
    this.#tellFills();
    const tickers = header.markets.map(({ ticker }) => ticker);
    const trader = this.#trader?.trader ?? null;
    this.#decisions.hear(outputs, trader);
    for (const output of outputs) {
      if (this.#decisions.isRepeated(output, trader)) continue;
      const words = outputWords(output, tickers);
      if (words === null) continue;
      const line = `${formatIsoTime(output.atUs as TimestampUs)} ${words}`;
      this.#log(line);
      const isTrouble = output.kind === "state" && output.to === "ERROR";
      if (isTrouble || output.kind === "correction") this.#remember(words);
      if (output.kind === "note") this.#remember(words, "note");
      if (output.kind === "state" && output.to !== "ACTING") this.#historyMs = -Infinity;
      if (output.kind !== "refused") this.#options.io.line(line);
    }
  }

  /** A line that finds no room is lost; the journal, which has it too, says what follows from that. */
  #log(line: string): void {
    try {
      this.#options.folder.log("events.log", line);
    } catch (error) {
      this.#remember(`events.log: ${messageOf(error)}`);
    }
  }

  #tellNote(note: OrderNote): void {
    if (note.kind === "recovered") return;
    const words = noteWords(note);
    this.#remember(words);
    this.#options.io.warn(`${formatIsoTime(note.atUs)} ${words}`);
  }

  #say(text: string): void {
    this.#remember(text);
    this.#options.io.warn(text);
  }

  #remember(text: string, kind: Remark["kind"] = "error"): void {
    this.#remarks.add(kind, text, this.#scheduler.nowUs());
  }

  /** Reads the account until it says what we say; false where it does not within a few seconds. */
  async #isReconciled(): Promise<boolean> {
    const trader = this.#trader;
    const link = this.#link;
    if (trader === null || link === null) return false;
    const late = new Promise<null>((resolve) => {
      this.#timers.push(setTimeout(() => resolve(null), LAST_MS));
    });
    for (const fromMs = performance.now(); performance.now() - fromMs < LAST_MS;) {
      const last = await Promise.race([link.readOnce(), late]);
      // Before the account was known there was nothing but the wish that no order is left.
      const isSame =
        last !== null &&
        strangersIn(last, null).length === 0 &&
        trader.sync.differences(last).length === 0;
      if (isSame) return true;
      await new Promise((resolve) => setTimeout(resolve, LAST_AGAIN_MS));
    }
    return false;
  }
}

/** All markets that trade, in the order in which the venue lists them. */
async function openTickers(client: RestClient): Promise<string[]> {
  const markets = await new Promise<readonly { readonly ticker: string }[]>((resolve, reject) => {
    client.sendForAll(
      (cursor) => calls.markets({ status: "open", limit: 1_000, cursor }),
      (answer) => {
        if (answer.kind === "ok") resolve(answer.value);
        else reject(new OperationError("PAPER_VENUE", `the markets: ${sentenceOf(answer)}`));
      },
    );
  });
  if (markets.length > 0) return markets.map(({ ticker }) => ticker);
  throw new OperationError("PAPER_VENUE", "the venue: expected a market that trades, was none");
}
