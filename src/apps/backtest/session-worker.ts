/**
 * The worker's side of a back-test on several threads: it runs sessions as it is told, one at a time,
 * and posts what comes of them. The program itself is what a worker runs (`main.ts`).
 */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { assert, messageOf, OperationError } from "../../core/index.ts";
import { breathe } from "../interruption.ts";
import {
  type BacktestWork,
  openStrategyOf,
  runSessionJob,
  type SessionDone,
} from "./session-job.ts";
import type { WORKER_KIND } from "./worker-kind.ts";

export interface WorkerWork {
  readonly kind: typeof WORKER_KIND;
  readonly work: BacktestWork;
}

export type WorkerRequest =
  | { readonly kind: "run"; readonly index: number }
  /** Ends the session that is running, and keeps what it has. */
  | { readonly kind: "stop" }
  | { readonly kind: "close" };

export type WorkerAnswer =
  | { readonly kind: "progress"; readonly index: number; readonly share: number }
  | { readonly kind: "done"; readonly index: number; readonly done: SessionDone }
  /** `code` is that of an `OperationError`, null for a bug. */
  | {
      readonly kind: "failed";
      readonly index: number;
      readonly code: string | null;
      readonly message: string;
      readonly stack: string;
    };

/** Serves until told to close. */
export function serveSessions(): void {
  assert(parentPort !== null, "a worker has a parent");
  const port = parentPort;
  const { work } = workerData as WorkerWork;
  const opened = openStrategyOf(work);
  // Its failure is told with the first session.
  opened.catch(() => undefined);
  let isStopped = false;
  port.on("message", (request: WorkerRequest) => {
    if (request.kind === "stop") isStopped = true;
    else if (request.kind === "close") port.close();
    else void serve(port, work, request.index, opened, () => isStopped);
  });
}

async function serve(
  port: MessagePort,
  work: BacktestWork,
  index: number,
  opened: ReturnType<typeof openStrategyOf>,
  isStopped: () => boolean,
): Promise<void> {
  const post = (answer: WorkerAnswer): void => port.postMessage(answer);
  try {
    const done = await runSessionJob(work, index, opened, {
      progress: (share) => post({ kind: "progress", index, share }),
      isStopped: async () => {
        // Messages arrive only while nothing else runs.
        await breathe();
        return isStopped();
      },
    });
    post({ kind: "done", index, done });
  } catch (error) {
    const message = messageOf(error);
    const stack = error instanceof Error ? (error.stack ?? message) : message;
    const code = error instanceof OperationError ? error.code : null;
    post({ kind: "failed", index, code, message, stack });
  }
}
