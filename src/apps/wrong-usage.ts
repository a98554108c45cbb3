/**
 * Wrong usage that a flag's own parser cannot see: flags that do not go together, or one that is
 * missing. It depends on the flags alone, never on what is on disk or at a venue; its exit code is 2.
 */
import { OperationError } from "../core/index.ts";

const WRONG_USAGE = "USAGE";

export function wrongUsage(message: string, cause?: unknown): OperationError {
  return new OperationError(WRONG_USAGE, message, cause === undefined ? {} : { cause });
}

export function isWrongUsage(error: unknown): error is OperationError {
  return error instanceof OperationError && error.code === WRONG_USAGE;
}

/** What `read` refuses of the flags' values becomes wrong usage. */
export function ofFlags<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof OperationError) throw wrongUsage(error.message, error);
    throw error;
  }
}
