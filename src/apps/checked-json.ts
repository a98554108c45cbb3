/**
 * JSON that people write, judged by a schema: every mistake is one sentence with the file, the key,
 * what was expected and what was found; an unknown key gets the nearest known one.
 */
import { readFileSync } from "node:fs";
import type { z } from "zod";
import { messageOf, nearestOf, OperationError } from "../core/index.ts";

/** The JSON in `file`, which is `what` ("a configuration file"); errors bear `code`. */
export function readJsonFile(file: string, code: string, what: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new OperationError(code, `${file}: expected ${what}, was: ${messageOf(error)}`, {
      cause: error,
    });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new OperationError(code, `${file}: expected JSON, was: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

export interface Check<Schema extends z.ZodType> {
  readonly schema: Schema;
  /** What errors begin with, such as the file. */
  readonly place: string;
  readonly value: unknown;
  /** Code of the errors. */
  readonly code: string;
  /** Where in its file the value stands; empty where it is the whole. */
  readonly under?: readonly PropertyKey[];
  /** The keys that the schema knows at a path. */
  readonly knownKeys: (path: readonly PropertyKey[]) => readonly string[];
}

/** The value as the schema makes it, or one `OperationError` that tells of all mistakes. */
export function checkShape<Schema extends z.ZodType>(check: Check<Schema>): z.infer<Schema> {
  const { schema, place, value, code, under = [], knownKeys } = check;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const sentences = result.error.issues.map((issue) => {
    const path = [...under, ...issue.path].join(".");
    if (issue.code === "unrecognized_keys") {
      const known = knownKeys(issue.path);
      return issue.keys
        .map((key) => unknownKey(place, [...under, ...issue.path, key].join("."), key, known))
        .join("; ");
    }
    const found = shown(lookUp(value, issue.path));
    return `${place}: ${path || "(top level)"}: ${expectation(issue.message)}, was ${found}`;
  });
  throw new OperationError(code, sentences.join("; "));
}

/** Keys of the object that stands at `path` of an example; none where it is no object. */
export function keysAt(example: unknown, path: readonly PropertyKey[]): string[] {
  const value = lookUp(example, path);
  return typeof value === "object" && value !== null ? Object.keys(value) : [];
}

/** The sentence for a key that is not known, with the nearest known one or all of them. */
export function unknownKey(
  place: string,
  path: string,
  key: string,
  known: readonly string[],
): string {
  const nearest = nearestOf(key, known);
  const hint = nearest === null ? `known are ${known.join(", ")}` : `did you mean "${nearest}"?`;
  return `${place}: ${path}: expected a known key, was "${key}"; ${hint}`;
}

function expectation(message: string): string {
  return message.replace(/^(Invalid \w+|Too small|Too big): /, "").replace(/, received .*$/, "");
}

/** JSON has no infinity, but a file's 1e999 becomes one. */
function shown(value: unknown): string {
  return typeof value === "number" ? String(value) : (JSON.stringify(value) ?? "missing");
}

function lookUp(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value;
  for (const key of path) {
    if (typeof at !== "object" || at === null) return undefined;
    at = (at as Record<PropertyKey, unknown>)[key];
  }
  return at;
}
