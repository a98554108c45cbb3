/** Alarms: raised by runs that go wrong in the way that each is about, told of once, and by no other. */
import { describe, expect, test } from "vitest";
import {
  type Alarm,
  alarmsInReport,
  AlarmLog,
  alarmText,
  constantColumns,
  deadUnits,
  type Evidence,
} from "../../src/learn/alarms.ts";
import { layersOf, type NetworkShape } from "../../src/learn/network-shape.ts";
import type { IterationReport } from "../../src/learn/ppo-trainer.ts";

const SOUND: IterationReport = {
  iteration: 1,
  steps: 100,
  policyLoss: -0.01,
  valueLoss: 2,
  entropy: 1.1,
  loss: 1,
  approxKl: 0.008,
  clipFraction: 0.1,
  gradientNorm: 0.6,
  episodes: 3,
  meanReturn: 10,
  meanLength: 20,
  explainedVariance: 0.5,
  actionShares: [0.2, 0.5, 0.3],
  learningRate: 3e-4,
  clip: 0.2,
  entropyCoefficient: 0.01,
};

const kindsOf = (alarms: readonly Alarm[]): string[] => alarms.map(({ kind }) => kind);

describe("the figures of an iteration", () => {
  test("that are sound, or without an episode, raise none", () => {
    expect(alarmsInReport(SOUND)).toEqual([]);
    const none = { episodes: 0, meanReturn: NaN, meanLength: NaN };
    expect(alarmsInReport({ ...SOUND, ...none })).toEqual([]);
    // With two actions at most ln 2 = 0.69 nats, with three ln 3 = 1.10; 2 % are the threshold.
    expect(alarmsInReport({ ...SOUND, entropy: 0.022 })).toEqual([]);
    expect(alarmsInReport({ ...SOUND, approxKl: 0.2, actionShares: [0.95, 0.05] })).toEqual([]);
  });

  test.each([
    [{ valueLoss: NaN }, "notANumber", "valueLoss is NaN: the run cannot go on; lower ppo.lear"],
    [{ gradientNorm: Infinity }, "notANumber", "gradientNorm is Infinity"],
    [{ meanReturn: NaN }, "notANumber", "meanReturn is NaN"],
    [{ approxKl: 0.35 }, "explodingKl", "the update moved the policy by a KL of 0.35: updates"],
    [
      { entropy: 0.0215 },
      "entropyCollapse",
      "the policy's entropy is 0.0215 of at most 1.10 nats: the policy has all but stopped",
    ],
    [{ actionShares: [0.01, 0.96, 0.03] }, "oneSidedActions", "BUY is 96.0 % of all actions: the"],
    [{ actionShares: [0.01, 0.03, 0.96] }, "oneSidedActions", "action 2 is 96.0 % of all actions"],
  ])("%j", (change, kind, text) => {
    const alarms = alarmsInReport({ ...SOUND, ...change }, ["HOLD", "BUY"]);
    expect(kindsOf(alarms)).toEqual([kind]);
    expect(alarmText(alarms[0] as Alarm)).toContain(text);
  });

  test("are no sign of anything where there is but one action", () => {
    expect(alarmsInReport({ ...SOUND, actionShares: [1], entropy: 0 })).toEqual([]);
  });
});

test("columns that never vary are found, and those within a tolerance", () => {
  const rows = Float32Array.of(1, 5, 0, 1, 5.004, 0, 1, 4.999, 1);
  expect(constantColumns(rows, 3)).toEqual([0]);
  expect(constantColumns(rows, 3, 0.01)).toEqual([0, 1]);
  expect(constantColumns(rows.subarray(0, 3), 3)).toEqual([0, 1, 2]);
});

describe("hidden units", () => {
  const shape = (change: Partial<NetworkShape>): NetworkShape => ({
    observations: 1,
    actions: 2,
    hidden: [2, 2],
    activation: "relu",
    trunk: "separate",
    ...change,
  });
  /** Weights 1 and biases as given for each layer in canonical order. */
  function paramsOf(of: NetworkShape, biases: readonly number[]): Float32Array {
    const { trunk, policy, value, parameterCount } = layersOf(of);
    const params = new Float32Array(parameterCount).fill(0);
    for (const [index, layer] of [...trunk, ...policy, ...value].entries()) {
      params.fill(1, layer.weights, layer.weights + layer.inputs * layer.outputs);
      params.fill(biases[index] ?? 0, layer.biases, layer.biases + layer.outputs);
    }
    return params;
  }
  const seen = Float32Array.of(-0.5, 0.1, 0.5);

  test("of relu are dead where nothing that was seen makes them positive", () => {
    const separate = shape({});
    // Policy: layer 1 sees at most 0.5 - 1 < 0. Value: layer 1 lives, layer 2 sees 2 x 0.5 - 3 < 0.
    const params = paramsOf(separate, [-1, 1, 0, 0, -3, 0]);
    expect(deadUnits(separate, params, seen)).toEqual([
      { layer: "policy layer 1", dead: 2, units: 2 },
      { layer: "policy layer 2", dead: 0, units: 2 },
      { layer: "value layer 1", dead: 0, units: 2 },
      { layer: "value layer 2", dead: 2, units: 2 },
    ]);
  });

  test("of tanh are dead where everything that was seen saturates them", () => {
    const shared = shape({ activation: "tanh", trunk: "shared" });
    // tanh(3 - 0.5) = 0.987 < 0.99 lives; tanh(4 - 0.5) > 0.99 is dead.
    const layers = (bias: number) => deadUnits(shared, paramsOf(shared, [bias]), seen);
    expect(layers(3)[0]).toEqual({ layer: "layer 1", dead: 0, units: 2 });
    expect(layers(4)[0]).toEqual({ layer: "layer 1", dead: 2, units: 2 });
    expect(layers(-4)[0]?.dead).toBe(2);
    expect(layers(0)).toHaveLength(2);
  });
});

describe("the account of a run", () => {
  const shape: NetworkShape = {
    observations: 2,
    actions: 3,
    hidden: [2],
    activation: "relu",
    trunk: "separate",
  };
  const names = { actions: ["HOLD", "BUY", "SELL"], features: ["spread", "depth"] };
  const VARIED = Float32Array.of(1, 2, 3, 4);

  function look(log: AlarmLog, iteration: number, change: Partial<IterationReport> = {}) {
    return kindsOf(lookAt(log, iteration, { report: { ...SOUND, ...change } }));
  }
  function lookAt(log: AlarmLog, iteration: number, change: Partial<Evidence>): Alarm[] {
    const base = { observations: VARIED, isNormalised: false, shape, params: null, names };
    const evidence: Evidence = { report: SOUND, ...base, ...change };
    const report = { ...evidence.report, iteration, steps: 100 * iteration };
    return log.look({ ...evidence, report });
  }

  test("tells of an alarm once while it lasts, however often it comes and goes", () => {
    const log = new AlarmLog();
    const bad = { approxKl: 1 };
    expect(look(log, 1)).toEqual([]);
    expect(look(log, 2, bad)).toEqual(["explodingKl"]);
    expect(log.active).toEqual(["explodingKl"]);
    expect(look(log, 3, bad)).toEqual([]);
    expect(look(log, 4)).toEqual([]);
    expect(log.active).toEqual([]);
    expect(look(log, 5, bad)).toEqual([]);
    // Long after it is news again.
    expect(look(log, 56, bad)).toEqual(["explodingKl"]);
    expect(log.state.accounts).toEqual([
      { kind: "explodingKl", firstSteps: 200, iterations: 4, lastIteration: 56, isOn: true },
    ]);
  });

  test("goes on where it was saved", () => {
    const log = new AlarmLog();
    look(log, 1, { approxKl: 1 });
    const state = JSON.parse(JSON.stringify(log.state)) as AlarmLog["state"];
    const again = new AlarmLog(state);
    expect(look(again, 2, { approxKl: 1 })).toEqual([]);
    look(log, 2, { approxKl: 1 });
    expect(again.state).toEqual(log.state);
  });

  test("names a column that did not vary in three rollouts in a row", () => {
    const constant = { observations: Float32Array.of(1, 7, 2, 7) };
    const log = new AlarmLog();
    expect(lookAt(log, 1, constant)).toEqual([]);
    expect(lookAt(log, 2, constant)).toEqual([]);
    const [alarm] = lookAt(log, 3, constant);
    expect(alarmText(alarm as Alarm)).toMatch(
      /^1 observation column never varied in 3 rollouts \(depth\): the agent can learn nothing/,
    );
    const quiet = new AlarmLog();
    for (let round = 1; round <= 6; round++) {
      const observations = round % 3 === 0 ? VARIED : constant.observations;
      expect(lookAt(quiet, round, { observations })).toEqual([]);
    }
    const calm = new AlarmLog();
    const names = { actions: [], features: ["spread", "depth"], calm: ["depth"] };
    for (let round = 1; round <= 4; round++) {
      expect(lookAt(calm, round, { ...constant, names })).toEqual([]);
    }
    // A column that was brought to mean 0 drifts a little, though it never varied.
    const drifting = { observations: Float32Array.of(0, 1, 0.005, 2), isNormalised: true };
    const drift = new AlarmLog();
    const found = [1, 2, 3].flatMap((round) => lookAt(drift, round, drifting));
    expect(found.map(({ finding }) => finding)).toEqual([
      "1 observation column never varied in 3 rollouts (spread)",
    ]);
  });

  test("keeps what it said of hidden units until it looks at them again", () => {
    const { parameterCount } = layersOf(shape);
    // All weights negative: relu gives 0 for the positive observations.
    const dead = { params: new Float32Array(parameterCount).fill(-1) };
    const alive = { params: new Float32Array(parameterCount).fill(1) };
    const log = new AlarmLog();
    const [alarm] = lookAt(log, 10, dead);
    expect(alarm?.finding).toBe(
      "hidden units are dead, 2 of 2 in policy layer 1, 2 of 2 in value layer 1",
    );
    expect(lookAt(log, 11, {})).toEqual([]);
    expect(log.active).toEqual(["deadUnits"]);
    lookAt(log, 20, alive);
    expect(log.active).toEqual([]);
  });
});
