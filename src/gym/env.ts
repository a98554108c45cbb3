/**
 * The contract of one environment: Gymnasium's, in TypeScript. Terminated means that the task has
 * ended and nothing follows; truncated that we stopped watching. After either, `reset` comes before
 * the next `step`.
 */
import type { Box, Discrete } from "./spaces.ts";

export interface ResetOptions {
  /** Starts the environment's random stream anew; without it the stream goes on. */
  readonly seed?: number | string;
  /** What the environment documents. */
  readonly options?: Readonly<Record<string, unknown>>;
}

export interface EnvInfo {
  /** 1 where an action is allowed in the state that the observation shows. [n] */
  readonly actionMask?: Uint8Array;
}

export interface EnvMetadata {
  readonly name: string;
  /** What `step` does with an action that the mask excludes: an error, or a step like any other. */
  readonly maskedActions?: "refused" | "harmless";
}

/** Observation, reward, terminated, truncated, info. */
export type StepResult<Info> = [Float32Array, number, boolean, boolean, Info];

export interface Env<Info extends EnvInfo = EnvInfo> {
  readonly observationSpace: Box;
  readonly actionSpace: Discrete;
  readonly metadata: EnvMetadata;
  reset(options?: ResetOptions): [Float32Array, Info];
  step(action: number): StepResult<Info>;
  close(): void;
}
