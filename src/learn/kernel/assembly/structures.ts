/**
 * What the host tells the kernel, as structures in linear memory: the host writes them word by word
 * (kernel-memory.ts has the same fields in the same order), the kernel only reads them. All pointers
 * come from here, so the module keeps nothing of its own in memory and many instances may share one.
 */

/** Samples that pass through the layers together. It changes no bit of any result. */
export const TILE: i32 = 64;

/**
 * A dense layer. Its parameters are a block of `inputs` rows of weights and one of biases, rows of
 * `stride` floats, a multiple of 8; what is beyond `outputs` is zero.
 */
@unmanaged
export class Layer {
  inputs!: i32;
  outputs!: i32;
  stride!: i32;
  activation!: i32;
  /** Where its block begins in parameters, gradients and moments, in bytes. */
  block!: usize;
  /** Where its outputs [TILE, stride] are in a thread's own memory, in bytes. */
  outputAt!: usize;
  /** Where its weights are kept transposed [outputs, stride of inputs], or 0 where nobody asks. */
  transposedAt!: usize;
  /** Floats between two rows of its inputs. */
  inputStride!: i32;
}

/** Layers in their order: those of the shared trunk, if any, of the policy, of the value. */
@unmanaged
export class Network {
  observations!: i32;
  actions!: i32;
  trunkLayers!: i32;
  policyLayers!: i32;
  valueLayers!: i32;
  layers!: usize;
  params!: usize;
  /** Floats, a multiple of 16. */
  paramsLength!: i32;
}

/** Memory of one thread's own. */
@unmanaged
export class Thread {
  index!: i32;
  /** Base of the layers' outputs and transposed weights. */
  base!: usize;
  /** [TILE, observations to a multiple of 8] */
  observations!: usize;
  /** Gradients of a layer's outputs and inputs, [TILE, widest] each. */
  upper!: usize;
  lower!: usize;
  /** Gradient of the trunk's outputs, [TILE, its stride]. */
  trunk!: usize;
  /** [TILE, stride of the logits], [TILE, 8] */
  dLogits!: usize;
  dValues!: usize;
  /** Shifted logits, log-probabilities and probabilities of four samples, [actions, 4] each. */
  logs!: usize;
  probabilities!: usize;
  /** Advantages of the minibatch. [M] */
  advantages!: usize;
  /** As many zeros as the widest layer has columns. */
  zeros!: usize;
}

/** A rollout's samples. */
@unmanaged
export class Samples {
  /** [B, O] float32 */
  observations!: usize;
  /** [B] int32 */
  actions!: usize;
  /** [B, A] bytes */
  masks!: usize;
  /** [B] float32 each */
  logProbabilities!: usize;
  advantages!: usize;
  returns!: usize;
  values!: usize;
}

@unmanaged
export class Update {
  network!: usize;
  samples!: usize;
  /** Thread structures, one after the other. */
  threads!: usize;
  threadCount!: i32;
  barrier!: usize;
  /** Samples in a minibatch, and its parts with gradients of their own. */
  M!: i32;
  shards!: i32;
  normaliseAdvantages!: i32;
  halfValueLoss!: i32;
  clipsValue!: i32;
  valueClip!: f32;
  valueFactor!: f32;
  beta1!: f32;
  beta2!: f32;
  /** 1 - beta. */
  gain1!: f32;
  gain2!: f32;
  epsilon!: f32;
  /** Gradients of shard s at grads + s * gradsBytes. */
  grads!: usize;
  gradsBytes!: usize;
  first!: usize;
  second!: usize;
  /** Terms of each sample of the minibatch. [M] float32 each */
  policyLosses!: usize;
  valueLosses!: usize;
  entropies!: usize;
  kls!: usize;
  /** Factors of each minibatch of an epoch, and what came of it. */
  factors!: usize;
  reports!: usize;
  /** Minibatches in the epoch, and the samples that they name. [minibatches * M] uint32 */
  minibatches!: i32;
  indices!: usize;
  gradientNormMax!: f64;
}

/** Factors of one minibatch, rounded once by the host. */
@unmanaged
export class Factors {
  clipLow!: f32;
  clipHigh!: f32;
  entropyCoefficient!: f32;
  /** The learning rate over 1 - beta1^t, and the root of 1 - beta2^t. */
  rate!: f32;
  root!: f32;
}

/** Sums over a minibatch's samples. */
@unmanaged
export class Report {
  policyLoss!: f32;
  valueLoss!: f32;
  entropy!: f32;
  kl!: f32;
  clipped!: i32;
  reserved!: i32;
  gradientNorm!: f64;
}
