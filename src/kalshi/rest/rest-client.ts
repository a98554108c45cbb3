/**
 * The REST client: signs, keeps to the rate limits, retries what may be sent twice, and gives every
 * call one answer. What may have happened and may not is answered "unknown", never sent anew; asking
 * about it is `OrderEntry`'s work. Nothing here waits: answers come by callback, later.
 */
import { messageOf, type Prng, type Scheduler } from "../../core/index.ts";
import { backoffUs, type BackoffSettings } from "../backoff.ts";
import type { HttpOutcome, Network } from "../network.ts";
import { signedHeaders } from "../signing.ts";
import type { SigningKey } from "../signing-key.ts";
import type { Venue } from "../venue.ts";
import type { AccountLimits, BucketLimit, EndpointCosts } from "../wire/account.ts";
import type { Page } from "../wire/codec.ts";
import { readFault } from "../wire/faults.ts";
import { type Answer, sentenceOf } from "./answer.ts";
import { type Call, calls, CostTable, FORMER_COSTS } from "./calls.ts";
import { Lane } from "./lane.ts";
import { ReadySignatures } from "./ready-signatures.ts";

export interface RestSettings {
  /** After which a request is given up, in microseconds. */
  readonly timeoutUs: number;
  /** Tries of a repeatable call in all. */
  readonly tries: number;
  readonly backoff: BackoffSettings;
  readonly readsInFlightMax: number;
  readonly writesInFlightMax: number;
  /** Longest wait for tokens; a write that comes too late is worse than none. */
  readonly readWaitUsMax: number;
  readonly writeWaitUsMax: number;
  readonly urgentPercent: number;
  /** Limits until the account's own are read: those of the lowest tier. */
  readonly read: BucketLimit;
  readonly write: BucketLimit;
}

export const REST_SETTINGS: RestSettings = {
  timeoutUs: 10_000_000,
  tries: 6,
  backoff: { firstUs: 250_000, mostUs: 8_000_000 },
  readsInFlightMax: 8,
  writesInFlightMax: 16,
  readWaitUsMax: 60_000_000,
  writeWaitUsMax: 1_000_000,
  urgentPercent: 10,
  read: { refillPerSecond: 200, capacity: 200 },
  write: { refillPerSecond: 100, capacity: 100 },
};

export interface RestClientOptions {
  readonly venue: Venue;
  /** Null for public endpoints alone. */
  readonly key: SigningKey | null;
  readonly network: Network;
  readonly scheduler: Scheduler;
  readonly prng: Prng;
  readonly settings?: Partial<RestSettings>;
}

/** How the client is, for a status log. */
export interface RestHealth {
  readonly lastAnswerUs: number | null;
  /** Requests in a row that got no answer from the venue. */
  readonly failuresInRow: number;
  readonly lastFailure: string | null;
  readonly inFlight: number;
  readonly waiting: number;
  readonly readTokens: number;
  readonly writeTokens: number;
  /** How far this machine's clock is ahead of the venue's, to about a second. */
  readonly clockAheadSeconds: number | null;
}

type Done<T> = (answer: Answer<T>) => void;

/** More pages than any list of an account has. */
const PAGES_MAX = 10_000;

export class RestClient {
  readonly #options: RestClientOptions;
  readonly #settings: RestSettings;
  readonly #prefix: string;
  readonly #read: Lane;
  readonly #write: Lane;
  readonly #prng: Prng;
  /** What calls off each request and each wait for a retry, with the end that its caller then hears. */
  readonly #open = new Set<{ readonly callOff: () => void; readonly end: () => void }>();
  #costs: CostTable;
  #ready: ReadySignatures | null = null;
  #isClosed = false;
  #limitedInRow = 0;
  #failuresInRow = 0;
  #lastFailure: string | null = null;
  #lastAnswerUs: number | null = null;
  #clockAheadSeconds: number | null = null;

  constructor(options: RestClientOptions) {
    const settings = { ...REST_SETTINGS, ...options.settings };
    const { scheduler, venue } = options;
    const { urgentPercent } = settings;
    this.#options = options;
    this.#settings = settings;
    this.#prefix = new URL(venue.restUrl).pathname.replace(/\/$/, "");
    const reads = { inFlightMax: settings.readsInFlightMax, urgentPercent: 0 };
    const writes = { inFlightMax: settings.writesInFlightMax, urgentPercent };
    this.#read = new Lane(scheduler, reads, settings.read);
    this.#write = new Lane(scheduler, writes, settings.write);
    this.#costs = new CostTable(FORMER_COSTS, this.#prefix);
    this.#prng = options.prng.fork("rest");
  }

  /** Sends a call; `done` hears its one answer, later. */
  send<T>(call: Call<T>, done: Done<T>): void {
    this.#try(call, 0, done);
  }

  /** All items of a list, page by page. */
  sendForAll<T>(pageAt: (cursor: string) => Call<Page<T>>, done: Done<readonly T[]>): void {
    const items: T[] = [];
    const seen = new Set<string>();
    const next = (cursor: string): void => {
      this.send(pageAt(cursor), (answer) => {
        if (answer.kind !== "ok") return done(answer);
        const page = answer.value;
        for (const item of page.items) items.push(item);
        if (page.cursor === "") return done({ kind: "ok", value: items });
        if (seen.has(page.cursor) || seen.size >= PAGES_MAX) {
          return done({ kind: "failed", reason: "the venue's list has no end: a page came twice" });
        }
        seen.add(page.cursor);
        next(page.cursor);
      });
    };
    next("");
  }

  /** Reads the account's limits and the endpoints' costs, and keeps to them from then on. */
  learnLimits(done: Done<AccountLimits>): void {
    this.send(calls.endpointCosts(), (costs) => {
      if (costs.kind !== "ok") return done(costs);
      this.send(calls.accountLimits(), (limits) => {
        if (limits.kind === "ok") this.setLimits(limits.value, costs.value);
        done(limits);
      });
    });
  }

  setLimits(limits: AccountLimits, costs: EndpointCosts): void {
    this.#costs = new CostTable(costs, this.#prefix);
    this.#read.setLimit(limits.read);
    this.#write.setLimit(limits.write);
  }

  /** From now on requests with this method and path find their signatures made. */
  signAhead({ method, path }: Pick<Call<unknown>, "method" | "path">): void {
    const { key, scheduler } = this.#options;
    if (key === null || this.#isClosed) return;
    this.#ready?.close();
    this.#ready = new ReadySignatures(key, scheduler, method, this.#prefix + path);
  }

  health(): RestHealth {
    return {
      lastAnswerUs: this.#lastAnswerUs,
      failuresInRow: this.#failuresInRow,
      lastFailure: this.#lastFailure,
      inFlight: this.#read.inFlight + this.#write.inFlight,
      waiting: this.#read.waiting + this.#write.waiting,
      readTokens: this.#read.tokens(),
      writeTokens: this.#write.tokens(),
      clockAheadSeconds: this.#clockAheadSeconds,
    };
  }

  /**
   * Ends: what waits has failed, what is on its way is unknown, and nothing is sent any more. Callers
   * hear so before this returns.
   */
  close(): void {
    this.#isClosed = true;
    this.#ready?.close();
    this.#read.clear(CLOSED);
    this.#write.clear(CLOSED);
    for (const entry of [...this.#open]) {
      this.#open.delete(entry);
      entry.callOff();
      entry.end();
    }
  }

  #try<T>(call: Call<T>, attempt: number, done: Done<T>): void {
    const { scheduler, key } = this.#options;
    const failed = (reason: string): void => done({ kind: "failed", reason });
    const refusal = this.#isClosed ? CLOSED : key === null && !call.isPublic ? KEYLESS : null;
    if (refusal !== null) {
      scheduler.after(0, () => failed(refusal));
      return;
    }
    const isRead = call.bucket === "read";
    const { readWaitUsMax, writeWaitUsMax } = this.#settings;
    const lane = isRead ? this.#read : this.#write;
    lane.enter({
      cost: this.#costs.of(call),
      isUrgent: call.isUrgent,
      waitUsMax: isRead || call.isUrgent ? readWaitUsMax : writeWaitUsMax,
      giveUp: (reason) => void scheduler.after(0, () => failed(reason)),
      run: () => {
        this.#request(call, (outcome) => {
          lane.leave();
          this.#settle(call, attempt, outcome, done);
        });
      },
    });
  }

  /** One request with its time-out. A time-out and a closing of the client are losses. */
  #request(call: Call<unknown>, done: (outcome: HttpOutcome) => void): void {
    const { network, scheduler } = this.#options;
    const path = this.#prefix + call.path;
    const headers: Record<string, string> = { accept: "application/json" };
    // The venue wants a body wherever it says that there is JSON, and the other way round.
    if (call.body !== null) headers["content-type"] = "application/json";
    Object.assign(headers, this.#signature(call.method, path));
    const end = (outcome: HttpOutcome): void => {
      this.#open.delete(entry);
      stopTimer();
      done(outcome);
    };
    const callOff = network.request({ method: call.method, path, headers, body: call.body }, end);
    const { timeoutUs } = this.#settings;
    const stopTimer = scheduler.after(timeoutUs, () => {
      callOff();
      end({ kind: "lost", reason: `no answer within ${timeoutUs / 1_000_000} s` });
    });
    const entry = {
      callOff: () => {
        stopTimer();
        callOff();
      },
      end: () => done({ kind: "lost", reason: CLOSED }),
    };
    this.#open.add(entry);
  }

  #signature(method: string, path: string): Readonly<Record<string, string>> {
    const { scheduler, key } = this.#options;
    if (key === null) return {};
    const nowUs = scheduler.nowUs();
    // Where the clocks differ much already, none of what the venue lets pass is left for its age.
    const isOff = Math.abs(this.#clockAheadSeconds ?? 0) > CLOCK_OFF_SECONDS;
    if (isOff) return signedHeaders(key, nowUs, method, path);
    return this.#ready?.take(nowUs, method, path) ?? signedHeaders(key, nowUs, method, path);
  }

  #settle<T>(call: Call<T>, attempt: number, outcome: HttpOutcome, done: Done<T>): void {
    const judged = this.#judge(call, outcome);
    // A reading changes nothing: one without an answer has simply failed.
    const isLostRead = call.method === "GET" && judged.kind === "unknown";
    const answer: Answer<T> = isLostRead ? { kind: "failed", reason: judged.reason } : judged;
    const mayRepeat = call.isRepeatable && !this.#isClosed && attempt + 1 < this.#settings.tries;
    const isLimited = answer.kind === "refused" && answer.status === 429;
    if (mayRepeat && (isLimited || answer.kind === "failed" || answer.kind === "unknown")) {
      this.#repeat(call, attempt, answer, done);
    } else done(answer);
  }

  #repeat<T>(call: Call<T>, attempt: number, last: Answer<T>, done: Done<T>): void {
    const waitUs = backoffUs(this.#settings.backoff, attempt, this.#prng);
    const entry = {
      callOff: this.#options.scheduler.after(waitUs, () => {
        this.#open.delete(entry);
        this.#try(call, attempt + 1, done);
      }),
      end: () => done(last),
    };
    this.#open.add(entry);
  }

  #judge<T>(call: Call<T>, outcome: HttpOutcome): Answer<T> {
    if (outcome.kind !== "answer") {
      this.#failuresInRow += 1;
      this.#lastFailure = outcome.reason;
      return { kind: outcome.kind === "unsent" ? "failed" : "unknown", reason: outcome.reason };
    }
    const nowUs = this.#options.scheduler.nowUs();
    const { status, body, dateMs } = outcome;
    if (dateMs !== null) {
      this.#clockAheadSeconds = Math.round((nowUs / 1_000 - dateMs - 500) / 1_000);
    }
    if (status >= 200 && status < 300) {
      this.#isHeard(nowUs);
      this.#limitedInRow = 0;
      try {
        return { kind: "ok", value: call.read(body) };
      } catch (error) {
        this.#lastFailure = messageOf(error);
        return { kind: "unknown", reason: messageOf(error) };
      }
    }
    const fault = readFault(status, body);
    const clockAheadSeconds = this.#clockAheadSeconds;
    const answer = { kind: "refused", status, fault, clockAheadSeconds } as const;
    if (status >= 500) {
      this.#failuresInRow += 1;
      this.#lastFailure = sentenceOf(answer);
      return { kind: "unknown", reason: this.#lastFailure };
    }
    if (status === 429) {
      const lane = call.bucket === "read" ? this.#read : this.#write;
      lane.pause(backoffUs(this.#settings.backoff, this.#limitedInRow, this.#prng));
      this.#limitedInRow += 1;
    } else this.#limitedInRow = 0;
    this.#isHeard(nowUs);
    return answer;
  }

  #isHeard(nowUs: number): void {
    this.#failuresInRow = 0;
    this.#lastAnswerUs = nowUs;
  }
}

const CLOCK_OFF_SECONDS = 3;
const CLOSED = "the client was closed";
const KEYLESS = "this needs a key, and none was given";
