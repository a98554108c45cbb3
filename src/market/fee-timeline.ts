/**
 * Fees as they change while a market lives. The venue tells them in pieces: the series' type and
 * multiplier and their scheduled changes, an event's overrides, which win, and a market's waiver,
 * until whose end nothing is charged. Here the pieces become one list of terms, each from a time on.
 * Sources: GET /series/{s}, /series/fee_changes, /events/{e}, message `event_fee_update`, and
 * `fee_waiver_expiration_time` of a market.
 */
import type { TimestampUs } from "../core/index.ts";
import type { FeeTerms, FeeType } from "./fee-schedule.ts";
import type { MarketInfo } from "./market-info.ts";

/** Terms from a time on. */
export interface FeeChange {
  readonly atUs: TimestampUs;
  readonly terms: FeeTerms;
}

/** An event's override from a time on, -Infinity for always; null leaves the series' own. */
export interface FeeOverride {
  readonly atUs: number;
  readonly type: FeeType | null;
  readonly multiplierPpm: number | null;
}

/** What the venue tells of a market's fees. */
export interface FeeFacts {
  readonly series: FeeTerms;
  readonly seriesChanges?: readonly FeeChange[];
  readonly overrides?: readonly FeeOverride[];
  /** Nothing is charged before this time. */
  readonly waivedUntilUs?: TimestampUs;
}

/** The part of a market's facts that says what it charges. */
export type MarketFees = Pick<MarketInfo, "fees" | "feeChanges">;

/** One list out of the pieces, in order of time; of two at one time the later told counts. */
export function resolveFees(facts: FeeFacts): MarketFees {
  const { series, seriesChanges = [], overrides = [], waivedUntilUs } = facts;
  const times = new Set<number>();
  for (const { atUs } of [...seriesChanges, ...overrides]) times.add(atUs);
  if (waivedUntilUs !== undefined) times.add(waivedUntilUs);
  const resolve = (atUs: number): FeeTerms => {
    const own = lastAt(seriesChanges, atUs)?.terms ?? series;
    const override = lastAt(overrides, atUs);
    const isWaived = waivedUntilUs !== undefined && atUs < waivedUntilUs;
    return {
      type: override?.type ?? own.type,
      multiplierPpm: isWaived ? 0 : (override?.multiplierPpm ?? own.multiplierPpm),
    };
  };
  const fees = resolve(-Infinity);
  const feeChanges: FeeChange[] = [];
  let before = fees;
  for (const atUs of [...times].sort((a, b) => a - b)) {
    const terms = resolve(atUs);
    if (terms.type === before.type && terms.multiplierPpm === before.multiplierPpm) continue;
    feeChanges.push({ atUs: atUs as TimestampUs, terms });
    before = terms;
  }
  return feeChanges.length === 0 ? { fees } : { fees, feeChanges };
}

function lastAt<T extends { readonly atUs: number }>(changes: readonly T[], atUs: number) {
  let found: T | undefined;
  for (const change of changes) {
    if (change.atUs <= atUs && (found === undefined || change.atUs >= found.atUs)) found = change;
  }
  return found;
}

/** The terms in force at `atUs`: a change counts from its own microsecond on. */
export function feesAt({ fees, feeChanges }: MarketFees, atUs: number): FeeTerms {
  if (feeChanges === undefined) return fees;
  let terms = fees;
  for (const change of feeChanges) {
    if (change.atUs > atUs) break;
    terms = change.terms;
  }
  return terms;
}

/**
 * The terms under which a fill could ever cost most. Taker rates are the same for all types, so it is
 * the largest multiplier. Open orders lock by these, for they may fill after any change.
 */
export function dearestFees({ fees, feeChanges = [] }: MarketFees): FeeTerms {
  let dearest = fees;
  for (const { terms } of feeChanges) {
    if (terms.multiplierPpm > dearest.multiplierPpm) dearest = terms;
  }
  return dearest;
}
