/**
 * The check of observations over many sessions: which numbers move, how far, and which say the same
 * as another. It finds features that are dead, stuck at a bound or doubled; whether a feature helps
 * is not its question. Plain data out; `formatObservationCheck` makes lines for a terminal.
 */
import { assert } from "../core/index.ts";
import { FEATURE_COUNT, FEATURE_NAMES, FEATURES, MARKET_FEATURE_COUNT } from "./feature-schema.ts";
import { type FeatureRows, MARKET_FEATURES } from "./precompute.ts";

/** Observations, or some columns of them, row by row. */
export interface ObservationSet {
  /** The feature in each column. [C] */
  readonly features: readonly number[];
  /** Number of rows, N. */
  readonly count: number;
  /** [N, C] */
  readonly values: Float32Array;
  /** Rows marked 0 are left out; all count when null. [N] */
  readonly valid: Uint8Array | null;
}

export interface FeatureReport {
  readonly index: number;
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** Population standard deviation. */
  readonly deviation: number;
  /** Shares of the rows that lie at the lower and at the upper end of the feature's range. */
  readonly shareLow: number;
  readonly shareHigh: number;
  readonly neverMoves: boolean;
}

export interface MirrorReport {
  readonly first: string;
  readonly second: string;
  /** Pearson's correlation. */
  readonly correlation: number;
  /** Why the pair is expected, or null where it is news. */
  readonly known: string | null;
}

export interface ObservationReport {
  readonly rows: number;
  /** Values outside their range or not finite; anything but 0 is a bug. */
  readonly outOfRange: number;
  /** The features that were observed, in their order. */
  readonly features: readonly FeatureReport[];
  /** Pairs of moving features whose correlation is beyond 0.9999 either way. */
  readonly mirrors: readonly MirrorReport[];
}

const MIRROR = 0.9999;
const BEST_PRICES: ReadonlySet<string> = new Set([
  "best_yes_bid_norm",
  "best_yes_ask_norm",
  "best_no_bid_norm",
  "best_no_ask_norm",
  "mid_price_norm",
]);
/** Features that may stand still over whole sets of sessions, and why. */
const RARELY_MOVES: ReadonlyMap<string, string> = new Map([
  ["arbitrage_opportunity", "rarely moves by nature"],
  ["day_of_week_norm", "moves only between days"],
  ["time_to_close_norm", "1 while the close is unknown"],
]);

/** The recording's own part of precomputed rows, for `observationCheck`. */
export function observationSet(rows: FeatureRows): ObservationSet {
  return {
    features: MARKET_FEATURES,
    count: rows.count,
    values: rows.rows,
    valid: rows.valid,
  };
}

/** Whole observations of 52 numbers, [N, 52], for `observationCheck`. */
export function fullObservationSet(values: Float32Array): ObservationSet {
  assert(values.length % FEATURE_COUNT === 0, "observations are whole rows of 52");
  return {
    features: FEATURES.map((_, index) => index),
    count: values.length / FEATURE_COUNT,
    values,
    valid: null,
  };
}

/** Looks through all sets, which have the same columns. */
export function observationCheck(sets: readonly ObservationSet[]): ObservationReport {
  const features = sets[0]?.features ?? MARKET_FEATURES;
  const same = sets.every((set) => set.features.join() === features.join());
  assert(same, "the sets have the same features");
  const moments = new Moments(features);
  for (const set of sets) moments.add(set);
  return {
    rows: moments.rows,
    outOfRange: moments.outOfRange,
    features: features.map((feature, column) => moments.report(feature, column)),
    mirrors: moments.mirrors(),
  };
}

/** Sums over rows; values are taken relative to the first row, so that squares keep their digits. */
class Moments {
  readonly #features: readonly number[];
  rows = 0;
  outOfRange = 0;
  readonly #origin: Float64Array;
  readonly #sum: Float64Array;
  readonly #min: Float64Array;
  readonly #max: Float64Array;
  readonly #low: Float64Array;
  readonly #high: Float64Array;
  /** Sums of products, upper triangle. [C, C] */
  readonly #products: Float64Array;

  constructor(features: readonly number[]) {
    const columns = features.length;
    this.#features = features;
    this.#origin = new Float64Array(columns);
    this.#sum = new Float64Array(columns);
    this.#min = new Float64Array(columns).fill(Infinity);
    this.#max = new Float64Array(columns).fill(-Infinity);
    this.#low = new Float64Array(columns);
    this.#high = new Float64Array(columns);
    this.#products = new Float64Array(columns * columns);
  }

  add(set: ObservationSet): void {
    const columns = this.#features.length;
    const shifted = new Float64Array(columns);
    for (let row = 0; row < set.count; row++) {
      if (set.valid !== null && set.valid[row] === 0) continue;
      const at = row * columns;
      if (this.rows === 0) {
        for (let column = 0; column < columns; column++) {
          this.#origin[column] = set.values[at + column] as number;
        }
      }
      this.rows += 1;
      this.#addRow(set.values, at, shifted);
    }
  }

  #addRow(values: Float32Array, at: number, shifted: Float64Array): void {
    const columns = shifted.length;
    for (let column = 0; column < columns; column++) {
      const value = values[at + column] as number;
      const feature = FEATURES[this.#features[column] as number];
      const low = feature?.low ?? 0;
      const high = feature?.high ?? 1;
      if (!(value >= low && value <= high)) this.outOfRange += 1;
      if (value === low) this.#low[column] = (this.#low[column] as number) + 1;
      if (value === high) this.#high[column] = (this.#high[column] as number) + 1;
      if (value < (this.#min[column] as number)) this.#min[column] = value;
      if (value > (this.#max[column] as number)) this.#max[column] = value;
      const shift = value - (this.#origin[column] as number);
      shifted[column] = shift;
      this.#sum[column] = (this.#sum[column] as number) + shift;
    }
    const products = this.#products;
    for (let first = 0; first < columns; first++) {
      const value = shifted[first] as number;
      if (value === 0) continue;
      const base = first * columns;
      for (let second = first; second < columns; second++) {
        products[base + second] =
          (products[base + second] as number) + value * (shifted[second] as number);
      }
    }
  }

  report(feature: number, column: number): FeatureReport {
    const rows = this.rows;
    const min = this.#min[column] as number;
    const max = this.#max[column] as number;
    const mean = (this.#origin[column] as number) + (this.#sum[column] as number) / rows;
    return {
      index: feature,
      name: FEATURE_NAMES[feature] ?? "",
      min: rows === 0 ? 0 : min,
      max: rows === 0 ? 0 : max,
      mean: rows === 0 ? 0 : mean,
      deviation: Math.sqrt(this.#covariance(column, column)),
      shareLow: rows === 0 ? 0 : (this.#low[column] as number) / rows,
      shareHigh: rows === 0 ? 0 : (this.#high[column] as number) / rows,
      neverMoves: !(max > min),
    };
  }

  mirrors(): MirrorReport[] {
    const columns = this.#features.length;
    const found: MirrorReport[] = [];
    for (let a = 0; a < columns; a++) {
      for (let b = a + 1; b < columns; b++) {
        const scale = Math.sqrt(this.#covariance(a, a) * this.#covariance(b, b));
        if (!(scale > 0)) continue;
        const correlation = this.#covariance(a, b) / scale;
        if (Math.abs(correlation) <= MIRROR) continue;
        const first = FEATURE_NAMES[this.#features[a] as number] ?? "";
        const second = FEATURE_NAMES[this.#features[b] as number] ?? "";
        const clipped = Math.max(-1, Math.min(1, correlation));
        found.push({ first, second, correlation: clipped, known: knownMirror(first, second) });
      }
    }
    return found;
  }

  #covariance(a: number, b: number): number {
    const rows = this.rows;
    if (rows === 0) return 0;
    const product = this.#products[a * this.#features.length + b] as number;
    const centred =
      product / rows - ((this.#sum[a] as number) / rows) * ((this.#sum[b] as number) / rows);
    return a === b ? Math.max(0, centred) : centred;
  }
}

function knownMirror(first: string, second: string): string | null {
  const pair = `${first} ${second}`;
  if (pair === "best_yes_ask_norm best_no_bid_norm") return "exact mirror by definition";
  if (pair === "best_yes_bid_norm best_no_ask_norm") return "exact mirror by definition";
  if (pair === "yes_spread_norm market_efficiency") return "the same for markets alone";
  if (BEST_PRICES.has(first) && BEST_PRICES.has(second))
    return "same price where spreads are narrow";
  return null;
}

/** The report as lines of at most about 100 characters. */
export function formatObservationCheck(report: ObservationReport): string[] {
  const lines = [
    `${report.rows} rows, ${report.features.length} features, ${report.outOfRange} values out of range`,
    "",
    " i feature                         min     max    mean     dev   at low  at high",
  ];
  for (const feature of report.features) {
    const numbers = [feature.min, feature.max, feature.mean, feature.deviation]
      .map((value) => value.toFixed(4).padStart(8))
      .join("");
    const shares = [feature.shareLow, feature.shareHigh]
      .map((share) => `${(100 * share).toFixed(1)} %`.padStart(9))
      .join("");
    lines.push(
      `${String(feature.index).padStart(2)} ${feature.name.padEnd(27)}${numbers}${shares}`,
    );
  }
  lines.push("");
  for (const { name } of report.features.filter((feature) => feature.neverMoves)) {
    const why = RARELY_MOVES.get(name);
    lines.push(`never moves: ${name}${why === undefined ? "" : ` (known: ${why})`}`);
  }
  for (const { first, second, correlation, known } of report.mirrors) {
    const note = known === null ? "" : ` (known: ${known})`;
    lines.push(`mirrors: ${first} and ${second}, correlation ${correlation.toFixed(5)}${note}`);
  }
  if (report.features.length === MARKET_FEATURE_COUNT) {
    lines.push("the account's features 21 to 37 need an agent and are not among these rows");
  }
  return lines;
}
