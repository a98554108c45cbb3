/** What marks a thread as a worker of a back-test; apart, for the program asks before it loads more. */
import { workerData } from "node:worker_threads";

export const WORKER_KIND = "kalshi-gym backtest";

export function isBacktestWorker(): boolean {
  return (workerData as { readonly kind?: unknown } | null)?.kind === WORKER_KIND;
}
