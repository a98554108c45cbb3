/** The folder that a back-test leaves: its figures, and its trades, equity and markets as tables. */
import { join } from "node:path";
import { writeFileAtomically } from "../../core/index.ts";
import {
  arrowOf,
  type BacktestResult,
  type Columns,
  csvOf,
  equityColumns,
  marketColumns,
  tradeColumns,
} from "../../sim/index.ts";
import { SOFTWARE } from "../wire.ts";

export const SUMMARY_FILE = "summary.json";

/** Writes the files; `summary.json` last, so that where it is, the others belong to it. */
export async function writeBacktest(out: string, result: BacktestResult): Promise<void> {
  await writeTable(out, "trades", tradeColumns(result));
  await writeTable(out, "equity", equityColumns(result));
  await writeTable(out, "markets", marketColumns(result));
  const summary = JSON.stringify(summaryOf(result), null, 2);
  writeFileAtomically(join(out, SUMMARY_FILE), `${summary}\n`);
}

async function writeTable(out: string, name: string, columns: Columns): Promise<void> {
  writeFileAtomically(join(out, `${name}.csv`), csvOf(columns));
  writeFileAtomically(join(out, `${name}.arrow`), await arrowOf(columns));
}

/** Everything but the rows of the tables; money in micro-dollars. */
function summaryOf(result: BacktestResult): object {
  const { strategy, options, settings, isComplete, fault, faultCount, events, worlds } = result;
  return {
    software: SOFTWARE,
    complete: isComplete,
    strategy,
    options,
    settings,
    sessions: result.sessions.map((session) => ({
      id: session.sessionId,
      contentHash: session.contentHash,
      complete: session.isComplete,
      events: session.events,
      queues: session.queues,
      startUs: session.startUs,
      endUs: session.endUs,
      faults: session.faults,
    })),
    events,
    fault,
    faultCount,
    worlds,
    journalHash: result.journalHash,
  };
}
