/**
 * Requests and answers without their transport, and the few forms in which the venue says no.
 * Source of the forms: demo answers of 2026-06-11.
 */
import { OperationError } from "../../core/index.ts";
import {
  type Codec,
  type Fault,
  RATE_FAULT,
  readBody,
  writeBody,
  writeFlatFault,
  writeNestedFault,
  writeQueryFault,
} from "../../kalshi/index.ts";
import { type Refusal, REFUSALS } from "../engine/refusal.ts";

/** A request as it came in. Names of headers are in small letters. */
export interface ExchangeRequest {
  readonly method: string;
  /** From the root, with its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

export interface ExchangeAnswer {
  readonly status: number;
  /** JSON, or nothing. */
  readonly body: string;
}

export function ok<T>(codec: Codec<T>, value: T, status = 200): ExchangeAnswer {
  return { status, body: writeBody(codec, value) };
}

export function json(value: unknown, status = 200): ExchangeAnswer {
  return { status, body: JSON.stringify(value) };
}

export const NO_CONTENT: ExchangeAnswer = { status: 204, body: "" };
export const DONE: ExchangeAnswer = { status: 200, body: "{}" };
export const TOO_MANY: ExchangeAnswer = { status: 429, body: RATE_FAULT };

/** The fault that a refusal is told as, inside an answer or as one. */
export function faultOf({ code, details }: Refusal): Fault {
  return { code, message: code.replaceAll("_", " "), details };
}

export function refused(refusal: Refusal): ExchangeAnswer {
  return { status: REFUSALS[refusal.code], body: writeNestedFault(faultOf(refusal)) };
}

export function nested(
  status: number,
  code: string,
  message: string,
  details = "",
): ExchangeAnswer {
  return { status, body: writeNestedFault({ code, message, details }) };
}

export function flat(status: number, code: string, message: string, details = ""): ExchangeAnswer {
  return { status, body: writeFlatFault({ code, message, details }) };
}

/** A query that is out of bounds: `operation` is the venue's name of the endpoint. */
export function badQuery(operation: string, what: string): ExchangeAnswer {
  return {
    status: 400,
    body: writeQueryFault(`Parameter validation failed for ${operation}: ${what}`),
  };
}

/** Reads a request's body, or the answer that says why it cannot be read. */
export function bodyOf<T>(
  codec: Codec<T>,
  { headers, body }: ExchangeRequest,
): { readonly value: T } | ExchangeAnswer {
  const contentType = headers["content-type"] ?? "";
  if (!contentType.startsWith("application/json")) {
    return flat(400, "invalid_content_type", "invalid content type");
  }
  try {
    return { value: readBody(codec, body, "body") };
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    return unreadable(error);
  }
}

function unreadable({ code, message }: OperationError): ExchangeAnswer {
  const isValue = code === "DECIMAL_RANGE" || code === "DECIMAL_PRECISION";
  if (isValue && /\.price:/.test(message)) return nested(400, "invalid_price", "invalid price");
  if (isValue && /\.count:/.test(message)) {
    return nested(400, "invalid_order_size", "invalid order size");
  }
  return flat(400, "bad_request", "bad request", message);
}
