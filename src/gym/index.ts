/**
 * gym: the Gymnasium interface in TypeScript, and nothing of Kalshi. Spaces, environments, vector
 * environments with their autoreset modes, the environment checker and the reference environments
 * that learners are checked on. It never learns and never trades.
 */
export { checkEnv, type CheckOptions } from "./check-env.ts";
export { checkVectorEnv, type VectorCheckOptions } from "./check-vector-env.ts";
export type { Env, EnvInfo, EnvMetadata, ResetOptions, StepResult } from "./env.ts";
export { Acrobot, type AcrobotResetOptions } from "./environments/acrobot.ts";
export { CartPole, type CartPoleResetOptions } from "./environments/cart-pole.ts";
export { InvalidActionEnv } from "./environments/invalid-action.ts";
export { MountainCar, type MountainCarResetOptions } from "./environments/mountain-car.ts";
export { type Probe, ProbeEnv } from "./environments/probes.ts";
export { FrameMemory, FrameStack, stackFrames } from "./frame-stack.ts";
export type { LaneModule } from "./lane-thread.ts";
export { type LaneBlock, type LaneFactory, type LaneTask, laneWorker } from "./lane-worker.ts";
export { NumpyRandom, seedSequence } from "./numpy-random.ts";
export { ENVIRONMENT_NAMES, makeEnv } from "./registry.ts";
export { Box, Discrete } from "./spaces.ts";
export { SyncVectorEnv } from "./sync-vector-env.ts";
export { ThreadedVectorEnv, type ThreadedVectorOptions } from "./threaded-vector-env.ts";
export { TimeLimit } from "./time-limit.ts";
export type { AutoresetMode, VectorEnv } from "./vector-env.ts";
