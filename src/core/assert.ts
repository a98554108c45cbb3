/**
 * Assertions for bugs. A failed assertion is a defect of this program, never of the world, so it is
 * always on and never caught; failures of the world are `OperationError`s.
 */

/** Throws when `condition` is false. `sentence` states the invariant and is a constant. */
export function assert(condition: boolean, sentence: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${sentence}`);
}

/** Ends a `switch` over a union: reaching it means that a kind was added and not handled. */
export function unreachable(value: never): never {
  throw new Error(`assertion failed: unhandled kind ${JSON.stringify(value)}`);
}

/** Returns `value`, asserting that it is there. For look-ups whose absence would be a bug. */
export function present<T>(value: T | undefined | null, sentence: string): T {
  assert(value !== undefined && value !== null, sentence);
  return value;
}
