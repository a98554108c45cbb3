/** A policy at work: actions and values of observations, any number at once. */
import { draw, exponentiate, lastAllowed, logProbabilities, mode } from "./categorical";
import { forward, gatherRows, layerAt } from "./network";
import { Network, Thread, TILE } from "./structures";

/**
 * Actions of `rows` observations [rows, O] under masks [rows, A], and the log-probability of each.
 * A draw takes its number in [0, 1) from `uniforms` [rows]; 0 there takes the most likely action.
 * Returns 1, or 0 where a logit is no finite number; such a row takes its last allowed action.
 */
export function act(
  networkPointer: usize,
  threadPointer: usize,
  observations: usize,
  masks: usize,
  uniforms: usize,
  actions: usize,
  logProbs: usize,
  rows: i32,
): i32 {
  const network = changetype<Network>(networkPointer);
  const thread = changetype<Thread>(threadPointer);
  const A = <usize>network.actions;
  const O = <usize>network.observations << 2;
  let isFinite: i32 = 1;
  for (let from: i32 = 0; from < rows; from += TILE) {
    const count = min(TILE, rows - from);
    gatherRows(network, thread.observations, observations + <usize>from * O, 0, count);
    const T = network.trunkLayers;
    const P = network.policyLayers;
    const logits = forward(network, thread, 0, T + P, thread.observations, count);
    const stride = layerAt(network, T + P - 1).stride;
    for (let row: i32 = 0; row < count; row += 4) {
      const at = from + row;
      const left = count - row;
      const mask = masks + <usize>at * A;
      const logs = thread.logs;
      const probabilities = thread.probabilities;
      const entropy = logProbabilities(
        logs,
        logits + (<usize>(row * stride) << 2),
        <usize>stride << 2,
        network.actions,
        mask,
        left > 1 ? mask + A : mask,
        left > 2 ? mask + 2 * A : mask,
        left > 3 ? mask + 3 * A : mask,
      );
      exponentiate(probabilities, logs, network.actions);
      const numbers = i32x4.bitmask(f32x4.eq(entropy, entropy));
      for (let lane: i32 = 0; lane < min(4, left); lane++) {
        const log = logs + (<usize>lane << 2);
        const index = <usize>(at + lane);
        let action: i32;
        if ((numbers & (1 << lane)) == 0) {
          isFinite = 0;
          action = lastAllowed(masks + index * A, network.actions);
        } else if (uniforms == 0) {
          action = mode(log, network.actions);
        } else {
          action = draw(
            log,
            probabilities + (<usize>lane << 2),
            network.actions,
            load<f64>(uniforms + (index << 3)),
          );
        }
        store<i32>(actions + (index << 2), action);
        store<f32>(logProbs + (index << 2), load<f32>(log + (<usize>action << 4)));
      }
    }
  }
  return isFinite;
}

/** Values [rows] of observations [rows, O]. */
export function evaluate(
  networkPointer: usize,
  threadPointer: usize,
  observations: usize,
  values: usize,
  rows: i32,
): void {
  const network = changetype<Network>(networkPointer);
  const thread = changetype<Thread>(threadPointer);
  const O = <usize>network.observations << 2;
  for (let from: i32 = 0; from < rows; from += TILE) {
    const count = min(TILE, rows - from);
    gatherRows(network, thread.observations, observations + <usize>from * O, 0, count);
    const T = network.trunkLayers;
    const P = network.policyLayers;
    const V = network.valueLayers;
    let x = thread.observations;
    if (T > 0) x = forward(network, thread, 0, T, x, count);
    const y = forward(network, thread, T + P, V, x, count);
    const stride = <usize>layerAt(network, T + P + V - 1).stride << 2;
    for (let row: i32 = 0; row < count; row++) {
      store<f32>(values + (<usize>(from + row) << 2), load<f32>(y + <usize>row * stride));
    }
  }
}

/** Logits [A] of one observation [O]. */
export function logits(
  networkPointer: usize,
  threadPointer: usize,
  observation: usize,
  out: usize,
): void {
  const network = changetype<Network>(networkPointer);
  const thread = changetype<Thread>(threadPointer);
  gatherRows(network, thread.observations, observation, 0, 1);
  const count = network.trunkLayers + network.policyLayers;
  const y = forward(network, thread, 0, count, thread.observations, 1);
  memory.copy(out, y, <usize>network.actions << 2);
}
