/**
 * N lanes on several threads behind the `VectorEnv` contract. Lanes are split into as many blocks as
 * there are threads; the caller's thread steps the first block while workers step the others. What a
 * lane does depends on its index alone, so results and saved states are those of the same lanes on
 * one thread, bit for bit, and either goes on from what the other saved.
 *
 * A step costs two wake-ups where threads have gone to sleep, some ten microseconds: it pays where
 * the lanes of a thread take longer than that.
 */
import { assert, OperationError } from "../core/index.ts";
import { type LaneArrays, publishLanes, savedLanes, shareLaneArrays } from "./lane-arrays.ts";
import { type LaneModule, LaneThread } from "./lane-thread.ts";
import type { LaneFactory, LaneTask } from "./lane-worker.ts";
import type { AutoresetMode, VectorEnv } from "./vector-env.ts";

export interface ThreadedVectorOptions<Options, Plan> {
  /** Makes the lanes of this thread. */
  readonly make: LaneFactory<Options>;
  /** What threads can do with their lanes beside stepping them; nothing by default. */
  readonly task?: LaneTask<Plan>;
  /** Where workers find `laneWorker(make, task)`. */
  readonly module: LaneModule;
  /** What lanes are made from; cloned for workers but for what is in a SharedArrayBuffer. */
  readonly options: Options;
  readonly count: number;
  /** Threads, the caller's among them; there are never more of them than lanes. */
  readonly threads: number;
}

export class ThreadedVectorEnv<Options, Plan = never> implements VectorEnv {
  readonly task: LaneTask<Plan> | null;
  /** Into how many blocks the lanes are split, a thread each. */
  readonly blocks: number;
  readonly count: number;
  readonly observationSize: number;
  readonly actionCount: number;
  readonly metadata: { readonly name: string; readonly autoreset: AutoresetMode };
  readonly observations: Float32Array;
  readonly finalObservations: Float32Array;
  readonly rewards: Float64Array;
  readonly terminated: Uint8Array;
  readonly truncated: Uint8Array;
  readonly actionMasks: Uint8Array;
  readonly episodeReturns: Float64Array;
  readonly episodeLengths: Uint32Array;
  readonly #arrays: LaneArrays;
  /** Lanes of this thread, the first ones. */
  readonly #own: VectorEnv;
  readonly #ownActions: Int32Array;
  readonly #workers: readonly LaneThread[];
  readonly #stepOwn = (): void => {
    this.#own.step(this.#ownActions);
    publishLanes(this.#own, this.#arrays, 0);
  };
  #plan: Plan | null = null;
  #performOwn: () => void = nothing;
  #isClosed = false;

  /** `LANE_MODULE` where a worker cannot use its module; errors of factories as they are. */
  constructor(given: ThreadedVectorOptions<Options, Plan>) {
    const { make, task = null, module, options, count, threads } = given;
    assert(Number.isInteger(count) && count >= 1, "a vector environment has at least one lane");
    assert(Number.isInteger(threads) && threads >= 1, "threads are a whole number from 1 up");
    const blocks = Math.min(threads, count);
    this.task = task;
    this.blocks = blocks;
    const firstOf = (block: number): number => Math.floor((block * count) / blocks);
    this.#own = make(options, 0, firstOf(1));
    assert(this.#own.count === firstOf(1), "a factory makes as many lanes as it is asked for");
    const { observationSize, actionCount, metadata } = this.#own;
    this.#arrays = shareLaneArrays({ count, observationSize, actionCount });
    this.count = count;
    this.observationSize = observationSize;
    this.actionCount = actionCount;
    this.metadata = metadata;
    this.observations = this.#arrays.observations;
    this.finalObservations = this.#arrays.finalObservations;
    this.rewards = this.#arrays.rewards;
    this.terminated = this.#arrays.terminated;
    this.truncated = this.#arrays.truncated;
    this.actionMasks = this.#arrays.actionMasks;
    this.episodeReturns = this.#arrays.episodeReturns;
    this.episodeLengths = this.#arrays.episodeLengths;
    this.#ownActions = this.#arrays.actions.subarray(0, this.#own.count);
    publishLanes(this.#own, this.#arrays, 0);
    this.#workers = Array.from({ length: blocks - 1 }, (_, worker) => {
      const block = worker + 1;
      const firstLane = firstOf(block);
      const sizes = { count: firstOf(block + 1) - firstLane, observationSize, actionCount };
      return new LaneThread({ module, options, arrays: this.#arrays, firstLane, block, sizes });
    });
    try {
      this.#awaitAll(nothing, awaitAnswer);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  reset(seed: number | string): void {
    this.#requireOpen();
    for (const worker of this.#workers) worker.request({ kind: "reset", seed });
    this.#awaitAll(() => {
      this.#own.reset(seed);
      publishLanes(this.#own, this.#arrays, 0);
    }, awaitReply);
  }

  step(actions: Int32Array): void {
    this.#requireOpen();
    this.#arrays.actions.set(actions);
    for (const worker of this.#workers) worker.step();
    this.#awaitAll(this.#stepOwn, awaitAnswer);
  }

  /**
   * Has every thread do its task with its lanes, by `plan`, which is sent where it is not the one of
   * the last call. The arrays are then those of the last step.
   */
  perform(plan: Plan): void {
    this.#requireOpen();
    if (plan !== this.#plan) this.#prepare(plan);
    for (const worker of this.#workers) worker.perform();
    this.#awaitAll(this.#performOwn, awaitAnswer);
  }

  #prepare(plan: Plan): void {
    const { task } = this;
    assert(task !== null, "lanes that are given a plan have a task");
    this.#plan = null;
    for (const worker of this.#workers) worker.request({ kind: "prepare", plan });
    this.#awaitAll(() => {
      const perform = task({ env: this.#own, firstLane: 0, block: 0 }, plan);
      this.#performOwn = () => {
        perform();
        publishLanes(this.#own, this.#arrays, 0);
      };
    }, awaitReply);
    this.#plan = plan;
  }

  /** One entry a lane, as one environment of all lanes saves them. */
  save(): readonly unknown[] {
    this.#requireOpen();
    const lanes: unknown[] = [];
    for (const worker of this.#workers) worker.request({ kind: "save" });
    this.#awaitAll(
      () => lanes.push(...savedLanes(this.#own)),
      (worker) => {
        const reply = worker.awaitReply();
        assert(reply.kind === "saved", "the answer is to the request");
        lanes.push(...reply.lanes);
      },
    );
    return lanes;
  }

  /** `ENV_STATE` where the state is not one of as many lanes of the same environment. */
  restore(state: unknown): void {
    this.#requireOpen();
    const lanes: readonly unknown[] = Array.isArray(state) ? state : [];
    if (lanes.length !== this.count) {
      throw new OperationError(
        "ENV_STATE",
        `environment state: expected ${this.count} lanes of ${this.metadata.name}, was ` +
          `${lanes.length || "none"}; resume with the environments that the checkpoint was made with`,
      );
    }
    for (const worker of this.#workers) {
      const { firstLane, count } = worker;
      worker.request({ kind: "restore", lanes: lanes.slice(firstLane, firstLane + count) });
    }
    this.#awaitAll(() => {
      this.#own.restore(lanes.slice(0, this.#own.count));
      publishLanes(this.#own, this.#arrays, 0);
    }, awaitReply);
  }

  /** Ends the workers. The environment is not to be used any more; closing it again does nothing. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const worker of this.#workers) worker.request({ kind: "close" });
    this.#awaitAll(
      () => this.#own.close(),
      (worker) => worker.awaitEnd(),
    );
  }

  #requireOpen(): void {
    assert(!this.#isClosed, "a closed environment is not used any more");
  }

  /**
   * Does this thread's share and waits for every worker, so that none is left behind; then throws
   * the failure of the first lanes, if there was one.
   */
  #awaitAll(own: () => void, each: (worker: LaneThread) => void): void {
    let hasFailed = false;
    let failure: unknown;
    try {
      own();
    } catch (error) {
      hasFailed = true;
      failure = error;
    }
    for (const worker of this.#workers) {
      try {
        each(worker);
      } catch (error) {
        if (!hasFailed) failure = error;
        hasFailed = true;
      }
    }
    if (hasFailed) throw failure;
  }
}

const nothing = (): void => undefined;
const awaitAnswer = (worker: LaneThread): void => worker.awaitAnswer();
const awaitReply = (worker: LaneThread): void => void worker.awaitReply();
