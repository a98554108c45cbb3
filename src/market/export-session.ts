/**
 * A session's rows for other tools: as an Arquero table, as CSV, as an Arrow file. One row a tape
 * row, in session order, with effective times; a trade names the row of its delta by its number in
 * the table. Prices are in centi-cents, sizes in lots, times in microseconds.
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import type { ColumnTable } from "arquero";
import { messageOf, OperationError } from "../core/index.ts";
import type { Session } from "./session.ts";
import { BookSide, EventKind, type Tape } from "./tape.ts";

/** Columns of the table and of the CSV, in order. */
export const EXPORT_COLUMNS = [
  "at_us",
  "stream",
  "kind",
  "side",
  "price_cc",
  "size",
  "pair_row",
] as const;

const KIND_NAMES = Object.fromEntries(
  Object.entries(EventKind).map(([name, code]) => [code, name]),
) as Readonly<Record<number, string>>;

/**
 * A session as an Arquero table, for notebooks and ad-hoc questions. Arquero is loaded here and not
 * with the room: few who read a session want a table.
 */
export async function sessionTable(session: Session): Promise<ColumnTable> {
  const arquero = await import("arquero");
  const tape = session.readTape();
  const { rowCount, order } = tape;
  const names = [...tape.markets.map(({ ticker }) => ticker), ...tape.references];
  const streams = streamOfRows(tape);
  const place = placeOfRows(tape);
  const atUs = new Float64Array(rowCount);
  const priceCc = new Uint16Array(rowCount);
  const size = new Float64Array(rowCount);
  const pairRow = new Int32Array(rowCount);
  const stream = new Array<string>(rowCount);
  const kind = new Array<string>(rowCount);
  const side = new Array<string>(rowCount);
  for (let at = 0; at < rowCount; at++) {
    const row = order[at] as number;
    const pair = tape.pairRow[row] as number;
    atUs[at] = tape.atUs[row] as number;
    priceCc[at] = tape.priceCc[row] as number;
    size[at] = tape.size[row] as number;
    pairRow[at] = pair < 0 ? -1 : (place[pair] as number);
    stream[at] = names[streams[row] as number] ?? "";
    kind[at] = KIND_NAMES[tape.kind[row] as number] ?? "";
    side[at] = sideName(tape, row);
  }
  return arquero.table({
    at_us: atUs,
    stream,
    kind,
    side,
    price_cc: priceCc,
    size,
    pair_row: pairRow,
  });
}

export type ExportFormat = "csv" | "arrow";

export interface ExportOptions {
  readonly format: ExportFormat;
  /** File to write; replaced as a whole if it is there. */
  readonly out: string;
}

/** Writes a session's rows to one file, atomically; returns their number. */
export async function exportSession(
  session: Session,
  { format, out }: ExportOptions,
): Promise<number> {
  const temporary = `${out}.${process.pid}.partial`;
  let file: number | undefined;
  try {
    file = openSync(temporary, "w");
    const rows = format === "csv" ? writeCsv(session, file) : await writeArrow(session, file);
    fsyncSync(file);
    closeSync(file);
    file = undefined;
    renameSync(temporary, out);
    return rows;
  } catch (error) {
    if (file !== undefined) closeSync(file);
    rmSync(temporary, { force: true });
    if (error instanceof OperationError) throw error;
    const full = (error as NodeJS.ErrnoException).code === "ENOSPC";
    throw new OperationError(
      full ? "DISK_FULL" : "EXPORT_WRITE",
      `${out}: the export could not be written, was: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

async function writeArrow(session: Session, file: number): Promise<number> {
  const { toArrowIPC } = await import("arquero");
  const table = await sessionTable(session);
  writeWhole(file, toArrowIPC(table, { format: "file" }));
  return table.numRows();
}

/** Straight from the tape in pieces: a table of a million rows as one string would be too much. */
function writeCsv(session: Session, file: number): number {
  const tape = session.readTape();
  const names = [...tape.markets.map(({ ticker }) => ticker), ...tape.references];
  const streams = streamOfRows(tape);
  const place = placeOfRows(tape);
  let lines = [EXPORT_COLUMNS.join(",")];
  const flush = (): void => {
    writeWhole(file, Buffer.from(`${lines.join("\n")}\n`));
    lines = [];
  };
  for (let at = 0; at < tape.rowCount; at++) {
    const row = tape.order[at] as number;
    const pair = tape.pairRow[row] as number;
    lines.push(
      `${tape.atUs[row] ?? 0},${names[streams[row] as number] ?? ""},` +
        `${KIND_NAMES[tape.kind[row] as number] ?? ""},${sideName(tape, row)},` +
        `${tape.priceCc[row] ?? 0},${tape.size[row] ?? 0},${pair < 0 ? -1 : (place[pair] ?? -1)}`,
    );
    if (lines.length === 20_000) flush();
  }
  if (lines.length > 0) flush();
  return tape.rowCount;
}

/** "bid" or "ask" where a row has a side, else empty. */
function sideName(tape: Tape, row: number): string {
  switch (tape.kind[row] as EventKind) {
    case EventKind.delta:
    case EventKind.trade:
    case EventKind.level:
    case EventKind.blockTrade:
      return tape.side[row] === BookSide.bid ? "bid" : "ask";
    default:
      return "";
  }
}

function streamOfRows(tape: Tape): Uint16Array {
  const streams = new Uint16Array(tape.rowCount);
  for (let stream = 0; stream + 1 < tape.streamStart.length; stream++) {
    streams.fill(stream, tape.streamStart[stream], tape.streamStart[stream + 1]);
  }
  return streams;
}

/** The number of each tape row in session order. */
function placeOfRows(tape: Tape): Uint32Array {
  const place = new Uint32Array(tape.rowCount);
  for (let at = 0; at < tape.rowCount; at++) place[tape.order[at] as number] = at;
  return place;
}

function writeWhole(file: number, bytes: Uint8Array): void {
  let done = 0;
  while (done < bytes.length) done += writeSync(file, bytes, done, bytes.length - done);
}
