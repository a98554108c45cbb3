/**
 * Makes a folder with those that it stands in. Node's own recursive mkdir is not used: on a file
 * system that refuses new folders with "no such file" (Linux's /proc) it never returns.
 */
import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

/** Does nothing where the folder is there. Throws the system's error where it cannot be made. */
export function makeFolder(path: string): void {
  if (isFolder(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeFolder(parent);
  try {
    mkdirSync(path);
  } catch (error) {
    // Another process may have made it in between.
    if (!isFolder(path)) throw error;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
