/** A feed on scripted connections in simulated time, and the frames that tests say to it. */
import { centiCents, lots, timestampUs } from "../../src/core/index.ts";
import {
  type Channel,
  FeedClient,
  type FeedCommand,
  type FeedEvent,
  type FeedSettings,
  readCommand,
  writeMessage,
} from "../../src/kalshi/index.ts";
import { BookSide } from "../../src/market/index.ts";
import { key, ScriptedNetwork, type ScriptedSocket, START_US, venue } from "./scripted-network.ts";

export class Feed {
  readonly network = new ScriptedNetwork();
  readonly client: FeedClient;
  readonly events: FeedEvent[] = [];
  announcements = 0;

  constructor(settings: Partial<FeedSettings> = {}) {
    const { network } = this;
    const { scheduler, prng } = network;
    const onEvents = (): void => void (this.announcements += 1);
    this.client = new FeedClient({ venue, key, network, scheduler, prng, settings, onEvents });
  }

  /** The newest connection. */
  get socket(): ScriptedSocket {
    const socket = this.network.sockets.at(-1);
    if (socket === undefined) throw new Error("no connection was opened");
    return socket;
  }

  /** Commands sent on the newest connection that were not asked for before. */
  commands(): FeedCommand[] {
    return this.socket.sent.splice(0).map((frame) => {
      const command = readCommand(frame);
      if (command.kind === "refused") throw new Error(`a command that cannot be read: ${frame}`);
      return command;
    });
  }

  say(frame: string | object): void {
    this.socket.events.message(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  /** Events since the last call. */
  heard(): FeedEvent[] {
    const events: FeedEvent[] = [];
    this.client.drain(events);
    this.events.push(...events);
    return events;
  }

  /** Opens a connection and agrees to one subscription of each channel: sids 1, 2 ... in order. */
  open(watch: Partial<Record<Channel, readonly string[] | "all">>): void {
    for (const [channel, tickers] of Object.entries(watch)) {
      this.client.watch(channel as Channel, tickers);
    }
    this.client.start();
    this.socket.events.opened();
    let sid = 0;
    for (const command of this.commands()) {
      if (command.kind !== "subscribe") throw new Error("a subscription was expected");
      sid += 1;
      const [channel = ""] = command.channels;
      this.say({ id: command.id, type: "subscribed", msg: { channel, sid } });
    }
    this.heard();
  }
}

export const snapshot = (seq: number, ticker = "A", size = 500, id?: number): string =>
  writeMessage(
    { sid: 1, seq, ...(id === undefined ? {} : { id }) },
    {
      kind: "snapshot",
      body: {
        ticker,
        marketId: "m",
        bids: [{ price: centiCents(4_000), size: lots(size) }],
        asks: [],
      },
    },
    true,
  );

export const delta = (seq: number, ticker = "A", change = 100): string =>
  writeMessage(
    { sid: 1, seq },
    {
      kind: "delta",
      body: {
        ticker,
        marketId: "m",
        side: BookSide.bid,
        price: centiCents(4_000),
        change: lots(change),
        atUs: timestampUs(START_US),
        clientOrderId: null,
        subaccount: null,
      },
    },
    true,
  );

export const brief = (events: readonly FeedEvent[]): string[] =>
  events.map((event) => {
    switch (event.kind) {
      case "message": {
        const { kind, body } = event.payload;
        return "ticker" in body ? `${kind} ${body.ticker}` : kind;
      }
      case "gap":
        return `gap ${event.channel} ${event.cause}`;
      case "resumed":
        return `resumed ${event.channel}`;
      case "refused":
        return `refused ${event.tickers.join(",")} ${event.fault.code}`;
      default:
        return event.kind;
    }
  });
