/**
 * Parameters as the compute kernel holds them, where 4 or 8 outputs lie side by side: of each layer
 * a block [inputs + 1, stride] row-major, stride being the outputs rounded up to 8. Row k holds the
 * weights from input k to all outputs, the last row the biases; what is beyond the outputs is 0.
 * Blocks follow each other in canonical order, and the whole is padded with zeros to a multiple of
 * 16. Zeros add nothing, but a sum over all parameters runs in 16 lanes by position, so this layout
 * is part of every result: the gradient's norm is summed in it. Models, checkpoints and hashes keep
 * the canonical order.
 */
import { type Layer, layersOf, type NetworkShape } from "./network-shape.ts";

const COLUMNS = 8;
const LANES = 16;

/** One layer's place. */
export interface KernelBlock {
  readonly layer: Layer;
  /** Where its first row begins, in numbers. */
  readonly offset: number;
  /** Numbers from one row to the next: the outputs, rounded up to a multiple of 8. */
  readonly stride: number;
}

export interface KernelLayout {
  /** In the order of the layers. */
  readonly blocks: readonly KernelBlock[];
  /** Numbers in all, a multiple of 16. */
  readonly length: number;
}

/** The layout of a whole network, in the order of `layersOf(shape).all`. */
export function kernelLayoutOf(shape: NetworkShape): KernelLayout {
  return layOutBlocks(layersOf(shape).all);
}

export function layOutBlocks(layers: readonly Layer[]): KernelLayout {
  let end = 0;
  const blocks = layers.map((layer) => {
    const stride = roundedUp(layer.outputs, COLUMNS);
    const offset = end;
    end += (layer.inputs + 1) * stride;
    return { layer, offset, stride };
  });
  return { blocks, length: roundedUp(end, LANES) };
}

/** The least multiple of `multiple` that is not below `value`. */
export function roundedUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

type Numbers = Float32Array | Float64Array;

/**
 * Copies parameters, or anything of each, from canonical into kernel order. The padding is not
 * written; fresh arrays have zeros there.
 */
export function toKernelOrder(kernel: Numbers, canonical: Numbers, { blocks }: KernelLayout): void {
  for (const { layer, offset, stride } of blocks) {
    const { inputs, outputs, weights, biases } = layer;
    for (let o = 0; o < outputs; o++) {
      const row = weights + o * inputs;
      for (let k = 0; k < inputs; k++) {
        kernel[offset + k * stride + o] = canonical[row + k] as number;
      }
      kernel[offset + inputs * stride + o] = canonical[biases + o] as number;
    }
  }
}

/** The inverse of `toKernelOrder`. */
export function fromKernelOrder(
  canonical: Numbers,
  kernel: Numbers,
  { blocks }: KernelLayout,
): void {
  for (const { layer, offset, stride } of blocks) {
    const { inputs, outputs, weights, biases } = layer;
    for (let o = 0; o < outputs; o++) {
      const row = weights + o * inputs;
      for (let k = 0; k < inputs; k++) {
        canonical[row + k] = kernel[offset + k * stride + o] as number;
      }
      canonical[biases + o] = kernel[offset + inputs * stride + o] as number;
    }
  }
}
