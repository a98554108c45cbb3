/** `kalshi-gym backtest`: a strategy over recorded sessions, in three worlds at once. */
import { Command, Option } from "commander";
import { OperationError, Prng } from "../core/index.ts";
import { openSession } from "../market/index.ts";
import {
  type BacktestResult,
  type BacktestSettings,
  summarise,
  WORLD_NAMES,
  type WorldName,
} from "../sim/index.ts";
import { factsOf } from "../strategies/index.ts";
import { backtestSettings, optionsOf } from "./backtest/backtest-settings.ts";
import { writeBacktest } from "./backtest/result-files.ts";
import { runSessions } from "./backtest/run-sessions.ts";
import type { BacktestWork } from "./backtest/session-job.ts";
import { NAMED_STRATEGIES, openStrategy, strategySource } from "./backtest/strategy-source.ts";
import { backtestJson, faultWords, tellBacktest } from "./backtest/tell.ts";
import { type Configuration, readConfiguration, wanted } from "./configuration.ts";
import { type Console, consoleFor } from "./console.ts";
import { listenForInterruption } from "./interruption.ts";
import { coresHere, seedWord, wholeNumber } from "./run-flags.ts";
import { type Choice, type ModelPlace, sessionFolders } from "./wire.ts";
import { requireWritable } from "./writable-place.ts";

interface Flags {
  readonly strategy?: string;
  readonly sessions?: string[];
  readonly markets?: string[];
  readonly option?: string[];
  readonly model?: string;
  readonly normaliser?: string;
  readonly choice?: Choice;
  readonly cadence?: BacktestSettings["cadence"];
  readonly worlds?: WorldName[];
  readonly onError?: BacktestSettings["onError"];
  readonly cash?: number;
  readonly threads?: number;
  readonly out?: string;
  readonly report?: string;
  readonly config?: string;
  readonly seed?: number | string;
}

export function backtestCommand(): Command {
  const command = new Command("backtest")
    .description("run a strategy over sessions and account for every cent that it makes")
    .option("--strategy <name>", "a strategy's name, ./file.mjs of your own, or model")
    .option("--sessions <folders...>", "sessions, or folders of sessions")
    .option("--markets <tickers...>", "trade these alone")
    .option("--option <key=value...>", "options of the strategy", gather)
    .option("--model <path>", "the model, for --strategy model")
    .option("--normaliser <file>", "statistics for a model from elsewhere (docs/models.md)")
    .addOption(
      new Option("--choice <how>", "draw a model's actions or take the most likely").choices([
        "best",
        "sample",
      ]),
    )
    .addOption(
      new Option("--cadence <when>", "decide every second, or at every change of a book").choices([
        "1s",
        "event",
      ]),
    )
    .addOption(
      new Option("--worlds <names...>", "which answers to work out; all when left out").choices(
        WORLD_NAMES,
      ),
    )
    .addOption(
      new Option("--on-error <how>", "what a fault of the strategy does").choices([
        "stop",
        "refuse",
      ]),
    )
    .option("--cash <dollars>", "cash at the start of each session", wholeNumber)
    .option("--threads <n>", "sessions run at once; no result depends on it", wholeNumber)
    .option("--out <folder>", "write summary, trades, equity and markets there")
    .option("--report <file>", "write a report (one HTML file)")
    .option("--config <file>", "configuration file (JSON); flags override it")
    .option("--seed <seed>", "seed of everything random: a whole number or any text", seedWord)
    .option("--json", "one JSON object as the last line")
    .addHelpText("after", () => `${strategiesHelp()}${EXAMPLE}`);
  return command.action((flags: Flags) => backtest(flags, consoleFor(command)));
}

const EXAMPLE =
  "\nExample:\n  kalshi-gym backtest --strategy touch --option size=5 --sessions sessions/sample-1 " +
  "--report report.html --out backtests/touch";

function gather(word: string, words: readonly string[] = []): string[] {
  return [...words, word];
}

function strategiesHelp(): string {
  const lines = NAMED_STRATEGIES.map(({ name, description, options }) => {
    const keys = Object.entries(options).map(([key, spec]) => `${key}=${String(spec.default)}`);
    return `  ${name.padEnd(10)} ${description}${keys.length > 0 ? ` (${keys.join(", ")})` : ""}`;
  });
  return `\nStrategies, with their options:\n${lines.join("\n")}\n`;
}

async function backtest(flags: Flags, io: Console): Promise<void> {
  const configuration = configurationOf(flags);
  const { backtest: written = {}, files } = configuration;
  const settings = backtestSettings(configuration, flags);
  const source = strategySource({
    strategy: wanted("--strategy", "backtest.strategy", flags.strategy ?? written.strategy),
    model: placeOf(flags, configuration),
    choice: configuration.evaluation.choice,
  });
  const options = { ...written.options, ...optionsOf(flags.option ?? []) };
  for (const path of [flags.out, flags.report]) if (path !== undefined) requireWritable(path);
  const folders = sessionFolders(wanted("--sessions", "files.sessions", files.sessions));
  const work: BacktestWork = { folders, source, options, settings };
  await requireSound(work, io);
  const interruption = listenForInterruption(() => io.warn("\nStopping; what is done is kept."));
  const progress = io.progress("backtest", folders.length, "sessions");
  try {
    const { sessions, seconds } = await runSessions(work, flags.threads ?? coresHere(), {
      progress: (done) => progress.update(done),
      isInterrupted: () => interruption.requested,
    }).finally(() => progress.stop());
    const result = summarise({
      strategy: (await openStrategy(source)).name,
      options,
      settings,
      sessions: sessions.map((done) => done.result),
      isComplete: sessions.length === folders.length,
    });
    tellBacktest(result, io);
    io.line(`  ${seconds.toFixed(2)} s without loading`);
    await writeFiles(flags, result, configuration, io);
    io.json(backtestJson(result, seconds));
    if (result.fault !== null) throw faultError(result, result.fault);
  } finally {
    interruption.release();
  }
}

function configurationOf(flags: Flags): Configuration {
  const { choice, seed, sessions, model, normaliser } = flags;
  return readConfiguration(flags.config, {
    seed,
    evaluation: { choice },
    files: { sessions, model, normaliser },
  });
}

/** The model that flags name, or, where a model is to be run, the configuration. */
function placeOf(flags: Flags, { files, backtest }: Configuration): ModelPlace | undefined {
  const isWanted = (flags.strategy ?? backtest?.strategy) === "model" || flags.model !== undefined;
  if (!isWanted || files.model === undefined) return undefined;
  return { path: files.model, normaliser: files.normaliser };
}

/** Refuses sessions, options and strategies that cannot be run before any of them is. */
async function requireSound({ folders, source, options, settings }: BacktestWork, io: Console) {
  const seen = new Map<string, string>();
  const strategy = await openStrategy(source);
  for (const folder of folders) {
    const session = openSession(folder);
    try {
      const twin = seen.get(session.contentHash);
      if (twin !== undefined) {
        throw new OperationError(
          "SESSION_TWICE",
          `${folder}: expected sessions that differ, was the same as ${twin}; name it once`,
        );
      }
      seen.set(session.contentHash, folder);
      const { markets } = session.facts;
      const without = markets.filter(({ settlement }) => settlement === null).length;
      if (without > 0) {
        io.warn(
          `${folder}: no result is known for ${without} of ${markets.length} markets; what is held ` +
            `in them to the end counts at the best price.`,
        );
      }
      // Made once for nothing, so that what is wrong with its options is said now.
      const context = { limits: settings.limits, prng: Prng.fromSeed("options") };
      strategy.make(options, { ...context, markets: markets.map(factsOf) });
    } finally {
      session.close();
    }
  }
}

async function writeFiles(
  { out, report }: Flags,
  result: BacktestResult,
  configuration: Configuration,
  io: Console,
): Promise<void> {
  if (out !== undefined) {
    await writeBacktest(out, result);
    io.line(`Figures and tables in ${out}`);
  }
  if (report !== undefined) {
    const { buildBacktestReport } = await import("./report/backtest-report.ts");
    await buildBacktestReport(report, result, configuration);
    io.line(`Report in ${report}`);
  }
}

function faultError(
  { strategy }: BacktestResult,
  fault: NonNullable<BacktestResult["fault"]>,
): OperationError {
  return new OperationError(
    "STRATEGY_FAULT",
    `${faultWords(strategy, fault)}; session ${fault.sessionId}. The run ended there, and its ` +
      `results so far are marked incomplete; --on-error refuse goes on without such orders`,
  );
}
