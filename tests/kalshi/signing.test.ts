import { constants, createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, expect, test } from "vitest";
import { OperationError, timestampUs } from "../../src/core/index.ts";
import {
  isSignatureOf,
  keySourceFrom,
  loadSigningKey,
  openVenue,
  signedHeaders,
  textToSign,
} from "../../src/kalshi/index.ts";

const folder = mkdtempSync(join(tmpdir(), "kalshi-key-"));
afterAll(() => rmSync(folder, { recursive: true }));

const venue = openVenue({
  restUrl: "http://127.0.0.1:9000/trade-api/v2",
  wsUrl: "ws://127.0.0.1:9000/trade-api/ws/v2",
});
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ed25519 = generateKeyPairSync("ed25519");
const rsaPkcs1 = rsa.privateKey.export({ type: "pkcs1", format: "pem" }) as string;
const rsaPkcs8 = rsa.privateKey.export({ type: "pkcs8", format: "pem" }) as string;
const edPkcs8 = ed25519.privateKey.export({ type: "pkcs8", format: "pem" }) as string;
const keyId = "a4f1c2d3-0000-4000-8000-000000000001";

const AT = timestampUs(1_790_000_000_123_456);
const PATH = "/trade-api/v2/portfolio/events/orders";
/** The page's own layout, written out. */
const TEXT = "1790000000123POST/trade-api/v2/portfolio/events/orders";

function keyFile(text: string, mode = 0o600): string {
  const path = join(folder, "key.pem");
  rmSync(path, { force: true });
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

function errorOf(run: () => unknown): OperationError {
  try {
    run();
  } catch (error) {
    if (error instanceof OperationError) return error;
    throw error;
  }
  throw new Error("it was expected to be refused");
}

const load = (pem: string): ReturnType<typeof loadSigningKey> =>
  loadSigningKey(venue, { keyId, pem });

test("what is signed is time, method and path without the query", () => {
  expect(textToSign("1790000000123", "post", PATH)).toBe(TEXT);
  expect(textToSign("1", "GET", "/trade-api/v2/markets?limit=5&cursor=a?b")).toBe(
    "1GET/trade-api/v2/markets",
  );
});

test.each([
  ["PKCS#1", rsaPkcs1],
  ["PKCS#8", rsaPkcs8],
])("an RSA key in %s signs with PSS, SHA-256 and a salt of 32 bytes", (_form, pem) => {
  const key = load(pem);
  const headers = signedHeaders(key, AT, "POST", `${PATH}?subaccount=1`);
  expect(headers["KALSHI-ACCESS-KEY"]).toBe(keyId);
  expect(headers["KALSHI-ACCESS-TIMESTAMP"]).toBe("1790000000123");
  const signature = Buffer.from(headers["KALSHI-ACCESS-SIGNATURE"] ?? "", "base64");
  const judged = (saltLength: number): boolean =>
    verify(
      "sha256",
      Buffer.from(TEXT),
      { key: rsa.publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength },
      signature,
    );
  expect(judged(32)).toBe(true);
  expect(judged(20)).toBe(false);
});

test("an Ed25519 key signs plainly, and equally each time", () => {
  const headers = signedHeaders(load(edPkcs8), AT, "POST", PATH);
  const signature = Buffer.from(headers["KALSHI-ACCESS-SIGNATURE"] ?? "", "base64");
  expect(verify(null, Buffer.from(TEXT), ed25519.publicKey, signature)).toBe(true);
  expect(signedHeaders(load(edPkcs8), AT, "POST", PATH)).toEqual(headers);
});

test("RFC 8032's second test vector, by a key of its seed", () => {
  const seed = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
  const der = Buffer.from(`302e020100300506032b657004220420${seed}`, "hex");
  const pem = `-----BEGIN PRIVATE KEY-----\n${der.toString("base64")}\n-----END PRIVATE KEY-----\n`;
  expect(Buffer.from(load(pem).sign("\x72"), "base64").toString("hex")).toBe(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
      "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  );
});

test("verification takes the right signature alone, and survives anything", () => {
  for (const [pem, publicKey] of [
    [rsaPkcs8, rsa.publicKey],
    [edPkcs8, ed25519.publicKey],
  ] as const) {
    const signature = load(pem).sign(TEXT);
    expect(isSignatureOf(publicKey, TEXT, signature)).toBe(true);
    expect(isSignatureOf(publicKey, `${TEXT}x`, signature)).toBe(false);
    const other = signature.startsWith("A") ? "B" : "A";
    for (const wrong of ["", "=", "%%%", other + signature.slice(1), "A".repeat(5_000), "QUJD"]) {
      expect(isSignatureOf(publicKey, TEXT, wrong)).toBe(false);
    }
  }
  expect(isSignatureOf(rsa.publicKey, TEXT, load(edPkcs8).sign(TEXT))).toBe(false);
});

test("a key comes from a file or from the environment", () => {
  const file = keyFile(rsaPkcs1);
  expect(loadSigningKey(venue, { keyId, file }).kind).toBe("rsa");
  const oneLine = edPkcs8.replaceAll("\n", "\\n");
  const source = keySourceFrom({ KALSHI_API_KEY_ID: keyId, KALSHI_PRIVATE_KEY: oneLine });
  expect(source).toEqual({ keyId, pem: oneLine });
  expect(load(oneLine).kind).toBe("ed25519");
  expect(keySourceFrom({ KALSHI_API_KEY_ID: keyId, KALSHI_PRIVATE_KEY_FILE: file })).toEqual({
    keyId,
    file,
  });
  expect(keySourceFrom({ HOME: "x" })).toBeNull();
  expect(errorOf(() => keySourceFrom({ KALSHI_API_KEY_ID: keyId })).code).toBe("KEY_MISSING");
});

test.each([0o640, 0o604, 0o620, 0o666, 0o601])("a key file of mode %o is refused", (mode) => {
  const error = errorOf(() => loadSigningKey(venue, { keyId, file: keyFile(edPkcs8, mode) }));
  expect(error.code).toBe("KEY_FILE_MODE");
  expect(error.message).toContain("chmod 600");
});

test("what is no private key is refused in one sentence that does not repeat it", () => {
  const publicPem = createPublicKey(rsa.privateKey).export({
    type: "spki",
    format: "pem",
  }) as string;
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const small = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey;
  const encrypted = ed25519.privateKey.export({
    type: "pkcs8",
    format: "pem",
    cipher: "aes-256-cbc",
    passphrase: "x",
  }) as string;
  const cases: readonly [string, string][] = [
    [publicPem, "a public key"],
    [ec.export({ type: "pkcs8", format: "pem" }) as string, "a key of type ec"],
    [small.export({ type: "pkcs8", format: "pem" }) as string, "an RSA key of 1024 bits"],
    [encrypted, "an encrypted key"],
    [rsaPkcs8.slice(0, 900), "something else"],
    ["", "something else"],
  ];
  for (const [pem, was] of cases) {
    const error = errorOf(() => load(pem));
    expect(error.code).toBe("KEY_FORMAT");
    expect(error.message).toContain(was);
    expect(error.cause).toBeUndefined();
    for (const line of pem
      .split("\n")
      .filter((line) => line.length > 20 && !line.startsWith("-"))) {
      expect(error.message).not.toContain(line);
    }
  }
  expect(errorOf(() => loadSigningKey(venue, { keyId, file: folder })).code).toBe("KEY_FILE");
  const missing = join(folder, "none.pem");
  expect(errorOf(() => loadSigningKey(venue, { keyId, file: missing })).code).toBe("KEY_FILE");
  expect(errorOf(() => loadSigningKey(venue, { keyId: "a\r\nb", pem: edPkcs8 })).code).toBe(
    "KEY_ID",
  );
});

test("a key shows nothing of itself as text, JSON or to an inspector", () => {
  const key = load(rsaPkcs8);
  const shown = `${String(key)} ${JSON.stringify({ key })} ${inspect(key, { showHidden: true })}`;
  expect(shown).toBe('[rsa key] {"key":"[rsa key]"} [rsa key]');
});

test("a refused host comes before the key is looked at", () => {
  const keyThatIsNotThere = { keyId, file: join(folder, "none.pem") };
  const run = (): unknown =>
    loadSigningKey(
      openVenue({
        restUrl: "https://api.elections.kalshi.com/trade-api/v2",
        wsUrl: "wss://api.elections.kalshi.com/trade-api/ws/v2",
      }),
      keyThatIsNotThere,
    );
  expect(errorOf(run).code).toBe("VENUE_REFUSED");
});
