/**
 * A program that writes a live journal as fast as it can, for tests that kill it: `path` is its one
 * argument. It tells each commit on standard output when the commit is done, and an error by its code.
 */
import { writeSync } from "node:fs";
import { OperationError } from "../../src/core/index.ts";
import { LiveJournal } from "../../src/journal/index.ts";
import { headerOf, isInputs, scriptedBlock } from "./live-case.ts";

const say = (line: string): number => writeSync(1, `${line}\n`);

try {
  const journal = LiveJournal.open(process.argv[2] ?? "", headerOf());
  say(`part ${journal.part}`);
  for (let index = 0; index < 20_000; index++) {
    const block = scriptedBlock(journal.part, index);
    if (isInputs(block)) journal.inputs(block);
    else journal.outputs(block);
    say(`block ${index}`);
  }
} catch (error) {
  if (!(error instanceof OperationError)) throw error;
  say(`error ${error.code}`);
}
