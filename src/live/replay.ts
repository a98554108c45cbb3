/**
 * A journalled run through the same trader once more: the inputs as they were taken, and every output
 * compared with what was journalled. The first one that differs is named.
 */
import { canonicalJson } from "../core/index.ts";
import type { LiveEntry, LiveHeader, LiveOutput } from "../journal/index.ts";
import type { LivePolicy } from "./decider.ts";
import type { RunListener } from "./live-market.ts";
import { LiveTrader } from "./live-trader.ts";
import type { LiveEffect } from "./outbox.ts";

/** Inputs and outputs of a run in the order in which they were journalled. */
export type JournalBlock =
  | { readonly kind: "inputs"; readonly entries: readonly LiveEntry[] }
  | { readonly kind: "outputs"; readonly outputs: readonly LiveOutput[] };

export interface ReplayOptions {
  readonly header: LiveHeader;
  readonly blocks: Iterable<JournalBlock>;
  readonly makePolicy: () => LivePolicy;
  readonly listener?: RunListener | null;
  /** Told after every input that has been folded, with what came of it. */
  readonly afterInput?: (folded: FoldedInput) => void;
}

export interface FoldedInput {
  readonly entry: LiveEntry;
  readonly outputs: readonly LiveOutput[];
  readonly effects: readonly LiveEffect[];
  readonly run: LiveTrader;
}

export interface ReplayResult {
  readonly inputs: number;
  readonly outputs: number;
  readonly decisions: number;
  /** Submitted orders. */
  readonly orders: number;
  readonly fills: number;
  /** The first output that is not what was journalled; null where all are. */
  readonly difference: {
    /** Its number among the outputs, from 0. */
    readonly output: number;
    readonly journalled: LiveOutput | null;
    readonly replayed: LiveOutput | null;
  } | null;
  /** Outputs after the journal's last: the run ended before they were written. */
  readonly unwritten: number;
  readonly run: LiveTrader;
}

export function replayRun(options: ReplayOptions): ReplayResult {
  const { header, blocks, makePolicy, listener = null, afterInput } = options;
  const run = new LiveTrader({ header, makePolicy, listener });
  const pending: LiveOutput[] = [];
  const effects: LiveEffect[] = [];
  let difference: ReplayResult["difference"] = null;
  let inputs = 0;
  let outputs = 0;
  let fills = 0;
  let decisions = 0;
  let orders = 0;
  for (const block of blocks) {
    if (block.kind === "inputs") {
      for (const entry of block.entries) {
        const before = pending.length;
        run.handle(entry);
        run.take(pending, effects);
        inputs += 1;
        if (entry.input.kind === "order" && entry.input.event.kind === "filled") fills += 1;
        afterInput?.({ entry, outputs: pending.slice(before), effects, run });
        effects.length = 0;
      }
      continue;
    }
    for (const journalled of block.outputs) {
      const replayed = pending.shift() ?? null;
      if (journalled.kind === "decision") decisions += 1;
      if (journalled.kind === "sent" && journalled.command.kind === "submit") orders += 1;
      if (difference === null && !isSame(journalled, replayed)) {
        difference = { output: outputs, journalled, replayed };
      }
      outputs += 1;
    }
  }
  const unwritten = pending.length;
  return { inputs, outputs, decisions, orders, fills, difference, unwritten, run };
}

function isSame(journalled: LiveOutput, replayed: LiveOutput | null): boolean {
  return replayed !== null && canonicalJson(journalled) === canonicalJson(replayed);
}
