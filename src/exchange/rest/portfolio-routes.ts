/** Endpoints that tell what an account has, and what it may ask for. */
import { type CentiCents, type Lots, type MicroUsd, ONE_DOLLAR_CC } from "../../core/index.ts";
import { bodies, type EventPosition, type VenuePosition } from "../../kalshi/index.ts";
import { BookSide } from "../../market/index.ts";
import { pageOf, pageOfAll, pageTerms } from "./paging.ts";
import { type ExchangeAnswer, json, ok } from "./request.ts";
import { type Desk, eventOf, isWithin, own, type OwnCall, type Route } from "./route.ts";

export const PORTFOLIO_ROUTES: readonly Route[] = [
  own("GET", "/portfolio/balance", balance),
  own("GET", "/portfolio/positions", positions),
  own("GET", "/portfolio/fills", fills),
  own("GET", "/portfolio/settlements", settlements),
  own("GET", "/portfolio/deposits", () => json({ deposits: [], cursor: "" })),
  own("GET", "/portfolio/withdrawals", () => json({ withdrawals: [], cursor: "" })),
  own("GET", "/portfolio/summary/total_resting_order_value", restingValue),
  own("GET", "/account/limits", ({ member }) => ok(bodies.accountLimits, member.limits)),
  // Older things have not been moved away from here.
  own("GET", "/historical/orders", () => json({ orders: [], cursor: "" })),
  own("GET", "/historical/fills", () => json({ fills: [], cursor: "" })),
  own("GET", "/historical/positions", () => json({ market_positions: [], cursor: "" })),
];

function balance({ desk, view }: OwnCall): ExchangeAnswer {
  let worth = 0;
  for (const { market, position } of view.positions.values()) {
    const last = desk.engine.markets[market]?.lastPrice ?? (0 as CentiCents);
    const held = position.position;
    worth += held >= 0 ? held * last : -held * (ONE_DOLLAR_CC - last);
  }
  return ok(bodies.balance, {
    cash: view.available,
    portfolioValue: worth as MicroUsd,
    updatedUs: view.updatedUs,
    shards: [{ exchangeIndex: 0, cash: view.available }],
  });
}

function positions({ desk, view, query }: OwnCall): ExchangeAnswer {
  const terms = pageTerms(query);
  const ticker = query.get("ticker") ?? "";
  const event = query.get("event_ticker") ?? "";
  const filters = (query.get("count_filter") ?? "").split(",");
  const asked = [...view.positions.values()]
    .filter(({ market, position }) => !isOver(desk, market, position))
    .map(({ position }) => position)
    .filter(
      (position) =>
        (ticker === "" || position.ticker === ticker) &&
        (event === "" || eventOf(desk, position.ticker) === event) &&
        (!filters.includes("position") || position.position !== 0) &&
        (!filters.includes("total_traded") || position.totalTraded !== 0),
    );
  const page = pageOfAll(asked, terms);
  return ok(bodies.positions, { ...page, events: byEvent(desk, page.items) });
}

/** A market that was traded and left before its settlement: no settlement tells of it. */
function isOver({ engine }: Desk, market: number, { position }: VenuePosition): boolean {
  return position === 0 && engine.markets[market]?.phase === "finalized";
}

function byEvent(desk: Desk, list: readonly VenuePosition[]): EventPosition[] {
  const events = new Map<string, EventPosition>();
  for (const position of list) {
    const eventTicker = eventOf(desk, position.ticker);
    const before = events.get(eventTicker);
    const lots = Math.abs(position.position);
    events.set(eventTicker, {
      eventTicker,
      totalCost: sum(before?.totalCost, position.totalTraded),
      totalCostShares: ((before?.totalCostShares ?? 0) + lots) as Lots,
      exposure: sum(before?.exposure, position.exposure),
      realizedPnl: sum(before?.realizedPnl, position.realizedPnl),
      feesPaid: sum(before?.feesPaid, position.feesPaid),
    });
  }
  return [...events.values()];
}

function sum(before: MicroUsd | undefined, more: MicroUsd): MicroUsd {
  return ((before ?? 0) + more) as MicroUsd;
}

function fills({ view, query }: OwnCall): ExchangeAnswer {
  const terms = pageTerms(query);
  const ticker = query.get("ticker") ?? "";
  const orderId = query.get("order_id") ?? "";
  const page = pageOf(view.fills, terms, (fill) => {
    const isAsked =
      (ticker === "" || fill.ticker === ticker) &&
      (orderId === "" || fill.orderId === orderId) &&
      isWithin(query, fill.createdUs);
    return isAsked ? fill : null;
  });
  return ok(bodies.fills, page);
}

function settlements({ view, query }: OwnCall): ExchangeAnswer {
  const terms = pageTerms(query);
  const ticker = query.get("ticker") ?? "";
  const event = query.get("event_ticker") ?? "";
  const page = pageOf(view.settlements, terms, (settlement) => {
    const isAsked =
      (ticker === "" || settlement.ticker === ticker) &&
      (event === "" || settlement.eventTicker === event) &&
      isWithin(query, settlement.settledUs);
    return isAsked ? settlement : null;
  });
  return ok(bodies.settlements, page);
}

/** In whole cents, rounded down: the part of a dollar that each open order would cost. */
function restingValue({ view }: OwnCall): ExchangeAnswer {
  let value = 0;
  for (const { side, price, remaining } of view.resting.values()) {
    value += remaining * (side === BookSide.bid ? price : ONE_DOLLAR_CC - price);
  }
  const cents = Math.floor(value / 10_000);
  return json({ total_resting_order_value: cents });
}
