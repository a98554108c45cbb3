/** Reading feature rows by name, for tests. */
import { expect } from "vitest";
import {
  FEATURE_NAMES,
  type FeatureRows,
  MARKET_FEATURE_COUNT,
  MARKET_FEATURES,
  precomputeFeatures,
} from "../../src/features/index.ts";
import { buildTestTape, type TapeFacts, type TestEvent } from "./tape-builder.ts";

/** The value of `name` in row `row`. */
export function valueOf(rows: FeatureRows, row: number, name: string): number {
  const column = MARKET_FEATURES.findIndex((feature) => FEATURE_NAMES[feature] === name);
  expect(column, name).toBeGreaterThanOrEqual(0);
  return rows.rows[row * MARKET_FEATURE_COUNT + column] ?? NaN;
}

/** The value of `name` at the decision of `atUs`. */
export function valueAt(rows: FeatureRows, atUs: number, name: string): number {
  const row = rows.atUs.indexOf(atUs);
  expect(row, `a row at ${atUs}`).toBeGreaterThanOrEqual(0);
  return valueOf(rows, row, name);
}

/** Rows at whole seconds of market 0 of a tape of `events`. */
export function secondsOf(events: readonly TestEvent[], facts: TapeFacts = {}): FeatureRows {
  const [rows] = precomputeFeatures(buildTestTape(events, facts), { cadence: "1s" });
  if (rows === undefined) throw new Error("the tape has a market");
  return rows;
}

/** Rows at book changes of market 0 of a tape of `events`. */
export function changesOf(events: readonly TestEvent[], facts: TapeFacts = {}): FeatureRows {
  const [rows] = precomputeFeatures(buildTestTape(events, facts), { cadence: "event" });
  if (rows === undefined) throw new Error("the tape has a market");
  return rows;
}
