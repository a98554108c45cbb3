/**
 * Our own program beside us: the script that runs, started again with other words. It stands in a
 * process group of its own, so that a Ctrl-C reaches only us, and it knows when we are gone by its
 * channel to us.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { assert } from "../../core/index.ts";

export function startChild(
  words: readonly string[],
  stdout: "pipe" | "ignore" = "ignore",
  environment: Readonly<Record<string, string>> = {},
): ChildProcess {
  const script = process.argv[1];
  assert(script !== undefined, "a running program has a script");
  return spawn(process.execPath, [...process.execArgv, script, ...words], {
    stdio: ["ignore", stdout, stdout, "ipc"],
    detached: true,
    env: { ...process.env, ...environment },
  });
}
