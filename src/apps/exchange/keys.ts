/** The key of the exchange's account: the user's own, or a pair made for the occasion. */
import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf, OperationError } from "../../core/index.ts";

/** Clients take no shorter ones. */
const RSA_BITS_MIN = 2_048;

export type KeyKind = "rsa" | "ed25519";

export interface AccountKey {
  /** Where the private key is, for the client. */
  readonly keyFile: string;
  /** The public key, in PEM form. */
  readonly pem: string;
  /** Removes what was made for the occasion. */
  forget(): void;
}

/**
 * Reads a private or a public key of the user's. `KEY_FILE`, `KEY_FORMAT` where it is none,
 * `KEY_FILE_MODE` where others may read the private half.
 */
export function readAccountKey(keyFile: string): AccountKey {
  let text: string;
  let mode: number;
  try {
    text = readFileSync(keyFile, "utf8");
    ({ mode } = statSync(keyFile));
  } catch (error) {
    throw new OperationError("KEY_FILE", `${keyFile}: could not be read, was: ${messageOf(error)}`);
  }
  if (text.includes("PRIVATE KEY") && (mode & 0o077) !== 0) {
    throw new OperationError(
      "KEY_FILE_MODE",
      `${keyFile}: expected a private key that only its owner may read, was open to others ` +
        `(mode ${(mode & 0o777).toString(8)}); run: chmod 600 ${keyFile}`,
    );
  }
  const key = publicKeyOf(text, keyFile);
  const pem = key.export({ type: "spki", format: "pem" }).toString();
  return { keyFile, pem, forget: () => undefined };
}

function publicKeyOf(text: string, keyFile: string): KeyObject {
  const wrong = (was: string): OperationError =>
    new OperationError(
      "KEY_FORMAT",
      `${keyFile}: expected an RSA or Ed25519 key in PEM form, was ${was}`,
    );
  let key: KeyObject;
  try {
    key = createPublicKey(text);
  } catch {
    // The library's words are left out: they must never quote what was read.
    throw wrong("something else");
  }
  if (key.asymmetricKeyType === "ed25519") return key;
  if (key.asymmetricKeyType !== "rsa") throw wrong("something else");
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < RSA_BITS_MIN) throw wrong(`an RSA key of ${bits} bits; ${RSA_BITS_MIN} are the least`);
  return key;
}

/** Makes a pair and writes its private half to `keyFile`, or to a folder that goes with the exchange. */
export function makeAccountKey(kind: KeyKind, keyFile?: string): AccountKey {
  const { publicKey, privateKey } =
    kind === "rsa"
      ? generateKeyPairSync("rsa", { modulusLength: RSA_BITS_MIN })
      : generateKeyPairSync("ed25519");
  const folder = keyFile === undefined ? mkdtempSync(join(tmpdir(), "kalshi-gym-exchange-")) : null;
  const file = keyFile ?? join(folder ?? "", "key.pem");
  const text = privateKey.export({ type: "pkcs8", format: "pem" });
  // A key that is there is whole, whenever the process ends.
  const beside = `${file}.new`;
  rmSync(beside, { force: true });
  writeFileSync(beside, text, { mode: 0o600, flag: "wx" });
  renameSync(beside, file);
  return {
    keyFile: file,
    pem: publicKey.export({ type: "spki", format: "pem" }).toString(),
    forget: () => {
      if (folder !== null) rmSync(folder, { recursive: true, force: true });
    },
  };
}
