/**
 * JSON from outside, with bounds. A text that is too long or nested too deeply is refused before it
 * is parsed, so that nothing behind this point can be made to run out of stack or memory.
 */
import { OperationError } from "../../core/index.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** Bodies of a thousand markets are about 3 MB; the venue reads at most 64 MiB itself. */
export const JSON_LENGTH_MAX = 33_554_432;
const DEPTH_MAX = 32;

const QUOTE = 34;
const BACKSLASH = 92;

/** Parses one JSON object. `WIRE_SIZE`, `WIRE_DEPTH` or `WIRE_JSON`; `place` says whose it is. */
export function parseJsonObject(
  text: string,
  place: string,
  lengthMax = JSON_LENGTH_MAX,
): JsonObject {
  if (text.length > lengthMax) {
    throw new OperationError(
      "WIRE_SIZE",
      `${place}: expected at most ${lengthMax} characters, was ${text.length}`,
    );
  }
  if (isDeeperThan(text, DEPTH_MAX)) {
    throw new OperationError(
      "WIRE_DEPTH",
      `${place}: expected at most ${DEPTH_MAX} levels of nesting, was more`,
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new OperationError("WIRE_JSON", `${place}: expected JSON, was ${shownText(text)}`);
  }
  if (isObject(value)) return value;
  throw new OperationError("WIRE_JSON", `${place}: expected a JSON object, was ${shown(value)}`);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value as an error may show it: short, and never by a walk into it. */
export function shown(value: unknown): string {
  if (value === undefined) return "missing";
  if (typeof value === "string") return shownText(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  return String(value);
}

function shownText(text: string): string {
  return JSON.stringify(text.length <= 60 ? text : `${text.slice(0, 40)} ... ${text.slice(-15)}`);
}

/** Counts open brackets outside strings. In broken JSON the count means nothing; parsing then fails. */
function isDeeperThan(text: string, depthMax: number): boolean {
  let depth = 0;
  let inText = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (inText) {
      if (code === BACKSLASH) at++;
      else if (code === QUOTE) inText = false;
    } else if (code === QUOTE) inText = true;
    else if (code === 91 || code === 123) {
      depth += 1;
      if (depth > depthMax) return true;
    } else if (code === 93 || code === 125) depth -= 1;
  }
  return false;
}
