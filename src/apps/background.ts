/** Processes beside ours that should take only the time that we leave. */
import { readdirSync } from "node:fs";
import { constants, setPriority } from "node:os";

/**
 * Gives process `pid`, all its threads included, the lowest priority. A system that refuses, or that
 * has no such thing, leaves it as it is: it then costs some milliseconds now and then, nothing else.
 */
export function sendToBackground(pid: number): void {
  for (const thread of threadsOf(pid)) {
    try {
      setPriority(thread, constants.priority.PRIORITY_LOW);
    } catch {
      // It has ended meanwhile, or is not ours to change.
    }
  }
}

/** Linux has a priority for each thread; elsewhere that of the process is all. */
function threadsOf(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [pid];
  }
}
