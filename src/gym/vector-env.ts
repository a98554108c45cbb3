/**
 * The contract of N environments stepped together in one set of arrays, which the environment owns
 * and overwrites at each call. N lanes, O observation numbers, A actions.
 */

/**
 * What happens to a lane whose episode has ended.
 *   same-step  it is reset in the same step; the last observation is in `finalObservations`
 *   next-step  it is reset by the next step, which ignores the lane's action and gives reward 0
 *   disabled   it stays ended until `reset`
 */
export type AutoresetMode = "same-step" | "next-step" | "disabled";

export interface VectorEnv {
  readonly count: number;
  readonly observationSize: number;
  readonly actionCount: number;
  readonly metadata: { readonly name: string; readonly autoreset: AutoresetMode };
  /** What the next actions are chosen from. [N, O] */
  readonly observations: Float32Array;
  /** Last observations of episodes that ended in this step; other rows are meaningless. [N, O] */
  readonly finalObservations: Float32Array;
  /** [N] */
  readonly rewards: Float64Array;
  /** 1 where the lane's episode ended in this step. [N] */
  readonly terminated: Uint8Array;
  readonly truncated: Uint8Array;
  /** 1 where an action is allowed, for `observations`. [N, A] */
  readonly actionMasks: Uint8Array;
  /** Sum of rewards and number of steps of the episode that ended in this step. [N] */
  readonly episodeReturns: Float64Array;
  readonly episodeLengths: Uint32Array;
  /** Starts all lanes anew. */
  reset(seed: number | string): void;
  step(actions: Int32Array): void;
  /** Plain data (JSON), one entry a lane, from which `restore` continues bit for bit. */
  save(): readonly unknown[];
  restore(state: unknown): void;
  close(): void;
}
