/**
 * The flags of `sessions import`, read into the importer's options. Every refusal names the flag,
 * what it takes and what it was given.
 */
import { InvalidArgumentError } from "commander";
import {
  type CentiCents,
  centiCents,
  OperationError,
  parseCentiCents,
  parseFixed,
  type TimestampUs,
} from "../core/index.ts";
import {
  type FeeTerms,
  type FeeType,
  type GivenFees,
  type ImportOptions,
  LINEAR_CENT,
  parseFeeType,
  parseIsoTime,
  type PriceRange,
} from "../market/index.ts";

/** What commander hands over. */
export interface ImportFlags {
  readonly out: string;
  readonly id?: string;
  readonly replace?: boolean;
  readonly market?: string[];
  readonly result?: Map<string, CentiCents | "void">;
  readonly close?: Map<string, TimestampUs>;
  readonly event?: Map<string, number>;
  readonly feeType?: FeeType;
  readonly feeMultiplier?: number;
  readonly fees?: GivenFees[];
  readonly feeWaiver?: Map<string, TimestampUs>;
  readonly priceRanges?: PriceRange[];
  readonly useYesPrice?: boolean;
  readonly feed?: "complete" | "partial";
  readonly strictGaps?: boolean;
  readonly ticker?: string;
}

/** Drops what was not given: an absent option and an undefined one differ to the importer. */
export function importOptions(flags: ImportFlags): ImportOptions {
  const fees = feeTerms(flags);
  return {
    out: flags.out,
    ...(flags.id !== undefined && { id: flags.id }),
    ...(flags.replace !== undefined && { replace: flags.replace }),
    ...(flags.market !== undefined && { markets: flags.market }),
    ...(flags.result !== undefined && { results: flags.result }),
    ...(flags.close !== undefined && { closes: flags.close }),
    ...(flags.event !== undefined && { exclusiveEvents: flags.event }),
    ...(fees !== undefined && { fees }),
    ...(flags.fees !== undefined && { feeTerms: flags.fees }),
    ...(flags.feeWaiver !== undefined && { feeWaivers: flags.feeWaiver }),
    ...(flags.priceRanges !== undefined && { priceRanges: flags.priceRanges }),
    ...(flags.useYesPrice !== undefined && { useYesPrice: flags.useYesPrice }),
    ...(flags.feed !== undefined && { feed: flags.feed }),
    ...(flags.strictGaps !== undefined && { strictGaps: flags.strictGaps }),
    ...(flags.ticker !== undefined && { ticker: flags.ticker }),
  };
}

function feeTerms(flags: ImportFlags): FeeTerms | undefined {
  if (flags.feeType === undefined && flags.feeMultiplier === undefined) return undefined;
  return {
    type: flags.feeType ?? "quadratic",
    multiplierPpm: flags.feeMultiplier ?? 1_000_000,
  };
}

/** TICKER=yes|no|0.xx|void, gathered over repeated flags. */
export function parseResult(
  text: string,
  earlier: Map<string, CentiCents | "void"> = new Map(),
): Map<string, CentiCents | "void"> {
  const [ticker, value] = split(text, "TICKER=yes, TICKER=no, TICKER=0.xx or TICKER=void");
  if (value.toLowerCase() === "void") return new Map(earlier).set(ticker, "void");
  const named: Readonly<Record<string, number>> = { yes: 10_000, no: 0 };
  const known = named[value.toLowerCase()];
  return new Map(earlier).set(
    ticker,
    known === undefined ? read(() => parseCentiCents(value, ticker)) : centiCents(known),
  );
}

/** TICKER=time, gathered. */
export function parseClose(
  text: string,
  earlier: Map<string, TimestampUs> = new Map(),
): Map<string, TimestampUs> {
  const [ticker, value] = split(text, "TICKER=2026-03-19T04:00:00Z");
  return new Map(earlier).set(
    ticker,
    read(() => parseIsoTime(value, ticker)),
  );
}

/** KEY=TYPE:MULTIPLIER, or with @TIME behind it, gathered. */
export function parseFees(text: string, earlier: GivenFees[] = []): GivenFees[] {
  const form = "KEY=quadratic:0.5 or KEY=quadratic:0.5@2026-03-19T04:00:00Z";
  const [key, value] = split(text, form);
  const match = /^([a-z_]+):([0-9.]+)(?:@(.+))?$/.exec(value);
  const [, type = "", multiplier = "", time] = match ?? [];
  if (match === null) throw new InvalidArgumentError(`Expected ${form}, was "${text}".`);
  const terms = read(() => ({
    type: parseFeeType(type, key),
    multiplierPpm: parseMultiplier(multiplier),
  }));
  const fromUs = time === undefined ? null : read(() => parseIsoTime(time, key));
  return [...earlier, { key, fromUs, terms }];
}

/** EVENT=exclusive:N, gathered. */
export function parseEvent(
  text: string,
  earlier: Map<string, number> = new Map(),
): Map<string, number> {
  const [event, value] = split(text, "EVENT=exclusive:2");
  const match = /^exclusive:(\d{1,4})$/.exec(value);
  const count = Number(match?.[1] ?? 0);
  if (count < 1) {
    throw new InvalidArgumentError(
      `Expected EVENT=exclusive:N with the number of markets the event has in all, was "${text}".`,
    );
  }
  return new Map(earlier).set(event, count);
}

/** A fee type, of the series. */
export function parseType(text: string): FeeType {
  return read(() => parseFeeType(text, "fee type"));
}

/** A ticker, gathered. */
export function parseMarket(text: string, earlier: string[] = []): string[] {
  return [...earlier, text];
}

/** A fee multiplier such as 0.5, in millionths. */
export function parseMultiplier(text: string): number {
  const ppm = read(() => parseFixed(text, 6, "multiplier"));
  if (ppm < 0) throw new InvalidArgumentError(`Expected 0 or more, was ${text}.`);
  return ppm;
}

const cents = (startCc: number, endCc: number, stepCc: number): PriceRange => ({
  startCc: centiCents(startCc),
  endCc: centiCents(endCc),
  stepCc: centiCents(stepCc),
});

/** Kalshi's names for tick structures (API page "price level structure"). */
const STRUCTURES: Readonly<Record<string, readonly PriceRange[]>> = {
  linear_cent: LINEAR_CENT,
  deci_cent: [cents(0, 10_000, 10)],
  tapered_deci_cent: [cents(0, 1_000, 10), cents(1_000, 9_000, 100), cents(9_000, 10_000, 10)],
};

/** A structure's name, or bands of dollars such as 0:0.1:0.001,0.1:1:0.01. */
export function parsePriceRanges(text: string): PriceRange[] {
  const structure = STRUCTURES[text];
  if (structure !== undefined) return [...structure];
  return text.split(",").map((band) => {
    const parts = band.split(":");
    if (parts.length !== 3) {
      throw new InvalidArgumentError(
        `Expected ${Object.keys(STRUCTURES).join(", ")}, or start:end:step in dollars, ` +
          `was "${text}".`,
      );
    }
    const [startCc = 0, endCc = 0, stepCc = 0] = parts.map((part) =>
      read(() => parseCentiCents(part, "band")),
    );
    return cents(startCc, endCc, stepCc);
  });
}

export function parseFeed(text: string): "complete" | "partial" {
  if (text === "complete" || text === "partial") return text;
  throw new InvalidArgumentError(`Expected complete or partial, was "${text}".`);
}

function split(text: string, form: string): [string, string] {
  const at = text.indexOf("=");
  if (at <= 0 || at === text.length - 1) {
    throw new InvalidArgumentError(`Expected ${form}, was "${text}".`);
  }
  return [text.slice(0, at), text.slice(at + 1)];
}

/** What a parser refuses becomes a refusal of the flag. */
function read<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof OperationError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}
