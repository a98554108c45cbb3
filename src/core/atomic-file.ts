/**
 * Files that are there whole or not at all: written beside their place, forced to disk, renamed. A
 * failure leaves what was there before and no debris.
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { makeFolder } from "./make-folder.ts";
import { messageOf, OperationError } from "./operation-error.ts";

/** Writes `content` to `path`, making its folder; `FILE_WRITE` where that cannot be. */
export function writeFileAtomically(path: string, content: string | Uint8Array): void {
  const beside = `${path}.${process.pid}.tmp`;
  try {
    makeFolder(dirname(path));
    const file = openSync(beside, "w");
    try {
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(beside, path);
  } catch (error) {
    removeIfThere(beside);
    throw new OperationError(
      "FILE_WRITE",
      `${path}: could not be written, was: ${messageOf(error)}; free space or choose another place`,
      { cause: error },
    );
  }
}

function removeIfThere(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Where not even a folder could be made, nothing was left behind.
  }
}
