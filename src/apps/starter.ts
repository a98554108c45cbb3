/**
 * The process that started this one, where it was `npx`. It starts a program by a shell, and where it is
 * told to end it tells that shell and no more: the program would run on, and a script that keeps npx's
 * id in `$!` has no other by which to end it.
 */
const LOOK_MS = 500;

/** Looked at as early as this file is read: npx may end while the program still gets ready. */
const STARTER = process.ppid;
/** Takes in whoever has lost its parent. */
const ORPHANAGE = 1;

/** Whether `npx` runs this very program, rather than one that started it in its turn. */
export function isRunByNpx(environment: Readonly<Record<string, string | undefined>>): boolean {
  const { npm_lifecycle_event: event, npm_lifecycle_script: script } = environment;
  return event === "npx" && /^['"]?kalshi-gym\b/.test(script ?? "");
}

/** Acts once `npx` has ended its shell; never where something else started us. Ends with what it returns. */
export function whenNpxEnds(act: () => void): () => void {
  if (!isRunByNpx(process.env)) return () => undefined;
  let timer: NodeJS.Timeout;
  const look = (): void => {
    if (process.ppid !== STARTER || STARTER === ORPHANAGE) act();
    else lookIn(LOOK_MS);
  };
  const lookIn = (ms: number): void => {
    // A program that has nothing left to do ends all the same.
    timer = setTimeout(look, ms).unref();
  };
  lookIn(0);
  return () => {
    clearTimeout(timer);
  };
}
