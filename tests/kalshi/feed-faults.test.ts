/**
 * The feed against a small venue that misbehaves at random, seeded: it leaves messages out, sends them
 * twice, garbles them, ends subscriptions, stops answering, breaks connections off; and a reader that
 * is sometimes slow. The reader keeps books by the rules of `FeedEvent` alone. Whenever it takes a
 * book for known, that book must be one that the venue had, no older than the last one seen; and when
 * the faults stop, all books must be known and equal within bounded time.
 * `SEEDS=2000 FROM=1 npx vitest run tests/kalshi/feed-faults.test.ts` runs more of them.
 */
import { expect, test } from "vitest";
import { centiCents, lots, Prng, timestampUs } from "../../src/core/index.ts";
import {
  FeedClient,
  type FeedEvent,
  type FeedPayload,
  readCommand,
  writeMessage,
} from "../../src/kalshi/index.ts";
import { BookSide } from "../../src/market/index.ts";
import { key, ScriptedNetwork, type ScriptedSocket, venue } from "./scripted-network.ts";

const SEEDS = Number(process.env["SEEDS"] ?? 20);
const FROM = Number(process.env["FROM"] ?? 1);
const TICKERS = ["A", "B", "C"];
const SECOND = 1_000_000;

type Book = Map<number, number>;

const shown = (book: Book): string =>
  [...book]
    .sort(([a], [b]) => a - b)
    .map(([price, size]) => `${price}:${size}`)
    .join(" ");

/** One connection as the venue sees it. */
interface Line {
  readonly socket: ScriptedSocket;
  sid: number;
  seq: number;
  tickers: Set<string>;
  isMute: boolean;
}

class BadVenue {
  readonly network = new ScriptedNetwork();
  readonly prng: Prng;
  readonly books = new Map<string, Book>(TICKERS.map((ticker) => [ticker, new Map()]));
  /** All states that each book ever had, in order. */
  readonly past = new Map<string, string[]>(TICKERS.map((ticker) => [ticker, [""]]));
  line: Line | null = null;
  isBad = true;
  #seen = 0;

  constructor(seed: number) {
    this.prng = Prng.fromSeed(seed).fork("venue");
  }

  chance(oneIn: number): boolean {
    return this.isBad && this.prng.integer(oneIn) === 0;
  }

  /** Looks after new connections and reads their commands. */
  serve(): void {
    const { sockets, scheduler } = this.network;
    for (; this.#seen < sockets.length; this.#seen++) {
      const socket = sockets[this.#seen];
      if (socket === undefined) continue;
      const line: Line = { socket, sid: 0, seq: 0, tickers: new Set(), isMute: false };
      const fails = this.chance(4);
      scheduler.after(this.prng.integer(200_000) + 1, () => {
        if (socket.isClosed) return;
        if (fails) return socket.events.closed("refused");
        this.line = line;
        socket.events.opened();
      });
    }
    const { line } = this;
    if (line === null || line.isMute) return;
    for (const frame of line.socket.sent.splice(0)) this.#obey(line, frame);
  }

  #obey(line: Line, frame: string): void {
    const command = readCommand(frame);
    if (command.kind === "refused") throw new Error(`what is that? ${frame}`);
    const { id } = command;
    if (this.chance(20)) return;
    if (command.kind === "list") {
      const body = line.sid === 0 ? [] : [{ channel: "orderbook_delta", sid: line.sid }];
      return this.#raw(line, writeMessage({ id }, { kind: "subscriptions", body }));
    }
    if (command.kind === "subscribe") {
      line.sid += 1;
      line.seq = 0;
      line.tickers = new Set(command.tickers);
      const body = { channel: "orderbook_delta", sid: line.sid };
      this.#raw(line, writeMessage({ id }, { kind: "subscribed", body }));
      for (const ticker of command.tickers) this.#snapshot(line, ticker);
    } else if (command.kind === "update" && command.sid === line.sid) {
      if (command.action === "get_snapshot") {
        for (const ticker of command.tickers) this.#snapshot(line, ticker, id);
      }
    }
  }

  #snapshot(line: Line, ticker: string, id?: number): void {
    const book = this.books.get(ticker) ?? new Map<number, number>();
    const bids = [...book]
      .sort(([a], [b]) => b - a)
      .map(([price, size]) => ({ price: centiCents(price), size: lots(size) }));
    const body = { ticker, marketId: "m", bids, asks: [] };
    this.#numbered(line, { kind: "snapshot", body }, id);
  }

  /** One change of a book, told on the line if there is one. */
  trade(): void {
    const ticker = TICKERS[this.prng.integer(TICKERS.length)] ?? "A";
    const book = this.books.get(ticker) ?? new Map<number, number>();
    const price = 1_000 + 100 * this.prng.integer(5);
    const before = book.get(price) ?? 0;
    const after = 100 * this.prng.integer(6);
    if (after === before) return;
    if (after === 0) book.delete(price);
    else book.set(price, after);
    this.past.get(ticker)?.push(shown(book));
    const { line } = this;
    if (line === null || line.sid === 0 || !line.tickers.has(ticker)) return;
    this.#numbered(line, {
      kind: "delta",
      body: {
        ticker,
        marketId: "m",
        side: BookSide.bid,
        price: centiCents(price),
        change: lots(after - before),
        atUs: timestampUs(this.network.scheduler.nowUs()),
        clientOrderId: null,
        subaccount: null,
      },
    });
  }

  #numbered(line: Line, payload: FeedPayload, id?: number): void {
    line.seq += 1;
    const head = { sid: line.sid, seq: line.seq, ...(id === undefined ? {} : { id }) };
    const frame = writeMessage(head, payload, true);
    if (this.chance(60)) return;
    this.#raw(line, this.chance(80) ? frame.replace(/"0\.\d+"/, '"?"') : frame);
    if (this.chance(40)) this.#raw(line, frame);
  }

  #raw(line: Line, frame: string): void {
    if (line.isMute || line.socket.isClosed) return;
    line.socket.events.message(this.chance(300) ? frame.slice(0, -5) : frame);
  }

  /** Something worse than a lost message. */
  misfortune(): void {
    const { line } = this;
    if (line === null || !this.isBad) return;
    switch (this.prng.integer(4)) {
      case 0:
        line.socket.events.closed("reset");
        this.line = null;
        break;
      case 1:
        line.isMute = true;
        break;
      case 2: {
        if (line.sid === 0) return;
        const body = { code: 25, message: "Subscription buffer overflow", tickers: [] };
        this.#numbered(line, { kind: "fault", body });
        line.tickers.clear();
        break;
      }
      default:
        // A subscription that falls silent while the connection stays alive.
        line.tickers.clear();
    }
  }
}

/** Keeps books by what it is told. A book is null while it is unknown. */
class Reader {
  readonly books = new Map<string, Book | null>(TICKERS.map((ticker) => [ticker, null]));
  readonly #at = new Map<string, number>(TICKERS.map((ticker) => [ticker, 0]));

  take(events: readonly FeedEvent[], past: BadVenue["past"], what: string): void {
    for (const event of events) {
      if (event.kind === "gap") for (const ticker of TICKERS) this.books.set(ticker, null);
      if (event.kind !== "message") continue;
      const { payload } = event;
      if (payload.kind === "snapshot") {
        const { ticker, bids } = payload.body;
        this.books.set(ticker, new Map(bids.map(({ price, size }) => [price, size])));
        this.#mustHaveBeen(ticker, past, what);
      } else if (payload.kind === "delta") {
        const { ticker, price, change } = payload.body;
        const book = this.books.get(ticker);
        if (!book) throw new Error(`${what}: a delta of a book that is not known`);
        const size = (book.get(price) ?? 0) + change;
        if (size < 0) throw new Error(`${what}: a level below zero`);
        if (size === 0) book.delete(price);
        else book.set(price, size);
        this.#mustHaveBeen(ticker, past, what);
      }
    }
  }

  #mustHaveBeen(ticker: string, past: BadVenue["past"], what: string): void {
    const states = past.get(ticker) ?? [];
    const book = shown(this.books.get(ticker) ?? new Map<number, number>());
    const at = states.indexOf(book, this.#at.get(ticker) ?? 0);
    if (at === -1) throw new Error(`${what}: ${ticker} never was "${book}", or not any more`);
    this.#at.set(ticker, at);
  }
}

function run(seed: number): { gaps: number; connections: number } {
  const bad = new BadVenue(seed);
  const { network } = bad;
  const { scheduler } = network;
  const prng = Prng.fromSeed(seed);
  const settings = { queueMax: 40 };
  const client = new FeedClient({ venue, key, network, scheduler, prng, settings });
  const reader = new Reader();
  const pace = prng.fork("reader");
  client.watch("orderbook_delta", TICKERS);
  client.start();
  let isSlow = false;
  const step = (number: number): void => {
    network.pass(0.05);
    bad.serve();
    for (let times = bad.prng.integer(4); times > 0; times--) bad.trade();
    if (bad.chance(150)) bad.misfortune();
    if (number % 100 === 0) isSlow = bad.isBad && pace.integer(4) === 0;
    if (!isSlow) {
      const events: FeedEvent[] = [];
      client.drain(events);
      reader.take(events, bad.past, `seed ${seed} step ${number}`);
    }
    if (number % 20 === 0 && bad.line?.isMute === false) bad.line.socket.events.alive();
    bad.serve();
  };
  for (let number = 0; number < 1_500; number++) step(number);
  bad.isBad = false;
  const goodFromUs = scheduler.nowUs();
  const isWhole = (): boolean =>
    client.health().booksKnown === TICKERS.length &&
    TICKERS.every((ticker) => {
      const book = reader.books.get(ticker);
      return book && shown(book) === shown(bad.books.get(ticker) ?? new Map<number, number>());
    });
  // Half a minute of quiet, an answer that is waited for, a wait of reconnection, and some more.
  for (let number = 1_500; scheduler.nowUs() < goodFromUs + 75 * SECOND; number++) step(number);
  for (let number = 4_000; number < 4_100; number++) {
    step(number);
    if (!isWhole()) throw new Error(`seed ${seed} step ${number}: books are not whole`);
  }
  const { gaps, connections } = client.health();
  return { gaps, connections };
}

test(
  "under any mixture of faults a known book is a true one, and all are known when they stop",
  () => {
    let gaps = 0;
    let connections = 0;
    for (let seed = FROM; seed < FROM + SEEDS; seed++) {
      const result = run(seed);
      gaps += result.gaps;
      connections += result.connections;
    }
    // The faults did happen.
    expect(gaps).toBeGreaterThan(5 * SEEDS);
    expect(connections).toBeGreaterThan(2 * SEEDS);
  },
  30_000 + 1_000 * SEEDS,
);

test("the same seed gives the same course", () => {
  expect(run(7)).toEqual(run(7));
});
