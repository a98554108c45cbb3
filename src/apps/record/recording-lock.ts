/** Keeps two recorders out of one recording. What a killed one leaves behind is taken over. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { makeFolder, OperationError, writeFileAtomically } from "../../core/index.ts";

/** Takes the recording; `RECORD_BUSY` where another process writes it. Returns what gives it back. */
export function lockRecording(folder: string): () => void {
  const path = `${resolve(folder)}.lock`;
  const owner = existsSync(path) ? Number(readFileSync(path, "utf8")) : 0;
  if (owner !== process.pid && isAlive(owner)) {
    throw new OperationError(
      "RECORD_BUSY",
      `${folder}: expected a recording that nobody writes, was in use by process ${owner}; ` +
        `wait for it, or remove ${path} if that is no recorder`,
    );
  }
  makeFolder(dirname(path));
  writeFileAtomically(path, `${process.pid}\n`);
  return () => rmSync(path, { force: true });
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
