/** The double-precision path of the same code against PyTorch and Stable-Baselines3, exactly. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ActorCritic } from "../../src/learn/actor-critic.ts";
import { FLOAT32, FLOAT64 } from "../../src/learn/arithmetic.ts";
import { gae } from "../../src/learn/gae.ts";
import { KernelEngine } from "../../src/learn/kernel/kernel-engine.ts";
import type { MinibatchReport } from "../../src/learn/ppo-engine.ts";
import { DEFAULT_PPO, type PpoSettings } from "../../src/learn/ppo-settings.ts";
import { PpoUpdate, type Samples } from "../../src/learn/ppo-update.ts";

function golden<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../golden/${name}.json`, import.meta.url), "utf8")) as T;
}

interface UpdateCase {
  name: string;
  vclip: boolean;
  ent: number;
  vf: number;
  half: boolean;
  mask: number[][];
  eps: number;
  lr: number;
  clip: number;
  max_grad_norm: number;
  obs: number[][];
  actions: number[];
  adv: number[];
  returns: number[];
  old_values: number[];
  old_logp: number[];
  init_params: number[][];
  steps: {
    pg_loss: number;
    v_loss: number;
    entropy: number;
    loss: number;
    approx_kl_k3: number;
    clipfrac: number;
    grad_norm_before_clip: number;
    params_after: number[][];
  }[];
}

const SHAPE = {
  observations: 6,
  actions: 5,
  hidden: [8, 8],
  activation: "tanh",
  trunk: "separate",
} as const;

function settingsOf(update: UpdateCase): PpoSettings {
  return {
    ...DEFAULT_PPO,
    clip: update.clip,
    valueClip: update.vclip ? update.clip : null,
    entropyCoefficient: update.ent,
    valueCoefficient: update.vf,
    halfValueLoss: update.half,
    gradientNormMax: update.max_grad_norm,
    adam: { beta1: 0.9, beta2: 0.999, epsilon: update.eps },
  };
}

/** The file gives the masks with every case; only one of them used them. */
function masksOf({ name, mask }: UpdateCase): Uint8Array {
  return Uint8Array.from(mask.flat(), (allowed) => (name === "masked" ? allowed : 1));
}

/** What an update reported and the parameters that it led to, against PyTorch's. */
function compare(
  report: MinibatchReport,
  params: ArrayLike<number>,
  step: UpdateCase["steps"][number],
  tolerance: number,
): void {
  const near = (actual: number, expected: number) =>
    expect(Math.abs(actual - expected)).toBeLessThan(tolerance * Math.max(1, Math.abs(expected)));
  near(report.policyLoss, step.pg_loss);
  near(report.valueLoss, step.v_loss);
  near(report.entropy, step.entropy);
  near(report.loss, step.loss);
  near(report.approxKl, step.approx_kl_k3);
  near(report.clipFraction, step.clipfrac);
  near(report.gradientNorm, step.grad_norm_before_clip);
  for (const [index, expected] of step.params_after.flat().entries()) {
    near(params[index] as number, expected);
  }
}

for (const update of golden<{ cases: UpdateCase[] }>("ppo_update").cases) {
  test(`three updates of the compute kernel come near PyTorch's: ${update.name}`, () => {
    const M = update.actions.length;
    const settings = { ...settingsOf(update), rolloutSteps: M, minibatches: 1, shards: 2 };
    const engine = new KernelEngine({ shape: SHAPE, settings, lanes: 1, threads: 2 });
    const params = Float32Array.from(update.init_params.flat());
    const none = new Float32Array(params.length);
    engine.restore({ params, first: none, second: none, beta1Power: 1, beta2Power: 1 });
    const { rollout } = engine;
    rollout.observations.set(update.obs.flat());
    rollout.masks.set(masksOf(update));
    rollout.actions.set(update.actions);
    rollout.logProbabilities.set(update.old_logp);
    rollout.advantages.set(update.adv);
    rollout.returns.set(update.returns);
    rollout.values.set(update.old_values);
    for (let index = 0; index < M; index++) rollout.indices[index] = index;
    for (const step of update.steps) {
      const [report] = engine.learn({
        learningRate: update.lr,
        clip: update.clip,
        entropyCoefficient: update.ent,
      });
      compare(report as MinibatchReport, engine.save().params, step, 2e-5);
    }
    engine.close();
  });
}

for (const { arithmetic, tolerance } of [
  { arithmetic: FLOAT64, tolerance: 1e-12 },
  { arithmetic: FLOAT32, tolerance: 2e-5 },
]) {
  for (const update of golden<{ cases: UpdateCase[] }>("ppo_update").cases) {
    test(`three updates equal PyTorch's: ${update.name}, ${arithmetic.name}`, () => {
      const array = (values: number[]) => {
        const out = arithmetic.allocate(values.length);
        out.set(values);
        return out;
      };
      const network = new ActorCritic(SHAPE, arithmetic);
      network.params.set(update.init_params.flat());
      const M = update.actions.length;
      const settings = settingsOf(update);
      const learner = new PpoUpdate(network, settings, M);
      const samples: Samples = {
        observations: array(update.obs.flat()),
        actions: Int32Array.from(update.actions),
        masks: masksOf(update),
        logProbabilities: array(update.old_logp),
        advantages: array(update.adv),
        returns: array(update.returns),
        values: array(update.old_values),
      };
      const indices = Uint32Array.from({ length: M }, (_, index) => index);
      for (const step of update.steps) {
        const report = learner.minibatch(samples, indices, {
          learningRate: update.lr,
          clip: update.clip,
          entropyCoefficient: update.ent,
        });
        compare(report, network.params, step, tolerance);
      }
    });
  }
}

interface GaeFile {
  rewards: number[][];
  values: number[][];
  episode_starts: number[][];
  last_values: number[];
  last_dones: number[];
  cases: { gamma: number; lambda: number; advantages: number[][]; returns: number[][] }[];
}

test("generalized advantages equal Stable-Baselines3's", () => {
  const file = golden<GaeFile>("gae");
  const T = file.rewards.length;
  const N = file.last_values.length;
  const flat = (rows: number[][]) => Float64Array.from(rows.flat());
  // There an episode's start is told, here the end of the one before it.
  const ends = [...file.episode_starts.slice(1), file.last_dones];
  const nextValues = [...file.values.slice(1), file.last_values];
  for (const { gamma, lambda, advantages, returns } of file.cases) {
    const gotAdvantages = new Float64Array(T * N);
    const gotReturns = new Float64Array(T * N);
    gae(
      gotAdvantages,
      gotReturns,
      {
        rewards: flat(file.rewards),
        values: flat(file.values),
        nextValues: flat(nextValues),
        terminated: Uint8Array.from(ends.flat()),
        truncated: new Uint8Array(T * N),
      },
      { T, N, gamma, lambda },
      FLOAT64,
    );
    for (let i = 0; i < T * N; i++) {
      expect(gotAdvantages[i]).toBeCloseTo(advantages.flat()[i] as number, 12);
      expect(gotReturns[i]).toBeCloseTo(returns.flat()[i] as number, 12);
    }
  }
});
