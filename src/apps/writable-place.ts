/** Whether something can be written to a place, asked before the work is done rather than after. */
import { accessSync, constants } from "node:fs";
import { dirname, resolve } from "node:path";
import { makeFolder, messageOf, OperationError } from "../core/index.ts";

/** Makes the folder that `path` is to be in; `FILE_WRITE` where nothing can be written there. */
export function requireWritable(path: string): void {
  makeFolder(dirname(resolve(path)));
  try {
    accessSync(dirname(resolve(path)), constants.W_OK);
  } catch (error) {
    throw new OperationError(
      "FILE_WRITE",
      `${path}: expected a place that can be written, was: ${messageOf(error)}`,
      { cause: error },
    );
  }
}
