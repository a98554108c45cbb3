/**
 * The feed: all connections, and who is told what. Events come in batches, one a command; quotes are
 * told once a batch for each market in which one of their figures changed.
 */
import type { TimestampUs } from "../../core/index.ts";
import type { EngineEvent } from "../engine/engine-events.ts";
import type { EngineMarket } from "../engine/engine-market.ts";
import { FeedConnection, type FeedSource, type SendFrame } from "./feed-connection.ts";

export class Feed {
  readonly #source: FeedSource;
  readonly #connections = new Set<FeedConnection>();
  /** The figures that were told last, by market. */
  readonly #told = new Map<number, string>();

  constructor(source: FeedSource) {
    this.#source = source;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  connect(account: number, userId: string, send: SendFrame): FeedConnection {
    const connection = new FeedConnection({ source: this.#source, account, userId, send });
    this.#connections.add(connection);
    return connection;
  }

  disconnect(connection: FeedConnection): void {
    this.#connections.delete(connection);
  }

  /** Number of open connections of an account. */
  connectionsOf(account: number): number {
    let count = 0;
    for (const connection of this.#connections) if (connection.account === account) count += 1;
    return count;
  }

  deliver(events: readonly EngineEvent[]): void {
    if (this.#connections.size === 0) return;
    const moved = new Set<number>();
    for (const event of events) {
      if (event.kind === "level" || event.kind === "trade") moved.add(event.market);
      for (const connection of this.#connections) connection.deliver(event);
    }
    for (const index of moved) this.#tellQuotes(index);
  }

  #tellQuotes(index: number): void {
    const market = this.#source.markets[index];
    if (market === undefined) return;
    const wanting = [...this.#connections].filter((connection) => connection.wantsTicker(index));
    if (wanting.length === 0) return;
    const figures = figuresOf(market);
    if (this.#told.get(index) === figures) return;
    this.#told.set(index, figures);
    for (const connection of wanting) connection.deliverTicker(market);
  }
}

function figuresOf(market: EngineMarket): string {
  return JSON.stringify({ ...market.ticking(0 as TimestampUs), atUs: 0 });
}
