/**
 * The learner alone, on an environment that costs nothing: 52 numbers, 5 actions, 8 lanes of 128
 * steps, 4 epochs of 4 minibatches. Steps a second of the whole loop, floating-point operations a
 * second of the update, and the time of one decision. Baseline in the same run: the update's matrix
 * products in the plainest triple loop, float32 arrays and no rounding between operations.
 */
import { Prng } from "../../src/core/index.ts";
import type { VectorEnv } from "../../src/gym/index.ts";
import { ActorCritic } from "../../src/learn/actor-critic.ts";
import { FLOAT32 } from "../../src/learn/arithmetic.ts";
import { DEFAULT_PPO, Policy, type PpoSettings, PpoTrainer } from "../../src/learn/index.ts";
import { PpoUpdate, type Samples } from "../../src/learn/ppo-update.ts";
import { rounds, secondsOf, significant } from "./measure.ts";

const OBSERVATIONS = 52;
const ACTIONS = 5;
const LANES = 8;
const MINIBATCH = 256;
const ROUNDS = 7;

export function run(): Promise<object> {
  const settings: PpoSettings = {
    ...DEFAULT_PPO,
    totalSteps: 1e9,
    learningRateSchedule: "constant",
  };
  const trainer = new PpoTrainer(new FreeEnv(LANES), settings, 1);
  const batch = settings.rolloutSteps * LANES;
  const stepsPerSecond = rounds(ROUNDS, () => {
    const iterations = 8;
    const seconds = secondsOf(() => {
      for (let iteration = 0; iteration < iterations; iteration++) trainer.iterate();
    });
    return (iterations * batch) / seconds;
  });

  const network = new ActorCritic(
    {
      observations: OBSERVATIONS,
      actions: ACTIONS,
      hidden: settings.hidden,
      activation: settings.activation,
      trunk: settings.trunk,
    },
    FLOAT32,
  );
  network.initialise(Prng.fromSeed(1));
  const update = new PpoUpdate(network, settings, MINIBATCH);
  const samples = someSamples(MINIBATCH);
  const indices = Uint32Array.from({ length: MINIBATCH }, (_, index) => index);
  const rates = { learningRate: 1e-4, clip: settings.clip, entropyCoefficient: 0.01 };
  const repeats = 20;
  const updateGflops = rounds(ROUNDS, () => {
    const seconds = secondsOf(() => {
      for (let repeat = 0; repeat < repeats; repeat++) update.minibatch(samples, indices, rates);
    });
    return (repeats * MINIBATCH * operationsPerSample(network)) / seconds / 1e9;
  });
  const naiveGflops = rounds(ROUNDS, () => naive(repeats));

  return Promise.resolve({
    network: [OBSERVATIONS, ...settings.hidden, ACTIONS].join("-"),
    parameters: network.params.length,
    stepsPerSecond,
    updateGflops,
    baselineTripleLoopGflops: naiveGflops,
    timesBaseline: significant(updateGflops.median / naiveGflops.median),
    decisionsPerSecond: decisions(network),
  });
}

/**
 * Multiplications and additions of matrix products, forward and back, of both nets: two for each
 * weight forward, two for its gradient, two to pass the gradient on, which the first layer need not.
 */
function operationsPerSample({ layers: { policy, value } }: ActorCritic): number {
  let operations = 0;
  for (const layers of [policy, value]) {
    for (const [index, { inputs, outputs }] of layers.entries()) {
      operations += (index === 0 ? 4 : 6) * inputs * outputs;
    }
  }
  return operations;
}

/** GFLOP/s of y = x . w^T for 256 samples of 64 by 64, written as one would without care. */
function naive(repeats: number): number {
  const N = 64;
  const prng = Prng.fromSeed(2);
  const x = Float32Array.from({ length: MINIBATCH * N }, () => prng.normal());
  const w = Float32Array.from({ length: N * N }, () => prng.normal());
  const y = new Float32Array(MINIBATCH * N);
  const seconds = secondsOf(() => {
    for (let repeat = 0; repeat < repeats; repeat++) {
      for (let b = 0; b < MINIBATCH; b++) {
        for (let o = 0; o < N; o++) {
          let sum = 0;
          for (let k = 0; k < N; k++) sum += (x[b * N + k] as number) * (w[o * N + k] as number);
          y[b * N + o] = sum;
        }
      }
    }
  });
  return (repeats * MINIBATCH * N * N * 2) / seconds / 1e9;
}

/** Decisions a second of a policy asked for one at a time, as in live trading. */
function decisions(network: ActorCritic): object {
  const policy = Policy.ofNetwork(network.shape, network.params as Float32Array);
  const prng = Prng.fromSeed(3);
  const observation = Float32Array.from({ length: OBSERVATIONS }, () => prng.normal());
  const mask = Uint8Array.from({ length: ACTIONS }, () => 1);
  const count = 20_000;
  const perSecond = rounds(ROUNDS, () => {
    const seconds = secondsOf(() => {
      for (let index = 0; index < count; index++) {
        observation[index % OBSERVATIONS] = index & 1;
        policy.best(observation, mask);
      }
    });
    return count / seconds;
  });
  return { ...perSecond, medianMicroseconds: significant(1e6 / perSecond.median) };
}

function someSamples(count: number): Samples {
  const prng = Prng.fromSeed(4);
  const normal = (length: number) => Float32Array.from({ length }, () => prng.normal());
  return {
    observations: normal(count * OBSERVATIONS),
    actions: Int32Array.from({ length: count }, () => prng.integer(ACTIONS)),
    masks: new Uint8Array(count * ACTIONS).fill(1),
    logProbabilities: new Float32Array(count).fill(Math.log(1 / ACTIONS)),
    advantages: normal(count),
    returns: normal(count),
    values: normal(count),
  };
}

/** Shows random numbers, rewards the first action, never ends. */
class FreeEnv implements VectorEnv {
  readonly count: number;
  readonly observationSize = OBSERVATIONS;
  readonly actionCount = ACTIONS;
  readonly metadata = { name: "Free-v0", autoreset: "same-step" } as const;
  readonly observations: Float32Array;
  readonly finalObservations: Float32Array;
  readonly rewards: Float64Array;
  readonly terminated: Uint8Array;
  readonly truncated: Uint8Array;
  readonly actionMasks: Uint8Array;
  readonly episodeReturns: Float64Array;
  readonly episodeLengths: Uint32Array;
  #step = 0;

  constructor(count: number) {
    this.count = count;
    const prng = Prng.fromSeed(5);
    this.observations = Float32Array.from({ length: count * OBSERVATIONS }, () => prng.float());
    this.finalObservations = new Float32Array(count * OBSERVATIONS);
    this.rewards = new Float64Array(count);
    this.terminated = new Uint8Array(count);
    this.truncated = new Uint8Array(count);
    this.actionMasks = new Uint8Array(count * ACTIONS).fill(1);
    this.episodeReturns = new Float64Array(count);
    this.episodeLengths = new Uint32Array(count);
  }

  reset(): void {
    this.#step = 0;
  }

  step(actions: Int32Array): void {
    this.#step += 1;
    for (let lane = 0; lane < this.count; lane++) {
      this.observations[lane * OBSERVATIONS + (this.#step % OBSERVATIONS)] = this.#step & 1;
      this.rewards[lane] = actions[lane] === 0 ? 1 : 0;
    }
  }

  save(): unknown {
    return this.#step;
  }

  restore(state: unknown): void {
    this.#step = state as number;
  }

  close(): void {
    this.#step = 0;
  }
}
