/**
 * Several files of one connection, put back into the order in which their messages arrived. Each
 * file keeps the order of its lines; across files the sequence numbers of each subscription decide.
 * A file's next message may go out when its number is the smallest of its subscription that has not
 * gone out yet, so lost messages hold nothing up. Trades go out as early as that allows, because
 * they follow their book change.
 */
import { OperationError } from "../core/index.ts";
import { type FeedFile, FeedKind, type FeedNames, NO_CHANNEL } from "./feed-file.ts";

/** Where every message stands: the file and row of each, in order of arrival. */
export interface FeedOrder {
  readonly count: number;
  readonly file: Uint16Array;
  readonly row: Uint32Array;
  /** One entry a channel of the names, in their order. */
  readonly channels: readonly ChannelOrder[];
}

/** One subscription over all files: its numbers ascending, and the file that holds each. */
export interface ChannelOrder {
  readonly seqs: Float64Array;
  readonly owner: Uint16Array;
  /** Whether books, else trades, came through it: what a loss in it concerns. */
  readonly hasBooks: boolean;
  readonly hasTrades: boolean;
}

/** `IMPORT_SEQUENCE` where the files cannot be of one connection. */
export function mergeFeeds(files: readonly FeedFile[], names: FeedNames): FeedOrder {
  const channels = names.channels.map((_, channel) => channelOrder(files, channel, names));
  let total = 0;
  for (const file of files) total += file.count;
  const order: FeedOrder = {
    count: total,
    file: new Uint16Array(total),
    row: new Uint32Array(total),
    channels,
  };
  // Connections one after the other; in each, trades and other small channels before books.
  const turns = names.channels
    .map(({ connection, sid }, channel) => ({ connection, sid, channel }))
    .sort(
      (a, b) =>
        a.connection - b.connection ||
        Number(channels[a.channel]?.hasBooks) - Number(channels[b.channel]?.hasBooks) ||
        a.sid - b.sid,
    );
  const merge = new Merge(files, order);
  merge.takeUnnumbered();
  let from = 0;
  while (from < turns.length) {
    let to = from;
    while (to < turns.length && turns[to]?.connection === turns[from]?.connection) to++;
    merge.takeConnection(turns.slice(from, to).map(({ channel }) => channel));
    from = to;
  }
  merge.requireAll();
  return order;
}

class Merge {
  readonly #files: readonly FeedFile[];
  readonly #order: FeedOrder;
  readonly #head: Uint32Array;
  readonly #next: Uint32Array;
  #place = 0;

  constructor(files: readonly FeedFile[], order: FeedOrder) {
    this.#files = files;
    this.#order = order;
    this.#head = new Uint32Array(files.length);
    this.#next = new Uint32Array(order.channels.length);
  }

  /** Messages without a number go out as soon as they are the first of their file. */
  takeUnnumbered(): void {
    for (let file = 0; file < this.#files.length; file++) this.#drainUnnumbered(file);
  }

  /** Takes all messages of one connection's channels, earlier channels of the list first. */
  takeConnection(channels: readonly number[]): void {
    let turn = 0;
    while (turn < channels.length) {
      // After each message the channels before its own may have become free.
      if (this.#takeOne(channels[turn] as number)) turn = 0;
      else turn += 1;
    }
  }

  requireAll(): void {
    if (this.#place === this.#order.count) return;
    const places = this.#files
      .map((file, index) => ({ file, row: this.#head[index] as number }))
      .filter(({ file, row }) => row < file.count)
      .map(({ file, row }) => file.place(row));
    throw new OperationError(
      "IMPORT_SEQUENCE",
      `${places.join(", ")}: expected files of one connection, whose sequence numbers give one ` +
        `order, was a contradiction; import recordings of different connections one by one`,
    );
  }

  #takeOne(channel: number): boolean {
    const { owner } = this.#order.channels[channel] as ChannelOrder;
    const next = this.#next[channel] as number;
    if (next === owner.length) return false;
    const index = owner[next] as number;
    const file = this.#files[index] as FeedFile;
    const row = this.#head[index] as number;
    if (row >= file.count || file.channel[row] !== channel) return false;
    this.#next[channel] = next + 1;
    this.#emit(index);
    this.#drainUnnumbered(index);
    return true;
  }

  #drainUnnumbered(index: number): void {
    const file = this.#files[index] as FeedFile;
    let row = this.#head[index] as number;
    while (row < file.count && file.channel[row] === NO_CHANNEL) {
      this.#emit(index);
      row += 1;
    }
  }

  #emit(index: number): void {
    const row = this.#head[index] as number;
    this.#order.file[this.#place] = index;
    this.#order.row[this.#place] = row;
    this.#place += 1;
    this.#head[index] = row + 1;
  }
}

/** Sorts one channel over all files: each file's own numbers ascend, so runs are merged. */
function channelOrder(files: readonly FeedFile[], channel: number, names: FeedNames): ChannelOrder {
  let hasBooks = false;
  let hasTrades = false;
  const runs = files.map((file) => {
    let count = 0;
    for (let row = 0; row < file.count; row++) if (file.channel[row] === channel) count++;
    const rows = new Uint32Array(count);
    let at = 0;
    for (let row = 0; row < file.count && at < count; row++) {
      if (file.channel[row] !== channel) continue;
      rows[at++] = row;
      const kind = file.kind[row] as FeedKind;
      if (kind === FeedKind.delta || kind === FeedKind.snapshot) hasBooks = true;
      if (kind === FeedKind.trade || kind === FeedKind.blockTrade) hasTrades = true;
    }
    return rows;
  });
  const total = runs.reduce((sum, run) => sum + run.length, 0);
  const seqs = new Float64Array(total);
  const owner = new Uint16Array(total);
  const at = new Uint32Array(files.length);
  for (let place = 0; place < total; place++) {
    let best = -1;
    let bestSeq = Infinity;
    for (let index = 0; index < runs.length; index++) {
      const row = runs[index]?.[at[index] as number];
      if (row === undefined) continue;
      const seq = (files[index] as FeedFile).seq[row] as number;
      if (seq === bestSeq) throw twice(files, runs, at, [best, index], seq, names, channel);
      if (seq < bestSeq) {
        best = index;
        bestSeq = seq;
      }
    }
    seqs[place] = bestSeq;
    owner[place] = best;
    at[best] = (at[best] as number) + 1;
  }
  return { seqs, owner, hasBooks, hasTrades };
}

function twice(
  files: readonly FeedFile[],
  runs: readonly Uint32Array[],
  at: Uint32Array,
  pair: readonly number[],
  seq: number,
  names: FeedNames,
  channel: number,
): OperationError {
  const places = pair.map((index) => files[index]?.place(runs[index]?.[at[index] ?? 0] ?? 0));
  return new OperationError(
    "IMPORT_SEQUENCE",
    `${places.join(" and ")}: expected each message once, was seq ${seq} of sid ` +
      `${names.channels[channel]?.sid ?? "?"} in both; a file was given twice, or the files are ` +
      `of different connections, which are imported one by one`,
  );
}
