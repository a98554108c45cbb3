/** What benchmarks share: rates over several rounds, and the recordings they run on. */
import { hasRecordings, importRecording, recordingFiles } from "../fixtures/recordings.ts";

export const RECORDING = "kalshi-ws-26MAR18";

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Runs `measure`, which returns a rate, once to warm up and then `count` times. */
export function rounds(count: number, measure: () => number): Spread {
  measure();
  const rates = Array.from({ length: count }, measure).sort((a, b) => a - b);
  const at = (index: number): number => significant(rates[index] ?? 0);
  return { median: at(count >> 1), min: at(0), max: at(count - 1) };
}

/** Four significant digits: more would be noise. */
export function significant(value: number): number {
  return Number(value.toPrecision(4));
}

/** Seconds that `work` takes. */
export function secondsOf(work: () => void): number {
  const startedAt = performance.now();
  work();
  return (performance.now() - startedAt) / 1000;
}

/** Folders of sessions to run on: the real 18-market recording where it is, else the samples. */
export async function benchSessions(): Promise<{
  source: string;
  folders: string[];
  dispose: () => void;
}> {
  if (!hasRecordings) {
    const folders = [1, 2, 3, 4].map((n) => `sessions/sample-${n}`);
    return { source: "sample sessions", folders, dispose: () => undefined };
  }
  const { folder, dispose } = await importRecording(recordingFiles(RECORDING));
  return { source: RECORDING, folders: [folder], dispose };
}
