/** Headers that sign a request with an RSA key, by the definition and not by our own client. */
import { constants, sign } from "node:crypto";

export function signedHeaders(
  pem: string,
  keyId: string,
  method: string,
  path: string,
): Record<string, string> {
  const atMs = String(Date.now());
  const signature = sign("sha256", Buffer.from(atMs + method + path), {
    key: pem,
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: 32,
  });
  return {
    "KALSHI-ACCESS-KEY": keyId,
    "KALSHI-ACCESS-TIMESTAMP": atMs,
    "KALSHI-ACCESS-SIGNATURE": signature.toString("base64"),
  };
}
