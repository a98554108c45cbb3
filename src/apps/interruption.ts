/**
 * Ctrl-C for commands that can stop early and keep what they did. The first signal asks: the
 * command looks at `requested` between two pieces of work, ends cleanly and exits with 130. The
 * second one quits at once.
 */
import { whenNpxEnds } from "./starter.ts";

export interface Interruption {
  readonly requested: boolean;
  /** Gives the signals back to the system. */
  release(): void;
}

/** Listens for SIGINT, SIGTERM and the end of an `npx` around us until released; `notice` is told once. */
export function listenForInterruption(notice: () => void): Interruption {
  let requested = false;
  const onSignal = (): void => {
    if (requested) process.exit(130);
    requested = true;
    process.exitCode = 130;
    notice();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  const forget = whenNpxEnds(() => {
    if (!requested) onSignal();
  });
  return {
    get requested() {
      return requested;
    },
    release: () => {
      process.off("SIGINT", onSignal);
      process.off("SIGTERM", onSignal);
      forget();
    },
  };
}

/**
 * Lets signals and timers have their turn. Long work that never waits would not hear of a Ctrl-C
 * before it is done.
 */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Ends this process when the one that started it is gone, where that one opened a channel to it:
 * runs of a sweep do not outlive the sweep, even if it is killed. It falls between two pieces of
 * work, as files are written in one go.
 */
export function endWithParent(): void {
  if (process.channel === undefined) return;
  process.once("disconnect", () => process.exit(130));
  // Whoever has nothing left to do ends all the same.
  process.channel.unref();
}
