/**
 * An account's key: its id and its private half, RSA or Ed25519, from a PEM file or the environment.
 * The private half stays inside the object: it is no property, and text, JSON and inspection show
 * only the kind of key. No error here repeats what was read.
 * Source: docs.kalshi.com, page "API keys"; Ed25519 since 2026-09-24.
 */
import { constants, createPrivateKey, type KeyObject, sign } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { inspect } from "node:util";
import { messageOf, OperationError } from "../core/index.ts";
import type { Venue } from "./venue.ts";

export type KeyKind = "rsa" | "ed25519";

/** Where a key is. `pem` wins over `file`. */
export interface KeySource {
  /** The id that Kalshi gave the key, a UUID. */
  readonly keyId: string;
  readonly file?: string;
  readonly pem?: string;
}

/** Names of the environment variables. */
export const KEY_VARIABLES = {
  keyId: "KALSHI_API_KEY_ID",
  pem: "KALSHI_PRIVATE_KEY",
  file: "KALSHI_PRIVATE_KEY_FILE",
} as const;

const KEY_BYTES_MAX = 65_536;
const RSA_BITS_MIN = 2_048;

export class SigningKey {
  readonly keyId: string;
  readonly kind: KeyKind;
  readonly #key: KeyObject;

  constructor(keyId: string, kind: KeyKind, key: KeyObject) {
    this.keyId = keyId;
    this.kind = kind;
    this.#key = key;
  }

  /** Signature of a text in base64: RSA-PSS with SHA-256 and a salt of 32 bytes, or Ed25519. */
  sign(text: string): string {
    const bytes = Buffer.from(text, "utf8");
    if (this.kind === "ed25519") return sign(null, bytes, this.#key).toString("base64");
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    const saltLength = constants.RSA_PSS_SALTLEN_DIGEST;
    return sign("sha256", bytes, { key: this.#key, padding, saltLength }).toString("base64");
  }

  toString(): string {
    return `[${this.kind} key]`;
  }

  toJSON(): string {
    return this.toString();
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

/** The source that an environment names, or null where it names none. */
export function keySourceFrom(
  environment: Readonly<Record<string, string | undefined>>,
): KeySource | null {
  const keyId = environment[KEY_VARIABLES.keyId] ?? "";
  const pem = environment[KEY_VARIABLES.pem] ?? "";
  const file = environment[KEY_VARIABLES.file] ?? "";
  if (keyId === "" && pem === "" && file === "") return null;
  if (keyId === "" || (pem === "" && file === "")) {
    throw new OperationError(
      "KEY_MISSING",
      `environment: expected ${KEY_VARIABLES.keyId} and one of ${KEY_VARIABLES.pem} and ` +
        `${KEY_VARIABLES.file}, was only a part of them`,
    );
  }
  return pem === "" ? { keyId, file } : { keyId, pem };
}

/**
 * Reads a key. A checked venue is asked for, so that no key is read for a refused host. `KEY_FILE`,
 * `KEY_FILE_MODE` (group or others may read it), `KEY_FORMAT` and `KEY_ID` say what is wrong.
 */
export function loadSigningKey(_venue: Venue, source: KeySource): SigningKey {
  if (!/^[\x21-\x7e]{1,128}$/.test(source.keyId)) {
    throw new OperationError(
      "KEY_ID",
      "key id: expected up to 128 visible characters, as Kalshi shows it beside the key",
    );
  }
  if (source.pem !== undefined) return parseKey(source.keyId, source.pem, "key in the environment");
  if (source.file === undefined) {
    throw new OperationError("KEY_MISSING", "key: expected a file or a text in PEM form, was none");
  }
  return parseKey(source.keyId, readKeyFile(source.file), source.file);
}

function readKeyFile(path: string): string {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    throw new OperationError(
      "KEY_FILE",
      `${path}: expected a readable file with a private key, was: ${messageOf(error)}`,
    );
  }
  try {
    // The open file is judged, so that nothing can be put in its place in between.
    const facts = fstatSync(file);
    if (!facts.isFile() || facts.size > KEY_BYTES_MAX) {
      throw new OperationError(
        "KEY_FILE",
        `${path}: expected a file with a private key in PEM form`,
      );
    }
    if ((facts.mode & 0o077) !== 0) {
      throw new OperationError(
        "KEY_FILE_MODE",
        `${path}: expected a key that only its owner may read, was open to others ` +
          `(mode ${(facts.mode & 0o777).toString(8)}); run: chmod 600 ${path}`,
      );
    }
    const bytes = Buffer.alloc(KEY_BYTES_MAX);
    return bytes.toString("utf8", 0, readSync(file, bytes, 0, KEY_BYTES_MAX, 0));
  } finally {
    closeSync(file);
  }
}

function parseKey(keyId: string, text: string, place: string): SigningKey {
  // Environments are often written on one line, with \n for the ends of lines.
  const pem = text.replaceAll("\\n", "\n").trim();
  const wrong = (was: string): OperationError =>
    new OperationError(
      "KEY_FORMAT",
      `${place}: expected an RSA or Ed25519 private key in PEM form (PKCS#1 or PKCS#8), was ${was}`,
    );
  if (/-----BEGIN (RSA )?PUBLIC KEY-----/.test(pem)) throw wrong("a public key");
  if (/ENCRYPTED/.test(pem)) throw wrong("an encrypted key; decrypt it first");
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: pem, format: "pem" });
  } catch {
    // The library's words are left out: they add nothing, and must never quote what was read.
    throw wrong("something else");
  }
  const kind = key.asymmetricKeyType;
  if (kind === "ed25519") return new SigningKey(keyId, kind, key);
  if (kind !== "rsa") throw wrong(`a key of type ${kind ?? "unknown"}`);
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < RSA_BITS_MIN) throw wrong(`an RSA key of ${bits} bits; ${RSA_BITS_MIN} are the least`);
  return new SigningKey(keyId, kind, key);
}
