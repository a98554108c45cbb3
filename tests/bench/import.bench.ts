/**
 * Import: messages a second from files to a finished session (unpack, read, merge, write). On the
 * real 18-market recording where it stands beside the checkout, else on a synthetic one of the same
 * line shapes. Baseline in the same run: unpacking the same files and JSON.parse of every line.
 */
import { createReadStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createGunzip } from "node:zlib";
import { Prng } from "../../src/core/index.ts";
import { importSession, type ImportReport } from "../../src/market/index.ts";
import { hasRecordings, recordingFiles } from "../fixtures/recordings.ts";
import {
  deltaMessage,
  snapshotMessage,
  tradeMessage,
  writeRecording,
} from "../market/recording-fixture.ts";

const ROUNDS = 5;

export async function run(_options: { json: boolean }): Promise<object> {
  const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-bench-"));
  try {
    const files = hasRecordings
      ? recordingFiles("kalshi-ws-26MAR18")
      : [syntheticRecording(join(folder, "synthetic.ndjson.gz"))];
    let report: ImportReport | undefined;
    const seconds: number[] = [];
    for (let round = 0; round <= ROUNDS; round++) {
      const start = performance.now();
      report = await importSession(files, { out: join(folder, `session-${round}`) });
      // The first round warms up.
      if (round > 0) seconds.push((performance.now() - start) / 1000);
    }
    const messages = report?.messages ?? 0;
    const parse = await parseOnly(files);
    const rate = (time: number): number => Math.round(messages / time);
    seconds.sort((a, b) => a - b);
    return {
      input: hasRecordings ? "kalshi-ws-26MAR18" : "synthetic",
      files: files.length,
      messages,
      messages_per_second: rate(seconds[ROUNDS >> 1] ?? 0),
      messages_per_second_min: rate(seconds[ROUNDS - 1] ?? 0),
      messages_per_second_max: rate(seconds[0] ?? 0),
      baseline_json_parse_per_second: rate(parse),
      target_per_second: 200_000,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Seconds to unpack all files and parse every line, keeping nothing. */
async function parseOnly(files: readonly string[]): Promise<number> {
  const start = performance.now();
  let count = 0;
  for (const file of files) {
    const input = createReadStream(file).pipe(createGunzip());
    for await (const line of createInterface({ input })) {
      if (line !== "" && typeof JSON.parse(line) === "object") count += 1;
    }
  }
  return count > 0 ? (performance.now() - start) / 1000 : 0;
}

function syntheticRecording(path: string): string {
  const prng = Prng.fromSeed(1);
  const ticker = "KXTEST-26MAR18AAABBB-AAA";
  const messages: object[] = [snapshotMessage(1, ticker, [["0.4000", "1000000.00"]], [])];
  let trades = 0;
  for (let seq = 2; seq <= 500_000; seq++) {
    const microsecond = String(seq % 1_000_000).padStart(6, "0");
    const ts = `2026-03-18T19:36:00.${microsecond}Z`;
    const price = `0.${String(1 + prng.integer(98)).padStart(2, "0")}00`;
    const size = `${1 + prng.integer(5_000)}.00`;
    messages.push(deltaMessage(seq, ticker, prng.integer(2) === 0 ? "yes" : "no", price, size, ts));
    if (seq % 10 === 0)
      messages.push(tradeMessage(++trades, ticker, "yes", price, size, 1_773_862_560));
  }
  return writeRecording(path, messages, true);
}
