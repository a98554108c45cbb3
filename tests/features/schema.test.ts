import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { canonicalJson, sha256 } from "../../src/core/index.ts";
import {
  FEATURE_CONSTANTS,
  FEATURE_COUNT,
  FEATURE_NAMES,
  FEATURES,
  featureTable,
  MARKET_FEATURES,
  requireSchema,
  SCHEMA_HASH,
  SCHEMA_VERSION,
} from "../../src/features/index.ts";

test("the schema's hash is known; a change of it needs a new version and a line in CHANGELOG", () => {
  expect([SCHEMA_VERSION, SCHEMA_HASH]).toEqual([
    1,
    "f0d4a293070ce360640aa4089b9453c6855cecdf571162681ecace1729bcc546",
  ]);
});

test("the hash covers names, definitions, ranges, constants and the version", () => {
  const whole = { version: SCHEMA_VERSION, features: FEATURES, constants: FEATURE_CONSTANTS };
  expect(sha256(canonicalJson(whole))).toBe(SCHEMA_HASH);
});

test("there are 21 market, 5 order, 12 portfolio and 14 temporal features, in that order", () => {
  const groups = FEATURES.map((feature) => feature.group);
  const run = (name: string, count: number): string[] => Array<string>(count).fill(name);
  expect(groups).toEqual([
    ...run("market", 21),
    ...run("order", 5),
    ...run("portfolio", 12),
    ...run("temporal", 14),
  ]);
  expect(new Set(FEATURE_NAMES).size).toBe(FEATURE_COUNT);
  expect(MARKET_FEATURES.map((feature) => FEATURES[feature]?.group)).toEqual([
    ...run("market", 21),
    ...run("temporal", 14),
  ]);
});

test("another schema's hash is refused, and the message says whose", () => {
  expect(() => {
    requireSchema(SCHEMA_HASH, "models/x");
  }).not.toThrow();
  expect(() => {
    requireSchema("abc", "models/x/model.json");
  }).toThrow(/models\/x\/model\.json: expected observation schema .* was abc/);
});

test("docs/observation.md prints the schema's table and version", () => {
  const page = readFileSync(new URL("../../docs/observation.md", import.meta.url), "utf8");
  for (const line of featureTable()) expect(page).toContain(`${line}\n`);
  expect(page).toContain(`version ${SCHEMA_VERSION}`);
  expect(page).toContain(SCHEMA_HASH);
});
