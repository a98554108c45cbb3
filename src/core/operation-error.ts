/**
 * The one error class for failures of the world: files, databases, input, networks, configuration.
 * The message says where, what was expected, what was found ("was"), and the way out if there is
 * one; `code` is for machines (upper snake case, stable).
 */
export class OperationError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "OperationError";
    this.code = code;
  }
}

/** The message of anything thrown, for the `cause` sentence of an error that wraps it. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
