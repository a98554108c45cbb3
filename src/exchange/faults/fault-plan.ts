/**
 * Faults on demand. A plan is a list of rules; each says what goes wrong, when, how often and with
 * what. Whether a rule strikes on an occasion is drawn from a stream of its own, so that rules do not
 * disturb one another and a plan with a seed is always the same.
 *
 * Requests:   refuse      the connection breaks before anything is read
 *             reset       the connection breaks; nothing was done
 *             loseAnswer  it was done, and the connection breaks before the answer
 *             fail        503, nothing was done
 *             failAfter   it was done, and the answer is 503
 *             tooMany     429, nothing was done
 *             held        it is done late, by `amountUs`
 *             slow        it is done at once, and the answer comes late, by `amountUs`
 * Reading:    stale       answers are as of `amountUs` ago
 * Clock:      skew        the exchange's clock, as signatures and dates see it, is off by `amountUs`
 * Feed:       feedDown    the handshake is answered with 503
 *             resetFeed   the connection breaks instead of a message
 *             gap         a message is not sent
 *             duplicate   a message is sent twice
 *             late        a message comes late, by `amountUs`, after others that followed it
 */
import type { Prng } from "../../core/index.ts";

export const FAULT_KINDS = [
  ...(["refuse", "reset", "loseAnswer", "fail", "failAfter", "tooMany", "held", "slow"] as const),
  ...(["stale", "skew", "feedDown", "resetFeed", "gap", "duplicate", "late"] as const),
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface FaultRule {
  readonly kind: FaultKind;
  /** In microseconds from the start of the plan; `untilUs` does not count. */
  readonly fromUs: number;
  readonly untilUs: number;
  /** On how many of a million occasions it strikes. */
  readonly chancePpm: number;
  /** How often it strikes at most. */
  readonly timesMax: number;
  /** Only requests of this method, below this path (without the prefix); null for all. */
  readonly method: string | null;
  readonly path: string | null;
  /** Only messages of this channel; null for all, answers to commands among them. */
  readonly channel: string | null;
  readonly amountUs: number;
}

/** What a rule is asked about. */
export interface Occasion {
  readonly method?: string;
  readonly path?: string;
  readonly channel?: string | null;
}

interface Armed {
  readonly rule: FaultRule;
  readonly prng: Prng;
  struck: number;
}

const MILLION = 1_000_000;

export class FaultPlan {
  readonly #prng: Prng;
  #armed = new Map<FaultKind, Armed[]>();
  #rules: readonly FaultRule[] = [];
  #startUs = 0;
  #plans = 0;

  constructor(prng: Prng) {
    this.#prng = prng;
  }

  get rules(): readonly FaultRule[] {
    return this.#rules;
  }

  /** Begins a plan at `nowUs`, in place of the one before. */
  begin(rules: readonly FaultRule[], nowUs: number): void {
    this.#plans += 1;
    const prng = this.#prng.fork(`plan ${this.#plans}`);
    this.#rules = rules;
    this.#startUs = nowUs;
    this.#armed = new Map();
    rules.forEach((rule, index) => {
      const armed = { rule, prng: prng.fork(`rule ${index}`), struck: 0 };
      const others = this.#armed.get(rule.kind);
      if (others === undefined) this.#armed.set(rule.kind, [armed]);
      else others.push(armed);
    });
  }

  /** The first rule of a kind that strikes on an occasion, or null. */
  strike(kind: FaultKind, nowUs: number, occasion: Occasion = {}): FaultRule | null {
    for (const armed of this.#armed.get(kind) ?? []) {
      const { rule } = armed;
      if (!this.#isActive(rule, nowUs) || !concerns(rule, occasion)) continue;
      if (armed.struck >= rule.timesMax) continue;
      if (rule.chancePpm < MILLION && armed.prng.integer(MILLION) >= rule.chancePpm) continue;
      armed.struck += 1;
      return rule;
    }
    return null;
  }

  /** Sum of the amounts of a kind's rules that are active now: for what holds over a time. */
  amountUs(kind: "stale" | "skew", nowUs: number): number {
    let sum = 0;
    for (const { rule } of this.#armed.get(kind) ?? []) {
      if (this.#isActive(rule, nowUs)) sum += rule.amountUs;
    }
    return sum;
  }

  #isActive({ fromUs, untilUs }: FaultRule, nowUs: number): boolean {
    const sinceUs = nowUs - this.#startUs;
    return sinceUs >= fromUs && sinceUs < untilUs;
  }
}

function concerns({ method, path, channel }: FaultRule, occasion: Occasion): boolean {
  return (
    (method === null || method === occasion.method) &&
    (path === null || occasion.path?.startsWith(path) === true) &&
    (channel === null || channel === occasion.channel)
  );
}
