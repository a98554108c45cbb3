/**
 * The compute kernel against the scalar reference: the same bits, for networks of any shape, for
 * minibatches that fill no tile, for any number of shards and threads.
 */
import { expect, test } from "vitest";
import { Prng, sha256Stream } from "../../src/core/index.ts";
import { ActorCritic } from "../../src/learn/actor-critic.ts";
import { FLOAT32 } from "../../src/learn/arithmetic.ts";
import { denseLayersOf, ScalarDenseNetwork } from "../../src/learn/dense-network.ts";
import { DEFAULT_PPO, type PpoSettings } from "../../src/learn/index.ts";
import { KernelDenseNetwork } from "../../src/learn/kernel/kernel-dense-network.ts";
import { KernelEngine } from "../../src/learn/kernel/kernel-engine.ts";
import type { NetworkShape } from "../../src/learn/network-shape.ts";
import type { LearnerState, PpoEngine } from "../../src/learn/ppo-engine.ts";
import { ScalarEngine } from "../../src/learn/scalar-engine.ts";

const SEED = process.env["SEED"] ?? "kernel 1";

interface World {
  readonly shape: NetworkShape;
  readonly settings: PpoSettings;
  readonly lanes: number;
}

/** Fills the rollout with numbers of every kind, and lets the engine act, value and learn. */
function work(engine: PpoEngine, { shape, settings, lanes }: World): object[] {
  const prng = Prng.fromSeed(SEED);
  const { rollout } = engine;
  const { observations: O, actions: A } = shape;
  const network = new ActorCritic(shape, FLOAT32);
  network.initialise(prng.fork("init"));
  // Larger than at the start of a run, so that logits differ and ratios leave the clip.
  const params = Float32Array.from(network.params, (w) => w * 2 + 0.05 * prng.normal());
  const none = new Float32Array(params.length);
  engine.restore({ params, first: none, second: none, beta1Power: 1, beta2Power: 1 });
  for (let i = 0; i < rollout.observations.length; i++) rollout.observations[i] = prng.normal();
  for (let i = 0; i < rollout.masks.length; i++) {
    rollout.masks[i] = i % A === 0 || prng.float() < 0.7 ? 1 : 0;
  }
  for (let t = 0; t < settings.rolloutSteps; t++) {
    for (let n = 0; n < lanes; n++) rollout.uniforms[t * lanes + n] = prng.float();
    engine.act(t * lanes, lanes);
  }
  engine.evaluate();
  const others = Float32Array.from({ length: lanes * O }, () => prng.normal());
  const otherValues = new Float32Array(lanes);
  engine.valuesOf(others, otherValues, 0);
  const seen = [copies(rollout), [...otherValues]];
  for (let i = 0; i < rollout.values.length; i++) {
    rollout.advantages[i] = prng.normal();
    rollout.returns[i] = (rollout.values[i] as number) + 0.5 * prng.normal();
    // As if the policy had moved since: some ratios are clipped on either side.
    rollout.logProbabilities[i] = (rollout.logProbabilities[i] as number) + 0.3 * prng.normal();
    rollout.values[i] = (rollout.values[i] as number) + 0.2 * prng.normal();
  }
  const reports: object[] = [];
  for (let epoch = 0; epoch < 2; epoch++) {
    // A permutation, as any step that has no divisor in common with the length gives.
    const B = rollout.indices.length;
    const step = B % 7 === 0 ? 11 : 7;
    for (let i = 0; i < B; i++) rollout.indices[i] = (i * step + epoch) % B;
    reports.push(
      ...engine.learn({ learningRate: 3e-3, clip: 0.2 - 0.05 * epoch, entropyCoefficient: 0.01 }),
    );
  }
  return [...seen, reports, copies(engine.save())];
}

/** Arrays as hashes of their bytes, numbers as they are. */
function copies(value: object): object {
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      ArrayBuffer.isView(member)
        ? sha256Stream()
            .update(new Uint8Array(member.buffer, member.byteOffset, member.byteLength))
            .digest("hex")
        : (member as unknown),
    ]),
  );
}

function world(shape: Partial<NetworkShape>, more: Partial<PpoSettings>, lanes: number): World {
  const whole = {
    observations: 52,
    actions: 5,
    hidden: [64, 64],
    activation: "tanh",
    trunk: "separate",
    ...shape,
  } as const;
  return { shape: whole, settings: { ...DEFAULT_PPO, ...more }, lanes };
}

const WORLDS: readonly (readonly [string, World])[] = [
  ["the market's network", world({}, { rolloutSteps: 64, minibatches: 2, shards: 2 }, 4)],
  ["a minibatch of one tile and one sample", world({}, { rolloutSteps: 65, minibatches: 2 }, 2)],
  [
    "one observation, one action, layers of one",
    world({ observations: 1, actions: 1, hidden: [1] }, { rolloutSteps: 6, minibatches: 2 }, 1),
  ],
  [
    "sizes 3 and 17, relu, a shared trunk",
    world(
      { observations: 3, actions: 17, hidden: [17, 3], activation: "relu", trunk: "shared" },
      { rolloutSteps: 17, minibatches: 3, valueClip: null, halfValueLoss: false },
      3,
    ),
  ],
  [
    "sizes 17, 52 and 65, three layers, a shared trunk",
    world(
      { observations: 17, actions: 3, hidden: [52, 65, 17], trunk: "shared" },
      { rolloutSteps: 26, minibatches: 2, shards: 3, normaliseAdvantages: false },
      3,
    ),
  ],
  [
    "size 65, relu",
    world(
      { observations: 65, actions: 65, hidden: [65], activation: "relu" },
      { rolloutSteps: 13, minibatches: 1, shards: 13 },
      5,
    ),
  ],
  ["no hidden layer", world({ hidden: [] }, { rolloutSteps: 16, minibatches: 2 }, 3)],
];

for (const [name, world] of WORLDS) {
  test(`kernel and scalar reference agree in every bit: ${name}`, () => {
    const { shape, settings, lanes } = world;
    const scalar = work(new ScalarEngine({ shape, settings, lanes }), world);
    const kernel = new KernelEngine({ shape, settings, lanes, threads: 1 });
    expect(work(kernel, world), `seed ${SEED}`).toEqual(scalar);
    kernel.close();
  });
}

test("an update gives the same bits on 1, 2, 3 and 4 threads", () => {
  const it = world({}, { rolloutSteps: 64, minibatches: 4, shards: 4 }, 8);
  const results = [1, 2, 3, 4].map((threads) => {
    const engine = new KernelEngine({ ...it, threads });
    const result = work(engine, it);
    engine.close();
    return result;
  });
  for (const result of results.slice(1)) expect(result).toEqual(results[0]);
});

test("a policy's network gives the scalar reference's bits, an observation at a time", () => {
  for (const [name, { shape }] of WORLDS) {
    const prng = Prng.fromSeed(SEED).fork(name);
    const network = new ActorCritic(shape, FLOAT32);
    network.initialise(prng.fork("init"));
    const { trunk, policy } = denseLayersOf(shape, Float32Array.from(network.params));
    const layers = [...trunk, ...policy];
    const kernel = new KernelDenseNetwork(layers);
    const scalar = new ScalarDenseNetwork(layers);
    for (let round = 0; round < 20; round++) {
      const x = Float32Array.from({ length: shape.observations }, () => 3 * prng.normal());
      expect([...kernel.logits(x)], `${name}, seed ${SEED}`).toEqual([...scalar.logits(x)]);
    }
  }
});

test("what an engine saves another one goes on from", () => {
  const it = world({ trunk: "shared" }, { rolloutSteps: 16 }, 4);
  const engine = new KernelEngine({ ...it, threads: 1 });
  work(engine, it);
  const state: LearnerState = engine.save();
  const other = new KernelEngine({ ...it, threads: 1 });
  other.restore(state);
  expect(other.save()).toEqual(state);
});
