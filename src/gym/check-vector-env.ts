/**
 * The checker of vector environments: plays one and says in words what it does wrong. An empty list
 * is good. It looks at the arrays' sizes and numbers, at flags and masks, at the account of returns
 * and lengths, at what its autoreset mode promises, at whether equal seeds and actions give equal
 * bits, and at whether a restored state goes on as the original did.
 */
import { bytesOf, OperationError, Prng, sha256Stream } from "../core/index.ts";
import type { Box } from "./spaces.ts";
import type { VectorEnv } from "./vector-env.ts";

export interface VectorCheckOptions {
  readonly seed?: number | string;
  readonly steps?: number;
  /** What observations must lie in. */
  readonly observationSpace?: Box;
}

/** Findings about `env`, each a sentence with the step and the lane at which it was made. */
export function checkVectorEnv(env: VectorEnv, options: VectorCheckOptions = {}): string[] {
  const { seed = 0, steps = 500 } = options;
  const findings = new Set<string>(sizeFindings(env));
  if (findings.size > 0) return [...findings];
  const player = new Player(env, options, findings);
  env.reset(seed);
  player.begin(seed);
  const half = steps >>> 1;
  const first = player.play(half);
  const state: unknown = JSON.parse(JSON.stringify(env.save()));
  const memory = player.remember();
  const second = player.play(steps - half);
  env.reset(seed);
  player.begin(seed);
  if (player.play(half) !== first || player.play(steps - half) !== second) {
    findings.add("the same seed and actions gave other observations, rewards, masks or flags");
    return [...findings];
  }
  try {
    env.restore(state);
  } catch (error) {
    // An environment may refuse to be restored; it says so by an error of the world.
    if (error instanceof OperationError) return [...findings];
    throw error;
  }
  player.recall(memory);
  if (player.play(steps - half) !== second) {
    findings.add("after restore it does not go on as it did after save");
  }
  return [...findings];
}

function sizeFindings(env: VectorEnv): string[] {
  const { count: N, observationSize: O, actionCount: A } = env;
  const expected: Readonly<Record<string, readonly [ArrayLike<number>, number]>> = {
    observations: [env.observations, N * O],
    finalObservations: [env.finalObservations, N * O],
    rewards: [env.rewards, N],
    terminated: [env.terminated, N],
    truncated: [env.truncated, N],
    actionMasks: [env.actionMasks, N * A],
    episodeReturns: [env.episodeReturns, N],
    episodeLengths: [env.episodeLengths, N],
  };
  return Object.entries(expected)
    .filter(([, [array, length]]) => array.length !== length)
    .map(([name, [array, length]]) => `${name} has ${array.length} entries, not ${length}`);
}

/** What the player knows of the lanes between two steps. */
interface Memory {
  readonly prng: Prng;
  readonly step: number;
  readonly returns: Float64Array;
  readonly lengths: Uint32Array;
  readonly isOver: Uint8Array;
}

class Player {
  readonly #env: VectorEnv;
  readonly #space: Box | undefined;
  readonly #findings: Set<string>;
  #prng = Prng.fromSeed(0);
  #step = 0;
  #returns: Float64Array;
  #lengths: Uint32Array;
  /** 1 where the lane's episode has ended and it was not reset in the same step. */
  #isOver: Uint8Array;

  constructor(env: VectorEnv, options: VectorCheckOptions, findings: Set<string>) {
    this.#env = env;
    this.#space = options.observationSpace;
    this.#findings = findings;
    this.#returns = new Float64Array(env.count);
    this.#lengths = new Uint32Array(env.count);
    this.#isOver = new Uint8Array(env.count);
  }

  begin(seed: number | string): void {
    this.#prng = Prng.fromSeed(seed).fork("check");
    this.#step = 0;
    for (const array of [this.#returns, this.#lengths, this.#isOver]) array.fill(0);
    this.#judgeRows("after reset");
  }

  remember(): Memory {
    return {
      prng: Prng.restore(this.#prng.save()),
      step: this.#step,
      returns: this.#returns.slice(),
      lengths: this.#lengths.slice(),
      isOver: this.#isOver.slice(),
    };
  }

  recall({ prng, step, returns, lengths, isOver }: Memory): void {
    this.#prng = prng;
    this.#step = step;
    this.#returns = returns;
    this.#lengths = lengths;
    this.#isOver = isOver;
  }

  /** Random allowed actions; returns a hash of all that was seen. */
  play(steps: number): string {
    const env = this.#env;
    const hash = sha256Stream();
    const actions = new Int32Array(env.count);
    for (let played = 0; played < steps; played++, this.#step++) {
      for (let lane = 0; lane < env.count; lane++) actions[lane] = this.#draw(lane);
      env.step(actions);
      const place = `at step ${this.#step}`;
      for (let lane = 0; lane < env.count; lane++) this.#judgeLane(lane, `${place}, lane ${lane}`);
      this.#judgeRows(place);
      for (const array of [env.observations, env.rewards, env.actionMasks]) {
        hash.update(bytesOf(array));
      }
      hash.update(env.terminated).update(env.truncated);
    }
    return hash.digest("hex");
  }

  #draw(lane: number): number {
    const { actionCount: A, actionMasks } = this.#env;
    const allowed: number[] = [];
    for (let a = 0; a < A; a++) if (actionMasks[lane * A + a] === 1) allowed.push(a);
    return allowed[this.#prng.integer(Math.max(1, allowed.length))] ?? 0;
  }

  #judgeRows(place: string): void {
    const { count, observationSize: O, actionCount: A, observations, actionMasks } = this.#env;
    for (let lane = 0; lane < count; lane++) {
      const row = observations.subarray(lane * O, (lane + 1) * O);
      this.#judgeObservation(row, "observation", `${place}, lane ${lane}`);
      const mask = actionMasks.subarray(lane * A, (lane + 1) * A);
      if (mask.some((allowed) => allowed > 1)) {
        this.#findings.add(`${place}, lane ${lane}: the mask has entries other than 0 and 1`);
      } else if (!mask.includes(1)) {
        this.#findings.add(`${place}, lane ${lane}: the mask allows no action`);
      }
    }
  }

  #judgeObservation(row: Float32Array, name: string, place: string): void {
    const nan = row.findIndex(Number.isNaN);
    if (nan >= 0) this.#findings.add(`${place}: number ${nan} of the ${name} is NaN`);
    else if (this.#space?.contains(row) === false) {
      this.#findings.add(`${place}: the ${name} is outside its space`);
    }
  }

  #judgeLane(lane: number, place: string): void {
    const env = this.#env;
    const O = env.observationSize;
    const reward = env.rewards[lane] as number;
    const terminated = env.terminated[lane] as number;
    const truncated = env.truncated[lane] as number;
    if (!Number.isFinite(reward)) this.#findings.add(`${place}: the reward is ${reward}`);
    if (terminated + truncated > 1) {
      this.#findings.add(`${place}: terminated and truncated are not 0 or 1, or both are 1`);
    }
    if (this.#isOver[lane] === 1) return this.#judgeOver(lane, place);
    this.#returns[lane] = (this.#returns[lane] as number) + reward;
    this.#lengths[lane] = (this.#lengths[lane] as number) + 1;
    if (terminated + truncated === 0) return;
    const final = env.finalObservations.subarray(lane * O, (lane + 1) * O);
    this.#judgeObservation(final, "final observation", place);
    const total = this.#returns[lane] as number;
    // Exact sums may have been rounded once where ours were at every step.
    const close =
      Math.abs((env.episodeReturns[lane] as number) - total) <= 1e-9 * (1 + total * total);
    if (!close) {
      this.#findings.add(`${place}: the episode's return is not the sum of its rewards`);
    }
    if (env.episodeLengths[lane] !== this.#lengths[lane]) {
      this.#findings.add(`${place}: the episode's length is not the number of its steps`);
    }
    this.#returns[lane] = 0;
    this.#lengths[lane] = 0;
    if (env.metadata.autoreset === "same-step") return;
    this.#isOver[lane] = 1;
    const shown = env.observations.subarray(lane * O, (lane + 1) * O);
    if (shown.some((number, index) => number !== final[index])) {
      this.#findings.add(`${place}: the observation after the end is not the final one`);
    }
  }

  /** A step of a lane that had ended before: only its reset, or nothing. */
  #judgeOver(lane: number, place: string): void {
    const { rewards, terminated, truncated, metadata } = this.#env;
    if (rewards[lane] !== 0 || terminated[lane] !== 0 || truncated[lane] !== 0) {
      this.#findings.add(`${place}: a lane that has ended gives a reward or ends again`);
    }
    if (metadata.autoreset === "next-step") this.#isOver[lane] = 0;
  }
}
