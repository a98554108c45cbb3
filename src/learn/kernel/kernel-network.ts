/**
 * A network in the kernel's memory: its layers' descriptions, its parameters, and the memory of its
 * own that each thread needs to take a tile of samples through it.
 */
import { assert, present } from "../../core/index.ts";
import { type KernelLayout, layOutBlocks, roundedUp } from "../kernel-layout.ts";
import type { Activation, Layer } from "../network-shape.ts";
import type { MemoryPlan } from "./kernel-module.ts";
import { LAYER, NETWORK, sizeOf, THREAD, writeStructure } from "./structures.ts";

const TILE = 64;
const ACTIVATION_CODES = { linear: 0, tanh: 1, relu: 2 } as const;

export interface KernelLayer extends Layer {
  readonly activation: Activation | "linear";
}

/** Layers in canonical order; `value` is empty where a policy only acts. */
export interface KernelLayers {
  readonly trunk: readonly KernelLayer[];
  readonly policy: readonly KernelLayer[];
  readonly value: readonly KernelLayer[];
}

interface PlacedLayer {
  readonly layer: KernelLayer;
  readonly stride: number;
  readonly inputStride: number;
  readonly outputAt: number;
  readonly transposedAt: number;
}

export class KernelNetwork {
  /** Byte addresses of the structure, and of the parameters in kernel order. */
  readonly at: number;
  readonly params: number;
  readonly layout: KernelLayout;
  readonly #layers: KernelLayers;
  readonly #placed: readonly PlacedLayer[];
  readonly #layersAt: number;
  readonly #baseBytes: number;

  constructor(plan: MemoryPlan, layers: KernelLayers) {
    const all = [...layers.trunk, ...layers.policy, ...layers.value];
    assert(layers.policy.length > 0, "a network has a policy");
    this.#layers = layers;
    this.layout = layOutBlocks(all);
    this.at = plan.reserve(sizeOf(NETWORK));
    this.#layersAt = plan.reserve(sizeOf(LAYER) * all.length);
    this.params = plan.reserveFloats(this.layout.length);
    // Within a thread's own memory; address 0 of it stays free, for 0 stands for nothing.
    let end = 64;
    const place = (floats: number): number => {
      const at = end;
      end += roundedUp(4 * floats, 64);
      return at;
    };
    const trunkTop = layers.trunk.length - 1;
    this.#placed = all.map((layer, index) => {
      const stride = roundedUp(layer.outputs, 8);
      const inputStride = roundedUp(layer.inputs, 8);
      const isFirst = index === 0 || (trunkTop < 0 && index === layers.policy.length);
      return {
        layer,
        stride,
        inputStride,
        outputAt: place(TILE * stride),
        // What comes first passes no gradient on: nobody asks how observations should change.
        transposedAt: isFirst ? 0 : place(layer.outputs * inputStride),
      };
    });
    this.#baseBytes = end;
  }

  get observations(): number {
    return (this.#placed[0] as PlacedLayer).layer.inputs;
  }

  get actions(): number {
    return (this.#layers.policy.at(-1) as KernelLayer).outputs;
  }

  /** Reserves the memory of one thread; `minibatch` is 0 for threads that only act. */
  reserveThread(plan: MemoryPlan, index: number, minibatch: number): KernelThread {
    const widest = Math.max(...this.#placed.map(({ stride, inputStride }) => stride + inputStride));
    const tile = TILE * widest;
    const learns = minibatch > 0;
    const floats = (count: number): number => plan.reserveFloats(learns ? count : 16);
    const actionFloats = 4 * this.actions;
    return {
      index,
      base: plan.reserve(this.#baseBytes),
      observations: plan.reserveFloats(TILE * roundedUp(this.observations, 8)),
      upper: floats(tile),
      lower: floats(tile),
      trunk: floats(tile),
      dLogits: floats(TILE * roundedUp(this.actions, 8)),
      dValues: floats(TILE * 8),
      logs: plan.reserveFloats(actionFloats),
      probabilities: plan.reserveFloats(actionFloats),
      advantages: floats(roundedUp(minibatch, 16)),
      zeros: floats(widest),
    };
  }

  /** Describes the network in `memory`. */
  write(memory: DataView): void {
    const { trunk, policy, value } = this.#layers;
    writeStructure(memory, this.at, NETWORK, {
      observations: this.observations,
      actions: this.actions,
      trunkLayers: trunk.length,
      policyLayers: policy.length,
      valueLayers: value.length,
      layers: this.#layersAt,
      params: this.params,
      paramsLength: this.layout.length,
    });
    for (const [index, placed] of this.#placed.entries()) {
      const { inputs, outputs, activation } = placed.layer;
      writeStructure(memory, this.#layersAt + index * sizeOf(LAYER), LAYER, {
        inputs,
        outputs,
        stride: placed.stride,
        activation: ACTIVATION_CODES[activation],
        block: 4 * present(this.layout.blocks[index], "every layer has a block").offset,
        outputAt: placed.outputAt,
        transposedAt: placed.transposedAt,
        inputStride: placed.inputStride,
      });
    }
  }
}

/** Byte addresses of a thread's memory. */
export type KernelThread = { readonly [Name in keyof typeof THREAD]: number };

export function writeThread(memory: DataView, at: number, thread: KernelThread): void {
  writeStructure(memory, at, THREAD, thread);
}
