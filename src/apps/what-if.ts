/**
 * "What if the agent had acted otherwise here": a recorded episode is played up to one of its steps,
 * the whole world is forked there, and the two go on side by side: one as recorded, the other with
 * another action first. Afterwards either the recorded actions are repeated where they can still be
 * carried out, and HOLD taken where not, or the episode's own policy decides on what it sees.
 *
 * Messages of both worlds draw from the same stream of latencies, each in its own order.
 */
import { assert, OperationError, Prng } from "../core/index.ts";
import { FEATURE_COUNT } from "../features/index.ts";
import type { EpisodeJournal, JournalStep } from "../journal/index.ts";
import type { EvaluatedPolicy } from "../learn/index.ts";
import { Action, ACTION_COUNT, ACTION_NAMES, type OrderEvent } from "../orders/index.ts";
import { Episode, type EpisodeSettings } from "../sim/index.ts";
import type { Console } from "./console.ts";
import { recordedMarket, recordedPolicy, type Whereabouts } from "./episode-replaying.ts";

export const THENS = ["recorded", "model"] as const;
export type Then = (typeof THENS)[number];

export interface WhatIfOptions {
  readonly recorded: EpisodeJournal;
  /** One of the recorded steps. */
  readonly step: number;
  readonly action: Action;
  readonly then: Then;
  readonly where: Whereabouts;
  readonly io: Console;
}

type Fill = OrderEvent & { readonly kind: "filled" };

/** What came of one of the two worlds from the step on. */
export interface Course {
  readonly action: (typeof ACTION_NAMES)[number];
  readonly fills: readonly Fill[];
  /** Lots held at the end, or before the settlement paid them out. */
  readonly position: number;
  readonly fees: number;
  /** Portfolio value at the end, in micro-dollars. */
  readonly value: number;
}

export interface WhatIf {
  readonly step: number;
  readonly atUs: number;
  readonly then: Then;
  readonly recorded: Course;
  readonly other: Course;
  /** Recorded actions that the other world could not repeat. */
  readonly held: number;
}

/**
 * Plays both worlds. Errors as `recordedMarket`; `EPISODE_ACTION` where the other action cannot be
 * carried out at the step, `EPISODE_DIFFERENT` where the episode does not happen again as recorded.
 */
export async function whatIf(options: WhatIfOptions): Promise<WhatIf> {
  const { recorded, step, action, then, where, io } = options;
  const { header, steps } = recorded;
  const data = recordedMarket(recorded, where, io);
  const decider =
    then === "model" ? new Decider(await recordedPolicy(recorded, where), header.seed) : null;
  const settings = header.settings as EpisodeSettings;
  const prng = Prng.fromSeed(header.seed).fork("episode");
  const episode = new Episode(data, settings, header.startRow, prng);
  for (const past of steps.slice(0, step)) {
    decider?.decide(episode);
    repeat(episode, past);
  }
  // Who remembers what it saw has to see this, too; what it would do is known.
  decider?.decide(episode);
  requireAllowed(episode, step, action);
  const otherwise = episode.fork();
  const recordedCourse = new Follower(episode);
  const otherCourse = new Follower(otherwise);
  const { atUs } = steps[step] as JournalStep;
  for (const next of steps.slice(step)) repeat(episode, next);
  otherwise.step(action);
  let held = 0;
  for (const next of steps.slice(step + 1)) {
    if (otherwise.end !== "running") break;
    const wanted = decider === null ? (next.action as Action) : decider.decide(otherwise);
    const can = decider !== null || maskOf(otherwise)[wanted] === 1;
    if (!can) held += 1;
    otherwise.step(can ? wanted : Action.hold);
  }
  return {
    step,
    atUs,
    then,
    recorded: recordedCourse.finish((steps[step] as JournalStep).action),
    other: otherCourse.finish(action),
    held,
  };
}

/** Takes a recorded step again, which must come to what was recorded. */
function repeat(episode: Episode, { step, action, value }: JournalStep): void {
  if (episode.end === "running") {
    episode.step(action as Action);
    if (episode.value === value) return;
  }
  throw new OperationError(
    "EPISODE_DIFFERENT",
    `episode: step ${step}: expected the value ${value} that was recorded, was ${episode.value}; ` +
      `"replay --verify" tells what differs first`,
  );
}

function requireAllowed(episode: Episode, step: number, action: Action): void {
  const mask = maskOf(episode);
  if (mask[action] === 1) return;
  const allowed = ACTION_NAMES.filter((_, index) => mask[index] === 1).join(", ");
  throw new OperationError(
    "EPISODE_ACTION",
    `--act: expected an action that can be carried out at step ${step}, ${allowed}, was ` +
      `${ACTION_NAMES[action]}`,
  );
}

function maskOf(episode: Episode): Uint8Array {
  const mask = new Uint8Array(ACTION_COUNT);
  episode.mask(mask, 0);
  return mask;
}

/** The episode's policy with the random stream that it drew its actions from. */
class Decider {
  readonly #policy: EvaluatedPolicy;
  readonly #prng: Prng;
  readonly #observation = new Float32Array(FEATURE_COUNT);

  constructor(policy: EvaluatedPolicy, seed: number | string) {
    this.#policy = policy;
    this.#prng = Prng.fromSeed(seed).fork("actions");
    policy.begin?.();
  }

  decide(episode: Episode): Action {
    episode.observe(this.#observation, 0);
    return this.#policy.act(this.#observation, maskOf(episode), this.#prng) as Action;
  }
}

/** Watches an episode from here on. */
class Follower {
  readonly #episode: Episode;
  readonly #fills: Fill[] = [];
  readonly #feesBefore: number;
  #position: number;

  constructor(episode: Episode) {
    this.#episode = episode;
    const { trader } = episode;
    this.#feesBefore = trader.account.ledger.fees;
    this.#position = trader.account.ledger.position(0);
    trader.observer = {
      sent: () => undefined,
      refused: () => undefined,
      received: (event) => {
        if (event.kind !== "filled") return;
        this.#fills.push(event);
        this.#position = trader.account.ledger.position(0);
      },
    };
  }

  finish(action: number): Course {
    const { account } = this.#episode.trader;
    const name = ACTION_NAMES[action];
    assert(name !== undefined, "an action has a name");
    return {
      action: name,
      fills: this.#fills,
      position: this.#position,
      fees: account.ledger.fees - this.#feesBefore,
      value: this.#episode.value,
    };
  }
}

/** Fills that are shown of each world where they differ. */
const FILLS_SHOWN = 10;

/** The answer in words. */
export function whatIfLines(answer: WhatIf): string[] {
  const { step, atUs, then, recorded, other, held } = answer;
  const time = (us: number): string => new Date(us / 1000).toISOString().slice(11, 23);
  const row = (name: string, of: (course: Course) => number, places: number): string => {
    const [was, is] = [of(recorded), of(other)];
    const cells = [was, is, is - was].map((value) => value.toFixed(places).padStart(11));
    return `  ${name.padEnd(20)}${cells.join(" ")}`;
  };
  const traded = ({ fills }: Course): number =>
    fills.reduce((sum, { size }) => sum + size, 0) / 100;
  const only = (title: string, fills: readonly Fill[], others: readonly Fill[]): string[] => {
    const known = new Set(others.map(keyOf));
    const own = fills.filter((fill) => !known.has(keyOf(fill)));
    const shown = own
      .slice(0, FILLS_SHOWN)
      .map((fill) => `    ${time(fill.atUs)} ${wordsOf(fill)}`);
    const more = own.length - shown.length;
    return own.length === 0
      ? []
      : [`  fills only ${title}:`, ...shown, ...(more > 0 ? [`    and ${more} more`] : [])];
  };
  const heldBack = held === 0 ? "" : `, HOLD for ${held} that could not be carried out`;
  const how =
    then === "model" ? "the episode's policy decides" : `the recorded actions again${heldBack}`;
  return [
    `step ${step} at ${time(atUs)}: ${other.action} in place of ${recorded.action}; then ${how}`,
    `  ${"from there to the end".padEnd(20)}${["recorded", "otherwise", "difference"].map((word) => word.padStart(11)).join(" ")}`,
    row("fills", ({ fills }) => fills.length, 0),
    row("contracts traded", traded, 2),
    row("fees, $", ({ fees }) => fees / 1e6, 4),
    row("position at the end", ({ position }) => position / 100, 2),
    row("value at the end, $", ({ value }) => value / 1e6, 4),
    ...only("as recorded", recorded.fills, other.fills),
    ...only("otherwise", other.fills, recorded.fills),
  ];
}

/** What tells fills apart; ids of orders differ between the worlds by themselves. */
function keyOf({ atUs, price, size, evidence }: Fill): string {
  return `${atUs} ${price} ${size} ${evidence.kind === "venue" ? "" : evidence.row}`;
}

function wordsOf({ price, size, role, evidence }: Fill): string {
  const why = evidence.kind === "venue" ? "" : `, ${evidence.kind} in row ${evidence.row}`;
  return `${size / 100} at ${price / 100}c as ${role}${why}`;
}
