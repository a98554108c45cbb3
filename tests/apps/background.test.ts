import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { getPriority } from "node:os";
import { expect, test } from "vitest";
import { sendToBackground } from "../../src/apps/background.ts";

test("every thread of a process beside gets the lowest priority, and ours stays as it is", async () => {
  const ours = getPriority();
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000); console.log('up')"]);
  await new Promise((resolve) => child.stdout.once("data", resolve));
  const pid = child.pid ?? 0;
  sendToBackground(pid);
  const threads =
    process.platform === "linux" ? readdirSync(`/proc/${pid}/task`).map(Number) : [pid];
  expect(threads.map((thread) => getPriority(thread))).toEqual(threads.map(() => 19));
  expect(getPriority()).toBe(ours);
  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("close", resolve));
  // One that has ended is no trouble.
  sendToBackground(pid);
});
