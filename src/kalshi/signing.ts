/**
 * How a request proves whose it is: three headers, of which the third signs the time, the method and
 * the path. Query, host and body are not signed. The same for the WebSocket handshake, as a GET.
 * Source: docs.kalshi.com, page "API keys".
 */
import { constants, type KeyObject, verify } from "node:crypto";
import type { TimestampUs } from "../core/index.ts";
import type { SigningKey } from "./signing-key.ts";

export const AUTH_HEADERS = {
  keyId: "KALSHI-ACCESS-KEY",
  time: "KALSHI-ACCESS-TIMESTAMP",
  signature: "KALSHI-ACCESS-SIGNATURE",
} as const;

/** What is signed: Unix milliseconds, method in capitals, path from the root without its query. */
export function textToSign(atMs: string, method: string, path: string): string {
  const query = path.indexOf("?");
  return `${atMs}${method.toUpperCase()}${query === -1 ? path : path.slice(0, query)}`;
}

/** The three headers of one request at `atUs`. */
export function signedHeaders(
  key: SigningKey,
  atUs: TimestampUs,
  method: string,
  path: string,
): Record<string, string> {
  const atMs = String(Math.floor(atUs / 1_000));
  return {
    [AUTH_HEADERS.keyId]: key.keyId,
    [AUTH_HEADERS.time]: atMs,
    [AUTH_HEADERS.signature]: key.sign(textToSign(atMs, method, path)),
  };
}

/**
 * Whether `signature`, in base64, is the key's of `text`. Never throws, whatever it is given; the
 * comparison is the cryptographic library's own, in constant time.
 */
export function isSignatureOf(publicKey: KeyObject, text: string, signature: string): boolean {
  if (!/^[A-Za-z0-9+/]{1,2048}={0,2}$/.test(signature)) return false;
  const bytes = Buffer.from(text, "utf8");
  const given = Buffer.from(signature, "base64");
  try {
    if (publicKey.asymmetricKeyType === "ed25519") return verify(null, bytes, publicKey, given);
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    const saltLength = constants.RSA_PSS_SALTLEN_DIGEST;
    return verify("sha256", bytes, { key: publicKey, padding, saltLength }, given);
  } catch {
    return false;
  }
}
