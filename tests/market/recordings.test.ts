import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fromArrow } from "arquero";
import { beforeAll, expect, test } from "vitest";
import {
  exportSession,
  importSession,
  type ImportReport,
  openSession,
  queueQuality,
  sessionTable,
  validateSession,
} from "../../src/market/index.ts";
import { hasRecordings, recordingFiles } from "../fixtures/recordings.ts";
import { temporaryFolder } from "./sessions-fixture.ts";

const folder = temporaryFolder();
const reports = new Map<string, ImportReport>();

async function imported(name: string): Promise<ImportReport> {
  const found = reports.get(name);
  if (found !== undefined) return found;
  const files = name.startsWith("apr")
    ? recordingFiles("sp500-2023", [name])
    : recordingFiles(name);
  const report = await importSession(files, { out: join(folder, name) });
  reports.set(name, report);
  return report;
}

beforeAll(async () => {
  if (hasRecordings) await imported("kalshi-ws-26MAR18");
});

const NEEDS = "(needs ../shared/sessions)";

test.skipIf(!hasRecordings)(
  `18 March: every message, no loss, every trade paired ${NEEDS}`,
  async () => {
    const report = await imported("kalshi-ws-26MAR18");
    expect(report.counts).toMatchObject({ deltas: 1_484_674, snapshots: 36, trades: 152_167 });
    expect(report.markets).toHaveLength(18);
    expect(report.gaps).toEqual([]);
    expect(report.differences).toEqual([]);
    const session = openSession(join(folder, "kalshi-ws-26MAR18"));
    const validation = validateSession(session);
    expect(validation).toMatchObject({ sound: true, hashFits: true, pairedShare: 1, gapRows: 0 });
    expect(validation.markets.every(({ negativeLevels }) => negativeLevels === 0)).toBe(true);
    // Both sides of each game resolve, one yes and one no, read off their last trades.
    const values = new Map<string, number>();
    for (const { eventTicker, settlement } of session.facts.markets) {
      expect(settlement?.source).toBe("inferred");
      values.set(eventTicker, (values.get(eventTicker) ?? 0) + (settlement?.valueCc ?? 0));
    }
    expect([...values.values()]).toEqual(Array(9).fill(10_000));
  },
);

test.skipIf(!hasRecordings)(
  `the queues of 18 and 7 March are reconstructed order by order ${NEEDS}`,
  async () => {
    await imported("kalshi-ws-26MAR07");
    const [eighteen, seven] = ["kalshi-ws-26MAR18", "kalshi-ws-26MAR07"].map((name) => {
      const session = openSession(join(folder, name));
      const quality = queueQuality(session.readTape());
      session.close();
      expect(quality).toMatchObject({ unpairedTrades: 0, used: true });
      return quality;
    });
    expect(eighteen).toMatchObject({ trades: 152_167, cancels: 667_045 });
    expect(eighteen?.consistentShare).toBeGreaterThan(0.97);
    expect(eighteen?.exactShare).toBeGreaterThan(0.9);
    expect(seven?.consistentShare).toBeGreaterThan(0.98);
    expect(seven?.exactShare).toBeGreaterThan(0.95);
  },
);

test.skipIf(!hasRecordings)(`7 March: the four lost messages are found ${NEEDS}`, async () => {
  const report = await imported("kalshi-ws-26MAR07");
  expect(report.counts).toMatchObject({ deltas: 789_040, snapshots: 12, trades: 75_993 });
  expect(
    report.gaps.map(({ sid, firstSeq, missing, scope }) => [sid, firstSeq, missing, scope]),
  ).toEqual([
    [1, 40, 1, "book"],
    [2, 14, 1, "trades"],
    [1, 282, 1, "book"],
    [2, 66, 1, "trades"],
  ]);
  const validation = validateSession(openSession(join(folder, "kalshi-ws-26MAR07")));
  // No snapshot follows before the close: the losses stand in the table and end no book.
  expect(validation).toMatchObject({ sound: true, gapRows: 0, pairedShare: 1 });
});

test.skipIf(!hasRecordings)(
  `the UFC fight: every message, no loss, no close ${NEEDS}`,
  async () => {
    const report = await imported("kalshi-ws-ufc");
    expect(report.counts).toMatchObject({ deltas: 91_220, snapshots: 2, trades: 9_042, other: 0 });
    expect(report.gaps).toEqual([]);
    expect(validateSession(openSession(join(folder, "kalshi-ws-ufc")))).toMatchObject({
      sound: true,
      pairedShare: 1,
    });
  },
);

test.skipIf(!hasRecordings)(`both S&P days: every order row and index tick ${NEEDS}`, async () => {
  // One row an event: what is not of the opening book is one delta; crossing ones trade as well.
  for (const [day, rows, opening, valueCc] of [
    ["apr-10", 27_313, 22, 0],
    ["apr-13", 24_902, 25, 10_000],
  ] as const) {
    const report = await imported(day);
    expect(report.counts).toMatchObject({ snapshots: 1, deltas: rows - opening });
    expect(report.messages - report.counts.references).toBe(rows);
    expect(report.markets[0]?.settlement).toEqual({ valueCc, source: "inferred" });
    const validation = validateSession(openSession(join(folder, day)));
    expect(validation).toMatchObject({ sound: true, pairedShare: 1 });
    expect(validation.markets[0]).toMatchObject({ negativeLevels: 0, crossings: 0, timesBack: 0 });
  }
});

test.skipIf(!hasRecordings)(`part of a connection is told from a loss ${NEEDS}`, async () => {
  const files = recordingFiles("kalshi-ws-26MAR18", ["OKCBKN"]);
  const report = await importSession(files, { out: join(folder, "part") });
  expect(report.feed).toBe("partial");
  expect(report.gaps).toEqual([]);
  expect(report.counts).toMatchObject({ deltas: 15_835 + 14_211, trades: 2_308 + 817 });
});

test.skipIf(!hasRecordings)(
  `exports hold every row, in CSV and in Arrow alike ${NEEDS}`,
  async () => {
    await imported("apr-13");
    const session = openSession(join(folder, "apr-13"));
    const csv = join(folder, "rows.csv");
    const arrow = join(folder, "rows.arrow");
    const rows = session.readTape().rowCount;
    expect(await exportSession(session, { format: "csv", out: csv })).toBe(rows);
    expect(await exportSession(session, { format: "arrow", out: arrow })).toBe(rows);
    const [header, ...lines] = readFileSync(csv, "utf8").trimEnd().split("\n");
    const table = fromArrow(readFileSync(arrow));
    expect(table.columnNames().join(",")).toBe(header);
    expect(table.numRows()).toBe(rows);
    expect(lines).toHaveLength(rows);
    const direct = await sessionTable(session);
    for (let row = 0; row < rows; row += 997) {
      const cells = table.columnNames().map((name) => String(table.get(name, row)));
      expect(cells.join(",")).toBe(lines[row]);
      expect(table.columnNames().map((name) => String(direct.get(name, row)))).toEqual(cells);
    }
    const line = lines.find((text) => text.includes(",trade,")) ?? "";
    const pair = Number(line.split(",")[6]);
    expect(lines[pair]?.split(",")[2]).toBe("delta");
    expect(Number(lines[pair]?.split(",")[5])).toBe(-Number(line.split(",")[5]));
    await expect(
      exportSession(session, { format: "csv", out: "/proc/no/rows.csv" }),
    ).rejects.toThrow(/the export could not be written/);
  },
);
