/**
 * Signs that a run goes wrong, read from what it shows of itself: pure functions from figures to
 * findings, and the account of which of them were told of. An alarm is no verdict: each says what it
 * saw, what that mostly means, and what to try. Nothing here stops a run or changes it.
 */
import { assert, ln } from "../core/index.ts";
import { FLOAT32, type FloatArray } from "./arithmetic.ts";
import { type DenseLayer, denseLayersOf, placeLayers } from "./dense-network.ts";
import { makeKernels } from "./kernels.ts";
import type { NetworkShape } from "./network-shape.ts";
import type { IterationReport } from "./ppo-trainer.ts";

export const ALARM_KINDS = [
  "notANumber",
  "explodingKl",
  "entropyCollapse",
  "oneSidedActions",
  "constantFeatures",
  "deadUnits",
] as const;
export type AlarmKind = (typeof ALARM_KINDS)[number];

export interface Alarm {
  readonly kind: AlarmKind;
  /** What was seen, in the words of the case. */
  readonly finding: string;
}

/** The policy has hardly any choice left below this share of the entropy of choosing evenly. */
const ENTROPY_SHARE_LEAST = 0.02;
/** One action beyond this share is nearly all that the policy does. */
const ACTION_SHARE_MOST = 0.95;
/** Ten times what a cautious update moves the policy by. */
const KL_MOST = 0.2;
/** Beyond this a tanh passes on less than a fiftieth of a gradient: the unit hardly learns. */
const TANH_SATURATED = 0.99;
/**
 * Units that may be dead without an alarm, as a share of their layer. Value nets saturate where
 * returns are large (CartPole's to five sixths) and still do their work.
 */
const DEAD_SHARE_MOST = 0.5;
const DEAD_VALUE_SHARE_MOST = 0.9;
/** Observations that hidden units are looked at with. */
const UNIT_ROWS = 64;

/** What an alarm mostly means, and what to try. */
const MEANINGS: Readonly<Record<AlarmKind, string>> = {
  notANumber:
    "the run cannot go on; lower ppo.learningRate, or look at the size of rewards and observations",
  explodingKl:
    "updates move the policy further than PPO is sound for; lower ppo.learningRate or ppo.epochs, " +
    "or set ppo.targetKl",
  entropyCollapse:
    "the policy has all but stopped exploring; raise ppo.entropyCoefficient or lower " +
    "ppo.learningRate, unless one action is right in every state",
  oneSidedActions:
    "the policy does little else, by collapse or because masks allow little else; compare it with " +
    "the baselines of evaluate, raise ppo.entropyCoefficient",
  constantFeatures:
    "the agent can learn nothing from them; no harm in what is the same by nature, else look at the " +
    "data (observation check) or at the environment",
  deadUnits:
    "these units learn no more, whatever is seen; lower ppo.learningRate, set " +
    "ppo.normaliseObservations, or use tanh in place of relu",
};

/** An alarm as a sentence for people. */
export function alarmText({ kind, finding }: Alarm): string {
  return `${finding}: ${MEANINGS[kind]}.`;
}

/** What one iteration shows of itself. */
export interface Evidence {
  readonly report: IterationReport;
  /** What the networks saw in its rollout. [rows, O] */
  readonly observations: Float32Array;
  /** Whether running moments brought the observations to mean 0 and deviation 1. */
  readonly isNormalised: boolean;
  readonly shape: NetworkShape;
  /** The weights, where hidden units are to be looked at; null where not. */
  readonly params: Float32Array | null;
  /** Names of the actions and of the observation's columns; numbers where there are none. */
  readonly names: {
    readonly actions: readonly string[];
    readonly features: readonly string[];
    /** Names of columns that may be constant by nature, as the weekday of one day's recording. */
    readonly calm?: readonly string[];
  };
}

/** Rollouts in a row in which a column must not vary: a market may well be quiet in one. */
const CONSTANT_ROLLOUTS = 3;
/** Running normalisation lets even a constant drift a little. */
const NORMALISED_TOLERANCE = 0.01;

/** What the figures of one iteration give away; actions go by their number where they have no name. */
export function alarmsInReport(
  report: IterationReport,
  actionNames: readonly string[] = [],
): Alarm[] {
  const alarms: Alarm[] = [];
  const odd = Object.entries(report).find(
    ([name, value]) =>
      typeof value === "number" &&
      !Number.isFinite(value) &&
      // Without an episode there is no mean.
      !(report.episodes === 0 && /^mean(Return|Length)$/.test(name)),
  );
  if (odd !== undefined) alarms.push({ kind: "notANumber", finding: `${odd[0]} is ${odd[1]}` });
  const { approxKl, entropy, actionShares } = report;
  if (approxKl > KL_MOST) {
    const finding = `the update moved the policy by a KL of ${approxKl.toFixed(2)}`;
    alarms.push({ kind: "explodingKl", finding });
  }
  if (actionShares.length < 2) return alarms;
  const most = ln(actionShares.length);
  if (entropy < ENTROPY_SHARE_LEAST * most) {
    const finding = `the policy's entropy is ${entropy.toFixed(4)} of at most ${most.toFixed(2)} nats`;
    alarms.push({ kind: "entropyCollapse", finding });
  }
  const share = Math.max(...actionShares);
  if (share > ACTION_SHARE_MOST) {
    const action = actionShares.indexOf(share);
    const name = actionNames[action] ?? `action ${action}`;
    const finding = `${name} is ${(100 * share).toFixed(1)} % of all actions`;
    alarms.push({ kind: "oneSidedActions", finding });
  }
  return alarms;
}

/** Columns of `observations` [rows, width] that range over no more than `tolerance`. */
export function constantColumns(
  observations: Float32Array,
  width: number,
  tolerance = 0,
): number[] {
  assert(width >= 1, "a row has a column");
  const low = observations.slice(0, width);
  const high = observations.slice(0, width);
  let left = Array.from({ length: low.length }, (_, column) => column);
  for (let at = width; at < observations.length && left.length > 0; at += width) {
    let isOver = false;
    for (const column of left) {
      const value = observations[at + column] as number;
      if (value < (low[column] as number)) low[column] = value;
      if (value > (high[column] as number)) high[column] = value;
      isOver ||= (high[column] as number) - (low[column] as number) > tolerance;
    }
    if (!isOver) continue;
    left = left.filter((column) => (high[column] as number) - (low[column] as number) <= tolerance);
  }
  return left;
}

/** An alarm about columns that never varied; `names` are those of all columns, where they have any. */
function alarmsOfColumns(columns: readonly number[], names: readonly string[]): Alarm[] {
  if (columns.length === 0) return [];
  const shown = columns.slice(0, 5).map((column) => names[column] ?? String(column));
  const more = columns.length > shown.length ? ` and ${columns.length - shown.length} more` : "";
  const noun = columns.length === 1 ? "observation column" : "observation columns";
  const finding = `${columns.length} ${noun} never varied in ${CONSTANT_ROLLOUTS} rollouts (${shown.join(", ")}${more})`;
  return [{ kind: "constantFeatures", finding }];
}

/** Hidden units of one layer that pass on no gradient, whichever of the observations is seen. */
export interface DeadUnits {
  /** "policy layer 1", counted from the observation. */
  readonly layer: string;
  readonly dead: number;
  readonly units: number;
}

/**
 * Looks at every hidden layer with some of `observations` [rows, O], as the networks see them,
 * evenly chosen: a relu is dead where it gives 0 for all of them, a tanh where it is saturated.
 */
export function deadUnits(
  shape: NetworkShape,
  params: Float32Array,
  observations: Float32Array,
): DeadUnits[] {
  const seen = sampleRows(observations, shape.observations);
  const { trunk, policy, value } = denseLayersOf(shape, params);
  if (trunk.length > 0) return deadIn("layer", trunk, seen);
  // The last layer of each net gives logits or a value, which are no hidden units.
  return [
    ...deadIn("policy layer", policy.slice(0, -1), seen),
    ...deadIn("value layer", value.slice(0, -1), seen),
  ];
}

function sampleRows(observations: Float32Array, width: number): Float32Array {
  const rows = observations.length / width;
  const count = Math.min(UNIT_ROWS, rows);
  const sample = new Float32Array(count * width);
  for (let row = 0; row < count; row++) {
    const from = Math.floor((row * rows) / count) * width;
    sample.set(observations.subarray(from, from + width), row * width);
  }
  return sample;
}

function deadIn(name: string, layers: readonly DenseLayer[], seen: Float32Array): DeadUnits[] {
  if (layers.length === 0) return [];
  const { placed, params } = placeLayers(layers);
  const kernels = makeKernels(FLOAT32);
  let input: FloatArray = seen;
  return placed.map((layer, index) => {
    const { inputs, outputs, activation } = layer;
    const rows = input.length / inputs;
    const out = FLOAT32.allocate(rows * outputs);
    kernels.linear(out, input, params, layer, rows);
    const isRelu = activation === "relu";
    if (isRelu) kernels.relu(out, out.length);
    else kernels.tanh(out, out.length);
    input = out;
    const isDead = (unit: number): boolean => {
      for (let at = unit; at < out.length; at += outputs) {
        const value = out[at] as number;
        if (isRelu ? value > 0 : Math.abs(value) < TANH_SATURATED) return false;
      }
      return true;
    };
    const dead = Array.from({ length: outputs }, (_, unit) => unit).filter(isDead).length;
    return { layer: `${name} ${index + 1}`, dead, units: outputs };
  });
}

/** An alarm about layers of which a good part is dead. */
function alarmsOfUnits(layers: readonly DeadUnits[]): Alarm[] {
  const bad = layers.filter(({ layer, dead, units }) => {
    const most = layer.startsWith("value") ? DEAD_VALUE_SHARE_MOST : DEAD_SHARE_MOST;
    return dead > most * units;
  });
  if (bad.length === 0) return [];
  const shown = bad.map(({ layer, dead, units }) => `${dead} of ${units} in ${layer}`).join(", ");
  return [{ kind: "deadUnits", finding: `hidden units are dead, ${shown}` }];
}

/** How often an alarm held, and since when. */
export interface AlarmAccount {
  readonly kind: AlarmKind;
  /** Steps of the run when it first held. */
  readonly firstSteps: number;
  /** Iterations in which it held. */
  readonly iterations: number;
  /** The last of them. */
  readonly lastIteration: number;
  /** Whether it held in the last one of the run. */
  readonly isOn: boolean;
}

/** Iterations without it after which an alarm is news again: some come and go at their threshold. */
const QUIET_ITERATIONS = 50;

/** Plain data. */
export interface AlarmState {
  readonly accounts: readonly AlarmAccount[];
  /** Columns that did not vary in the last rollout, and in how many in a row they did not. */
  readonly constant: readonly (readonly [column: number, rollouts: number])[];
}

/**
 * Looks at a run iteration by iteration and keeps account, so that an alarm is told of once while it
 * lasts, pauses included.
 */
export class AlarmLog {
  #accounts: readonly AlarmAccount[];
  #constant: ReadonlyMap<number, number>;

  /** `state` is that of an earlier part of the run. */
  constructor(state: AlarmState = { accounts: [], constant: [] }) {
    this.#accounts = state.accounts;
    this.#constant = new Map(state.constant);
  }

  /** Looks at one iteration and returns what is news: what did not hold for a good while before. */
  look({ report, observations, isNormalised, shape, params, names }: Evidence): Alarm[] {
    const tolerance = isNormalised ? NORMALISED_TOLERANCE : 0;
    const columns = constantColumns(observations, shape.observations, tolerance);
    const before = this.#constant;
    this.#constant = new Map(columns.map((column) => [column, (before.get(column) ?? 0) + 1]));
    const constant = columns.filter(
      (column) =>
        (this.#constant.get(column) ?? 0) >= CONSTANT_ROLLOUTS &&
        names.calm?.includes(names.features[column] ?? "") !== true,
    );
    const found = [
      ...alarmsInReport(report, names.actions),
      ...alarmsOfColumns(constant, names.features),
      ...(params === null ? [] : alarmsOfUnits(deadUnits(shape, params, observations))),
    ];
    return this.#take(report, found, params === null ? "deadUnits" : null);
  }

  /** What was not looked for stays as it was. */
  #take(
    { iteration, steps }: IterationReport,
    found: readonly Alarm[],
    unchecked: AlarmKind | null,
  ): Alarm[] {
    const before = new Map(this.#accounts.map((account) => [account.kind, account]));
    const holds = new Set(found.map(({ kind }) => kind));
    if (unchecked !== null && before.get(unchecked)?.isOn === true) holds.add(unchecked);
    this.#accounts = ALARM_KINDS.flatMap((kind): AlarmAccount[] => {
      const isOn = holds.has(kind);
      const earlier = before.get(kind);
      if (!isOn) return earlier === undefined ? [] : [{ ...earlier, isOn }];
      const { firstSteps = steps, iterations = 0 } = earlier ?? {};
      return [{ kind, firstSteps, iterations: iterations + 1, lastIteration: iteration, isOn }];
    });
    return found.filter(({ kind }) => {
      const { lastIteration = -Infinity } = before.get(kind) ?? {};
      return iteration - lastIteration > QUIET_ITERATIONS;
    });
  }

  /** Kinds that held in the last iteration. */
  get active(): AlarmKind[] {
    return this.#accounts.filter(({ isOn }) => isOn).map(({ kind }) => kind);
  }

  /** What was kept, for `new AlarmLog`. */
  get state(): AlarmState {
    return { accounts: this.#accounts, constant: [...this.#constant] };
  }
}
