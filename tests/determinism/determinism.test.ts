/**
 * Same tape, configuration and seed: same bytes. The hashes stand here; a change of one is a change
 * of results and says why in its commit. `npm run determinism` compares several versions of Node.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { openSession } from "../../src/market/index.ts";
import { bundle } from "../fixtures/bundle.mjs";
import { packTape } from "./pack-tape.ts";

test("100,000 steps give the golden state on 1, 2 and 4 threads, stopped halfway or not", async () => {
  const program = await bundle("tests/determinism/training.ts");
  const lanes = await bundle("src/sim/kalshi-lanes-worker.ts");
  const tapeFile = `${program}.tape.json`;
  try {
    const session = openSession("sessions/sample-1");
    writeFileSync(tapeFile, packTape(session.readTape()));
    session.close();
    const run = (...threads: readonly string[]): unknown =>
      JSON.parse(
        execFileSync(process.execPath, [program, tapeFile, lanes, ...threads], {
          encoding: "utf8",
        }),
      );
    const golden = JSON.parse(
      readFileSync(new URL("../golden/training.json", import.meta.url), "utf8"),
    ) as unknown;
    expect(run("1")).toEqual(golden);
    expect(run("2")).toEqual(golden);
    expect(run("4")).toEqual(golden);
    expect(run("2", "1")).toEqual(golden);
  } finally {
    rmSync(program, { force: true });
    rmSync(lanes, { force: true });
    rmSync(tapeFile, { force: true });
  }
});

test("two processes give the golden rows, weights and episode", async () => {
  const program = await bundle("tests/determinism/fingerprint.ts");
  const tapeFile = `${program}.tape.json`;
  try {
    const session = openSession("sessions/sample-1");
    writeFileSync(tapeFile, packTape(session.readTape()));
    session.close();
    const run = (): unknown =>
      JSON.parse(execFileSync(process.execPath, [program, tapeFile], { encoding: "utf8" }));
    const golden = JSON.parse(
      readFileSync(new URL("../golden/fingerprint.json", import.meta.url), "utf8"),
    ) as unknown;
    expect(run()).toEqual(golden);
    expect(run()).toEqual(golden);
  } finally {
    rmSync(program, { force: true });
    rmSync(tapeFile, { force: true });
  }
});
