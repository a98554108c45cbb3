/**
 * Commands to the WebSocket, both ways: what a client writes, and what a server makes of what it is
 * sent. A command that cannot be read becomes the fault that answers it.
 * Source: AsyncAPI "Kalshi Market Data WebSocket API" 2.0.0, of about 2026-10.
 */
import { OperationError, unreachable } from "../../core/index.ts";
import { list, named, natural } from "./codec.ts";
import type { FeedFault } from "./feed-messages.ts";
import { isObject, type JsonObject, parseJsonObject } from "./json.ts";

export type UpdateAction = "add_markets" | "delete_markets" | "get_snapshot";

export type FeedCommand =
  | {
      readonly kind: "subscribe";
      readonly id: number;
      readonly channels: readonly string[];
      /** Empty: all markets, for the channels that allow it. */
      readonly tickers: readonly string[];
      readonly useYesPrice: boolean;
      readonly sendInitialSnapshot: boolean;
    }
  | { readonly kind: "unsubscribe"; readonly id: number; readonly sids: readonly number[] }
  | {
      readonly kind: "update";
      readonly id: number;
      readonly sid: number;
      readonly action: UpdateAction;
      readonly tickers: readonly string[];
    }
  | { readonly kind: "list"; readonly id: number };

/** A command that is refused; `id` is its own, 0 where it could not be read. */
export interface RefusedCommand {
  readonly kind: "refused";
  readonly id: number;
  readonly fault: FeedFault;
}

/** Numbers of the faults that are spoken of here, with the venue's words for them. */
export const FeedFaultCode = {
  unreadable: 1,
  paramsRequired: 2,
  channelsRequired: 3,
  sidsRequired: 4,
  unknownCommand: 5,
  unknownSid: 7,
  unknownChannel: 8,
  authenticationRequired: 9,
  channelError: 10,
  invalidParameter: 11,
  oneSidRequired: 12,
  unsupportedAction: 13,
  tickerRequired: 14,
  actionRequired: 15,
  bufferOverflow: 25,
  tooManyRequests: 27,
} as const;

const WORDS: Readonly<Record<number, string>> = {
  1: "Unable to process message",
  2: "Params required",
  3: "Channels required",
  4: "Subscription IDs required",
  5: "Unknown command",
  7: "Unknown subscription ID",
  8: "Unknown channel name",
  9: "Authentication required",
  10: "Channel error",
  11: "Invalid parameter",
  12: "Exactly one subscription ID is required",
  13: "Unsupported action",
  14: "Market Ticker required",
  15: "Action required",
  25: "Subscription buffer overflow",
  27: "Too many requests",
};

export function feedFaultOf(code: number, tickers: readonly string[] = []): FeedFault {
  return { code, message: WORDS[code] ?? "Unknown error", tickers };
}

/** The frame of a command. */
export function writeCommand(command: FeedCommand): string {
  const { id } = command;
  switch (command.kind) {
    case "subscribe":
      return JSON.stringify({
        id,
        cmd: "subscribe",
        params: {
          channels: command.channels,
          market_tickers: command.tickers.length === 0 ? undefined : command.tickers,
          // Always said: the venue has announced that its default will turn round.
          use_yes_price: command.channels.includes("orderbook_delta")
            ? command.useYesPrice
            : undefined,
          send_initial_snapshot: command.sendInitialSnapshot ? true : undefined,
        },
      });
    case "unsubscribe":
      return JSON.stringify({ id, cmd: "unsubscribe", params: { sids: command.sids } });
    case "update":
      return JSON.stringify({
        id,
        cmd: "update_subscription",
        params: { sids: [command.sid], action: command.action, market_tickers: command.tickers },
      });
    case "list":
      return JSON.stringify({ id, cmd: "list_subscriptions" });
    default:
      return unreachable(command);
  }
}

const COMMAND_LENGTH_MAX = 1_048_576;

/** Reads a frame as a server does. Never throws for anything that a client can send. */
export function readCommand(frame: string): FeedCommand | RefusedCommand {
  let id = 0;
  try {
    const top = parseJsonObject(frame, "command", COMMAND_LENGTH_MAX);
    if (top["id"] !== undefined) id = natural.read(top["id"], "command", "id");
    const cmd = top["cmd"];
    if (cmd === "list_subscriptions") return { kind: "list", id };
    if (cmd !== "subscribe" && cmd !== "unsubscribe" && cmd !== "update_subscription") {
      return refused(id, FeedFaultCode.unknownCommand);
    }
    const params = top["params"];
    if (!isObject(params)) return refused(id, FeedFaultCode.paramsRequired);
    if (cmd === "subscribe") return readSubscribe(id, params);
    if (cmd === "unsubscribe") {
      const sids = sidsOf(params);
      if (sids.length === 0) return refused(id, FeedFaultCode.sidsRequired);
      return { kind: "unsubscribe", id, sids };
    }
    return readUpdate(id, params);
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    const code =
      error.code === "WIRE_FIELD" ? FeedFaultCode.invalidParameter : FeedFaultCode.unreadable;
    return refused(id, code);
  }
}

function refused(id: number, code: number): RefusedCommand {
  return { kind: "refused", id, fault: feedFaultOf(code) };
}

function readSubscribe(id: number, params: JsonObject): FeedCommand | RefusedCommand {
  const given = params["channels"];
  if (!Array.isArray(given) || given.length === 0) {
    return refused(id, FeedFaultCode.channelsRequired);
  }
  if (params["market_ticker"] !== undefined && params["market_tickers"] !== undefined) {
    return refused(id, FeedFaultCode.invalidParameter);
  }
  return {
    kind: "subscribe",
    id,
    channels: [...new Set(names.read(given, "params", "channels"))],
    tickers: tickersOf(params),
    useYesPrice: params["use_yes_price"] === true,
    sendInitialSnapshot: params["send_initial_snapshot"] === true,
  };
}

function readUpdate(id: number, params: JsonObject): FeedCommand | RefusedCommand {
  const sids = sidsOf(params);
  const [sid] = sids;
  if (sid === undefined || sids.length > 1) return refused(id, FeedFaultCode.oneSidRequired);
  const action = params["action"];
  if (action === undefined) return refused(id, FeedFaultCode.actionRequired);
  if (action !== "add_markets" && action !== "delete_markets" && action !== "get_snapshot") {
    return refused(id, FeedFaultCode.unsupportedAction);
  }
  const tickers = tickersOf(params);
  if (tickers.length === 0) return refused(id, FeedFaultCode.tickerRequired);
  return { kind: "update", id, sid, action, tickers };
}

const names = list(named);
const numbers = list(natural);

function sidsOf(params: JsonObject): readonly number[] {
  const one = params["sid"] === undefined ? [] : [natural.read(params["sid"], "params", "sid")];
  const many = params["sids"] === undefined ? [] : numbers.read(params["sids"], "params", "sids");
  return [...one, ...many];
}

function tickersOf(params: JsonObject): readonly string[] {
  const one = params["market_ticker"];
  const many = params["market_tickers"];
  const all = [
    ...(one === undefined ? [] : [named.read(one, "params", "market_ticker")]),
    ...(many === undefined ? [] : names.read(many, "params", "market_tickers")),
  ];
  return [...new Set(all)];
}
