/**
 * The structures through which the host tells the kernel where everything is: the same fields in the
 * same order as assembly/structures.ts, and the rules of alignment that its compiler follows.
 */
import { assert } from "../../core/index.ts";

type FieldKind = "i32" | "f32" | "f64";
type Fields = Readonly<Record<string, FieldKind>>;

export const LAYER = {
  inputs: "i32",
  outputs: "i32",
  stride: "i32",
  activation: "i32",
  block: "i32",
  outputAt: "i32",
  transposedAt: "i32",
  inputStride: "i32",
} as const;

export const NETWORK = {
  observations: "i32",
  actions: "i32",
  trunkLayers: "i32",
  policyLayers: "i32",
  valueLayers: "i32",
  layers: "i32",
  params: "i32",
  paramsLength: "i32",
} as const;

export const THREAD = {
  index: "i32",
  base: "i32",
  observations: "i32",
  upper: "i32",
  lower: "i32",
  trunk: "i32",
  dLogits: "i32",
  dValues: "i32",
  logs: "i32",
  probabilities: "i32",
  advantages: "i32",
  zeros: "i32",
} as const;

export const SAMPLES = {
  observations: "i32",
  actions: "i32",
  masks: "i32",
  logProbabilities: "i32",
  advantages: "i32",
  returns: "i32",
  values: "i32",
} as const;

export const UPDATE = {
  network: "i32",
  samples: "i32",
  threads: "i32",
  threadCount: "i32",
  barrier: "i32",
  M: "i32",
  shards: "i32",
  normaliseAdvantages: "i32",
  halfValueLoss: "i32",
  clipsValue: "i32",
  valueClip: "f32",
  valueFactor: "f32",
  beta1: "f32",
  beta2: "f32",
  gain1: "f32",
  gain2: "f32",
  epsilon: "f32",
  grads: "i32",
  gradsBytes: "i32",
  first: "i32",
  second: "i32",
  policyLosses: "i32",
  valueLosses: "i32",
  entropies: "i32",
  kls: "i32",
  factors: "i32",
  reports: "i32",
  minibatches: "i32",
  indices: "i32",
  gradientNormMax: "f64",
} as const;

export const FACTORS = {
  clipLow: "f32",
  clipHigh: "f32",
  entropyCoefficient: "f32",
  rate: "f32",
  root: "f32",
} as const;

export const REPORT = {
  policyLoss: "f32",
  valueLoss: "f32",
  entropy: "f32",
  kl: "f32",
  clipped: "i32",
  reserved: "i32",
  gradientNorm: "f64",
} as const;

export type Values<F extends Fields> = { readonly [Name in keyof F]: number };

/** Bytes of a structure, a multiple of its strictest field. */
export function sizeOf(fields: Fields): number {
  const kinds = Object.values(fields);
  const end = offsets(fields).end;
  return kinds.includes("f64") ? alignTo(end, 8) : end;
}

/** Writes a structure at byte address `at`; every field has a value. */
export function writeStructure<F extends Fields>(
  memory: DataView,
  at: number,
  fields: F,
  values: Values<F>,
): void {
  for (const [name, kind, offset] of offsets(fields).list) {
    const value = values[name];
    assert(value !== undefined, "every field of a structure has a value");
    if (kind === "i32") memory.setInt32(at + offset, value, true);
    else if (kind === "f32") memory.setFloat32(at + offset, value, true);
    else memory.setFloat64(at + offset, value, true);
  }
}

export function readStructure<F extends Fields>(
  memory: DataView,
  at: number,
  fields: F,
): Values<F> {
  const entries = offsets(fields).list.map(([name, kind, offset]) => [
    name,
    kind === "i32"
      ? memory.getInt32(at + offset, true)
      : kind === "f32"
        ? memory.getFloat32(at + offset, true)
        : memory.getFloat64(at + offset, true),
  ]);
  return Object.fromEntries(entries) as Values<F>;
}

function offsets(fields: Fields): { list: [string, FieldKind, number][]; end: number } {
  let end = 0;
  const list = Object.entries(fields).map(([name, kind]): [string, FieldKind, number] => {
    const bytes = kind === "f64" ? 8 : 4;
    const offset = alignTo(end, bytes);
    end = offset + bytes;
    return [name, kind, offset];
  });
  return { list, end };
}

function alignTo(offset: number, bytes: number): number {
  return Math.ceil(offset / bytes) * bytes;
}
