/**
 * The members that each line of a recorded episode has, and of what kind. A chain of hashes shows
 * that nobody changed a record; it does not show that the record is one. Orders and events are
 * looked at only as lists: what they hold is compared when the episode is replayed.
 */
import { OperationError } from "../core/index.ts";

type Kind = "text" | "whole number" | "number" | "object" | "list" | "text or null" | "seed";

const IS: Readonly<Record<Kind, (value: unknown) => boolean>> = {
  text: (value) => typeof value === "string",
  "whole number": (value) => Number.isSafeInteger(value),
  number: (value) => typeof value === "number",
  object: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  list: Array.isArray,
  "text or null": (value) => value === null || typeof value === "string",
  seed: (value) => typeof value === "string" || Number.isSafeInteger(value),
};

type Shape = Readonly<Record<string, Kind>>;

const HEADER: Shape = {
  session: "object",
  "session.id": "text",
  "session.contentHash": "text",
  ticker: "text",
  startRow: "whole number",
  settings: "object",
  seed: "seed",
  policy: "object",
  "policy.name": "text",
  "policy.modelHash": "text or null",
  "policy.choice": "text",
  schemaHash: "text",
  software: "text",
};

const STEP: Shape = {
  step: "whole number",
  atUs: "whole number",
  observationHash: "text",
  mask: "text",
  action: "whole number",
  bid: "whole number",
  ask: "whole number",
  sent: "list",
  refused: "list",
  events: "list",
  reward: "number",
  value: "number",
  cash: "whole number",
  position: "whole number",
};

const END: Shape = { end: "text", steps: "whole number", value: "number" };

const ENDS: readonly unknown[] = ["terminated", "truncated", "interrupted"];

/** `place` is the file and line that a refusal names; `EPISODE_FORMAT` where a member is not so. */
export function requireHeader(place: string, record: object): void {
  requireShape(place, HEADER, record);
}

/** A step, which is number `index` of its episode. */
export function requireStep(place: string, record: object, index: number): void {
  requireShape(place, STEP, record);
  const step = memberOf(record, "step");
  if (step !== index) refuse(place, "step", String(index), step);
}

/** The closing line of an episode of `steps` steps. */
export function requireEnd(place: string, record: object, steps: number): void {
  requireShape(place, END, record);
  const { end, steps: told } = record as { end: unknown; steps: unknown };
  if (!ENDS.includes(end)) refuse(place, "end", `one of ${ENDS.join(", ")}`, end);
  if (told !== steps) refuse(place, "steps", `${steps}, the steps before this line`, told);
}

function requireShape(place: string, shape: Shape, record: object): void {
  for (const [path, kind] of Object.entries(shape)) {
    const value = memberOf(record, path);
    if (!IS[kind](value)) refuse(place, path, kind === "object" ? "an object" : `a ${kind}`, value);
  }
}

function memberOf(record: object, path: string): unknown {
  let value: unknown = record;
  // Outer members stand before inner ones in a shape, so that every one on the way is an object.
  for (const key of path.split(".")) value = (value as Record<string, unknown>)[key];
  return value;
}

function refuse(place: string, field: string, expected: string, found: unknown): never {
  const was = found === undefined ? "missing" : JSON.stringify(found).slice(0, 60);
  throw new OperationError(
    "EPISODE_FORMAT",
    `${place}: ${field}: expected ${expected}, was ${was}`,
  );
}
