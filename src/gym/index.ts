/**
 * gym: the Gymnasium interface in TypeScript, and nothing of Kalshi. Spaces, environments, vector
 * environments with their autoreset modes, the environment checker and the reference environments
 * that learners are checked on. It never learns and never trades.
 */
export type { Env, EnvInfo, EnvMetadata, ResetOptions, StepResult } from "./env.ts";
export { Box, Discrete } from "./spaces.ts";
export type { AutoresetMode, VectorEnv } from "./vector-env.ts";
