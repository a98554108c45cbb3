/** `kalshi-gym sessions ...`: recordings into sessions, and a look at what they hold. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { Command, Option } from "commander";
import { messageOf, OperationError } from "../core/index.ts";
import {
  exportSession,
  importSession,
  openSession,
  SESSION_FILE,
  validateSession,
} from "../market/index.ts";
import { consoleFor } from "./console.ts";
import { generateCommand } from "./generate-command.ts";
import {
  type ImportFlags,
  importOptions,
  parseClose,
  parseEvent,
  parseFees,
  parseFeed,
  parseMarket,
  parseMultiplier,
  parsePriceRanges,
  parseResult,
  parseType,
} from "./sessions-options.ts";
import {
  countLines,
  importLines,
  infoLines,
  type SessionInfo,
  sessionInfo,
  validationLines,
} from "./sessions-report.ts";
import { statisticsCommand } from "./statistics-command.ts";

const JSON_FLAG = "one JSON object as the last line";

export function sessionsCommand(): Command {
  const sessions = new Command("sessions")
    .description("import, list, look at, check, export and generate recorded sessions")
    .addHelpText("after", "\nExample:\n  kalshi-gym sessions list sessions");
  sessions.addCommand(importCommand());
  sessions.addCommand(listCommand());
  sessions.addCommand(infoCommand());
  sessions.addCommand(validateCommand());
  sessions.addCommand(exportCommand());
  sessions.addCommand(generateCommand());
  sessions.addCommand(statisticsCommand());
  return sessions;
}

function importCommand(): Command {
  const command = new Command("import")
    .description("make a session of Kalshi WebSocket recordings (NDJSON) or of an order log (CSV)")
    .argument("<files...>", "files of one connection, plain or gzip")
    .requiredOption("--out <folder>", "session folder to make")
    .option("--id <name>", "name of the session (default: the folder's)")
    .option("--replace", "replace a session that is there")
    .option("--market <ticker>", "import this market only; may be repeated", parseMarket)
    .option("--result <ticker=value>", "yes, no, 0.xx or void; may be repeated", parseResult)
    .option("--close <ticker=time>", "expected close of a market or event; repeatable", parseClose)
    .option("--event <event=exclusive:N>", "its N markets exclude each other, one wins", parseEvent)
    .option("--fee-type <type>", "fee type of the series (default: quadratic)", parseType)
    .option("--fee-multiplier <number>", "fee multiplier (default: 1)", parseMultiplier)
    .option(
      "--fees <key=type:number[@time]>",
      "of a series, event or market; repeatable",
      parseFees,
    )
    .option("--fee-waiver <ticker=time>", "nothing is charged before; repeatable", parseClose)
    .option("--price-ranges <bands>", "linear_cent, deci_cent, ... or 0:1:0.01", parsePriceRanges)
    .option("--use-yes-price", "no-side prices of the feed are in YES scale")
    .option("--feed <kind>", "complete or partial: what missing numbers mean", parseFeed)
    .option("--strict-gaps", "a loss that no snapshot heals ends its books")
    .option("--ticker <ticker>", "ticker of an order log")
    .option("--json", JSON_FLAG)
    .addHelpText(
      "after",
      "\nExample:\n  kalshi-gym sessions import recordings/*.ndjson.gz --out sessions/nba-march-18",
    );
  return command.action(async (files: string[], flags: ImportFlags) => {
    const io = consoleFor(command);
    const total = files.reduce((sum, path) => sum + sizeOf(path), 0);
    const bar = io.progress("reading", total, "bytes");
    // Nothing is on disk while files are read, and writing is one step that a signal waits for:
    // an interrupted import leaves no half-made session.
    const interrupt = (): void => process.exit(130);
    process.once("SIGINT", interrupt);
    try {
      const options = importOptions(flags);
      const onProgress = (done: number): void => bar.update(done);
      const report = await importSession(files, { ...options, onProgress });
      bar.stop();
      const session = openSession(flags.out);
      const info = sessionInfo(session);
      for (const line of importLines(report, info, session)) io.line(line);
      session.close();
      io.json({ ...report, ...info, gapList: report.gaps, marketList: report.markets });
    } finally {
      bar.stop();
      process.removeListener("SIGINT", interrupt);
    }
  });
}

function sizeOf(path: string): number {
  // A file that is missing is refused by the importer, in its own words.
  return existsSync(path) ? statSync(path).size : 0;
}

function listCommand(): Command {
  const command = new Command("list")
    .description("list the sessions in a folder")
    .argument("[folder]", "folder that holds session folders", "sessions")
    .option("--json", JSON_FLAG)
    .addHelpText("after", "\nExample:\n  kalshi-gym sessions list sessions");
  return command.action((folder: string) => {
    const io = consoleFor(command);
    if (!existsSync(folder)) {
      throw new OperationError(
        "SESSION_MISSING",
        `${folder}: expected a folder of sessions, was not there`,
      );
    }
    const found: SessionInfo[] = [];
    const names = existsSync(join(folder, SESSION_FILE)) ? ["."] : readdirSync(folder).sort();
    for (const name of names) {
      const path = join(folder, name);
      if (!existsSync(join(path, SESSION_FILE)) || name.includes(".partial-")) continue;
      try {
        const session = openSession(path);
        const info = sessionInfo(session);
        session.close();
        found.push(info);
        for (const line of countLines(info).slice(0, 2)) io.line(line);
      } catch (error) {
        io.warn(messageOf(error));
      }
    }
    if (found.length === 0) io.line(`No session in ${folder}.`);
    io.json({ sessions: found });
  });
}

function infoCommand(): Command {
  const command = new Command("info")
    .description("what a session holds, with its price paths and a book")
    .argument("<session>", "session folder")
    .option("--market <ticker>", "market to draw (default: the busiest)")
    .option("--json", JSON_FLAG)
    .addHelpText("after", "\nExample:\n  kalshi-gym sessions info sessions/nba-march-18");
  return command.action((folder: string, flags: { market?: string }) => {
    const io = consoleFor(command);
    const session = openSession(folder);
    try {
      const info = sessionInfo(session);
      if (flags.market !== undefined && !info.markets.includes(flags.market)) {
        throw new OperationError(
          "SESSION_MARKET",
          `--market: expected one of ${info.markets.join(", ")}, was ${flags.market}`,
        );
      }
      if (!io.isJson) for (const line of infoLines(session, flags.market)) io.line(line);
      io.json(info);
    } finally {
      session.close();
    }
  });
}

function validateCommand(): Command {
  const command = new Command("validate")
    .description("replay a whole session and report what in it cannot be trusted")
    .argument("<session>", "session folder")
    .option("--json", JSON_FLAG)
    .addHelpText("after", "\nExample:\n  kalshi-gym sessions validate sessions/nba-march-18");
  return command.action((folder: string) => {
    const io = consoleFor(command);
    const session = openSession(folder);
    try {
      const validation = validateSession(session);
      for (const line of validationLines(validation)) io.line(line);
      io.json(validation);
      if (!validation.sound) process.exitCode = 1;
    } finally {
      session.close();
    }
  });
}

interface ExportFlags {
  readonly format: "csv" | "arrow";
  readonly out?: string;
}

function exportCommand(): Command {
  const command = new Command("export")
    .description("write a session's rows as CSV or Arrow")
    .argument("<session>", "session folder")
    .addOption(
      new Option("--format <format>", "csv or arrow").choices(["csv", "arrow"]).default("csv"),
    )
    .option("--out <file>", "file to write (default: the session's name)")
    .option("--json", JSON_FLAG)
    .addHelpText(
      "after",
      "\nExample:\n  kalshi-gym sessions export sessions/nba-march-18 --format arrow --out nba.arrow",
    );
  return command.action(async (folder: string, flags: ExportFlags) => {
    const io = consoleFor(command);
    const { format } = flags;
    const session = openSession(folder);
    try {
      const file = flags.out ?? `${session.id}.${format}`;
      const rows = await exportSession(session, { format, out: file });
      io.line(`${rows.toLocaleString("en-US")} rows in ${file}`);
      io.json({ rows, file, format });
    } finally {
      session.close();
    }
  });
}
