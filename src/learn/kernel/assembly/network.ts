/** Layers forward and backward, a tile of samples at a time. */
import { activate, activateBackward } from "./functions";
import { addGradient, product } from "./products";
import { Layer, Network, Thread } from "./structures";

// @ts-ignore: decorator
@inline
export function layerAt(network: Network, index: i32): Layer {
  return changetype<Layer>(network.layers + <usize>index * offsetof<Layer>());
}

/**
 * Takes x[rows, inputs of the first layer] through layers first .. first + count - 1; returns where
 * the outputs are. Up to 3 rows behind the last are overwritten too.
 */
export function forward(
  network: Network,
  thread: Thread,
  first: i32,
  count: i32,
  x: usize,
  rows: i32,
): usize {
  for (let index = first; index < first + count; index++) {
    const layer = layerAt(network, index);
    const y = thread.base + layer.outputAt;
    const stride = <usize>layer.stride << 2;
    const weights = network.params + layer.block;
    const bias = weights + <usize>layer.inputs * stride;
    const xStride = <usize>layer.inputStride << 2;
    product(y, stride, bias, 0, x, xStride, weights, stride, rows, layer.inputs, layer.stride);
    activate(y, rows * layer.stride, layer.activation);
    x = y;
  }
  return x;
}

/**
 * Adds the gradient of layers first .. first + count - 1 to `grads`, given that of their outputs in
 * `dy`. Where `dx` is not 0, the gradient of their inputs goes there, starting from what `dx` holds
 * if `adds`, else from zero.
 */
export function backward(
  network: Network,
  thread: Thread,
  grads: usize,
  first: i32,
  count: i32,
  x: usize,
  dy: usize,
  rows: i32,
  dx: usize,
  adds: bool,
): void {
  const even = (rows + 3) & ~3;
  let spare = thread.upper;
  for (let index = first + count - 1; index >= first; index--) {
    const layer = layerAt(network, index);
    const stride = <usize>layer.stride << 2;
    const inputStride = <usize>layer.inputStride << 2;
    const isFirst = index == first;
    const inputs = isFirst ? x : thread.base + layerAt(network, index - 1).outputAt;
    const g = grads + layer.block;
    addGradient(g, stride, inputs, inputStride, dy, stride, rows, layer.inputs, layer.stride);
    if (isFirst && dx == 0) return;
    const to = isFirst ? dx : spare;
    const init = isFirst && adds ? dx : thread.zeros;
    const initStride: usize = isFirst && adds ? inputStride : 0;
    const w = thread.base + layer.transposedAt;
    product(
      to,
      inputStride,
      init,
      initStride,
      dy,
      stride,
      w,
      inputStride,
      even,
      layer.outputs,
      layer.inputStride,
    );
    if (isFirst) return;
    activateBackward(to, inputs, even * layer.inputStride, layerAt(network, index - 1).activation);
    dy = to;
    spare = spare == thread.upper ? thread.lower : thread.upper;
  }
}

/** Keeps the weights of each layer that passes gradients on transposed, in the thread's memory. */
export function transposeWeights(network: Network, thread: Thread): void {
  const count = network.trunkLayers + network.policyLayers + network.valueLayers;
  for (let index = 0; index < count; index++) {
    const layer = layerAt(network, index);
    if (layer.transposedAt == 0) continue;
    const to = thread.base + layer.transposedAt;
    transpose(
      to,
      <usize>layer.inputStride << 2,
      network.params + layer.block,
      <usize>layer.stride << 2,
      layer.inputs,
      layer.outputs,
    );
  }
}

/** to[columns][rows] = from[rows][columns], in blocks of 4 by 4. */
function transpose(
  to: usize,
  toStride: usize,
  from: usize,
  fromStride: usize,
  rows: i32,
  columns: i32,
): void {
  let row: i32 = 0;
  for (; row + 4 <= rows; row += 4) {
    const f0 = from + <usize>row * fromStride;
    const f1 = f0 + fromStride;
    const f2 = f1 + fromStride;
    const f3 = f2 + fromStride;
    let t = to + (<usize>row << 2);
    let column: i32 = 0;
    for (; column + 4 <= columns; column += 4) {
      const at = <usize>column << 2;
      const a = v128.load(f0 + at);
      const b = v128.load(f1 + at);
      const c = v128.load(f2 + at);
      const d = v128.load(f3 + at);
      const ab = i32x4.shuffle(a, b, 0, 4, 1, 5);
      const cd = i32x4.shuffle(c, d, 0, 4, 1, 5);
      const ab2 = i32x4.shuffle(a, b, 2, 6, 3, 7);
      const cd2 = i32x4.shuffle(c, d, 2, 6, 3, 7);
      v128.store(t, i64x2.shuffle(ab, cd, 0, 2));
      t += toStride;
      v128.store(t, i64x2.shuffle(ab, cd, 1, 3));
      t += toStride;
      v128.store(t, i64x2.shuffle(ab2, cd2, 0, 2));
      t += toStride;
      v128.store(t, i64x2.shuffle(ab2, cd2, 1, 3));
      t += toStride;
    }
    for (; column < columns; column++) {
      const at = <usize>column << 2;
      store<f32>(t, load<f32>(f0 + at));
      store<f32>(t, load<f32>(f1 + at), 4);
      store<f32>(t, load<f32>(f2 + at), 8);
      store<f32>(t, load<f32>(f3 + at), 12);
      t += toStride;
    }
  }
  for (; row < rows; row++) {
    let t = to + (<usize>row << 2);
    let at = from + <usize>row * fromStride;
    for (let column: i32 = 0; column < columns; column++) {
      store<f32>(t, load<f32>(at));
      at += 4;
      t += toStride;
    }
  }
}

/** to[rows, O to a multiple of 8] = the observations that `indices` names; 0 names the first rows. */
export function gatherRows(
  network: Network,
  to: usize,
  observations: usize,
  indices: usize,
  rows: i32,
): void {
  const O = network.observations;
  const bytes = <usize>O << 2;
  const whole = <usize>(O & ~3) << 2;
  const toStride = <usize>((O + 7) & ~7) << 2;
  for (let row: i32 = 0; row < rows; row++) {
    const sample = indices == 0 ? <usize>row : <usize>load<u32>(indices + (<usize>row << 2));
    const from = observations + sample * bytes;
    let at: usize = 0;
    for (; at < whole; at += 16) v128.store(to + at, v128.load(from + at));
    for (; at < bytes; at += 4) store<f32>(to + at, load<f32>(from + at));
    to += toStride;
  }
}
