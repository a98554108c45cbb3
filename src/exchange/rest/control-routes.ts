/**
 * Endpoints that the venue does not have: the test of a trading program moves the exchange with them.
 * Faults, pauses, the lives of markets, orders of the crowd. They are signed like all others, cost no
 * tokens, and no fault strikes them.
 */
import {
  type CentiCents,
  messageOf,
  OperationError,
  parseCentiCents,
  parseLots,
} from "../../core/index.ts";
import { BookSide } from "../../market/index.ts";
import type { EngineMarket } from "../engine/engine-market.ts";
import { readFaultRules, writeFaultRules } from "../faults/fault-script.ts";
import { DONE, type ExchangeAnswer, flat, json } from "./request.ts";
import { type Desk, marketNotFound, own, type OwnCall, type Route } from "./route.ts";

export const CONTROL_PREFIX = "/control";

/** A million contracts: sums of money stay exact through thousands of such orders. */
const CROWD_SIZE_MAX = 100_000_000;

type Body = Readonly<Record<string, unknown>>;
type Control = (desk: Desk, body: Body, market: EngineMarket) => ExchangeAnswer;

export const CONTROL_ROUTES: readonly Route[] = [
  own("GET", "/control/faults", (call) => json({ rules: writeFaultRules(call.desk.faults.rules) })),
  own("PUT", "/control/faults", (call) => control(call, setFaults)),
  own("PUT", "/control/trading", (call) => control(call, setTrading)),
  own("PUT", "/control/exchange", (call) => control(call, setExchange)),
  own("POST", "/control/markets/:ticker/deactivate", (call) => onMarket(call, deactivate)),
  own("POST", "/control/markets/:ticker/activate", (call) => onMarket(call, activate)),
  own("POST", "/control/markets/:ticker/close", (call) => onMarket(call, close)),
  own("POST", "/control/markets/:ticker/determine", (call) => onMarket(call, determine)),
  own("POST", "/control/markets/:ticker/crowd", (call) => onMarket(call, crowd)),
];

function control(
  { desk, request }: OwnCall,
  act: (desk: Desk, body: Body) => ExchangeAnswer,
): ExchangeAnswer {
  try {
    const body: unknown = request.body === "" ? {} : JSON.parse(request.body);
    if (typeof body !== "object" || body === null) return flat(400, "bad_request", "not an object");
    return act(desk, body as Body);
  } catch (error) {
    if (!(error instanceof OperationError) && !(error instanceof SyntaxError)) throw error;
    return flat(400, "bad_request", messageOf(error));
  }
}

function onMarket(call: OwnCall, act: Control): ExchangeAnswer {
  const market = call.desk.engine.market(call.parameters[0] ?? "");
  if (market === undefined) return marketNotFound();
  return control(call, (desk, body) => act(desk, body, market));
}

/** Whether a step could be taken in the market's present phase. */
function step(isDone: boolean, { phase }: EngineMarket): ExchangeAnswer {
  return isDone ? DONE : flat(409, "conflict", `the market is ${phase}`);
}

function setFaults({ faults, engine }: Desk, body: Body): ExchangeAnswer {
  faults.begin(readFaultRules(body["rules"], "rules"), engine.nowUs);
  return DONE;
}

function setTrading({ engine }: Desk, body: Body): ExchangeAnswer {
  engine.setTrading(activeOf(body));
  return DONE;
}

function setExchange({ engine }: Desk, body: Body): ExchangeAnswer {
  engine.setExchange(activeOf(body));
  return DONE;
}

function deactivate({ engine }: Desk, _: Body, market: EngineMarket): ExchangeAnswer {
  return step(engine.deactivate(market), market);
}

function activate({ engine }: Desk, _: Body, market: EngineMarket): ExchangeAnswer {
  return step(engine.activate(market), market);
}

function close({ engine }: Desk, _: Body, market: EngineMarket): ExchangeAnswer {
  engine.close(market);
  return DONE;
}

/** `{"value": "1.0000"}`: what a YES contract will pay. */
function determine({ engine }: Desk, body: Body, market: EngineMarket): ExchangeAnswer {
  const value: CentiCents = parseCentiCents(textOf(body, "value"), "value");
  return step(engine.determine(market, value), market);
}

/** `{"side", "price", "count", "takes"}`: an order of the crowd that rests, or takes what there is. */
function crowd({ engine }: Desk, body: Body, market: EngineMarket): ExchangeAnswer {
  const side = body["side"];
  if (side !== "bid" && side !== "ask") throw wrong("side", '"bid" or "ask"');
  const price = parseCentiCents(textOf(body, "price"), "price");
  const size = parseLots(textOf(body, "count"), "count");
  if (size <= 0 || size > CROWD_SIZE_MAX) throw wrong("count", "up to a million contracts");
  if (!market.book.isTick(price)) throw wrong("price", "a price of the market's grid");
  const terms = { market, side: BookSide[side], price, size };
  if (body["takes"] === true) return json({ filled: engine.crowdTake(terms) / 100 });
  return json({ resting: engine.crowdQuote(terms) !== null });
}

function activeOf(body: Body): boolean {
  const active = body["active"];
  if (typeof active !== "boolean") throw wrong("active", "true or false");
  return active;
}

function textOf(body: Body, key: string): string {
  const text = body[key];
  if (typeof text !== "string") throw wrong(key, "a decimal number as a string");
  return text;
}

function wrong(key: string, expected: string): OperationError {
  return new OperationError("CONTROL", `${key}: expected ${expected}`);
}
