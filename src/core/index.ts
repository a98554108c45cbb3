/**
 * core: what every other room stands on. Units, exact decimals, deterministic maths, seeded random
 * streams, assertions, errors, hashes, atomic files. It knows nothing of markets and imports no
 * other room; it never reads a clock or the network.
 */
export { assert, present, unreachable } from "./assert.ts";
export { writeFileAtomically } from "./atomic-file.ts";
export { clearList } from "./clear-list.ts";
export {
  formatCentiCents,
  formatFixed,
  parseCentiCents,
  parseFixed,
  parseLots,
} from "./decimal.ts";
export { bytesOf, canonicalJson, sha256, sha256Stream } from "./hash.ts";
export { makeFolder } from "./make-folder.ts";
export { cos, exp, ln, pow, sin, tanh } from "./maths.ts";
export { nearestOf } from "./nearest.ts";
export { messageOf, OperationError } from "./operation-error.ts";
export { Prng, type PrngState } from "./prng.ts";
export { type Scheduler, SimulatedScheduler } from "./scheduler.ts";
export {
  type CentiCents,
  centiCents,
  complement,
  type Lots,
  lots,
  LOTS_PER_CONTRACT,
  MICRO_USD_PER_USD,
  type MicroUsd,
  microUsd,
  ONE_DOLLAR_CC,
  type TimestampUs,
  timestampUs,
  US_PER_SECOND,
} from "./units.ts";
