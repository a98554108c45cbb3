/**
 * learn: how a policy is trained, kept and judged; nothing of Kalshi. PPO on a compute kernel
 * whose every rounding is fixed, networks, advantages, checkpoints, model folders and their formats,
 * evaluation with intervals. It acts only through the environments of `gym`.
 */
export { type Alarm, AlarmLog, type AlarmState, alarmText } from "./alarms.ts";
export {
  CHECKPOINT_FILE,
  type CheckpointFacts,
  loadCheckpoint,
  saveCheckpoint,
} from "./checkpoint.ts";
export { collectLanes, type CollectionPlan } from "./collect.ts";
export {
  type EvaluatedPolicy,
  type EvaluationOptions,
  evaluateInSteps,
  evaluatePolicies,
  type Interval,
  meanInterval,
  pairedDifferences,
  type PolicyResult,
} from "./evaluation.ts";
export { EVENT_FILE, eventFileHeader, scalarEvent } from "./event-file.ts";
export { rememberFrames } from "./framed-policy.ts";
export { type ForeignModel, isForeignModel, openForeignModel } from "./formats/foreign-model.ts";
export {
  loadModel,
  makeManifest,
  MANIFEST_FILE,
  type Model,
  MODEL_FILES,
  type ModelFacts,
  modelHashOf,
  type ModelManifest,
  saveModel,
  TFJS_FILE,
} from "./model-folder.ts";
export { ACTIVATIONS, isNetworkShape, type NetworkShape, TRUNKS } from "./network-shape.ts";
export type { NormaliserState } from "./observation-normaliser.ts";
export { Policy } from "./policy.ts";
export { DEFAULT_PPO, type PpoSettings, requirePpoSettings } from "./ppo-settings.ts";
export { type Preset, PRESET_NAMES, presetFor, type ReturnMeasure } from "./presets.ts";
export {
  type IterationReport,
  PpoTrainer,
  type TrainerOptions,
  type TrainerState,
  type TrainingPhase,
} from "./ppo-trainer.ts";
export { type Schedule, SCHEDULES } from "./schedule.ts";
