/**
 * Who asks: signatures of requests and handshakes, and the rate limits of the account that they are
 * of. Texts of refusals are those captured on the demo exchange on 2026-06-11; the venue was seen to
 * take times up to some 10 seconds old and some 30 seconds ahead.
 */
import { createPublicKey, type KeyObject } from "node:crypto";
import { OperationError, type TimestampUs, US_PER_SECOND } from "../../core/index.ts";
import {
  type AccountLimits,
  AUTH_HEADERS,
  isSignatureOf,
  textToSign,
  TokenBucket,
} from "../../kalshi/index.ts";
import type { ExchangeAccount } from "../engine/exchange-account.ts";
import { type ExchangeAnswer, type ExchangeRequest, nested } from "./request.ts";

const OLDEST_US = 10 * US_PER_SECOND;
const NEWEST_US = 30 * US_PER_SECOND;

/**
 * Limits of the venue's tiers: tokens a second, and seconds that a bucket holds.
 * Source: docs.kalshi.com, page "rate limits" of 2026-09.
 */
const TIERS = {
  basic: { read: 200, readSeconds: 2, write: 100, writeSeconds: 1 },
  advanced: { read: 300, readSeconds: 2, write: 300, writeSeconds: 2 },
  expert: { read: 600, readSeconds: 1, write: 600, writeSeconds: 2 },
  premier: { read: 1_000, readSeconds: 1, write: 1_000, writeSeconds: 2 },
  paragon: { read: 2_000, readSeconds: 1, write: 2_000, writeSeconds: 2 },
  prime: { read: 4_000, readSeconds: 1, write: 4_000, writeSeconds: 2 },
  prestige: { read: 10_000, readSeconds: 1, write: 8_000, writeSeconds: 2 },
} as const;
export type Tier = keyof typeof TIERS;
export const TIER_NAMES = Object.keys(TIERS) as readonly Tier[];

export function limitsOf(tier: Tier): AccountLimits {
  const { read, readSeconds, write, writeSeconds } = TIERS[tier];
  return {
    tier,
    read: { refillPerSecond: read, capacity: read * readSeconds },
    write: { refillPerSecond: write, capacity: write * writeSeconds },
  };
}

/** The lowest tier's limits, as they were read from the demo exchange, where buckets are smaller. */
export const BASIC_LIMITS: AccountLimits = {
  tier: "basic",
  read: { refillPerSecond: 200, capacity: 200 },
  write: { refillPerSecond: 100, capacity: 100 },
};

/** An account with its key and what it may ask for. */
export interface Member {
  readonly keyId: string;
  readonly account: ExchangeAccount;
  readonly limits: AccountLimits;
  readonly read: TokenBucket;
  readonly write: TokenBucket;
  readonly publicKey: KeyObject;
}

export class Access {
  readonly #members = new Map<string, Member>();

  /** Lets the bearer of a key act for an account. `KEY_FORMAT` where it is no public key. */
  admit(
    keyId: string,
    publicPem: string,
    account: ExchangeAccount,
    limits: AccountLimits,
    nowUs: TimestampUs,
  ): Member {
    const member: Member = {
      keyId,
      account,
      limits,
      read: new TokenBucket(limits.read, nowUs),
      write: new TokenBucket(limits.write, nowUs),
      publicKey: readPublicKey(publicPem),
    };
    this.#members.set(keyId, member);
    return member;
  }

  member(keyId: string): Member | undefined {
    return this.#members.get(keyId);
  }

  /** The member that signed a request at `nowUs`, or the answer that refuses it. */
  identify(
    { headers, method, path }: Omit<ExchangeRequest, "body">,
    nowUs: number,
  ): Member | ExchangeAnswer {
    const keyId = headers[AUTH_HEADERS.keyId.toLowerCase()] ?? "";
    const time = headers[AUTH_HEADERS.time.toLowerCase()] ?? "";
    const signature = headers[AUTH_HEADERS.signature.toLowerCase()] ?? "";
    if (signature === "") return missing("signature");
    if (keyId === "") return missing("access key");
    if (time === "") return missing("timestamp");
    if (!isTimely(time, nowUs)) {
      return nested(401, "header_timestamp_expired", "header timestamp expired");
    }
    const member = this.#members.get(keyId);
    if (member === undefined) return unauthenticated("NOT_FOUND");
    const isGenuine = isSignatureOf(member.publicKey, textToSign(time, method, path), signature);
    return isGenuine ? member : unauthenticated("INCORRECT_API_KEY_SIGNATURE");
  }
}

/** Takes tokens of a bucket, or none where there are too few. */
export function takeTokens(bucket: TokenBucket, cost: number, nowUs: number): boolean {
  if (bucket.waitUs(cost, nowUs) > 0) return false;
  bucket.take(cost, nowUs);
  return true;
}

function isTimely(text: string, nowUs: number): boolean {
  if (!/^\d{1,15}$/.test(text)) return false;
  const aheadUs = Number(text) * 1_000 - nowUs;
  return aheadUs >= -OLDEST_US && aheadUs <= NEWEST_US;
}

function missing(what: string): ExchangeAnswer {
  const message = `${what} is missing from headers`;
  return nested(401, message.replaceAll(" ", "_"), message);
}

function unauthenticated(details: string): ExchangeAnswer {
  return nested(401, "authentication_error", "authentication_error", details);
}

function readPublicKey(pem: string): KeyObject {
  try {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType === "rsa" || key.asymmetricKeyType === "ed25519") return key;
  } catch {
    // Told below; the library's words never stand beside a key.
  }
  throw new OperationError("KEY_FORMAT", "public key: expected an RSA or Ed25519 key in PEM form");
}
