/**
 * Pages of lists, newest first. A cursor is the number of the entry that the next page begins with; to
 * clients it is opaque, and one that cannot be read is taken for none, as the venue does.
 */
import type { AppendList } from "../views/append-list.ts";
import { integerOf } from "./query.ts";

export interface PageOf<T> {
  readonly items: readonly T[];
  readonly cursor: string;
}

export interface PageTerms {
  readonly limit: number;
  readonly cursor: number | null;
}

const LIMIT_USUAL = 100;

/** `limit` and `cursor` of a query that has been looked through. */
export function pageTerms(query: URLSearchParams): PageTerms {
  const limit = integerOf(query, "limit") ?? LIMIT_USUAL;
  return { limit, cursor: readCursor(query.get("cursor") ?? "") };
}

/** One page of a growing list, newest first, of the entries that `pick` turns into something. */
export function pageOf<T, U>(
  list: AppendList<T>,
  { limit, cursor }: PageTerms,
  pick: (entry: T) => U | null,
): PageOf<U> {
  const items: U[] = [];
  let at = Math.min(cursor ?? list.end - 1, list.end - 1);
  for (; at >= list.first && items.length < limit; at--) {
    const entry = list.at(at);
    const item = entry === undefined ? null : pick(entry);
    if (item !== null) items.push(item);
  }
  // A page that is full while something older remains has a successor, though it may turn out empty.
  const hasMore = items.length === limit && at >= list.first;
  return { items, cursor: hasMore ? writeCursor(at) : "" };
}

/** One page of a list that stands still, first to last. */
export function pageOfAll<T>(all: readonly T[], { limit, cursor }: PageTerms): PageOf<T> {
  const from = Math.min(cursor ?? 0, all.length);
  const items = all.slice(from, from + limit);
  const next = from + items.length;
  return { items, cursor: next < all.length ? writeCursor(next) : "" };
}

function writeCursor(at: number): string {
  return Buffer.from(`at:${at}`).toString("base64url");
}

function readCursor(text: string): number | null {
  const match = /^at:(\d{1,15})$/.exec(Buffer.from(text.slice(0, 64), "base64url").toString());
  return match === null ? null : Number(match[1]);
}
