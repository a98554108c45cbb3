/** Networks of every kind with seeded weights, and rows to try them on. */
import { Prng } from "../../src/core/index.ts";
import { layersOf, type NetworkShape } from "../../src/learn/network-shape.ts";

export const SEED = Number(process.env["SEED"] ?? 11);

const base = { observations: 52, actions: 5, activation: "tanh", trunk: "separate" } as const;

export const SHAPES: readonly (readonly [string, NetworkShape])[] = [
  ["64-64 tanh", { ...base, hidden: [64, 64] }],
  ["one relu layer", { ...base, hidden: [17], activation: "relu" }],
  ["three odd layers on a shared trunk", { ...base, hidden: [33, 7, 3], trunk: "shared" }],
  ["relu, shared", { ...base, hidden: [65, 64], activation: "relu", trunk: "shared" }],
  ["no hidden layer", { ...base, hidden: [] }],
  ["a single unit", { ...base, observations: 1, actions: 2, hidden: [1] }],
];

/** Weights of the size that trained networks have, none of them zero. */
export function randomParams(shape: NetworkShape, prng: Prng): Float32Array {
  const { parameterCount } = layersOf(shape);
  return Float32Array.from({ length: parameterCount }, () => 0.3 * prng.normal());
}

export function randomRows(count: number, width: number, prng: Prng): Float32Array[] {
  return Array.from({ length: count }, () =>
    Float32Array.from({ length: width }, () => prng.normal()),
  );
}
