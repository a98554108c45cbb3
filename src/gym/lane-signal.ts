/**
 * How a thread is told that a call has been made or answered: a word of shared memory that changes.
 * Calls are numbered; the caller writes the number of the call, the worker that of its answer.
 */

/** Words of a thread's signals, each on a cache line of its own. */
export const SIGNAL = { call: 0, command: 1, answer: 16, failed: 17 } as const;
export const SIGNAL_BYTES = 128;

/**
 * What a call asks for: a step, whose actions and results are in shared arrays, the task that was
 * prepared, or what the message that was posted before it says.
 */
export const COMMAND = { step: 0, message: 1, task: 2 } as const;

/** Looks at a word before sleeping: about 50 microseconds, for most answers are about to come. */
const LOOKS = 10_000;

/** Number of the call to make the environment, which a worker begins with. */
export const FIRST_CALL = 1;

export function nextCall(call: number): number {
  return (call + 1) | 0;
}

/** Sets `word` to `value`, and wakes who waits for it. */
export function raise(words: Int32Array, word: number, value: number): void {
  Atomics.store(words, word, value);
  Atomics.notify(words, word);
}

/**
 * Returns when `word` is `value`, having slept where that took long. With `patienceMs`, false where
 * it is not after that time.
 */
export function awaitWord(
  words: Int32Array,
  word: number,
  value: number,
  patienceMs = Infinity,
): boolean {
  for (let look = 0; look < LOOKS; look++) if (Atomics.load(words, word) === value) return true;
  for (;;) {
    const seen = Atomics.load(words, word);
    if (seen === value) return true;
    if (Atomics.wait(words, word, seen, patienceMs) === "timed-out") {
      return Atomics.load(words, word) === value;
    }
  }
}
