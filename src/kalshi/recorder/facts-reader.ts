/**
 * Reads markets with their events and series by REST. Series and events are read once and shared by
 * their markets, until they are forgotten.
 */
import type { Answer } from "../rest/answer.ts";
import { type Call, calls } from "../rest/calls.ts";
import type { RestClient } from "../rest/rest-client.ts";
import type { SeriesFeeChange, VenueEvent, VenueMarket, VenueSeries } from "../wire/markets.ts";
import type { VenueFacts } from "./market-facts.ts";

type Done<T> = (answer: Answer<T>) => void;

interface SeriesFacts {
  readonly series: VenueSeries;
  readonly feeChanges: readonly SeriesFeeChange[];
}

/** Markets of one page of a list. */
const PAGE = 1_000;
/** Markets that one request may ask about. */
export const ASKED_AT_ONCE = 100;

export class FactsReader {
  readonly #rest: RestClient;
  #events = new Shelf<VenueEvent>();
  #series = new Shelf<SeriesFacts>();

  constructor(rest: RestClient) {
    this.#rest = rest;
  }

  /** Markets as they are now, at most ASKED_AT_ONCE of them; unknown ones are left out. */
  markets(tickers: readonly string[], done: Done<readonly VenueMarket[]>): void {
    const query = { tickers: tickers.join(","), limit: PAGE };
    this.#rest.sendForAll((cursor) => calls.markets({ ...query, cursor }), done);
  }

  /** What belongs to a market that was read. */
  complete(market: VenueMarket, done: Done<VenueFacts>): void {
    this.event(market.eventTicker, (event) => {
      if (event.kind !== "ok") return done(event);
      this.series(event.value.seriesTicker, (series) => {
        if (series.kind !== "ok") return done(series);
        done({ kind: "ok", value: { market, event: event.value, ...series.value } });
      });
    });
  }

  event(eventTicker: string, done: Done<VenueEvent>): void {
    this.#events.take(eventTicker, done, (found) => {
      this.#send(calls.event(eventTicker, true), found);
    });
  }

  series(seriesTicker: string, done: Done<SeriesFacts>): void {
    this.#series.take(seriesTicker, done, (found) => {
      this.#send(calls.series(seriesTicker), (series) => {
        if (series.kind !== "ok") return found(series);
        this.#send(calls.seriesFeeChanges(seriesTicker), (changes) => {
          if (changes.kind !== "ok") return found(changes);
          const feeChanges = changes.value.items;
          found({ kind: "ok", value: { series: series.value, feeChanges } });
        });
      });
    });
  }

  /** The markets of a series that have not closed, open ones and those that are to open. */
  marketsOf(seriesTicker: string, nowUs: number, done: Done<readonly VenueMarket[]>): void {
    const min_close_ts = Math.floor(nowUs / 1_000_000);
    const query = { series_ticker: seriesTicker, min_close_ts, limit: PAGE };
    this.#rest.sendForAll((cursor) => calls.markets({ ...query, cursor }), done);
  }

  /** Events and series are read anew from now on: fees and numbers of markets change. */
  forget(): void {
    this.#events = new Shelf<VenueEvent>();
    this.#series = new Shelf<SeriesFacts>();
  }

  #send<T>(call: Call<T>, done: Done<T>): void {
    this.#rest.send(call, done);
  }
}

/** Answers that several ask for, each read once. What failed is read anew for the next one. */
class Shelf<T> {
  readonly #known = new Map<string, T>();
  readonly #waiting = new Map<string, Done<T>[]>();

  take(name: string, done: Done<T>, read: (found: Done<T>) => void): void {
    const value = this.#known.get(name);
    if (value !== undefined) return done({ kind: "ok", value });
    const others = this.#waiting.get(name);
    if (others !== undefined) {
      others.push(done);
      return;
    }
    this.#waiting.set(name, [done]);
    read((answer) => {
      if (answer.kind === "ok") this.#known.set(name, answer.value);
      const all = this.#waiting.get(name) ?? [];
      this.#waiting.delete(name);
      for (const one of all) one(answer);
    });
  }
}
