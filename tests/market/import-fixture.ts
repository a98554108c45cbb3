/** Imports of hand-made recordings, each into a folder that the tests clean up. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { type ImportOptions, type ImportReport, importSession } from "../../src/market/index.ts";
import { writeRecording } from "./recording-fixture.ts";
import { temporaryFolder } from "./sessions-fixture.ts";

export interface ImportHarness {
  readonly folder: string;
  /** Writes messages as a recording; its path. */
  readonly recording: (messages: readonly unknown[], gzip?: boolean) => string;
  readonly run: (
    files: readonly string[],
    options?: Partial<ImportOptions>,
  ) => Promise<{ out: string; report: ImportReport }>;
  /** Imports and expects a refusal that leaves no trace. */
  readonly refused: (
    files: readonly string[],
    message: RegExp,
    options?: Partial<ImportOptions>,
  ) => Promise<void>;
}

export function importHarness(): ImportHarness {
  const folder = temporaryFolder();
  let made = 0;

  function recording(messages: readonly unknown[], gzip = false): string {
    return writeRecording(join(folder, `recording-${made++}.ndjson`), messages, gzip);
  }

  async function run(
    files: readonly string[],
    options: Partial<ImportOptions> = {},
  ): Promise<{ out: string; report: ImportReport }> {
    const out = join(folder, `session-${made++}`);
    return { out, report: await importSession(files, { out, ...options }) };
  }

  async function refused(
    files: readonly string[],
    message: RegExp,
    options: Partial<ImportOptions> = {},
  ): Promise<void> {
    const before = readdirSync(folder).sort();
    const out = join(folder, `refused-${made++}`);
    await expect(importSession(files, { out, ...options })).rejects.toThrow(message);
    expect(readdirSync(folder).sort()).toEqual(before);
  }

  return { folder, recording, run, refused };
}
