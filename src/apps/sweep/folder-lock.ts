/**
 * Keeps two sweeps out of one folder. The lock names our process and those of the running runs: a
 * sweep that was killed leaves it behind, and the next one waits until the runs of the dead one have
 * noticed, so that no two processes write into one model folder.
 */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { OperationError, writeFileAtomically } from "../../core/index.ts";

const LOCK_FILE = "sweep.lock";
/** How long a dead sweep's runs may take to end; longer than any iteration. */
const GRACE_MS = 30_000;
const LOOK_MS = 50;

export interface FolderLock {
  /** Writes down the processes that run on our behalf. */
  note(pids: readonly number[]): void;
  release(): void;
}

/** Takes the folder; `SWEEP_BUSY` where another sweep is at work in it. */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const path = join(folder, LOCK_FILE);
  const [owner = 0, ...runs] = pidsIn(path);
  if (owner !== process.pid && isAlive(owner)) {
    throw new OperationError(
      "SWEEP_BUSY",
      `${folder}: expected a folder that no other sweep works in, was in use by process ${owner}; ` +
        `wait for it, or remove ${path} if that is no sweep`,
    );
  }
  for (let waited = 0; runs.some(isAlive) && waited < GRACE_MS; waited += LOOK_MS) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  const note = (pids: readonly number[]): void => {
    writeFileAtomically(path, `${JSON.stringify([process.pid, ...pids])}\n`);
  };
  note([]);
  return { note, release: () => rmSync(path, { force: true }) };
}

function pidsIn(path: string): number[] {
  if (!existsSync(path)) return [];
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    return Array.isArray(value) ? value.filter((pid) => Number.isSafeInteger(pid)) : [];
  } catch {
    // Whoever wrote something else into it holds no lock.
    return [];
  }
}

function isAlive(pid: number): boolean {
  if (pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
