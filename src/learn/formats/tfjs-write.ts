/**
 * A policy as a TensorFlow.js layers model: a Sequential of Dense layers whose output are logits, in
 * a `model.json` with topology and one file of weights. Keras keeps a layer's weights as [in, out],
 * so they are turned over. Values are not part of it: a model has one output, and that is the one
 * that acts. Equal models give equal bytes.
 */
import { type DenseLayer, denseLayersOf } from "../dense-network.ts";
import { littleEndian } from "../little-endian.ts";
import type { NetworkShape } from "../network-shape.ts";
import { type ModelNotes, notesAsText } from "./model-notes.ts";

export interface TfjsFiles {
  /** The text of model.json. */
  readonly model: string;
  /** The file of weights that it names. */
  readonly weights: Uint8Array;
}

/** `weightsFile` is the name that model.json calls the weights by, beside itself. */
export function tfjsOf(
  shape: NetworkShape,
  params: Float32Array,
  notes: ModelNotes,
  software: string,
  weightsFile: string,
): TfjsFiles {
  const { trunk, policy } = denseLayersOf(shape, params);
  const layers = [...trunk, ...policy];
  const names = layers.map((_, index) =>
    index < layers.length - 1 ? `hidden_${index + 1}` : "logits",
  );
  const named = layers.map((layer, index) => ({ layer, name: names[index] as string }));
  const model = {
    format: "layers-model",
    generatedBy: software,
    convertedBy: null,
    modelTopology: {
      keras_version: "tfjs-layers 4.22.0",
      backend: "tensor_flow.js",
      model_config: {
        class_name: "Sequential",
        config: {
          name: "policy",
          layers: named.map(({ layer, name }, index) => denseConfig(layer, name, index === 0)),
        },
      },
    },
    weightsManifest: [
      {
        paths: [weightsFile],
        weights: named.flatMap(({ layer: { inputs, outputs }, name }) => [
          { name: `${name}/kernel`, shape: [inputs, outputs], dtype: "float32" },
          { name: `${name}/bias`, shape: [outputs], dtype: "float32" },
        ]),
      },
    ],
    userDefinedMetadata: notesAsText(notes),
  };
  const weights = layers.flatMap(({ inputs, outputs, weights, biases }) => [
    littleEndian(transposed(weights, outputs, inputs)),
    littleEndian(biases),
  ]);
  return { model: `${JSON.stringify(model, null, 2)}\n`, weights: Buffer.concat(weights) };
}

function denseConfig(
  { inputs, outputs, activation }: DenseLayer,
  name: string,
  isFirst: boolean,
): object {
  return {
    class_name: "Dense",
    config: {
      name,
      trainable: true,
      dtype: "float32",
      ...(isFirst ? { batch_input_shape: [null, inputs] } : {}),
      units: outputs,
      activation,
      use_bias: true,
      kernel_initializer: { class_name: "Zeros", config: {} },
      bias_initializer: { class_name: "Zeros", config: {} },
      kernel_regularizer: null,
      bias_regularizer: null,
      activity_regularizer: null,
      kernel_constraint: null,
      bias_constraint: null,
    },
  };
}

/** A matrix [rows, columns] as [columns, rows]. */
export function transposed(
  matrix: Float32Array,
  rows: number,
  columns: number,
): Float32Array<ArrayBuffer> {
  const turned = new Float32Array(matrix.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      turned[column * rows + row] = matrix[row * columns + column] as number;
    }
  }
  return turned;
}
