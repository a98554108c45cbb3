/**
 * Replaying the journal of a live run: every part through the same trader, outputs compared; what the
 * agent saw compared with what a recording of the run would show it; and its orders beside the same
 * orders in the simulator.
 */
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bytesOf, OperationError, sha256, type TimestampUs } from "../../core/index.ts";
import {
  ACCOUNT_OFFSET,
  copyMarketRow,
  type FeatureRows,
  precomputeFeatures,
  SCHEMA_HASH,
  TEMPORAL_OFFSET,
} from "../../features/index.ts";
import {
  type LiveBlock,
  type LiveHeader,
  type LiveOutput,
  type LivePart,
  type LivePartFacts,
  readLiveJournal,
} from "../../journal/index.ts";
import {
  type FoldedInput,
  type LivePolicy,
  type ReplayResult,
  replayRun,
  RunRecording,
} from "../../live/index.ts";
import { formatIsoTime, openSession, type Tape } from "../../market/index.ts";
import type { FillModelName } from "../../sim/index.ts";
import { agentPolicy, baselinePolicy, type ModelPlace, openModel } from "../wire.ts";
import { RunFolder } from "./run-folder.ts";
import { RoundTrips, type ShadowReport, ShadowVenue } from "./shadow-report.ts";

export interface LiveReplayOptions {
  /** A run's folder, or a journal. */
  readonly path: string;
  readonly model: ModelPlace | null;
  /** Compare orders with those of this fill model; null for not. */
  readonly shadow: FillModelName | null;
  /** Keep the run's recording as a session there; null for not. */
  readonly session: string | null;
}

export interface Parity {
  /** Decisions whose observation was compared with the recording's. */
  readonly compared: number;
  readonly different: number;
  /** The first that differs, in words. */
  readonly first: string | null;
}

export interface ReplayedPart {
  readonly number: number;
  readonly header: LiveHeader;
  readonly isEnded: boolean;
  readonly reason: string | null;
  readonly hash: string;
  readonly result: ReplayResult;
  readonly parity: Parity;
  readonly shadow: ShadowReport | null;
  /** Of the recording that was kept. */
  readonly contentHash: string | null;
}

/** The journal that a path means, or null where it is no live run's. */
export function liveJournalAt(path: string): string | null {
  if (path.endsWith(".db")) return path;
  const isFolder = existsSync(path) && statSync(path).isDirectory();
  if (!isFolder) return null;
  const { journal } = new RunFolder(path);
  return existsSync(journal) ? journal : null;
}

/** Replays all parts. Errors are those of `readLiveJournal` and `openModel`; `REPLAY_MODEL`. */
export async function replayLive(options: LiveReplayOptions): Promise<ReplayedPart[]> {
  const path = liveJournalAt(options.path) ?? options.path;
  const reader = readLiveJournal(path);
  try {
    const replayed: ReplayedPart[] = [];
    for (const part of reader.parts) {
      const makePolicy = await policyOf(part.header, options.model, path);
      replayed.push(replayPart(part, makePolicy, options));
    }
    return replayed;
  } finally {
    reader.close();
  }
}

async function policyOf(
  { policy, schemaHash }: LiveHeader,
  model: ModelPlace | null,
  path: string,
): Promise<() => LivePolicy> {
  if (schemaHash !== SCHEMA_HASH) {
    throw new OperationError(
      "SCHEMA",
      `${path}: expected observations of schema ${SCHEMA_HASH.slice(0, 12)}, was ` +
        `${schemaHash.slice(0, 12)}; replay it with the version that made it`,
    );
  }
  const baseline = policy.modelHash === null ? baselinePolicy(policy.name) : undefined;
  if (baseline !== undefined) return () => baseline;
  if (model === null) {
    throw new OperationError(
      "REPLAY_MODEL",
      `${path}: expected --model with the model that decided, ` +
        `${(policy.modelHash ?? policy.name).slice(0, 12)}, was none`,
    );
  }
  const opened = await openModel(model);
  if (opened.modelHash !== policy.modelHash) {
    throw new OperationError(
      "REPLAY_MODEL",
      `${model.path}: expected the model that decided, ${policy.modelHash?.slice(0, 12)}, was ` +
        opened.modelHash.slice(0, 12),
    );
  }
  return () => agentPolicy(opened, policy.choice);
}

/** One part; of one that still runs, what was there when its first reading came to its end. */
export function replayPart(
  part: LivePart,
  makePolicy: () => LivePolicy,
  options: LiveReplayOptions,
): ReplayedPart {
  const { header, number } = part;
  const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-replay-"));
  try {
    const kept = options.session === null ? null : sessionFolder(options.session, number);
    const roundTrips = new RoundTrips();
    const seen = new RunRecording(kept ?? join(folder, "seen"), header);
    const traded = new RunRecording(join(folder, "traded"), header, { ownTrades: true });
    let lastUs: number | null = null;
    const facts: LivePartFacts[] = [];
    const first = replayRun({
      header,
      blocks: wholeOf(part, facts),
      makePolicy,
      listener: bothOf(seen, traded),
      afterInput: (folded) => {
        if (folded.entry.input.kind === "tick") lastUs = folded.entry.input.atUs;
        roundTrips.follow(folded);
      },
    });
    const contentHash = seen.finish(lastUs);
    traded.finish(lastUs);
    const rows = precomputeFeatures(tapeIn(kept ?? join(folder, "seen")), {
      cadence: header.settings.cadence,
    });
    const parity = new ParityCheck(header, rows);
    const { shadow: model } = options;
    const shadow =
      model === null
        ? null
        : new ShadowVenue(header, tapeIn(join(folder, "traded")), model, roundTrips.median());
    // Once more, now that the recording is whole: the run's own eyes beside it.
    replayRun({
      header,
      blocks: beginningOf(part, facts[0]?.lastId ?? 0),
      makePolicy: () => parity.watch(makePolicy()),
      afterInput: (folded) => {
        parity.follow(folded);
        shadow?.follow(folded);
      },
    });
    return {
      number,
      header,
      isEnded: part.isEnded,
      reason: part.reason,
      hash: facts[0]?.hash ?? "",
      result: first,
      parity: parity.result,
      shadow: shadow?.report() ?? null,
      contentHash: kept === null ? null : contentHash,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function sessionFolder(path: string, number: number): string {
  return number === 1 ? path : `${path}-${number}`;
}

function tapeIn(folder: string): Tape {
  const session = openSession(folder);
  try {
    return session.readTape();
  } finally {
    session.close();
  }
}

/** All that is there now, and then what it comes to. */
function* wholeOf(part: LivePart, facts: LivePartFacts[]): Generator<LiveBlock> {
  facts.push(yield* part.blocks());
}

/** A part up to a row: whoever still writes it may have gone on. */
function* beginningOf(part: LivePart, lastId: number): Generator<LiveBlock> {
  for (const block of part.blocks()) {
    if (block.id > lastId) return;
    yield block;
  }
}

/** Two recordings of one run. */
function bothOf(one: RunRecording, other: RunRecording): RunRecording {
  const both = [one, other] as const;
  return {
    snapshot: (...of) => both.forEach((each) => each.snapshot(...of)),
    delta: (...of) => both.forEach((each) => each.delta(...of)),
    trade: (...of) => both.forEach((each) => each.trade(...of)),
    blockTrade: (...of) => both.forEach((each) => each.blockTrade(...of)),
    ownTrade: (...of) => both.forEach((each) => each.ownTrade(...of)),
    status: (...of) => both.forEach((each) => each.status(...of)),
    gap: (...of) => both.forEach((each) => each.gap(...of)),
  } as RunRecording;
}

/** Compares what the agent saw with the rows of the recording, decision by decision. */
class ParityCheck {
  readonly #header: LiveHeader;
  readonly #rows: readonly FeatureRows[];
  /** What each market's policy was shown last. */
  readonly #seen: Float32Array[] = [];
  /** The first row that may belong to the next decision, by market. */
  readonly #next: number[];
  #compared = 0;
  #different = 0;
  #first: string | null = null;

  constructor(header: LiveHeader, rows: readonly FeatureRows[]) {
    this.#header = header;
    this.#rows = rows;
    this.#next = rows.map(() => 0);
  }

  get result(): Parity {
    return { compared: this.#compared, different: this.#different, first: this.#first };
  }

  /** Policies are made in the order of the markets. */
  watch(policy: LivePolicy): LivePolicy {
    const market = this.#seen.length;
    this.#seen.push(new Float32Array());
    const watched: LivePolicy = {
      name: policy.name,
      act: (observation, mask, prng) => {
        this.#seen[market] = observation.slice();
        return policy.act(observation, mask, prng);
      },
    };
    const { begin } = policy;
    return begin === undefined ? watched : { ...watched, begin: () => begin.call(policy) };
  }

  follow({ outputs }: FoldedInput): void {
    for (const output of outputs) if (output.kind === "decision") this.#check(output);
  }

  #check(decision: Extract<LiveOutput, { kind: "decision" }>): void {
    const { market, atUs, observationHash } = decision;
    const rows = this.#rows[market];
    const seen = this.#seen[market];
    if (rows === undefined || seen === undefined) return;
    this.#compared += 1;
    let row = this.#next[market] as number;
    while (row < rows.count && (rows.atUs[row] as number) < atUs) row += 1;
    this.#next[market] = row;
    // At the cadence of events several rows may stand at one time.
    for (let same = row; same < rows.count && rows.atUs[same] === atUs; same++) {
      const observation = seen.slice().fill(NaN, 0, ACCOUNT_OFFSET).fill(NaN, TEMPORAL_OFFSET);
      copyMarketRow(rows, same, observation, 0);
      if (rows.valid[same] === 1 && sha256(bytesOf(observation)) === observationHash) return;
    }
    this.#different += 1;
    const ticker = this.#header.markets[market]?.ticker ?? market;
    this.#first ??= `${ticker} at ${formatIsoTime(atUs as TimestampUs)}: the recording shows something else`;
  }
}
