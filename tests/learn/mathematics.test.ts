/** Kernels, distribution and advantages against definitions written without looking at them. */
import { describe, expect, test } from "vitest";
import { exp, ln, Prng, tanh } from "../../src/core/index.ts";
import { ActorCritic } from "../../src/learn/actor-critic.ts";
import { exp32, FLOAT32, FLOAT64, ln32, tanh32 } from "../../src/learn/arithmetic.ts";
import { gae } from "../../src/learn/gae.ts";
import { makeKernels } from "../../src/learn/kernels.ts";
import { makeMaskedCategorical } from "../../src/learn/masked-categorical.ts";
import { ACTIVATIONS, type NetworkShape, TRUNKS } from "../../src/learn/network-shape.ts";
import { DEFAULT_PPO } from "../../src/learn/ppo-settings.ts";
import { PpoUpdate, type Samples } from "../../src/learn/ppo-update.ts";

const seed = Number(process.env["SEED"] ?? 17);

test("float32 exp, ln and tanh are as accurate as they say", () => {
  const prng = Prng.fromSeed(seed);
  const worst = { exp: 0, ln: 0, tanh: 0 };
  for (let round = 0; round < 200_000; round++) {
    const x = Math.fround(prng.float() * 160 - 80);
    worst.exp = Math.max(worst.exp, Math.abs(exp32(x) / exp(x) - 1));
    const y = Math.fround(exp(x));
    worst.ln = Math.max(worst.ln, Math.abs(ln32(y) - ln(y)) / Math.max(1, Math.abs(ln(y))));
    const z = Math.fround(x / 8);
    worst.tanh = Math.max(worst.tanh, Math.abs(tanh32(z) - tanh(z)));
  }
  expect(worst.exp, `seed ${seed}`).toBeLessThan(2.5e-7);
  expect(worst.ln, `seed ${seed}`).toBeLessThan(1.2e-7);
  expect(worst.tanh, `seed ${seed}`).toBeLessThan(6e-7);
  expect(exp32(0)).toBe(1);
  expect(ln32(1)).toBe(0);
  expect(tanh32(0)).toBe(0);
});

test("float32 exp and ln say where they end, and keep NaN", () => {
  let last = 0;
  for (let x = -87.2; x < 88.36; x += 0.01) {
    const y = exp32(Math.fround(x));
    expect(y > last && Math.fround(y) === y).toBe(true);
    last = y;
  }
  for (const x of [88.37, 88.5, 88.7, 89, 1e30, Infinity]) {
    expect(exp32(Math.fround(x))).toBeGreaterThan(2.38e38);
    expect(exp32(Math.fround(x))).toBeLessThan(2.4e38);
  }
  for (const x of [-87.4, -1000, -Infinity]) expect(exp32(x)).toBe(0);
  expect(exp32(Number.NaN)).toBeNaN();
  expect([ln32(0), ln32(Infinity)]).toEqual([-Infinity, Infinity]);
  expect([ln32(-1), ln32(Number.NaN)]).toEqual([Number.NaN, Number.NaN]);
});

test("a dense layer equals its definition, rounded after every operation, at odd sizes", () => {
  const prng = Prng.fromSeed(seed);
  const { linear } = makeKernels(FLOAT32);
  for (const I of [1, 3, 17, 52, 65]) {
    for (const O of [1, 3, 4, 17, 65]) {
      const B = 3;
      const params = Float32Array.from({ length: I * O + O }, () => prng.normal());
      const x = Float32Array.from({ length: B * I }, () => prng.normal());
      const out = new Float32Array(B * O);
      linear(out, x, params, { inputs: I, outputs: O, weights: 0, biases: I * O }, B);
      for (let b = 0; b < B; b++) {
        for (let o = 0; o < O; o++) {
          const sum = new Float32Array(1);
          sum[0] = params[I * O + o] as number;
          const product = new Float32Array(1);
          for (let k = 0; k < I; k++) {
            product[0] = (x[b * I + k] as number) * (params[o * I + k] as number);
            sum[0] = (sum[0] as number) + (product[0] as number);
          }
          expect(out[b * O + o], `seed ${seed} I ${I} O ${O}`).toBe(sum[0]);
        }
      }
    }
  }
});

/**
 * Logits [M, A] then values [M] as a network's definition has them, in double precision, and the
 * smallest distance of any hidden unit from 0, where relu has a kink.
 */
function networkOutputs(shape: NetworkShape, params: ArrayLike<number>, rows: number[][]) {
  const { hidden, activation, trunk, observations, actions } = shape;
  const active = (x: number) => (activation === "tanh" ? tanh(x) : Math.max(0, x));
  let at = 0;
  let kink = Infinity;
  const dense = (inputs: number[][], outputs: number): number[][] => {
    const width = inputs[0]?.length ?? 0;
    const from = at;
    at += width * outputs + outputs;
    return inputs.map((row) =>
      Array.from({ length: outputs }, (_, o) =>
        row.reduce(
          (sum, x, k) => sum + x * (params[from + o * width + k] as number),
          params[from + width * outputs + o] as number,
        ),
      ),
    );
  };
  const body = (inputs: number[][]): number[][] =>
    hidden.reduce((below, width) => {
      const sums = dense(below, width);
      kink = Math.min(kink, ...sums.flat().map(Math.abs));
      return sums.map((row) => row.map(active));
    }, inputs);
  expect(rows[0]?.length).toBe(observations);
  const features = body(rows);
  const shared = trunk === "shared";
  const logits = dense(features, actions);
  const values = dense(shared ? features : body(rows), 1);
  expect(at).toBe(params.length);
  return { logits, values: values.flat(), kink };
}

describe("the gradient of the whole loss", () => {
  const M = 12;

  function setUp(shape: NetworkShape, prng: Prng, masked: boolean) {
    const network = new ActorCritic(shape, FLOAT64);
    network.initialise(prng.fork("init"));
    for (let i = 0; i < network.params.length; i++) {
      network.params[i] = (network.params[i] as number) + 0.3 * prng.normal();
    }
    const { observations: O, actions: A } = shape;
    const many = (length: number, make: () => number) => Float64Array.from({ length }, make);
    const actions = Int32Array.from({ length: M }, () => prng.integer(A));
    const masks = Uint8Array.from({ length: M * A }, () => (masked ? prng.integer(2) : 1));
    for (let m = 0; m < M; m++) masks[m * A + (actions[m] as number)] = 1;
    const samples: Samples = {
      observations: many(M * O, () => prng.normal()),
      actions,
      masks,
      logProbabilities: many(M, () => -1.4 + 0.3 * prng.normal()),
      advantages: many(M, () => prng.normal()),
      returns: many(M, () => prng.normal()),
      values: many(M, () => prng.normal()),
    };
    return { network, samples };
  }

  /** The loss as the papers write it, in double precision, and the network's nearest kink. */
  function loss(
    { shape, params }: ActorCritic,
    samples: Samples,
    settings: { clip: number; valueClip: number | null; entropy: number },
  ): { total: number; kink: number } {
    const { observations: O, actions: A } = shape;
    const advantages = Array.from(samples.advantages);
    const mean = advantages.reduce((a, b) => a + b, 0) / M;
    const square = advantages.reduce((a, b) => a + (b - mean) * (b - mean), 0);
    const deviation = Math.sqrt(square / (M - 1)) + 1e-8;
    const rows = Array.from({ length: M }, (_, m) =>
      Array.from(samples.observations.subarray(m * O, (m + 1) * O)),
    );
    const { logits, values, kink } = networkOutputs(shape, params, rows);
    let total = 0;
    for (let m = 0; m < M; m++) {
      const everything = Array.from({ length: A }, (_, a) => a);
      const allowed = everything.filter((a) => samples.masks[m * A + a] === 1);
      const weight = (a: number) => exp(logits[m]?.[a] as number);
      const sum = allowed.reduce((s, a) => s + weight(a), 0);
      const p = (a: number) => weight(a) / sum;
      const entropy = -allowed.reduce((s, a) => s + p(a) * ln(p(a)), 0);
      const ratio = p(samples.actions[m] as number) / exp(samples.logProbabilities[m] as number);
      const advantage = ((samples.advantages[m] as number) - mean) / deviation;
      const bounded = Math.min(Math.max(ratio, 1 - settings.clip), 1 + settings.clip);
      const policy = -Math.min(advantage * ratio, advantage * bounded);
      const target = samples.returns[m] as number;
      const old = samples.values[m] as number;
      const value = values[m] as number;
      let error = (value - target) * (value - target);
      if (settings.valueClip !== null) {
        const move = Math.min(Math.max(value - old, -settings.valueClip), settings.valueClip);
        error = Math.max(error, (old + move - target) * (old + move - target));
      }
      total += policy + 0.5 * 0.5 * error - settings.entropy * entropy;
    }
    return { total: total / M, kink };
  }

  const kinds = ACTIVATIONS.flatMap((activation) => TRUNKS.map((trunk) => ({ activation, trunk })));
  test.each(
    kinds.flatMap((kind) =>
      [
        { masked: false, valueClip: null },
        { masked: true, valueClip: 0.2 },
      ].map((terms) => ({ ...kind, ...terms })),
    ),
  )(
    "equals finite differences ($activation, $trunk, masks $masked, value clip $valueClip)",
    ({ activation, trunk, masked, valueClip }) => {
      const prng = Prng.fromSeed(seed);
      for (let round = 0; round < 5; round++) {
        const layerCount = prng.integer(4);
        const hidden = Array.from({ length: layerCount }, () => 1 + prng.integer(7));
        const [observations, actions] = [1 + prng.integer(6), 2 + prng.integer(4)];
        const shape = { observations, actions, hidden, activation, trunk };
        const { network, samples } = setUp(shape, prng.fork(`round ${round}`), masked);
        const settings = { ...DEFAULT_PPO, valueClip, shards: 3 };
        const rates = { learningRate: 1, clip: 0.2, entropyCoefficient: 0.05 };
        const indices = Uint32Array.from({ length: M }, (_, index) => index);
        const update = new PpoUpdate(network, settings, M);
        const gradient = Float64Array.from(update.gradient(samples, indices, rates));
        const terms = { clip: 0.2, valueClip, entropy: 0.05 };
        const h = 1e-6;
        // A unit within a step of its kink has no derivative to compare with.
        if (activation === "relu" && loss(network, samples, terms).kink < 1e-4) continue;
        for (let probe = 0; probe < 40; probe++) {
          const i = prng.integer(network.params.length);
          const kept = network.params[i] as number;
          network.params[i] = kept + h;
          const above = loss(network, samples, terms).total;
          network.params[i] = kept - h;
          const below = loss(network, samples, terms).total;
          network.params[i] = kept;
          const place =
            `seed ${seed} round ${round} layers ${observations}-${hidden.join("-")}-${actions} ` +
            `parameter ${i}`;
          const difference = Math.abs((above - below) / (2 * h) - (gradient[i] as number));
          expect(difference, place).toBeLessThan(4e-7);
        }
      }
    },
  );

  test("does not depend on how a minibatch is cut into tiles, only on its shards", () => {
    const kind = { activation: "tanh", trunk: "separate" } as const;
    const shape = { observations: 5, actions: 4, hidden: [7, 3], ...kind };
    const { network, samples } = setUp(shape, Prng.fromSeed(seed), true);
    const rates = { learningRate: 1, clip: 0.2, entropyCoefficient: 0.05 };
    const indices = Uint32Array.from({ length: M }, (_, index) => index);
    const sum = (shards: number) =>
      Float64Array.from(
        new PpoUpdate(network, { ...DEFAULT_PPO, shards }, M).gradient(samples, indices, rates),
      );
    const one = sum(1);
    for (const [index, value] of sum(4).entries()) {
      expect(Math.abs(value - (one[index] as number))).toBeLessThan(1e-12);
    }
  });
});

test("advantages equal the sum that defines them, on random rollouts", () => {
  const prng = Prng.fromSeed(seed);
  for (let round = 0; round < 200; round++) {
    const T = 1 + prng.integer(12);
    const N = 1 + prng.integer(4);
    const gamma = prng.float();
    const lambda = prng.float();
    const numbers = () => Float64Array.from({ length: T * N }, () => prng.normal());
    const flags = () => Uint8Array.from({ length: T * N }, () => (prng.integer(5) === 0 ? 1 : 0));
    const input = {
      rewards: numbers(),
      values: numbers(),
      nextValues: numbers(),
      terminated: flags(),
      truncated: flags(),
    };
    const advantages = new Float64Array(T * N);
    const returns = new Float64Array(T * N);
    gae(advantages, returns, input, { T, N, gamma, lambda }, FLOAT64);
    for (let t = 0; t < T; t++) {
      for (let n = 0; n < N; n++) {
        // Sum of (gamma lambda)^l delta_(t+l), up to and including the step that ends the episode.
        let expected = 0;
        let weight = 1;
        for (let later = t; later < T; later++) {
          const i = later * N + n;
          const next = input.terminated[i] === 1 ? 0 : (input.nextValues[i] as number);
          expected +=
            weight * ((input.rewards[i] as number) + gamma * next - (input.values[i] as number));
          weight *= gamma * lambda;
          if (input.terminated[i] === 1 || input.truncated[i] === 1) break;
        }
        const place = `seed ${seed} round ${round} t ${t} n ${n}`;
        expect(Math.abs((advantages[t * N + n] as number) - expected), place).toBeLessThan(1e-10);
      }
    }
  }
});

test("a masked action has no probability, and draws follow the distribution", () => {
  const prng = Prng.fromSeed(seed);
  const { logProbabilities, draw, mode } = makeMaskedCategorical(FLOAT32, 5);
  const logits = Float32Array.of(0.3, 5, -1, 2, 0);
  const mask = Uint8Array.of(1, 0, 1, 1, 1);
  const logs = new Float32Array(5);
  const entropy = logProbabilities(logs, 0, logits, 0, mask, 0);
  const weights = [0.3, -Infinity, -1, 2, 0].map((logit) => (logit === -Infinity ? 0 : exp(logit)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const probabilities = weights.map((weight) => weight / total);
  const counts = [0, 0, 0, 0, 0];
  const draws = 200_000;
  for (let i = 0; i < draws; i++) {
    const action = draw(logs, 0, prng.float());
    counts[action] = (counts[action] ?? 0) + 1;
  }
  expect(logs[1]).toBe(-Infinity);
  expect(counts[1]).toBe(0);
  for (const [action, p] of probabilities.entries()) {
    const error = Math.sqrt((p * (1 - p)) / draws) + 1e-9;
    expect(Math.abs((counts[action] ?? 0) / draws - p)).toBeLessThan(5 * error);
  }
  const expected = -probabilities.reduce((sum, p) => sum + (p > 0 ? p * ln(p) : 0), 0);
  expect(Math.abs(entropy - expected)).toBeLessThan(1e-6);
  expect(mode(logs, 0)).toBe(3);
});
