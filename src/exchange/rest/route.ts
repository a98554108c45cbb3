/**
 * Endpoints as data: where they are, what they cost, who may call them, what they do. Paths stand
 * below the prefix `/trade-api/v2`; a part with a colon is a parameter.
 */
import { US_PER_SECOND } from "../../core/index.ts";
import type { FaultPlan } from "../faults/fault-plan.ts";
import type { MatchingEngine } from "../engine/matching-engine.ts";
import type { EngineMarket } from "../engine/engine-market.ts";
import type { AccountView } from "../views/account-view.ts";
import type { ReadingModel } from "../views/reading-model.ts";
import type { Member } from "./access.ts";
import { bodies } from "../../kalshi/index.ts";
import { integerOf, refusalOf } from "./query.ts";
import { type ExchangeAnswer, type ExchangeRequest, nested, ok } from "./request.ts";

export const PREFIX = "/trade-api/v2";
export const WS_PATH = "/trade-api/ws/v2";

/** What endpoints work on. */
export interface Desk {
  readonly engine: MatchingEngine;
  readonly model: ReadingModel;
  readonly faults: FaultPlan;
}

export interface Call {
  readonly desk: Desk;
  /** Null at public endpoints that were asked without a key. */
  readonly member: Member | null;
  readonly parameters: readonly string[];
  readonly query: URLSearchParams;
  readonly request: ExchangeRequest;
}

/** A call of somebody who is known. */
export interface OwnCall extends Call {
  readonly member: Member;
  readonly view: AccountView;
}

export interface Route {
  readonly method: string;
  readonly path: string;
  readonly bucket: "read" | "write";
  /** Tokens, for each item of a batch. */
  readonly cost: number;
  readonly isPublic: boolean;
  /** Whether it is billed by the items of its body. */
  readonly isBatch: boolean;
  readonly handle: (call: Call) => ExchangeAnswer;
}

export const DEFAULT_COST = 10;

interface RouteOptions {
  readonly cost?: number;
  readonly isBatch?: boolean;
  readonly bucket?: "read" | "write";
}

/** An endpoint that anybody may ask. Queries are looked through before they come to `handle`. */
export function open(path: string, handle: Route["handle"]): Route {
  return {
    method: "GET",
    path,
    bucket: "read",
    cost: DEFAULT_COST,
    isPublic: true,
    isBatch: false,
    handle: (call) => refusalOf(path, call.query) ?? handle(call),
  };
}

/** An endpoint for those who sign. */
export function own(
  method: string,
  path: string,
  handle: (call: OwnCall) => ExchangeAnswer,
  { cost = DEFAULT_COST, isBatch = false, bucket = "read" }: RouteOptions = {},
): Route {
  return {
    method,
    path,
    bucket,
    cost,
    isPublic: false,
    isBatch,
    handle: (call) => {
      const { member, desk } = call;
      if (member === null) return nested(401, "authentication_error", "authentication_error");
      const refusal = method === "GET" ? refusalOf(path, call.query) : null;
      if (refusal !== null) return refusal;
      return handle({ ...call, member, view: desk.model.account(member.account.index) });
    },
  };
}

/** Finds the endpoint of a request and the parameters in its path. */
export class RouteTable {
  readonly #routes: readonly { readonly route: Route; readonly parts: readonly string[] }[];

  constructor(routes: readonly Route[]) {
    this.#routes = routes.map((route) => ({ route, parts: route.path.split("/") }));
  }

  get routes(): readonly Route[] {
    return this.#routes.map(({ route }) => route);
  }

  /** `path` stands below the prefix, without its query. */
  find(method: string, path: string): { route: Route; parameters: readonly string[] } | null {
    const given = path.split("/");
    for (const { route, parts } of this.#routes) {
      if (route.method !== method || parts.length !== given.length) continue;
      const parameters: string[] = [];
      const fits = parts.every((part, at) => {
        const text = given[at] ?? "";
        if (!part.startsWith(":")) return part === text;
        const parameter = decoded(text);
        if (parameter === null || parameter === "") return false;
        parameters.push(parameter);
        return true;
      });
      if (fits) return { route, parameters };
    }
    return null;
  }
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

export function marketNotFound(): ExchangeAnswer {
  return nested(404, "not_found", "not found");
}

/** The tickers of a query that may name several: with commas, or again and again. */
export function tickersOf(query: URLSearchParams, name: string): string[] {
  return query
    .getAll(name)
    .flatMap((text) => text.split(","))
    .filter((text) => text !== "");
}

/**
 * Judges by two bounds of a query, in Unix seconds; both ends count. What has no time yet is within
 * where nothing is asked.
 */
export function isWithin(
  query: URLSearchParams,
  atUs: number | null,
  names: readonly [string, string | null] = ["min_ts", "max_ts"],
): boolean {
  const bound = (name: string | null): number | null => {
    const seconds = name === null ? null : integerOf(query, name);
    return seconds === null ? null : seconds * US_PER_SECOND;
  };
  const [least, most] = [bound(names[0]), bound(names[1])];
  if (atUs === null) return least === null && most === null;
  return (least === null || atUs >= least) && (most === null || atUs < most + US_PER_SECOND);
}

/** The event of a ticker's market, empty where there is none. */
export function eventOf(desk: Desk, ticker: string): string {
  return desk.engine.market(ticker)?.spec.info.eventTicker ?? "";
}

export function seriesOf({ spec }: EngineMarket): string {
  return spec.info.seriesTicker;
}

/** The endpoint that tells what others cost: those whose cost is not the usual one. */
export function costRoute(routes: readonly Route[]): Route {
  const costs = routes
    .filter(({ cost }) => cost !== DEFAULT_COST)
    .map(({ method, path, cost }) => ({ method, path: PREFIX + path, cost }));
  return own("GET", "/account/endpoint_costs", () =>
    ok(bodies.endpointCosts, { defaultCost: DEFAULT_COST, costs }),
  );
}
