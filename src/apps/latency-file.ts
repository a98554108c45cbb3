/**
 * Files of measured latencies, in microseconds, as a configuration names them by `{"file": ...}`.
 *
 *   CSV    a line `latency_us` and one sample a line; or `quantile,latency_us` and one quantile a line
 *   JSON   {"samplesUs": [1200, ...]} or {"quantilesUs": [[0, 900], [0.5, 1200], [1, 80000]]}
 *
 * Quantiles go from 0 (the least) to 1 (the most), with at most six decimals and straight lines
 * between them. Values are whole, from 0 to an hour, and at most 10,000.
 */
import { readFileSync } from "node:fs";
import { messageOf, OperationError } from "../core/index.ts";
import {
  faultIn,
  type LatencyDistribution,
  latencyDistribution,
  type LatencySettings,
  type LatencyValues,
} from "../sim/index.ts";

/** A leg as a configuration has it. */
export type WrittenTerm =
  | number
  | { readonly minUs: number; readonly maxUs: number }
  | { readonly file: string; readonly contentHash?: string | undefined };

export const LATENCY_LEGS = ["feedUs", "submitUs", "amendUs", "cancelUs", "answerUs"] as const;

type WrittenLatency = Readonly<Record<(typeof LATENCY_LEGS)[number], WrittenTerm>>;

/** The legs with their files read. `LATENCY_FILE` where a file is not one, or not the one it was. */
export function measuredLatency(written: WrittenLatency): LatencySettings {
  const term = (leg: WrittenTerm): LatencySettings["submitUs"] =>
    typeof leg === "object" && "file" in leg ? readLatencyFile(leg.file, leg.contentHash) : leg;
  return {
    feedUs: term(written.feedUs),
    submitUs: term(written.submitUs),
    amendUs: term(written.amendUs),
    cancelUs: term(written.cancelUs),
    answerUs: term(written.answerUs),
  };
}

/** The legs with the hash of every file beside its name, for manifests. */
export function withHashes<Latency extends WrittenLatency>(written: Latency): Latency {
  const legs = Object.entries(written) as [string, WrittenTerm][];
  return Object.fromEntries(
    legs.map(([leg, term]) => {
      if (typeof term === "number" || !("file" in term)) return [leg, term];
      const { contentHash } = readLatencyFile(term.file, term.contentHash);
      return [leg, { file: term.file, contentHash }];
    }),
  ) as Latency;
}

/** Reads a file; `expected` is the hash that its numbers must have, where that is known. */
export function readLatencyFile(file: string, expected?: string): LatencyDistribution {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new OperationError(
      "LATENCY_FILE",
      `${file}: expected measured latencies, was: ${messageOf(error)}`,
      { cause: error },
    );
  }
  const distribution = text.trimStart().startsWith("{")
    ? fromJson(file, text)
    : fromCsv(file, text);
  const { contentHash } = distribution;
  if (expected !== undefined && contentHash !== expected) {
    throw new OperationError(
      "LATENCY_FILE",
      `${file}: expected latencies with content ${expected.slice(0, 12)}, as when they were first ` +
        `used, was ${contentHash.slice(0, 12)}; bring that file back, or name another one in the ` +
        `configuration`,
    );
  }
  return distribution;
}

function fromJson(file: string, text: string): LatencyDistribution {
  let written: unknown;
  try {
    written = JSON.parse(text);
  } catch (error) {
    refuse(file, "JSON", messageOf(error));
  }
  const keys = Object.keys(written as object);
  const key = keys[0];
  if (keys.length !== 1 || (key !== "samplesUs" && key !== "quantilesUs")) {
    refuse(file, "one key, samplesUs or quantilesUs", keys.join(", ") || "none");
  }
  const list: unknown = (written as Record<string, unknown>)[key];
  if (!Array.isArray(list)) refuse(`${file}: ${key}`, "a list", JSON.stringify(list));
  const place = (index: number): string => `${file}: ${key}.${index}`;
  const values =
    key === "samplesUs"
      ? { samplesUs: list as number[] }
      : { quantilesUs: list.map((pair: unknown, index) => quantileOf(pair, place(index))) };
  return checked(values, place);
}

/** A quantile of JSON: [share, microseconds]. */
function quantileOf(pair: unknown, place: string): readonly [number, number] {
  if (!Array.isArray(pair) || pair.length !== 2) {
    refuse(place, "[share, microseconds]", JSON.stringify(pair));
  }
  const [share, us] = pair as [unknown, number];
  return [millionthsOf(String(share), place), us];
}

function fromCsv(file: string, text: string): LatencyDistribution {
  const lines = text.split(/\r?\n/);
  while (lines.at(-1)?.trim() === "") lines.pop();
  const [header = "", ...rows] = lines.map((line) => line.trim());
  const place = (index: number): string => `${file}:${index + 2}`;
  if (header === "latency_us") {
    const samplesUs = rows.map((row, index) => wholeOf(row, place(index)));
    return checked({ samplesUs }, place);
  }
  if (header !== "quantile,latency_us") {
    refuse(`${file}:1`, "latency_us or quantile,latency_us", JSON.stringify(header.slice(0, 60)));
  }
  const quantilesUs = rows.map((row, index) => {
    const [share, us, ...more] = row.split(",").map((cell) => cell.trim());
    if (share === undefined || us === undefined || more.length > 0) {
      refuse(place(index), "quantile,latency_us", JSON.stringify(row.slice(0, 60)));
    }
    return [millionthsOf(share, place(index)), wholeOf(us, place(index))] as const;
  });
  return checked({ quantilesUs }, place);
}

function checked(values: LatencyValues, place: (index: number) => string): LatencyDistribution {
  const fault = faultIn(values);
  if (fault !== null) refuse(place(fault.index), fault.expected, fault.found);
  return latencyDistribution(values);
}

function wholeOf(text: string, place: string): number {
  if (!/^\d{1,15}$/.test(text))
    refuse(place, "whole microseconds", JSON.stringify(text.slice(0, 60)));
  return Number(text);
}

/** A share of 0 to 1 in millionths, exactly. */
function millionthsOf(text: string, place: string): number {
  const match = /^([01])(?:\.(\d{1,6}))?$/.exec(text);
  if (match === null) {
    refuse(place, "a share from 0 to 1 with at most six decimals", JSON.stringify(text));
  }
  const [, ones = "0", decimals = ""] = match;
  return Number(ones) * 1_000_000 + Number(decimals.padEnd(6, "0"));
}

function refuse(place: string, expected: string, found: string): never {
  throw new OperationError("LATENCY_FILE", `${place}: expected ${expected}, was ${found}`);
}
