/**
 * sim: a recorded session as a world to act in. The simulated venue behind the `OrderManager` port,
 * its fill models and latencies, and the environment that agents train in. It reads tapes and
 * feature rows; it knows no file, no clock and no network.
 */
export { FILL_MODELS, type FillModel, type FillModelName } from "./fill-model.ts";
export { DEFAULT_LATENCY, type LatencySettings, type LatencyTerm, NO_LATENCY } from "./latency.ts";
export {
  SimulatedOrderManager,
  type SimulatedOrderManagerOptions,
} from "./simulated-order-manager.ts";
