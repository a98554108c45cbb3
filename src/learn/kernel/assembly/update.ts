/**
 * An epoch of minibatches, by one or several threads in step. A minibatch is cut into shards with
 * gradients of their own, a number that the configuration gives; threads take shards in turn, and
 * add them up in the shards' order, so their number changes no bit.
 */
import { evaluate } from "./act";
import { meet } from "./barrier";
import { activateBackward } from "./functions";
import { policyLoss, valueLoss } from "./loss";
import { backward, forward, gatherRows, layerAt, transposeWeights } from "./network";
import { Factors, Network, Report, Samples, Thread, TILE, Update } from "./structures";
import { sum, sumOfSquares } from "./sums";

/** What threads do together. */
export const LEARN: i32 = 1;
export const EVALUATE: i32 = 2;

/** To be called by every thread, with its own structure; returns when the work is done. */
export function work(updatePointer: usize, index: i32, command: i32): void {
  const update = changetype<Update>(updatePointer);
  const thread = changetype<Thread>(update.threads + <usize>index * offsetof<Thread>());
  if (command == LEARN) learnEpoch(update, thread);
  else evaluateShare(update, thread);
}

/** Values of this thread's share of the rollout's tiles. */
function evaluateShare(update: Update, thread: Thread): void {
  const network = changetype<Network>(update.network);
  const samples = changetype<Samples>(update.samples);
  const threads = update.threadCount;
  const B = update.M * update.minibatches;
  const tiles = (B + TILE - 1) / TILE;
  const from = ((tiles * thread.index) / threads) * TILE;
  const to = min(B, ((tiles * (thread.index + 1)) / threads) * TILE);
  const O = <usize>network.observations << 2;
  evaluate(
    update.network,
    changetype<usize>(thread),
    samples.observations + <usize>from * O,
    samples.values + (<usize>from << 2),
    to - from,
  );
  meet(update.barrier, threads);
}

function learnEpoch(update: Update, thread: Thread): void {
  for (let minibatch: i32 = 0; minibatch < update.minibatches; minibatch++) {
    learn(update, thread, minibatch);
  }
}

/** One minibatch: its gradient in the first shard's place, and the step. */
function learn(update: Update, thread: Thread, minibatch: i32): void {
  const network = changetype<Network>(update.network);
  const factors = changetype<Factors>(update.factors + <usize>minibatch * offsetof<Factors>());
  const report = changetype<Report>(update.reports + <usize>minibatch * offsetof<Report>());
  const indices = update.indices + (<usize>(minibatch * update.M) << 2);
  const threads = update.threadCount;
  addShards(update, thread, factors, report, indices);
  meet(update.barrier, threads);
  // Whole blocks of 16, so that threads do not write to one cache line.
  const blocks = network.paramsLength >> 4;
  const begin = ((blocks * thread.index) / threads) << 4;
  const end = ((blocks * (thread.index + 1)) / threads) << 4;
  reduce(update, begin, end);
  meet(update.barrier, threads);
  const norm = Math.sqrt(<f64>sumOfSquares(update.grads, 0, network.paramsLength));
  const scale = <f32>Math.min(1, update.gradientNormMax / (norm + 1e-6));
  adam(update, factors, network.params, scale, begin, end);
  if (thread.index == 0) {
    const M = update.M;
    report.policyLoss = sum(update.policyLosses, M);
    report.valueLoss = sum(update.valueLosses, M);
    report.entropy = sum(update.entropies, M);
    report.kl = sum(update.kls, M);
    report.gradientNorm = norm;
  }
  meet(update.barrier, threads);
}

function addShards(
  update: Update,
  thread: Thread,
  factors: Factors,
  report: Report,
  indices: usize,
): void {
  const network = changetype<Network>(update.network);
  gatherAdvantages(update, thread, indices);
  transposeWeights(network, thread);
  const perShard = update.M / update.shards;
  for (let shard = thread.index; shard < update.shards; shard += update.threadCount) {
    const grads = update.grads + <usize>shard * update.gradsBytes;
    memory.fill(grads, 0, <usize>network.paramsLength << 2);
    const end = (shard + 1) * perShard;
    for (let from = shard * perShard; from < end; from += TILE) {
      addTile(update, thread, factors, report, grads, indices, from, min(TILE, end - from));
    }
  }
}

/** Advantages of the minibatch, with mean 0 and (unbiased) deviation 1 where that is asked. */
function gatherAdvantages(update: Update, thread: Thread, indices: usize): void {
  const samples = changetype<Samples>(update.samples);
  const M = update.M;
  const to = thread.advantages;
  for (let m: i32 = 0; m < M; m++) {
    const at = <usize>m << 2;
    const sample = <usize>load<u32>(indices + at);
    store<f32>(to + at, load<f32>(samples.advantages + (sample << 2)));
  }
  if (!update.normaliseAdvantages) return;
  const mean = sum(to, M) / <f32>M;
  const variance = sumOfSquares(to, mean, M) / <f32>(M - 1);
  const scale = Mathf.sqrt(variance) + <f32>1e-8;
  const center = f32x4.splat(mean);
  const divisor = f32x4.splat(scale);
  // The array has room for a whole number of vectors.
  for (let m: i32 = 0; m < M; m += 4) {
    const at = to + (<usize>m << 2);
    v128.store(at, f32x4.div(f32x4.sub(v128.load(at), center), divisor));
  }
}

/** Adds the gradient of samples from .. from + rows - 1 of the minibatch to `grads`. */
function addTile(
  update: Update,
  thread: Thread,
  factors: Factors,
  report: Report,
  grads: usize,
  indices: usize,
  from: i32,
  rows: i32,
): void {
  const network = changetype<Network>(update.network);
  const samples = changetype<Samples>(update.samples);
  const x = thread.observations;
  gatherRows(network, x, samples.observations, indices + (<usize>from << 2), rows);
  const T = network.trunkLayers;
  const P = network.policyLayers;
  const V = network.valueLayers;
  const trunk = T > 0 ? forward(network, thread, 0, T, x, rows) : x;
  const dTrunk: usize = T > 0 ? thread.trunk : 0;

  const logits = forward(network, thread, T, P, trunk, rows);
  const logitsStride = layerAt(network, T + P - 1).stride;
  policyLoss(update, factors, report, thread, indices, from, rows, logits, logitsStride);
  backward(network, thread, grads, T, P, trunk, thread.dLogits, rows, dTrunk, false);

  const values = forward(network, thread, T + P, V, trunk, rows);
  const valuesStride = layerAt(network, T + P + V - 1).stride;
  valueLoss(update, thread, indices, from, rows, values, valuesStride);
  backward(network, thread, grads, T + P, V, trunk, thread.dValues, rows, dTrunk, true);

  if (T == 0) return;
  const top = layerAt(network, T - 1);
  activateBackward(dTrunk, trunk, rows * top.stride, top.activation);
  backward(network, thread, grads, 0, T, x, dTrunk, rows, 0, false);
}

/** Adds the other shards' gradients to the first one's, in their order, over floats begin .. end. */
function reduce(update: Update, begin: i32, end: i32): void {
  const grads = update.grads;
  const gradsBytes = update.gradsBytes;
  const shards = update.shards;
  if (shards == 1) return;
  const stop = grads + (<usize>end << 2);
  for (let at = grads + (<usize>begin << 2); at < stop; at += 32) {
    let a = v128.load(at);
    let b = v128.load(at, 16);
    let from = at;
    for (let shard: i32 = 1; shard < shards; shard++) {
      from += gradsBytes;
      a = f32x4.add(a, v128.load(from));
      b = f32x4.add(b, v128.load(from, 16));
    }
    v128.store(at, a);
    v128.store(at, b, 16);
  }
}

/** One step as torch.optim.Adam's, over floats begin .. end; padding stays zero. */
function adam(
  update: Update,
  factors: Factors,
  params: usize,
  scale: f32,
  begin: i32,
  end: i32,
): void {
  const b1 = f32x4.splat(update.beta1);
  const b2 = f32x4.splat(update.beta2);
  const c1 = f32x4.splat(update.gain1);
  const c2 = f32x4.splat(update.gain2);
  const epsilon = f32x4.splat(update.epsilon);
  const rate = f32x4.splat(factors.rate);
  const root = f32x4.splat(factors.root);
  const factor = f32x4.splat(scale);
  const grads = update.grads;
  const first = update.first;
  const second = update.second;
  const stop = <usize>end << 2;
  for (let at = <usize>begin << 2; at < stop; at += 16) {
    const g = f32x4.mul(v128.load(grads + at), factor);
    const m = f32x4.add(f32x4.mul(b1, v128.load(first + at)), f32x4.mul(c1, g));
    const v = f32x4.add(f32x4.mul(b2, v128.load(second + at)), f32x4.mul(c2, f32x4.mul(g, g)));
    v128.store(first + at, m);
    v128.store(second + at, v);
    const denominator = f32x4.add(f32x4.div(f32x4.sqrt(v), root), epsilon);
    const moved = f32x4.div(f32x4.mul(rate, m), denominator);
    v128.store(params + at, f32x4.sub(v128.load(params + at), moved));
  }
}
