/**
 * How the compute kernel lays parameters out, and gradients and moments likewise: for each layer in
 * canonical order a block of inputs + 1 rows of `stride` floats, the outputs rounded up to a multiple
 * of 8. Row k holds the weights of input k to all outputs, the last row the biases, and what is
 * beyond the outputs is zero. Blocks follow each other; the end is padded to a multiple of 16.
 *
 * Sums over all parameters, such as the gradient's norm, run in this order; models, checkpoints and
 * hashes keep the canonical one.
 */
import type { Layer } from "./network-shape.ts";

export interface KernelBlock {
  readonly layer: Layer;
  /** First float of the block. */
  readonly at: number;
  /** Floats of a row. */
  readonly stride: number;
}

export interface KernelLayout {
  readonly blocks: readonly KernelBlock[];
  /** Floats in all, a multiple of 16. */
  readonly length: number;
}

/** `count` rounded up to a multiple of `step`, a power of two. */
export function roundUp(count: number, step: number): number {
  return Math.ceil(count / step) * step;
}

export function kernelLayoutOf(layers: readonly Layer[]): KernelLayout {
  const blocks: KernelBlock[] = [];
  let at = 0;
  for (const layer of layers) {
    const stride = roundUp(layer.outputs, 8);
    blocks.push({ layer, at, stride });
    at += (layer.inputs + 1) * stride;
  }
  return { blocks, length: roundUp(at, 16) };
}

type Floats = Float32Array | Float64Array;

/** Copies parameters from canonical to kernel order; padding in `kernel` stays as it is. */
export function toKernelOrder(kernel: Floats, canonical: Floats, layout: KernelLayout): void {
  for (const { layer, at, stride } of layout.blocks) {
    const { inputs, outputs, weights, biases } = layer;
    for (let o = 0; o < outputs; o++) {
      const from = weights + o * inputs;
      for (let k = 0; k < inputs; k++) kernel[at + k * stride + o] = canonical[from + k] as number;
      kernel[at + inputs * stride + o] = canonical[biases + o] as number;
    }
  }
}

/** The inverse of `toKernelOrder`. */
export function toCanonicalOrder(canonical: Floats, kernel: Floats, layout: KernelLayout): void {
  for (const { layer, at, stride } of layout.blocks) {
    const { inputs, outputs, weights, biases } = layer;
    for (let o = 0; o < outputs; o++) {
      const to = weights + o * inputs;
      for (let k = 0; k < inputs; k++) canonical[to + k] = kernel[at + k * stride + o] as number;
      canonical[biases + o] = kernel[at + inputs * stride + o] as number;
    }
  }
}
