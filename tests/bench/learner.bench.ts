/**
 * The learner alone, on an environment that costs nothing: 52 numbers, 5 actions, separate nets of
 * two layers of 64.
 *   settings      steps a second of the whole loop: rollout, advantages, update
 *   ceilingGflops what this machine's 128-bit units do at most, multiplying and adding in registers
 *   updateGflops  multiplications and additions of the update's matrix products, batch 1024, one
 *                 thread; `updateShare` is that of the ceiling
 *   inferenceUs   one decision of a policy that is asked for one at a time, as in live trading
 * Everything is measured in rounds that take turns, so that a busy neighbour meets all alike; the
 * baseline is the scalar reference, which computes the same bits.
 */
import { Prng } from "../../src/core/index.ts";
import type { VectorEnv } from "../../src/gym/index.ts";
import { DEFAULT_PPO, Policy, type PpoSettings, PpoTrainer } from "../../src/learn/index.ts";
import { KernelEngine } from "../../src/learn/kernel/kernel-engine.ts";
import { instantiateKernel, MemoryPlan } from "../../src/learn/kernel/kernel-module.ts";
import { layersOf, type NetworkShape } from "../../src/learn/network-shape.ts";
import { secondsOf, significant } from "./measure.ts";

const SHAPE: NetworkShape = {
  observations: 52,
  actions: 5,
  hidden: [64, 64],
  activation: "tanh",
  trunk: "separate",
};
const ROUNDS = 7;

interface Setting {
  readonly name: string;
  readonly lanes: number;
  readonly settings: Partial<PpoSettings>;
}

const SETTINGS: readonly Setting[] = [
  {
    name: "1 x 2048, batch 64, 10 epochs (Stable-Baselines3's defaults)",
    lanes: 1,
    settings: { rolloutSteps: 2048, minibatches: 32, epochs: 10, valueClip: null, shards: 2 },
  },
  {
    name: "8 x 128, batch 256, 4 epochs",
    lanes: 8,
    settings: { rolloutSteps: 128, minibatches: 4, epochs: 4, shards: 2 },
  },
  {
    name: "64 x 128, batch 2048, 4 epochs",
    lanes: 64,
    settings: { rolloutSteps: 128, minibatches: 4, epochs: 4, shards: 2 },
  },
];

export function run(): Promise<object> {
  const loops = SETTINGS.flatMap(({ name, lanes, settings }) =>
    [1, 2].map((threads) => ({ name, threads, rate: trainingRate(lanes, settings, threads) })),
  );
  const [first] = SETTINGS;
  const reference = trainingRate(first?.lanes ?? 1, first?.settings ?? {}, 1, "scalar");
  const ceiling = ceilingRate();
  const updates = [64, 256, 1024, 4096].map((batch) => ({ batch, rate: updateRate(batch) }));
  const inference = decisionRate();
  const rates = [...loops, ...updates].map(({ rate }) => rate).concat(ceiling, inference);
  const taken = interleaved(rates);
  const scalar = median([reference(), reference()]);
  const at = (rate: () => number): number => median(taken.get(rate) ?? []);
  const update1024 = at(updates[2]?.rate ?? ceiling);
  return Promise.resolve({
    settings: loops.map(({ name, threads, rate }) => ({
      name,
      threads,
      stepsPerSecond: Math.round(at(rate)),
    })),
    ceilingGflops: significant(at(ceiling)),
    updateGflops: significant(update1024),
    updateShare: significant(update1024 / at(ceiling)),
    updateGflopsByBatch: updates.map(({ batch, rate }) => ({
      batch,
      gflops: significant(at(rate)),
    })),
    inferenceUs: significant(1e6 / at(inference)),
    baseline: {
      name: `scalar reference, ${first?.name ?? ""}`,
      stepsPerSecond: Math.round(scalar),
    },
  });
}

/** Every rate once to warm up, then ROUNDS times in turn. */
function interleaved(rates: readonly (() => number)[]): Map<() => number, number[]> {
  for (const rate of rates) rate();
  const taken = new Map(rates.map((rate) => [rate, [] as number[]]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [rate, values] of taken) values.push(rate());
  }
  return taken;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/** Steps a second of training; a round is half a second or one iteration. */
function trainingRate(
  lanes: number,
  some: Partial<PpoSettings>,
  threads: number,
  engine: "kernel" | "scalar" = "kernel",
): () => number {
  const settings: PpoSettings = {
    ...DEFAULT_PPO,
    ...some,
    totalSteps: 1e12,
    learningRateSchedule: "constant",
  };
  const trainer = new PpoTrainer(new FreeEnv(lanes), settings, 1, { threads, engine });
  const batch = settings.rolloutSteps * lanes;
  return () => {
    let iterations = 0;
    let seconds = 0;
    while (seconds < 0.5) {
      seconds += secondsOf(() => trainer.iterate());
      iterations += 1;
    }
    return (iterations * batch) / seconds;
  };
}

/** GFLOP/s of vectors multiplied and added in registers. */
function ceilingRate(): () => number {
  const plan = new MemoryPlan();
  const at = plan.reserveFloats(16);
  const memory = plan.make();
  const kernel = instantiateKernel(memory);
  new Float32Array(memory.buffer, at, 16).fill(0.5);
  const loops = 2_000_000;
  const operationsPerLoop = 12 * 2 * 4;
  return () => (loops * operationsPerLoop) / secondsOf(() => kernel.ceiling(at, loops)) / 1e9;
}

/** GFLOP/s of minibatch updates on one thread. */
function updateRate(batch: number): () => number {
  const lanes = 8;
  const minibatches = 2;
  const settings: PpoSettings = {
    ...DEFAULT_PPO,
    rolloutSteps: (batch * minibatches) / lanes,
    minibatches,
  };
  const engine = new KernelEngine({ shape: SHAPE, settings, lanes, threads: 1 });
  const prng = Prng.fromSeed(2);
  const { rollout } = engine;
  const state = engine.save();
  engine.restore({ ...state, params: state.params.map(() => 0.1 * prng.normal()) });
  rollout.masks.fill(1);
  for (const array of [rollout.observations, rollout.advantages, rollout.returns]) {
    for (let i = 0; i < array.length; i++) array[i] = prng.normal();
  }
  for (let i = 0; i < rollout.indices.length; i++) {
    rollout.indices[i] = (i * 7) % rollout.indices.length;
  }
  for (let row = 0; row < rollout.indices.length; row += lanes) engine.act(row, lanes);
  engine.evaluate();
  const rates = { learningRate: 1e-6, clip: 0.2, entropyCoefficient: 0.01 };
  const operations = batch * minibatches * operationsPerSample();
  const epochs = Math.ceil(1e9 / operations);
  return () => {
    const seconds = secondsOf(() => {
      for (let epoch = 0; epoch < epochs; epoch++) engine.learn(rates);
    });
    return (epochs * operations) / seconds / 1e9;
  };
}

/**
 * Multiplications and additions of matrix products, forward and back, of both nets: two for each
 * weight forward, two for its gradient, two to pass the gradient on, which the first layer need not.
 */
function operationsPerSample(): number {
  const { policy, value } = layersOf(SHAPE);
  let operations = 0;
  for (const layers of [policy, value]) {
    for (const [index, { inputs, outputs }] of layers.entries()) {
      operations += (index === 0 ? 4 : 6) * inputs * outputs;
    }
  }
  return operations;
}

/** Decisions a second, one at a time. */
function decisionRate(): () => number {
  const prng = Prng.fromSeed(3);
  const { parameterCount } = layersOf(SHAPE);
  const params = Float32Array.from({ length: parameterCount }, () => 0.1 * prng.normal());
  const policy = Policy.ofNetwork(SHAPE, params);
  const observation = Float32Array.from({ length: SHAPE.observations }, () => prng.normal());
  const mask = Uint8Array.from({ length: SHAPE.actions }, () => 1);
  const count = 50_000;
  return () =>
    count /
    secondsOf(() => {
      for (let index = 0; index < count; index++) {
        observation[index % SHAPE.observations] = index & 1;
        policy.best(observation, mask);
      }
    });
}

/** Shows random numbers, rewards the first action, never ends. */
class FreeEnv implements VectorEnv {
  readonly count: number;
  readonly observationSize = SHAPE.observations;
  readonly actionCount = SHAPE.actions;
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
    this.observations = Float32Array.from({ length: count * SHAPE.observations }, () =>
      prng.float(),
    );
    this.finalObservations = new Float32Array(count * SHAPE.observations);
    this.rewards = new Float64Array(count);
    this.terminated = new Uint8Array(count);
    this.truncated = new Uint8Array(count);
    this.actionMasks = new Uint8Array(count * SHAPE.actions).fill(1);
    this.episodeReturns = new Float64Array(count);
    this.episodeLengths = new Uint32Array(count);
  }

  reset(): void {
    this.#step = 0;
  }

  step(actions: Int32Array): void {
    this.#step += 1;
    for (let lane = 0; lane < this.count; lane++) {
      this.observations[lane * SHAPE.observations + (this.#step % SHAPE.observations)] =
        this.#step & 1;
      this.rewards[lane] = actions[lane] === 0 ? 1 : 0;
    }
  }

  save(): readonly unknown[] {
    return Array.from({ length: this.count }, () => this.#step);
  }

  restore(state: unknown): void {
    [this.#step = 0] = state as readonly number[];
  }

  close(): void {
    this.#step = 0;
  }
}
