/**
 * Calls of our own program in processes of their own: the script that is running, started again
 * with other words. Each stands in a process group of its own, so that a Ctrl-C on the terminal
 * reaches only us and is passed on once; it ends by itself when we do, however we end, because its
 * channel to us closes (`endWithParent`).
 */
import { type ChildProcess, spawn } from "node:child_process";
import { assert, OperationError } from "../../core/index.ts";

/** How a call ended. */
export type CallResult =
  | { readonly kind: "done"; readonly json: Readonly<Record<string, unknown>> }
  /** It said why; the same call would fail again. */
  | { readonly kind: "failed"; readonly error: string }
  /** It was stopped from outside, by us or by others, or died of a bug: worth another attempt. */
  | { readonly kind: "stopped"; readonly error: string };

export interface Call {
  readonly pid: number;
  readonly result: Promise<CallResult>;
  /** Asks it to end cleanly, as one Ctrl-C does. */
  stop(): void;
}

/** Characters of output kept, from the end; the result and the error are in its last line. */
const KEPT = 65_536;
/** Exit codes of our own program. */
const EXPLAINED: readonly (number | null)[] = [1, 2];
const INTERRUPTED = 130;

/** Starts `kalshi-gym <words> --json`. `SWEEP_PROCESS` where no process can be started. */
export function callProgram(words: readonly string[]): Call {
  const script = process.argv[1];
  assert(script !== undefined, "a running program has a script");
  const child = spawn(process.execPath, [...process.execArgv, script, ...words, "--json"], {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    detached: true,
  });
  return {
    // Without a process there is an error event, and nothing to wait for.
    pid: child.pid ?? 0,
    result: resultOf(child),
    stop: () => void child.kill("SIGINT"),
  };
}

function resultOf(child: ChildProcess): Promise<CallResult> {
  const output = tail(child.stdout);
  const errors = tail(child.stderr);
  return new Promise((resolve, reject) => {
    child.on("error", (error) => {
      reject(
        new OperationError(
          "SWEEP_PROCESS",
          `${process.execPath}: expected to start a process for a run, was: ${error.message}`,
          { cause: error },
        ),
      );
    });
    child.on("close", (code, signal) => {
      if (signal !== null || code === INTERRUPTED) {
        resolve({ kind: "stopped", error: `ended by ${signal ?? "an interruption"}` });
      } else if (code !== 0) {
        const error = errorIn(errors()) ?? `ended with exit code ${code}`;
        resolve({ kind: EXPLAINED.includes(code) ? "failed" : "stopped", error });
      } else {
        const json = resultIn(output());
        resolve(
          json === null
            ? { kind: "failed", error: "expected a result as its last line, was none" }
            : { kind: "done", json },
        );
      }
    });
  });
}

/** Gathers the end of a stream; what is called gives the text so far. */
function tail(stream: NodeJS.ReadableStream | null): () => string {
  let text = "";
  stream?.setEncoding("utf8");
  stream?.on("data", (piece: string) => {
    text = (text + piece).slice(-KEPT);
  });
  return () => text;
}

/** The line that says what went wrong: the one marked as an error, or the stack's first line. */
function errorIn(text: string): string | null {
  const lines = text.split("\n").map((line) => line.trim());
  const told = lines.findLast((line) => line.startsWith("error: "));
  if (told !== undefined) return told.slice("error: ".length);
  return lines.find((line) => /^\w*Error\b/.test(line)) ?? null;
}

function resultIn(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text.trimEnd().split("\n").at(-1) ?? "");
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
