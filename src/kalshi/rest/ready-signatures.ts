/**
 * Signatures that are made while nothing waits for them, because what a request will be is known
 * before it is wanted: an order is created at one path, and neither query nor body is signed. Signing
 * takes a good part of the time in which an order is sent, with an RSA key above all. Each signature is
 * of a time of its own and used once.
 */
import type { Scheduler, TimestampUs } from "../../core/index.ts";
import { signedHeaders } from "../signing.ts";
import type { SigningKey } from "../signing-key.ts";

/** Kept at most: orders of one moment are few. */
const KEPT = 4;
/** The oldest is replaced so often: one at a time, so that it never takes long. */
const ROTATION_US = 250_000;
/** Between two while some are missing, in which the orders themselves go out. */
const REFILL_US = 2_000;
/** A venue refuses what is some seconds old; this leaves most of that to clocks that differ. */
const AGE_US_MAX = 1_500_000;

interface Ready {
  readonly atUs: TimestampUs;
  readonly headers: Readonly<Record<string, string>>;
}

export class ReadySignatures {
  readonly #key: SigningKey;
  readonly #scheduler: Scheduler;
  readonly #method: string;
  readonly #path: string;
  /** Oldest first. */
  #ready: Ready[] = [];
  #stopTimer: () => void;

  constructor(key: SigningKey, scheduler: Scheduler, method: string, path: string) {
    this.#key = key;
    this.#scheduler = scheduler;
    this.#method = method;
    this.#path = path;
    this.#stopTimer = this.#refillAfter(REFILL_US);
  }

  /** The headers of one request; null where it is another request, or none is ready. */
  take(nowUs: TimestampUs, method: string, path: string): Ready["headers"] | null {
    if (method !== this.#method || path !== this.#path) return null;
    const oldest = this.#ready.shift();
    this.#stopTimer();
    this.#stopTimer = this.#refillAfter(REFILL_US);
    if (oldest === undefined) return null;
    const ageUs = nowUs - oldest.atUs;
    if (ageUs >= 0 && ageUs <= AGE_US_MAX) return oldest.headers;
    // The machine slept, or its clock was set: none of them is worth anything.
    this.#ready = [];
    return null;
  }

  close(): void {
    this.#stopTimer();
  }

  #refillAfter(waitUs: number): () => void {
    return this.#scheduler.after(waitUs, () => {
      if (this.#ready.length === KEPT) this.#ready.shift();
      const atUs = this.#scheduler.nowUs();
      const headers = signedHeaders(this.#key, atUs, this.#method, this.#path);
      this.#ready.push({ atUs, headers });
      const isFull = this.#ready.length === KEPT;
      this.#stopTimer = this.#refillAfter(isFull ? ROTATION_US : REFILL_US);
    });
  }
}
