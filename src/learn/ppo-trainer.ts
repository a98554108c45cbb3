/**
 * Proximal policy optimisation, top to bottom: collect a rollout, estimate advantages, learn from
 * shuffled minibatches, repeat. One `iterate` is one round; between two of them the caller may
 * evaluate, save, or stop. Randomness comes from streams forked from the seed by name ("init",
 * "env", "actions", "shuffle"), so the same seed, settings and environment give the same weights.
 */
import { assert, OperationError, Prng, type PrngState } from "../core/index.ts";
import type { VectorEnv } from "../gym/index.ts";
import { ActorCritic } from "./actor-critic.ts";
import { FLOAT32 } from "./arithmetic.ts";
import { type CollectionPlan, collector, isCollecting, PLAIN, type Sight } from "./collect.ts";
import { gae } from "./gae.ts";
import { KernelEngine } from "./kernel/kernel-engine.ts";
import type { NetworkShape } from "./network-shape.ts";
import { type NormaliserState, ObservationNormaliser } from "./observation-normaliser.ts";
import type { LearnerState, MinibatchReport, PpoEngine, UpdateRates } from "./ppo-engine.ts";
import { type PpoSettings, requirePpoSettings } from "./ppo-settings.ts";
import { RewardNormaliser, type RewardNormaliserState } from "./reward-normaliser.ts";
import { Rollout } from "./rollout.ts";
import { requireSameRecipe, type RunRecipe } from "./run-recipe.ts";
import { ScalarEngine } from "./scalar-engine.ts";
import { scheduled } from "./schedule.ts";

export interface IterationReport extends MinibatchReport {
  readonly iteration: number;
  /** Environment steps so far. */
  readonly steps: number;
  /** Rates of this iteration, as their schedules have them. */
  readonly learningRate: number;
  readonly clip: number;
  readonly entropyCoefficient: number;
  /** Episodes that ended in this rollout, and their means; NaN without any. */
  readonly episodes: number;
  readonly meanReturn: number;
  readonly meanLength: number;
  /** Share of the variance of returns that the values explain. */
  readonly explainedVariance: number;
  /** Share of each action in the rollout. [A] */
  readonly actionShares: readonly number[];
}

/** Everything that a run is, between two iterations. */
export interface TrainerState extends LearnerState {
  /** What it was made with, and fits alone. */
  readonly recipe: RunRecipe;
  readonly iteration: number;
  readonly steps: number;
  readonly actionPrng: PrngState;
  readonly shufflePrng: PrngState;
  readonly env: unknown;
  readonly normaliser: NormaliserState | null;
  readonly rewardNormaliser: RewardNormaliserState | null;
}

/** How a run is carried out; none of it changes a bit of what comes out. */
export interface TrainerOptions {
  /** Threads that may work on one update; 1 by default. */
  readonly threads?: number;
  /** What computes: the kernel, or the reference that it is held to, which is far slower. */
  readonly engine?: "kernel" | "scalar";
  /** Told when a phase of an iteration begins, for those who measure. */
  readonly onPhase?: (phase: TrainingPhase) => void;
}

export type TrainingPhase = "rollout" | "advantages" | "update" | "report";

export class PpoTrainer {
  readonly settings: PpoSettings;
  readonly shape: NetworkShape;
  iteration = 0;
  steps = 0;
  #isClosed = false;
  readonly #onPhase: (phase: TrainingPhase) => void;
  readonly #env: VectorEnv;
  readonly #engine: PpoEngine;
  #actionPrng: Prng;
  #shufflePrng: Prng;
  readonly #rollout: Rollout;
  readonly #normaliser: ObservationNormaliser | null;
  readonly #rewardNormaliser: RewardNormaliser | null;
  readonly #sight: Sight;
  readonly #collect: () => void;

  /** Resets `env`, which must reset its lanes in the same step. `close` ends what it holds. */
  constructor(
    env: VectorEnv,
    settings: PpoSettings,
    seed: number | string,
    options: TrainerOptions = {},
  ) {
    const { threads = 1, engine = "kernel" } = options;
    requirePpoSettings(settings, env.count);
    requireThreads(threads);
    if (env.metadata.autoreset !== "same-step") {
      throw new OperationError(
        "PPO_SETTINGS",
        `environment: expected one that resets in the same step, was ${env.metadata.autoreset}`,
      );
    }
    this.settings = settings;
    this.#onPhase = options.onPhase ?? (() => undefined);
    this.#env = env;
    const { observationSize: observations, actionCount: actions, count: lanes } = env;
    const { hidden, activation, trunk } = settings;
    this.shape = { observations, actions, hidden, activation, trunk };
    const prng = Prng.fromSeed(seed);
    this.#actionPrng = prng.fork("actions");
    this.#shufflePrng = prng.fork("shuffle");
    const work = { shape: this.shape, settings, lanes, threads, blocks: blocksOf(env) };
    this.#engine = engine === "kernel" ? new KernelEngine(work) : new ScalarEngine(work);
    this.#engine.restore(firstWeights(this.shape, prng.fork("init")));
    this.#rollout = new Rollout(settings.rolloutSteps, env, this.#engine.rollout);
    const normaliser = settings.normaliseObservations
      ? new ObservationNormaliser(observations)
      : null;
    this.#normaliser = normaliser;
    this.#sight = normaliser === null ? PLAIN : normalisedSight(normaliser, env);
    this.#rewardNormaliser = settings.normaliseRewards
      ? new RewardNormaliser(env.count, settings.gamma)
      : null;
    this.#collect = this.#collection();
    env.reset(`env ${prng.fork("env").uint32()}`);
  }

  get isDone(): boolean {
    return this.steps >= this.settings.totalSteps;
  }

  /**
   * One rollout and the learning from it. `NOT_A_NUMBER` where a reward, a loss or a weight stops
   * being a finite number; the run cannot go on then.
   */
  iterate(): IterationReport {
    assert(!this.isDone, "a run that is done does not go on");
    assert(!this.#isClosed, "a closed trainer trains no more");
    const { settings } = this;
    const shareLeft = 1 - this.steps / settings.totalSteps;
    const rates: UpdateRates = {
      learningRate: scheduled(settings.learningRate, settings.learningRateSchedule, shareLeft),
      clip: scheduled(settings.clip, settings.clipSchedule, shareLeft),
      entropyCoefficient: scheduled(
        settings.entropyCoefficient,
        settings.entropySchedule,
        shareLeft,
      ),
    };
    this.#onPhase("rollout");
    this.#rollOut();
    this.#onPhase("advantages");
    this.#estimate();
    this.#onPhase("update");
    const mean = this.#learn(rates);
    this.#onPhase("report");
    this.iteration += 1;
    this.steps += this.#rollout.size;
    return {
      ...mean,
      ...this.#rollout.report(),
      iteration: this.iteration,
      steps: this.steps,
      ...rates,
    };
  }

  /** Ends what the trainer holds: its threads, not its environment. It trains no more. */
  close(): void {
    this.#isClosed = true;
    this.#engine.close();
  }

  /** Steps every lane T times with the policy as it is. */
  #rollOut(): void {
    const rollout = this.#rollout;
    const engine = this.#engine;
    rollout.begin(() => this.#actionPrng.float());
    this.#collect();
    rollout.finish(this.#rewardNormaliser);
    engine.valuesOf(this.#sight.see(this.#env.observations), rollout.lastValues, 0);
    engine.evaluate();
  }

  /** Threads collect by themselves, unless the networks' sight is of all lanes at once. */
  #collection(): () => void {
    const env = this.#env;
    const { actorPlan } = this.#engine;
    const { samples } = this.#rollout;
    if (this.#normaliser === null && actorPlan !== null && isCollecting(env)) {
      const plan: CollectionPlan = { samples, actor: actorPlan };
      return () => env.perform(plan);
    }
    return collector({ env, firstLane: 0 }, samples, this.#engine, this.#sight);
  }

  #estimate(): void {
    const rollout = this.#rollout;
    const { T, N, size } = rollout;
    const { gamma, lambda } = this.settings;
    this.#requireNumbers("reward", rollout.rewards);
    this.#requireNumbers("value", rollout.values);
    for (let i = 0; i < size; i++) {
      const following = i + N < size ? rollout.values[i + N] : rollout.lastValues[i + N - size];
      const truncated = rollout.truncated[i] === 1;
      rollout.nextValues[i] = (truncated ? rollout.finalValues[i] : following) as number;
    }
    gae(rollout.advantages, rollout.returns, rollout, { T, N, gamma, lambda }, FLOAT32);
  }

  #learn(rates: UpdateRates): MinibatchReport {
    const { epochs, targetKl } = this.settings;
    const reports: MinibatchReport[] = [];
    for (let epoch = 0; epoch < epochs; epoch++) {
      shuffle(this.#rollout.indices, this.#shufflePrng);
      let kl = 0;
      for (const report of this.#engine.learn(rates)) {
        for (const [name, value] of Object.entries(report)) this.#requireNumbers(name, [value]);
        kl = report.approxKl;
        reports.push(report);
      }
      if (targetKl !== null && kl > targetKl) break;
    }
    this.#requireNumbers("weight", this.params);
    return meanReport(reports);
  }

  #requireNumbers(name: string, values: ArrayLike<number>): void {
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number;
      if (Number.isFinite(value)) continue;
      throw new OperationError(
        "NOT_A_NUMBER",
        `iteration ${this.iteration + 1}: expected ${name} to be a finite number, was ${value}; ` +
          `lower the learning rate, or look at the size of rewards and observations`,
      );
    }
  }

  /** What the networks saw in the last rollout [T x N, O]; the next one overwrites it. */
  get lastObservations(): Float32Array {
    return this.#rollout.observations;
  }

  /** The networks' parameters in canonical order, copied. */
  get params(): Float32Array {
    return this.#engine.save().params;
  }

  /** What the value net thinks of one observation [O], as the networks see it. */
  value(observation: Float32Array): number {
    const { count, observationSize } = this.#env;
    assert(observation.length === observationSize, "the observation fits the network");
    const all = new Float32Array(count * observationSize);
    all.set(observation);
    const values = new Float32Array(count);
    this.#engine.valuesOf(all, values, 0);
    return values[0] as number;
  }

  /** Moments that observations are normalised by, for a `Policy`; null where they are not. */
  get normaliser(): NormaliserState | null {
    return this.#normaliser?.save() ?? null;
  }

  /** State between two iterations; arrays are copies. */
  save(): TrainerState {
    return {
      ...this.#engine.save(),
      recipe: this.#recipe,
      iteration: this.iteration,
      steps: this.steps,
      actionPrng: this.#actionPrng.save(),
      shufflePrng: this.#shufflePrng.save(),
      env: this.#env.save(),
      normaliser: this.normaliser,
      rewardNormaliser: this.#rewardNormaliser?.save() ?? null,
    };
  }

  /**
   * Goes on from `state`, bit for bit, in the same environment. `CHECKPOINT_SHAPE` where it is of
   * another network, `CHECKPOINT_SETTINGS` where it was made with other settings.
   */
  restore(state: TrainerState): void {
    requireSameRecipe(state.recipe, this.#recipe);
    this.iteration = state.iteration;
    this.steps = state.steps;
    this.#actionPrng = Prng.restore(state.actionPrng);
    this.#shufflePrng = Prng.restore(state.shufflePrng);
    this.#engine.restore(state);
    if (state.normaliser !== null) this.#normaliser?.restore(state.normaliser);
    if (state.rewardNormaliser !== null) this.#rewardNormaliser?.restore(state.rewardNormaliser);
    this.#env.restore(state.env);
  }

  get #recipe(): RunRecipe {
    return { shape: this.shape, lanes: this.#env.count, settings: this.settings };
  }
}

function blocksOf(env: VectorEnv): number {
  return isCollecting(env) ? env.blocks : 1;
}

/** Observations of all lanes, normalised by moments that run along. */
function normalisedSight(normaliser: ObservationNormaliser, env: VectorEnv): Sight {
  const normalised = new Float32Array(env.observations.length);
  return {
    learn: (observations) => normaliser.update(observations, env.count),
    see: (observations) => {
      normaliser.apply(normalised, observations, env.count);
      return normalised;
    },
  };
}

/** A learner that has learnt nothing yet. */
function firstWeights(shape: NetworkShape, prng: Prng): LearnerState {
  const network = new ActorCritic(shape, FLOAT32);
  network.initialise(prng);
  const params = Float32Array.from(network.params);
  const none = new Float32Array(params.length);
  return { params, first: none, second: none, beta1Power: 1, beta2Power: 1 };
}

function requireThreads(threads: number): void {
  if (Number.isInteger(threads) && threads >= 1) return;
  throw new OperationError(
    "PPO_SETTINGS",
    `threads: expected a whole number from 1 up, was ${threads}`,
  );
}

/** Fisher and Yates, in place. */
function shuffle(indices: Uint32Array, prng: Prng): void {
  for (let i = indices.length - 1; i > 0; i--) {
    const j = prng.integer(i + 1);
    const swapped = indices[i] as number;
    indices[i] = indices[j] as number;
    indices[j] = swapped;
  }
}

function meanReport(reports: readonly MinibatchReport[]): MinibatchReport {
  const mean = (pick: (report: MinibatchReport) => number): number => {
    let total = 0;
    for (const report of reports) total += pick(report);
    return total / reports.length;
  };
  return {
    policyLoss: mean((report) => report.policyLoss),
    valueLoss: mean((report) => report.valueLoss),
    entropy: mean((report) => report.entropy),
    loss: mean((report) => report.loss),
    approxKl: mean((report) => report.approxKl),
    clipFraction: mean((report) => report.clipFraction),
    gradientNorm: mean((report) => report.gradientNorm),
  };
}
