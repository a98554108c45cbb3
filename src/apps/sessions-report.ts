/** What the `sessions` commands say, as lines for people and as objects for machines. */
import {
  formatIsoTime,
  type ImportReport,
  type MarketInfo,
  marketIndexOf,
  type QualityShare,
  type QueueQuality,
  queueQuality,
  type Session,
  type SessionQuality,
  sessionQuality,
  type Validation,
} from "../market/index.ts";
import { depthChart, midPath, priceChart, sparkline } from "./sessions-picture.ts";

/** The object of `sessions info --json`; its keys are part of the interface. */
export interface SessionInfo {
  readonly id: string;
  readonly markets: readonly string[];
  readonly snapshots: number;
  readonly deltas: number;
  readonly trades: number;
  readonly gaps: number;
  readonly startUs: number;
  readonly endUs: number;
  readonly contentHash: string;
  readonly quality: SessionQuality;
  /** How well the queues at each price are reconstructed, in all and by market. */
  readonly reconstruction: QueueQuality & { readonly markets: readonly MarketQueues[] };
}

type MarketQueues = QueueQuality & { readonly ticker: string };

export function sessionInfo(session: Session): SessionInfo {
  const { startUs, endUs } = session.span();
  const tape = session.readTape();
  const { snapshots, deltas, trades } = session.counts;
  return {
    id: session.id,
    markets: session.facts.markets.map(({ ticker }) => ticker),
    snapshots,
    deltas,
    trades,
    gaps: session.gaps.length,
    startUs,
    endUs,
    contentHash: session.contentHash,
    quality: sessionQuality(session, tape),
    reconstruction: {
      ...queueQuality(tape),
      markets: session.facts.markets.map(({ ticker }, market) => ({
        ticker,
        ...queueQuality(tape, [market]),
      })),
    },
  };
}

const number = (value: number): string => value.toLocaleString("en-US");

/** "1 trade", "2,345 trades". */
const counted = (value: number, noun: string): string =>
  `${number(value)} ${noun}${value === 1 ? "" : "s"}`;

/** A result with its source: "yes (inferred)", "0.45 (given)", "unknown". */
export function resultText({ settlement }: MarketInfo): string {
  if (settlement === null) return "unknown";
  const { valueCc, source } = settlement;
  const value = valueCc === 10_000 ? "yes" : valueCc === 0 ? "no" : (valueCc / 10_000).toFixed(2);
  return `${value} (${source})`;
}

function duration(us: number): string {
  const seconds = Math.round(us / 1_000_000);
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${seconds % 60} s`;
}

/** The first lines about any session: counts and span. */
export function countLines(info: SessionInfo): string[] {
  return [
    `${info.id}: ${counted(info.markets.length, "market")}, ` +
      `${counted(info.snapshots, "snapshot")}, ${counted(info.deltas, "delta")}, ` +
      `${counted(info.trades, "trade")}, ${counted(info.gaps, "gap")}`,
    `${formatIsoTime(info.startUs)} to ${formatIsoTime(info.endUs)} ` +
      `(${duration(info.endUs - info.startUs)})`,
    `content ${info.contentHash}`,
  ];
}

const SHARES: Readonly<Record<QualityShare, string>> = {
  received: "book messages received",
  bookKnown: "time with a known book",
  paired: "trades that pair with a book change",
  consistent: "trades that fit the order in front",
  attributed: "cancels that are somebody's",
};

/** How far the recording, and the queues reconstructed from it, can be trusted. */
function qualityLines({ quality, reconstruction, markets }: SessionInfo): string[] {
  const { trades, cancels } = reconstruction;
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  const lines = [
    `quality ${(Math.floor(quality.score * 1000) / 10).toFixed(1)} of 100, ` +
      `by its weakest share: ${SHARES[quality.weakest]}`,
  ];
  if (trades + cancels === 0) return lines;
  lines.push(
    `queues: ${percent(reconstruction.consistentShare)} of the trades after the opening fit the ` +
      `order in front, ${percent(reconstruction.exactShare)} of ${counted(cancels, "cancel")} ` +
      `one order of their size`,
  );
  const unused = reconstruction.markets.filter(({ used }) => !used);
  if (unused.length > 0) {
    const whose =
      unused.length === markets.length
        ? ""
        : ` of ${unused.map(({ ticker }) => ticker).join(", ")}`;
    lines.push(`  too little for the queues${whose}: level totals are used instead`);
  }
  return lines;
}

/** Everything `sessions info` shows; the chart is of `ticker`, or of the market that traded most. */
export function infoLines(session: Session, ticker?: string): string[] {
  const tape = session.readTape();
  const info = sessionInfo(session);
  const width = Math.max(...info.markets.map((name) => name.length), 8);
  const paths = session.facts.markets.map((_, market) => midPath(tape, market, 48));
  const lines = [...countLines(info), `source ${session.facts.source}`];
  if (!session.finished) lines.push("not finished: the recording is running, or was broken off");
  lines.push(...qualityLines(info), "");
  session.facts.markets.forEach((market, index) => {
    const path = sparkline(paths[index] ?? []);
    lines.push(`${market.ticker.padEnd(width)} ${path} ${resultText(market)}`);
  });
  const shown = ticker ?? busiestMarket(session);
  const market = marketIndexOf(tape, shown);
  if (market >= 0) {
    const middleUs = info.startUs + (info.endUs - info.startUs) / 2;
    lines.push("", `${shown}: mid in dollars over the session`);
    lines.push(...priceChart(midPath(tape, market, 64), 10));
    lines.push("", `${shown}: book at ${formatIsoTime(Math.round(middleUs))}, in contracts`);
    lines.push(...depthChart(tape, shown, middleUs, 8));
  }
  for (const gap of session.gaps) lines.push("", gapLine(gap));
  return lines;
}

function gapLine(gap: Session["gaps"][number]): string {
  const what = gap.missing === null ? "messages" : counted(gap.missing, "message");
  const where = gap.sid === null ? "" : ` (sid ${gap.sid}, seq ${gap.firstSeq ?? "?"})`;
  const scope = gap.scope === "book" ? "books may be wrong from there" : "only trades are missing";
  return `gap before event ${number(gap.position)}: ${what} lost${where}; ${scope}`;
}

function busiestMarket(session: Session): string {
  const tape = session.readTape();
  let best = "";
  let most = -1;
  session.facts.markets.forEach(({ ticker }, market) => {
    const rows = (tape.streamStart[market + 1] ?? 0) - (tape.streamStart[market] ?? 0);
    if (rows > most) {
      most = rows;
      best = ticker;
    }
  });
  return best;
}

/** What an import says when it is done. */
export function importLines(report: ImportReport, info: SessionInfo, session: Session): string[] {
  const lines = countLines(info);
  const width = Math.max(...report.markets.map(({ ticker }) => ticker.length));
  for (const market of report.markets) {
    const fact = session.facts.markets.find(({ ticker }) => ticker === market.ticker);
    lines.push(
      `  ${market.ticker.padEnd(width)} ${number(market.deltas).padStart(9)} deltas ` +
        `${number(market.trades).padStart(8)} trades, result ` +
        (fact === undefined ? "unknown" : resultText(fact)),
    );
    if (market.orphanDeltas > 0) {
      lines.push(`    ${number(market.orphanDeltas)} deltas before its first snapshot left out`);
    }
    if (market.negativeLevels > 0) {
      lines.push(
        `    ${number(market.negativeLevels)} changes below zero: the recording is faulty`,
      );
    }
  }
  lines.push(...report.gaps.map(gapLine));
  for (const { ticker, place, levels } of report.differences) {
    lines.push(
      `snapshot of ${ticker} at ${place} differs from the book before it at ${levels} level(s); ` +
        `the snapshot was taken`,
    );
  }
  for (const [type, count] of Object.entries(report.skippedTypes)) {
    lines.push(`${counted(count, "message")} of type "${type}" skipped`);
  }
  if (report.duplicates > 0) lines.push(`${number(report.duplicates)} repeated messages skipped`);
  lines.push(...report.notes.map((note) => `note: ${note}`));
  return lines;
}

/** What `sessions validate` says. */
export function validationLines(validation: Validation): string[] {
  const lines: string[] = [];
  const { markets } = validation;
  const sum = (pick: (market: (typeof markets)[number]) => number): number =>
    markets.reduce((total, market) => total + pick(market), 0);
  const check = (good: boolean, text: string): void => {
    lines.push(`${good ? "✓" : "✗"} ${text}`);
  };
  /** What is the feed's own, and makes no session unsound. */
  const remark = (none: boolean, text: string): void => {
    lines.push(`${none ? "✓" : "!"} ${text}`);
  };
  check(validation.hashFits, "events have the content hash that was stored");
  const negative = sum((market) => market.negativeLevels);
  check(negative === 0, `${number(negative)} changes below zero`);
  const differences = sum((market) => market.snapshotDifferences);
  check(differences === 0, `${number(differences)} snapshots differ from the replayed book`);
  const orphans = sum((market) => market.rowsWithoutBook);
  check(orphans === 0, `${number(orphans)} deltas without a book`);
  remark(
    validation.gaps.length === 0,
    `${validation.gaps.length} gaps, ${validation.gapRows} of which end a book until its snapshot`,
  );
  lines.push(...validation.gaps.map((gap) => `    ${gapLine(gap)}`));
  const crossings = sum((market) => market.crossings);
  const seconds = sum((market) => market.crossedSeconds);
  remark(
    crossings === 0,
    `${number(crossings)} times locked or crossed, ${seconds.toFixed(3)} s in all`,
  );
  const back = sum((market) => market.timesBack);
  remark(back === 0, `${number(back)} stamps earlier than the one before`);
  const unpaired = sum((market) => market.unpairedTrades);
  const share = (validation.pairedShare * 100).toFixed(2);
  remark(unpaired === 0, `${number(unpaired)} trades without a book change (${share} % pair)`);
  for (const market of markets) {
    const found =
      market.negativeLevels +
      market.snapshotDifferences +
      market.rowsWithoutBook +
      market.crossings;
    if (found + market.timesBack + market.unpairedTrades === 0) continue;
    lines.push(
      `    ${market.ticker}: ${market.negativeLevels} below zero, ${market.crossings} crossings, ` +
        `${market.timesBack} stamps back (at most ${market.largestStepBackUs} µs), ` +
        `${market.snapshotDifferences} snapshot differences, ${market.unpairedTrades} unpaired`,
    );
  }
  lines.push(
    validation.sound
      ? "The session is sound: every book follows from its events."
      : "The session is not sound: see the lines marked ✗.",
  );
  return lines;
}
