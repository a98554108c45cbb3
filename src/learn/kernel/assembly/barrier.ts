/**
 * Where threads wait for each other: a count of those who have come, a generation that the last one
 * raises, and a count of sleepers, so that nobody is woken who is awake. Waiting spins a little,
 * for the others are usually about to come, and sleeps then, so that a busy machine loses little.
 */
const SPINS: i32 = 20_000;

const ARRIVED: usize = 0;
const GENERATION: usize = 64;
const SLEEPERS: usize = 128;

/** Waits until the word at GENERATION is no longer `seen`. */
// @ts-ignore: decorator
@inline
function waitWhile(barrier: usize, seen: i32): void {
  for (let spin: i32 = 0; spin < SPINS; spin++) {
    if (atomic.load<i32>(barrier + GENERATION) != seen) return;
  }
  while (atomic.load<i32>(barrier + GENERATION) == seen) {
    atomic.add<i32>(barrier + SLEEPERS, 1);
    atomic.wait<i32>(barrier + GENERATION, seen, -1);
    atomic.sub<i32>(barrier + SLEEPERS, 1);
  }
}

// @ts-ignore: decorator
@inline
function raise(barrier: usize): void {
  atomic.add<i32>(barrier + GENERATION, 1);
  if (atomic.load<i32>(barrier + SLEEPERS) > 0) atomic.notify(barrier + GENERATION, -1);
}

/** Returns when all `threads` have called it. */
export function meet(barrier: usize, threads: i32): void {
  if (threads == 1) return;
  const seen = atomic.load<i32>(barrier + GENERATION);
  if (atomic.add<i32>(barrier + ARRIVED, 1) == threads - 1) {
    atomic.store<i32>(barrier + ARRIVED, 0);
    raise(barrier);
    return;
  }
  waitWhile(barrier, seen);
}

/** Lets those go who wait in `awaitSignal`. */
export function signal(barrier: usize): void {
  raise(barrier);
}

/** Returns the generation once it is no longer `seen`. */
export function awaitSignal(barrier: usize, seen: i32): i32 {
  waitWhile(barrier, seen);
  return atomic.load<i32>(barrier + GENERATION);
}
