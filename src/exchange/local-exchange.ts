/**
 * The whole exchange without its sockets: requests and frames come in with their time, answers and
 * frames go out by callback. Whoever holds it moves its time, with `advanceTo` at the latest when
 * `nextUs` is due; real sockets and a simulated network do so alike.
 *
 * Within one moment the order is: what the engine has due, what the players do, answers and frames
 * that were held back, then the request that has just come in.
 */
import { type Prng, SimulatedScheduler, type TimestampUs } from "../core/index.ts";
import type { AccountLimits } from "../kalshi/index.ts";
import type { ExchangeAccount } from "./engine/exchange-account.ts";
import { MatchingEngine } from "./engine/matching-engine.ts";
import { FaultPlan, type FaultRule } from "./faults/fault-plan.ts";
import { Feed } from "./feed/feed.ts";
import type { FeedConnection } from "./feed/feed-connection.ts";
import type { Channel } from "./feed/subscriptions.ts";
import { Access, BASIC_LIMITS, type Member, takeTokens } from "./rest/access.ts";
import { CONTROL_PREFIX, CONTROL_ROUTES } from "./rest/control-routes.ts";
import { MARKET_ROUTES } from "./rest/market-routes.ts";
import { ORDER_ROUTES } from "./rest/order-routes.ts";
import { PORTFOLIO_ROUTES } from "./rest/portfolio-routes.ts";
import { type ExchangeAnswer, type ExchangeRequest, nested, TOO_MANY } from "./rest/request.ts";
import { costRoute, PREFIX, type Route, RouteTable, WS_PATH } from "./rest/route.ts";
import { ReadingModel } from "./views/reading-model.ts";

/** Somebody who acts in the markets by a plan of his own: a recording, made-up traders. */
export interface Player {
  /** When he acts next, null for never again. */
  nextUs(): number | null;
  /** Does all that is due until `atUs`. */
  act(atUs: number): void;
}

export type Handling =
  | {
      readonly kind: "answer";
      readonly answer: ExchangeAnswer;
      /** The exchange's clock, as it shows it. */
      readonly dateUs: number;
    }
  /** The connection breaks; `isRead` tells whether anything of the request was taken in. */
  | { readonly kind: "broken"; readonly isRead: boolean };

/** The other end of a feed connection. */
export interface FeedClient {
  deliver(frame: string): void;
  /** The exchange breaks the connection off. */
  broken(): void;
}

/** A feed connection as its transport holds it. */
export interface FeedLine {
  receive(frame: string, atUs: TimestampUs): void;
  /** The client has gone. */
  leave(): void;
}

/** A request that changes something, as it is carried out. */
export interface Write {
  readonly atUs: TimestampUs;
  readonly keyId: string;
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

export interface LocalExchangeOptions {
  readonly startUs: TimestampUs;
  readonly prng: Prng;
  readonly marketCapacity: number;
  /** Told of every write before it is carried out. */
  readonly onWrite?: (write: Write) => void;
}

export interface MemberOptions {
  readonly keyId: string;
  /** A public key, or a private one of which the public half is taken, in PEM form. */
  readonly pem: string;
  readonly account: ExchangeAccount;
  readonly limits?: AccountLimits;
}

const CONNECTIONS_MAX = 200;

export class LocalExchange {
  readonly engine: MatchingEngine;
  readonly model: ReadingModel;
  readonly faults: FaultPlan;
  readonly #feed: Feed;
  readonly #access = new Access();
  readonly #routes: RouteTable;
  readonly #controls = new RouteTable(CONTROL_ROUTES);
  /** Answers and frames that wait for their time. */
  readonly #agenda: SimulatedScheduler;
  readonly #players: Player[] = [];
  readonly #lines = new Set<Line>();
  readonly #onWrite: ((write: Write) => void) | null;

  constructor({ startUs, prng, marketCapacity, onWrite }: LocalExchangeOptions) {
    this.#onWrite = onWrite ?? null;
    this.engine = new MatchingEngine({ startUs, ids: prng.fork("ids"), marketCapacity });
    this.model = new ReadingModel(startUs);
    this.faults = new FaultPlan(prng.fork("faults"));
    this.#feed = new Feed(this.engine);
    this.#agenda = new SimulatedScheduler(startUs);
    const priced = [...ORDER_ROUTES, ...PORTFOLIO_ROUTES, ...MARKET_ROUTES];
    this.#routes = new RouteTable([costRoute(priced), ...priced]);
  }

  get nowUs(): TimestampUs {
    return this.engine.nowUs;
  }

  get connectionCount(): number {
    return this.#lines.size;
  }

  admit({ keyId, pem, account, limits = BASIC_LIMITS }: MemberOptions): void {
    this.#access.admit(keyId, pem, account, limits, this.nowUs);
  }

  addPlayer(player: Player): void {
    this.#players.push(player);
  }

  /** When time has to be moved on at the latest; null for never. */
  nextUs(): number | null {
    let next = Infinity;
    for (const source of [this.engine, this.#agenda, ...this.#players]) {
      next = Math.min(next, source.nextUs() ?? Infinity);
    }
    return next === Infinity ? null : next;
  }

  /** Moves time on; a time that has passed already moves nothing. */
  advanceTo(atUs: TimestampUs): void {
    const untilUs = Math.max(atUs, this.nowUs);
    for (let next = this.nextUs(); next !== null && next <= untilUs; next = this.nextUs()) {
      const momentUs = Math.max(next, this.nowUs) as TimestampUs;
      this.engine.advanceTo(momentUs);
      this.flush();
      for (const player of this.#players) {
        if ((player.nextUs() ?? Infinity) > momentUs) continue;
        player.act(momentUs);
        this.flush();
      }
      this.#agenda.advanceTo(momentUs);
    }
    this.engine.advanceTo(untilUs as TimestampUs);
    this.#agenda.advanceTo(untilUs);
    this.flush();
  }

  /** Tells feed and reading model what has happened; for those who use the engine by hand. */
  flush(): void {
    const events = this.engine.collect();
    if (events.length === 0) return;
    this.model.push(events, this.nowUs);
    this.#catchUp();
    this.#feed.deliver(events);
  }

  /** Takes a request in at `atUs`. `done` hears what comes of it, at once or when it is due. */
  request(request: ExchangeRequest, atUs: TimestampUs, done: (handling: Handling) => void): void {
    this.advanceTo(atUs);
    const path = pathOf(request.path);
    const strike = (kind: FaultRule["kind"]): FaultRule | null =>
      path.startsWith(CONTROL_PREFIX)
        ? null
        : this.faults.strike(kind, this.nowUs, { method: request.method, path: below(path) });
    if (strike("refuse") !== null) return done({ kind: "broken", isRead: false });
    if (strike("reset") !== null) return done({ kind: "broken", isRead: true });
    if (strike("tooMany") !== null) return this.#answer(TOO_MANY, done);
    if (strike("fail") !== null) return this.#answer(UNAVAILABLE, done);
    const ready = this.#prepare(request, path);
    if (typeof ready !== "function") return this.#answer(ready, done);
    const perform = (): void => {
      const answer = ready();
      this.flush();
      if (strike("loseAnswer") !== null) return done({ kind: "broken", isRead: true });
      const told = strike("failAfter") === null ? answer : UNAVAILABLE;
      const slow = strike("slow");
      if (slow === null) this.#answer(told, done);
      else this.#later(slow.amountUs, () => this.#answer(told, done));
    };
    const held = strike("held");
    if (held === null) perform();
    else this.#later(held.amountUs, perform);
  }

  /**
   * Carries a write out that was carried out before: with the same start, seed, players and writes an
   * exchange comes to the same state. Nobody is told anything and no fault strikes.
   */
  repeat({ atUs, keyId, method, path, body }: Write): void {
    this.advanceTo(atUs);
    const place = pathOf(path);
    const isControl = place.startsWith(CONTROL_PREFIX);
    const table = isControl ? this.#controls : this.#routes;
    const found = table.find(method, isControl ? place : below(place));
    const member = this.#access.member(keyId);
    if (found === null || member === undefined) return;
    const { route, parameters } = found;
    const query = new URLSearchParams(path.slice(place.length + 1));
    const headers = { "content-type": "application/json" };
    const request = { method, path, headers, body };
    route.handle({ desk: this, member, parameters, query, request });
    this.flush();
  }

  /** Opens a feed connection by its handshake, or says no, or breaks it off (null). */
  connect(
    handshake: Omit<ExchangeRequest, "body">,
    atUs: TimestampUs,
    client: FeedClient,
  ): FeedLine | ExchangeAnswer | null {
    this.advanceTo(atUs);
    const { nowUs } = this;
    const path = pathOf(handshake.path);
    if (this.faults.strike("refuse", nowUs, { method: "GET", path: WS_PATH }) !== null) return null;
    if (this.faults.strike("feedDown", nowUs) !== null) return UNAVAILABLE;
    if (path !== WS_PATH) return nested(404, "not_found", "not found");
    const member = this.#access.identify(handshake, this.#shownUs());
    if ("status" in member) return member;
    if (this.#feed.connectionsOf(member.account.index) >= CONNECTIONS_MAX) return TOO_MANY;
    return this.#openLine(member, client);
  }

  #openLine(member: Member, client: FeedClient): FeedLine {
    const { index, userId } = member.account;
    const connection = this.#feed.connect(index, userId, (frame, channel) => {
      this.#sendFrame(line, frame, channel);
    });
    const line: Line = { connection, client, isOpen: true };
    this.#lines.add(line);
    return {
      receive: (frame, atUs) => {
        this.advanceTo(atUs);
        if (line.isOpen) connection.receive(frame);
      },
      leave: () => this.#drop(line),
    };
  }

  #sendFrame(line: Line, frame: string, channel: Channel | null): void {
    if (!line.isOpen) return;
    const { nowUs, faults } = this;
    const occasion = { channel };
    if (faults.strike("resetFeed", nowUs, occasion) !== null) {
      this.#drop(line);
      return line.client.broken();
    }
    if (faults.strike("gap", nowUs, occasion) !== null) return;
    const late = faults.strike("late", nowUs, occasion);
    const send = (): void => {
      if (line.isOpen) line.client.deliver(frame);
    };
    if (late === null) send();
    else this.#later(late.amountUs, send);
    const again = faults.strike("duplicate", nowUs, occasion);
    if (again !== null) this.#later(again.amountUs, send);
  }

  #later(delayUs: number, act: () => void): void {
    if (delayUs === 0) act();
    else this.#agenda.after(delayUs, act);
  }

  #drop(line: Line): void {
    line.isOpen = false;
    this.#lines.delete(line);
    this.#feed.disconnect(line.connection);
  }

  #answer(answer: ExchangeAnswer, done: (handling: Handling) => void): void {
    done({ kind: "answer", answer, dateUs: this.#shownUs() });
  }

  /** The time that the exchange believes it is. */
  #shownUs(): number {
    return this.nowUs + this.faults.amountUs("skew", this.nowUs);
  }

  /** Checks who asks and takes his tokens: the answer that refuses, or what is then to be done. */
  #prepare(request: ExchangeRequest, path: string): ExchangeAnswer | (() => ExchangeAnswer) {
    const isControl = path.startsWith(CONTROL_PREFIX);
    const table = isControl ? this.#controls : this.#routes;
    const isKnown = isControl || path.startsWith(`${PREFIX}/`);
    // What there is to read can be asked for its head; the transport leaves the body out.
    const method = request.method === "HEAD" ? "GET" : request.method;
    const found = isKnown ? table.find(method, isControl ? path : below(path)) : null;
    if (found === null) return nested(404, "not_found", "not found");
    const { route, parameters } = found;
    // A clock that is off must not lock out whoever wants to set it right.
    const clockUs = isControl ? this.nowUs : this.#shownUs();
    const member = this.#memberOf(request, route, clockUs);
    if (member !== null && "status" in member) return member;
    if (member !== null && !isControl && !this.#isPaid(member, route, request)) return TOO_MANY;
    const query = new URLSearchParams(request.path.slice(path.length + 1));
    return () => {
      this.#catchUp();
      if (member !== null && method !== "GET") {
        const { keyId } = member;
        const { body } = request;
        this.#onWrite?.({ atUs: this.nowUs, keyId, method, path: request.path, body });
      }
      return route.handle({ desk: this, member, parameters, query, request });
    };
  }

  #catchUp(): void {
    this.model.catchUp(this.nowUs, this.faults.amountUs("stale", this.nowUs));
  }

  /** Who asks; null for somebody at a public endpoint who did not sign. */
  #memberOf(
    request: ExchangeRequest,
    route: Route,
    clockUs: number,
  ): Member | ExchangeAnswer | null {
    if (route.isPublic && request.headers["kalshi-access-signature"] === undefined) return null;
    return this.#access.identify(request, clockUs);
  }

  #isPaid(member: Member, route: Route, { body }: ExchangeRequest): boolean {
    const items = route.isBatch ? itemsOf(body) : 1;
    return takeTokens(member[route.bucket], route.cost * items, this.nowUs);
  }
}

interface Line {
  readonly connection: FeedConnection;
  readonly client: FeedClient;
  isOpen: boolean;
}

const UNAVAILABLE = nested(503, "service_unavailable", "service unavailable");

function pathOf(path: string): string {
  const query = path.indexOf("?");
  return query === -1 ? path : path.slice(0, query);
}

/** A path below the prefix of the interface. */
function below(path: string): string {
  return path.startsWith(PREFIX) ? path.slice(PREFIX.length) : path;
}

/** How many orders a batch has; one that cannot be read is billed as one. */
function itemsOf(body: string): number {
  try {
    const value: unknown = JSON.parse(body);
    const orders = (value as { readonly orders?: unknown } | null)?.orders;
    return Array.isArray(orders) ? Math.max(1, orders.length) : 1;
  } catch {
    return 1;
  }
}
