#!/usr/bin/env node
/**
 * The program `kalshi-gym`. Commands load when they are called, so that help is quick. Failures of
 * the world are one plain line and exit code 1, wrong usage is 2, an interruption is 130, and a bug
 * shows where it happened and is 70. A thread of a back-test runs this file too, and serves.
 */
import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { OperationError } from "../core/index.ts";
import { isBacktestWorker } from "./backtest/worker-kind.ts";
import { endWithParent } from "./interruption.ts";
import { isWrongUsage } from "./wrong-usage.ts";

const LOADERS: Readonly<Record<string, () => Promise<Command>>> = {
  demo: async () => (await import("./demo-command.ts")).demoCommand(),
  sessions: async () => (await import("./sessions-command.ts")).sessionsCommand(),
  train: async () => (await import("./train-command.ts")).trainCommand(),
  backtest: async () => (await import("./backtest-command.ts")).backtestCommand(),
  evaluate: async () => (await import("./evaluate-command.ts")).evaluateCommand(),
  sweep: async () => (await import("./sweep-command.ts")).sweepCommand(),
  replay: async () => (await import("./replay-command.ts")).replayCommand(),
  exchange: async () => (await import("./exchange-command.ts")).exchangeCommand(),
  paper: async () => (await import("./paper-command.ts")).paperCommand(),
  record: async () => (await import("./record-command.ts")).recordCommand(),
  observation: async () => (await import("./observation-command.ts")).observationCommand(),
};

async function run(argv: readonly string[]): Promise<void> {
  const program = new Command("kalshi-gym")
    .description(
      "Deterministic backtests and reinforcement learning on Kalshi order books.\n" +
        "Start with: kalshi-gym demo",
    )
    .version(version())
    // Known here too, so that it may stand before the command as well as behind it.
    .option("--json", "one JSON object as the last line; every command knows it")
    .showSuggestionAfterError()
    .addHelpText("after", "\nExample:\n  kalshi-gym sessions info sessions/sample-1");
  const wanted = argv.find((word) => !word.startsWith("-"));
  const loader = wanted === undefined ? undefined : LOADERS[wanted];
  // Only the command that is called needs its code; for help and suggestions all are loaded.
  const loaders = loader === undefined ? Object.values(LOADERS) : [loader];
  for (const load of loaders) program.addCommand(await load());
  exitByException(program);
  program.hook("preAction", (_, command) => {
    refuseEmpty(command);
  });
  try {
    await program.parseAsync([...argv], { from: "user" });
  } catch (error) {
    // It ends as wrong usage does that commander has seen by itself.
    if (isWrongUsage(error)) program.error(`error: ${error.message}`);
    throw error;
  }
}

/** Has commander throw instead of exiting, so that every way out goes through one place. */
function exitByException(command: Command): void {
  command.exitOverride();
  command.showSuggestionAfterError();
  command.showHelpAfterError("(--help shows the options and an example)");
  for (const child of command.commands) exitByException(child);
}

/** An empty value is a variable of a shell that was not set; as a folder it would be the current one. */
function refuseEmpty(command: Command): void {
  const named = [
    ...command.options.map(
      (option) =>
        [option.long ?? option.flags, command.getOptionValue(option.attributeName())] as const,
    ),
    ...command.registeredArguments.map(
      (argument, index) => [`<${argument.name()}>`, command.processedArgs[index]] as const,
    ),
  ];
  for (const [name, value] of named) {
    if ([value].flat().includes("")) command.error(`error: ${name}: expected a value, was empty`);
  }
}

function version(): string {
  const file = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof OperationError) {
    process.stderr.write(`error: ${error.message}\n`);
    return 1;
  }
  const stack = error instanceof Error ? error.stack : String(error);
  process.stderr.write(
    `This is a bug in kalshi-gym; please report it with what follows.\n${stack}\n`,
  );
  return 70;
}

// A reader that goes away (`| head`) is no failure.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    // Where it was standard error that failed, this is lost, and the exit code says it alone.
    process.stderr.write(`error: output: expected to be written, was: ${error.message}\n`);
    process.exit(1);
  });
}

if (isBacktestWorker()) {
  (await import("./backtest/session-worker.ts")).serveSessions();
} else {
  // A run's watchdog outlives the run: that is what it is for.
  if (process.argv[2] !== "paper" || process.argv[3] !== "watch") endWithParent();
  try {
    await run(process.argv.slice(2));
  } catch (error) {
    const code = exitCodeOf(error);
    process.exitCode = code === 0 ? (process.exitCode ?? 0) : code;
  }
}
