/**
 * Proximal policy optimisation, top to bottom: collect a rollout, estimate advantages, learn from
 * shuffled minibatches, repeat. One `iterate` is one round; between two of them the caller may
 * evaluate, save, or stop. Randomness comes from streams forked from the seed by name ("init",
 * "env", "actions", "shuffle"), so the same seed, settings and environment give the same weights.
 */
import {
  assert,
  canonicalJson,
  OperationError,
  Prng,
  type PrngState,
  sha256,
} from "../core/index.ts";
import type { VectorEnv } from "../gym/index.ts";
import { ActorCritic, TILE } from "./actor-critic.ts";
import { FLOAT32, type FloatArray } from "./arithmetic.ts";
import { gae } from "./gae.ts";
import { makeMaskedCategorical, type MaskedCategorical } from "./masked-categorical.ts";
import { type NormaliserState, ObservationNormaliser } from "./observation-normaliser.ts";
import { type PpoSettings, requirePpoSettings } from "./ppo-settings.ts";
import { type MinibatchReport, PpoUpdate, type UpdateRates } from "./ppo-update.ts";
import { RewardNormaliser, type RewardNormaliserState } from "./reward-normaliser.ts";
import { Rollout } from "./rollout.ts";
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
export interface TrainerState {
  readonly settingsHash: string;
  readonly iteration: number;
  readonly steps: number;
  readonly beta1Power: number;
  readonly beta2Power: number;
  readonly actionPrng: PrngState;
  readonly shufflePrng: PrngState;
  readonly env: unknown;
  readonly normaliser: NormaliserState | null;
  readonly rewardNormaliser: RewardNormaliserState | null;
  readonly params: Float32Array;
  readonly first: Float32Array;
  readonly second: Float32Array;
}

/** How a run is carried out; none of it changes a bit of what comes out. */
export interface TrainerOptions {
  /** Threads that may work on one update; 1 by default. */
  readonly threads?: number;
}

export class PpoTrainer {
  readonly settings: PpoSettings;
  readonly network: ActorCritic;
  iteration = 0;
  steps = 0;
  #isClosed = false;
  readonly #env: VectorEnv;
  readonly #update: PpoUpdate;
  readonly #categorical: MaskedCategorical;
  #actionPrng: Prng;
  #shufflePrng: Prng;
  readonly #rollout: Rollout;
  readonly #logs: FloatArray;
  readonly #normaliser: ObservationNormaliser | null;
  readonly #rewardNormaliser: RewardNormaliser | null;
  /** Observations of all lanes as the networks see them. [N, O] */
  readonly #normalised: Float32Array;

  /** Resets `env`, which must reset its lanes in the same step. `close` ends what it holds. */
  constructor(
    env: VectorEnv,
    settings: PpoSettings,
    seed: number | string,
    options: TrainerOptions = {},
  ) {
    requirePpoSettings(settings, env.count);
    requireThreads(options.threads ?? 1);
    if (env.metadata.autoreset !== "same-step") {
      throw new OperationError(
        "PPO_SETTINGS",
        `environment: expected one that resets in the same step, was ${env.metadata.autoreset}`,
      );
    }
    this.settings = settings;
    this.#env = env;
    const { observationSize: observations, actionCount: actions } = env;
    const { hidden, activation, trunk } = settings;
    const shape = { observations, actions, hidden, activation, trunk };
    this.network = new ActorCritic(shape, FLOAT32);
    const prng = Prng.fromSeed(seed);
    this.network.initialise(prng.fork("init"));
    this.#actionPrng = prng.fork("actions");
    this.#shufflePrng = prng.fork("shuffle");
    const batch = settings.rolloutSteps * env.count;
    this.#update = new PpoUpdate(this.network, settings, batch / settings.minibatches);
    this.#categorical = makeMaskedCategorical(FLOAT32, actions);
    this.#rollout = new Rollout(settings.rolloutSteps, env);
    this.#logs = FLOAT32.allocate(actions);
    const isNormalised = settings.normaliseObservations;
    this.#normaliser = isNormalised ? new ObservationNormaliser(observations) : null;
    this.#normalised = new Float32Array(isNormalised ? env.observations.length : 0);
    this.#rewardNormaliser = settings.normaliseRewards
      ? new RewardNormaliser(env.count, settings.gamma)
      : null;
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
    this.#collect();
    this.#estimate();
    const mean = this.#learn(rates);
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
  }

  /** Steps every lane T times with the policy as it is. */
  #collect(): void {
    const rollout = this.#rollout;
    const env = this.#env;
    const { count: N, observationSize: O, actionCount: A } = env;
    rollout.begin();
    for (let t = 0; t < rollout.T; t++) {
      const row = t * N;
      this.#normaliser?.update(env.observations, N);
      const observations = this.#seen(env.observations);
      rollout.observations.set(observations, row * O);
      rollout.masks.set(env.actionMasks, row * A);
      this.#valuesOf(observations, rollout.values, row);
      for (let from = 0; from < N; from += TILE) {
        const B = Math.min(TILE, N - from);
        const logits = this.network.logits(slice(observations, from, B, O), B);
        for (let b = 0; b < B; b++) {
          const lane = from + b;
          const logs = this.#logs;
          this.#categorical.logProbabilities(logs, 0, logits, b * A, env.actionMasks, lane * A);
          const action = this.#categorical.draw(logs, 0, this.#actionPrng.float());
          rollout.laneActions[lane] = action;
          rollout.actions[row + lane] = action;
          rollout.logProbabilities[row + lane] = logs[action] as number;
        }
      }
      env.step(rollout.laneActions);
      rollout.record(t, env, this.#rewardNormaliser);
      // An episode that was cut off went on unseen: its last observation has a value.
      if (env.truncated.includes(1))
        this.#valuesOf(this.#seen(env.finalObservations), rollout.finalValues, row);
    }
    this.#valuesOf(this.#seen(env.observations), rollout.lastValues, 0);
  }

  /** What the networks see of all lanes' observations; valid until the next call. */
  #seen(observations: Float32Array): Float32Array {
    this.#normaliser?.apply(this.#normalised, observations, this.#env.count);
    return this.#normaliser === null ? observations : this.#normalised;
  }

  #valuesOf(observations: Float32Array, into: FloatArray, at: number): void {
    const { count: N, observationSize: O } = this.#env;
    for (let from = 0; from < N; from += TILE) {
      const B = Math.min(TILE, N - from);
      const values = this.network.values(slice(observations, from, B, O), B);
      for (let b = 0; b < B; b++) into[at + from + b] = values[b] as number;
    }
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
    const { settings } = this;
    const rollout = this.#rollout;
    const M = rollout.size / settings.minibatches;
    const reports: MinibatchReport[] = [];
    for (let epoch = 0; epoch < settings.epochs; epoch++) {
      shuffle(rollout.indices, this.#shufflePrng);
      let kl = 0;
      for (let from = 0; from < rollout.size; from += M) {
        const indices = rollout.indices.subarray(from, from + M);
        const report = this.#update.minibatch(rollout, indices, rates);
        for (const [name, value] of Object.entries(report)) this.#requireNumbers(name, [value]);
        kl = report.approxKl;
        reports.push(report);
      }
      if (settings.targetKl !== null && kl > settings.targetKl) break;
    }
    this.#requireNumbers("weight", this.network.params);
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

  /** Moments that observations are normalised by, for a `Policy`; null where they are not. */
  get normaliser(): NormaliserState | null {
    return this.#normaliser?.save() ?? null;
  }

  /** State between two iterations; arrays are copies. */
  save(): TrainerState {
    const { params } = this.network;
    return {
      settingsHash: this.#settingsHash(),
      iteration: this.iteration,
      steps: this.steps,
      beta1Power: this.#update.beta1Power,
      beta2Power: this.#update.beta2Power,
      actionPrng: this.#actionPrng.save(),
      shufflePrng: this.#shufflePrng.save(),
      env: this.#env.save(),
      normaliser: this.normaliser,
      rewardNormaliser: this.#rewardNormaliser?.save() ?? null,
      params: Float32Array.from(params),
      first: Float32Array.from(this.#update.first),
      second: Float32Array.from(this.#update.second),
    };
  }

  /**
   * Goes on from `state`, bit for bit, in the same environment. `CHECKPOINT_SETTINGS` where the
   * run was made with other settings or another network.
   */
  restore(state: TrainerState): void {
    if (state.settingsHash !== this.#settingsHash()) {
      throw new OperationError(
        "CHECKPOINT_SETTINGS",
        "checkpoint: expected the settings, number of environments and network that it was made " +
          "with, was others; resume with the run's own configuration, or start a new run",
      );
    }
    this.iteration = state.iteration;
    this.steps = state.steps;
    this.#update.beta1Power = state.beta1Power;
    this.#update.beta2Power = state.beta2Power;
    this.#actionPrng = Prng.restore(state.actionPrng);
    this.#shufflePrng = Prng.restore(state.shufflePrng);
    this.network.params.set(state.params);
    this.#update.first.set(state.first);
    this.#update.second.set(state.second);
    if (state.normaliser !== null) this.#normaliser?.restore(state.normaliser);
    if (state.rewardNormaliser !== null) this.#rewardNormaliser?.restore(state.rewardNormaliser);
    this.#env.restore(state.env);
  }

  #settingsHash(): string {
    const { count, observationSize, actionCount } = this.#env;
    return sha256(canonicalJson({ ...this.settings, count, observationSize, actionCount }));
  }
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

function slice(rows: Float32Array, from: number, count: number, width: number): FloatArray {
  return rows.subarray(from * width, (from + count) * width) as FloatArray;
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
