/**
 * A network that is not there: clients and an exchange in one process, under one scheduler. Requests,
 * answers and frames take the time that they are given; frames of a connection keep their order. With
 * a simulated scheduler everything that happens is the same at every run.
 */
import { clearList, type Scheduler } from "../../core/index.ts";
import type {
  HttpOutcome,
  HttpRequest,
  Network,
  Socket,
  SocketEvents,
} from "../../kalshi/index.ts";
import type { FeedLine, Handling, LocalExchange } from "../local-exchange.ts";
import { WS_PATH } from "../rest/route.ts";
import type { ExchangeDriver } from "./exchange-driver.ts";

/** How long things are on their way, in microseconds; drawn anew for each of them. */
export interface NetworkDelays {
  request(): number;
  answer(): number;
  frame(): number;
}

export interface SimulatedNetworkOptions {
  readonly exchange: LocalExchange;
  readonly driver: ExchangeDriver;
  readonly scheduler: Scheduler;
  readonly delays: NetworkDelays;
}

export class SimulatedNetwork implements Network {
  readonly #exchange: LocalExchange;
  readonly #driver: ExchangeDriver;
  readonly #scheduler: Scheduler;
  readonly #delays: NetworkDelays;
  readonly #sockets = new Set<SimulatedSocket>();
  #isDown = false;

  constructor({ exchange, driver, scheduler, delays }: SimulatedNetworkOptions) {
    this.#exchange = exchange;
    this.#driver = driver;
    this.#scheduler = scheduler;
    this.#delays = delays;
  }

  /** Cuts the network, or mends it. Cutting breaks what is open; requests on their way are lost. */
  setDown(isDown: boolean): void {
    this.#isDown = isDown;
    if (!isDown) return;
    for (const socket of [...this.#sockets]) socket.breakOff("the network is down");
  }

  request(request: HttpRequest, done: (outcome: HttpOutcome) => void): () => void {
    let isOver = false;
    const tell = (outcome: HttpOutcome): void => {
      if (isOver) return;
      isOver = true;
      done(outcome);
    };
    this.#scheduler.after(this.#delays.request(), () => {
      if (this.#isDown) return tell({ kind: "unsent", reason: "the network is down" });
      this.#exchange.request(asReceived(request), this.#driver.nowUs(), (handling) => {
        this.#scheduler.after(this.#delays.answer(), () => {
          tell(this.#isDown ? LOST : outcomeOf(handling));
        });
      });
      this.#driver.wake();
    });
    return () => {
      isOver = true;
    };
  }

  openSocket(headers: Readonly<Record<string, string>>, events: SocketEvents): Socket {
    const socket = new SimulatedSocket(this.#scheduler, this.#delays, events, () => {
      this.#sockets.delete(socket);
    });
    this.#sockets.add(socket);
    this.#scheduler.after(this.#delays.request(), () => {
      if (this.#isDown) return socket.breakOff("the network is down");
      const handshake = { method: "GET", path: WS_PATH, headers: inSmallLetters(headers) };
      const line = this.#exchange.connect(handshake, this.#driver.nowUs(), {
        deliver: (frame) => socket.toClient(() => events.message(frame)),
        broken: () => socket.breakOff("the connection was broken off"),
      });
      this.#driver.wake();
      if (line === null) socket.breakOff("the connection was broken off");
      else if ("status" in line) socket.breakOff(`the handshake was answered by ${line.status}`);
      else socket.accept(line, this.#driver);
    });
    return socket;
  }
}

const LOST: HttpOutcome = { kind: "lost", reason: "the connection was broken off" };
const UNSENT: HttpOutcome = { kind: "unsent", reason: "the connection was refused" };

function outcomeOf(handling: Handling): HttpOutcome {
  if (handling.kind === "broken") return handling.isRead ? LOST : UNSENT;
  const { answer, dateUs } = handling;
  const dateMs = Math.floor(dateUs / 1_000_000) * 1_000;
  return { kind: "answer", status: answer.status, body: answer.body, dateMs };
}

function asReceived({ method, path, headers, body }: HttpRequest) {
  return { method, path, headers: inSmallLetters(headers), body: body ?? "" };
}

function inSmallLetters(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}

class SimulatedSocket implements Socket {
  readonly #scheduler: Scheduler;
  readonly #delays: NetworkDelays;
  readonly #events: SocketEvents;
  readonly #gone: () => void;
  #line: FeedLine | null = null;
  #driver: ExchangeDriver | null = null;
  /** Neither side sends any more. */
  #isOver = false;
  #lastToClientUs = 0;
  #lastToExchangeUs = 0;
  /** Frames that were sent before the handshake was answered. */
  readonly #early: string[] = [];

  constructor(scheduler: Scheduler, delays: NetworkDelays, events: SocketEvents, gone: () => void) {
    this.#scheduler = scheduler;
    this.#delays = delays;
    this.#events = events;
    this.#gone = gone;
  }

  accept(line: FeedLine, driver: ExchangeDriver): void {
    if (this.#isOver) return line.leave();
    this.#line = line;
    this.#driver = driver;
    this.toClient(() => this.#events.opened());
    for (const frame of this.#early) this.send(frame);
    clearList(this.#early);
  }

  send(text: string): void {
    if (this.#isOver) return;
    if (this.#line === null) {
      this.#early.push(text);
      return;
    }
    this.#toExchange((line, driver) => {
      line.receive(text, driver.nowUs());
      driver.wake();
    });
  }

  ping(): void {
    this.#toExchange(() => this.toClient(() => this.#events.alive()));
  }

  close(): void {
    if (this.#isOver) return;
    this.#end();
  }

  /** The connection breaks; the client hears of it when it would hear of anything. */
  breakOff(reason: string): void {
    if (this.#isOver) return;
    this.toClient(() => {
      this.#end();
      this.#events.closed(reason);
    });
    this.#line?.leave();
    this.#line = null;
  }

  /** Does something at the client after a frame's delay, in the order of the sending. */
  toClient(act: () => void): void {
    this.#lastToClientUs = this.#inOrder(this.#lastToClientUs, this.#delays.frame(), act);
  }

  #toExchange(act: (line: FeedLine, driver: ExchangeDriver) => void): void {
    const deliver = (): void => {
      if (this.#line !== null && this.#driver !== null) act(this.#line, this.#driver);
    };
    this.#lastToExchangeUs = this.#inOrder(this.#lastToExchangeUs, this.#delays.request(), deliver);
  }

  #inOrder(lastUs: number, delayUs: number, act: () => void): number {
    const nowUs = this.#scheduler.nowUs();
    const atUs = Math.max(lastUs, nowUs + delayUs);
    this.#scheduler.after(atUs - nowUs, () => {
      if (!this.#isOver) act();
    });
    return atUs;
  }

  #end(): void {
    this.#isOver = true;
    this.#line?.leave();
    this.#line = null;
    this.#gone();
  }
}
