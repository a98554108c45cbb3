/**
 * One number for how far a recording can be trusted: the worst of five shares, each of which is 1 in
 * a perfect one. Nothing is repaired here; `sessions validate` says more of what is wrong.
 */
import { queueQuality } from "./queue-reconstruction.ts";
import type { Session } from "./session.ts";
import { EventKind, streamRows, type Tape } from "./tape.ts";

/** Each share is of 1; a session without the events in question passes. */
export interface SessionQuality {
  /** The least of the shares below, and which it is. */
  readonly score: number;
  readonly weakest: QualityShare;
  /** Book messages that were received, of those and the ones known to be lost. */
  readonly received: number;
  /** Time for which the book was known, of the time since each market's first snapshot. */
  readonly bookKnown: number;
  /** Trades that pair with a delta. */
  readonly paired: number;
  /** Paired trades after the opening that the order believed in front was large enough for. */
  readonly consistent: number;
  /** Cancels that are attributed to somebody. */
  readonly attributed: number;
}

export type QualityShare = "received" | "bookKnown" | "paired" | "consistent" | "attributed";

/** Measures a session by its tape. */
export function sessionQuality(session: Session, tape: Tape): SessionQuality {
  const queues = queueQuality(tape);
  const { deltas, snapshots } = session.counts;
  const lost = session.gaps
    .filter(({ scope }) => scope === "book")
    .reduce((sum, { missing }) => sum + (missing ?? 0), 0);
  const shares: Record<QualityShare, number> = {
    received: share(deltas + snapshots, deltas + snapshots + lost),
    bookKnown: bookKnown(tape),
    paired: share(queues.trades - queues.unpairedTrades, queues.trades),
    consistent: queues.consistentShare,
    attributed: share(queues.cancels - queues.unattributedCancels, queues.cancels),
  };
  let weakest: QualityShare = "received";
  for (const name of Object.keys(shares) as QualityShare[]) {
    if (shares[name] < shares[weakest]) weakest = name;
  }
  return { score: shares[weakest], weakest, ...shares };
}

function share(part: number, whole: number): number {
  return whole === 0 ? 1 : part / whole;
}

function bookKnown(tape: Tape): number {
  let knownUs = 0;
  let wholeUs = 0;
  for (let market = 0; market < tape.markets.length; market++) {
    const [first, end] = streamRows(tape, market);
    let snapshotUs = -1;
    let sinceUs = -1;
    let atUs = 0;
    for (let row = first; row < end; row++) {
      const kind = tape.kind[row];
      atUs = tape.atUs[row] as number;
      if (kind === EventKind.snapshot) {
        if (snapshotUs < 0) snapshotUs = atUs;
        if (sinceUs < 0) sinceUs = atUs;
      } else if (kind === EventKind.gap && sinceUs >= 0) {
        knownUs += atUs - sinceUs;
        sinceUs = -1;
      }
    }
    if (snapshotUs >= 0) wholeUs += atUs - snapshotUs;
    if (sinceUs >= 0) knownUs += atUs - sinceUs;
  }
  return share(knownUs, wholeUs);
}
