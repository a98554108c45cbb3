/**
 * How the venue says no. Four forms of error bodies are on the wire, of which its own description
 * names one; all become one `Fault`. What cannot be read (a gateway's page, an empty body) becomes one
 * too, for an answer that says no must never fail to be understood.
 * Source: demo answers of 2026-06-11; page "rate limits" for the form of 429.
 */
import { isObject } from "./json.ts";
import { type Codec, defaulted, record, text } from "./codec.ts";

export interface Fault {
  /** For machines, such as `insufficient_balance`; empty where the venue gave none. */
  readonly code: string;
  readonly message: string;
  readonly details: string;
}

/** A fault inside an answer. */
export const fault: Codec<Fault> = record<Fault>({
  code: defaulted("code", text, ""),
  message: defaulted("message", text, ""),
  details: defaulted("details", text, ""),
});

/** Code that stands for the text of a 429. */
export const TOO_MANY_REQUESTS = "too_many_requests";

const LENGTH_MAX = 300;

/** Reads the body of an answer whose status is not a success. Never throws. */
export function readFault(status: number, body: string): Fault {
  const value = parsed(body);
  if (isObject(value)) {
    const error = value["error"];
    if (typeof error === "string") {
      return { code: status === 429 ? TOO_MANY_REQUESTS : "", message: cut(error), details: "" };
    }
    const inner = isObject(error) ? error : value;
    const message = told(inner["message"]) || told(value["msg"]);
    const code = told(inner["code"]);
    if (code !== "" || message !== "") return { code, message, details: told(inner["details"]) };
  }
  return { code: status === 429 ? TOO_MANY_REQUESTS : "", message: cut(body.trim()), details: "" };
}

/** The form of most refusals: `{"error":{"code","message","details"}}`. */
export function writeNestedFault(fault: Fault): string {
  return JSON.stringify({ error: written(fault) });
}

/** The form of requests that could not be decoded: `{"code","message","details"}`. */
export function writeFlatFault(fault: Fault): string {
  return JSON.stringify(written(fault));
}

/** The form of queries that are out of bounds: `{"msg"}`. */
export function writeQueryFault(message: string): string {
  return JSON.stringify({ msg: message });
}

/** The form of status 429. */
export const RATE_FAULT = JSON.stringify({ error: "too many requests" });

function written({ code, message, details }: Fault): Readonly<Record<string, string>> {
  return details === "" ? { code, message } : { code, message, details };
}

function parsed(body: string): unknown {
  if (body.length > 65_536) return null;
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

function told(value: unknown): string {
  return typeof value === "string" ? cut(value) : "";
}

function cut(words: string): string {
  return words.length <= LENGTH_MAX ? words : `${words.slice(0, LENGTH_MAX)} ...`;
}
