/**
 * `kalshi-gym paper`: an agent trades on paper, on Kalshi's demo exchange or on an exchange of our own.
 * Beside it `paper stop` and `paper status`, which work on the run's folder.
 */
import { existsSync, statSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { Command, Option } from "commander";
import { nearestOf, OperationError, US_PER_SECOND } from "../core/index.ts";
import { formatIsoTime, MEMBERSHIPS } from "../market/index.ts";
import { PRICINGS } from "../orders/index.ts";
import { type Console, consoleFor } from "./console.ts";
import { cashFrom, marketsFrom, speedFrom } from "./exchange/liquidity-flags.ts";
import { listenForInterruption } from "./interruption.ts";
import { replayLive } from "./live/live-replaying.ts";
import { startLocalVenue } from "./live/local-venue.ts";
import { type PaperFlags, planOf } from "./live/paper-plan.ts";
import { PaperRun, type PaperRunOptions } from "./live/paper-run.ts";
import { isRunning, RunFolder, type RunNote } from "./live/run-folder.ts";
import { shadowLines } from "./live/shadow-report.ts";
import { serveWatchdog } from "./live/watchdog.ts";
import { MachineScheduler } from "./machine-scheduler.ts";
import { numberAbove0, numberFrom0 } from "./number-flags.ts";
import { seedWord, wholeNumber } from "./run-flags.ts";
import { KEY_VARIABLES } from "../kalshi/index.ts";
import { gatherTickers, type VenueFlags, venueOf } from "./venue-flags.ts";
import { wrongUsage } from "./wrong-usage.ts";

export function paperCommand(): Command {
  const command = new Command("paper")
    .description("trade on paper, until Ctrl-C: on the demo exchange, or on one of our own")
    .option("--model <path>", "the model that decides")
    .option("--normaliser <file>", "statistics for a model from elsewhere (docs/models.md)")
    .option("--policy <name>", "a rule that decides instead: hold, random or join")
    .option("--markets <tickers...>", "markets to trade; all of a local exchange", gatherTickers)
    .addOption(
      new Option(
        "--venue <name>",
        "local: an exchange of our own; demo: Kalshi's; shadow: demo, with simulated orders beside",
      )
        .choices(["local", "demo", "shadow"])
        .default("local"),
    )
    .option("--rest <url>", "REST address of an exchange that runs on this machine")
    .option("--ws <url>", "its WebSocket address")
    .option("--key-id <id>", `the key's id; else ${KEY_VARIABLES.keyId} of the environment`)
    .option("--key-file <file>", `its private half (PEM); else ${KEY_VARIABLES.file}`)
    .option("--out <folder>", "folder of the run; a run that was killed there goes on")
    .option("--seconds <n>", "stop after so many seconds", numberAbove0)
    .addOption(
      new Option("--choice <how>", "take the most likely action, or draw one")
        .choices(["best", "sample"])
        .default("best"),
    )
    .addOption(
      new Option("--cadence <when>", "decide every second, or on every change of a book")
        .choices(["1s", "event"])
        .default("1s"),
    )
    .addOption(new Option("--pricing <name>", "where orders are placed").choices(PRICINGS))
    .option("--order-contracts <n>", "size of an order; as in training", numberAbove0)
    .option(
      "--position-contracts <n>",
      "largest position in a market; as in training",
      numberAbove0,
    )
    .option("--orders-max <n>", "most open orders at once", wholeNumber, 20)
    .option("--budget <dollars>", "use no more of the account's cash than this", numberAbove0)
    .option("--loss-max <dollars>", "stop once so much has been lost", numberAbove0)
    .option("--stale-book <seconds>", "trade on the last known book for so long", numberFrom0, 0)
    .option("--reconcile <seconds>", "compare with the venue so often", numberAbove0, 10)
    .addOption(
      new Option("--membership <kind>", "whose account it is, for fees")
        .choices(MEMBERSHIPS)
        .default("direct"),
    )
    .option("--seed <seed>", "of drawn actions, and of the local exchange", seedWord, 42)
    .option("--session <folder>", "local: a recorded session that happens again")
    .option("--speed <factor>", "local: recorded seconds a second", speedFrom)
    .option("--local-markets <n>", "local: made-up markets; 4 when left out", marketsFrom)
    .option("--cash <dollars>", "local: the account's cash; 1,000 when left out", cashFrom)
    .option("--json", "one JSON object as the last line")
    .addHelpText(
      "after",
      "\nExamples:\n  kalshi-gym paper --model models/first --seconds 60\n" +
        "  kalshi-gym paper --model models/first --venue demo --markets KXA-26DEC01-T50 --loss-max 5\n" +
        "  kalshi-gym paper status live/demo\n  kalshi-gym paper stop live/demo",
    )
    .allowExcessArguments()
    .action((flags: PaperFlags) => {
      const [word] = command.args;
      if (word !== undefined) refuseWord(command, word);
      return runPaper(flags, consoleFor(command));
    });
  command.addCommand(statusCommand());
  command.addCommand(stopCommand());
  command.addCommand(watchCommand(), { hidden: true });
  return command;
}

function refuseWord(command: Command, word: string): never {
  const meant = nearestOf(word, ["status", "stop"]);
  const hint = meant === null ? "" : `\n(Did you mean paper ${meant}?)`;
  return command.error(`error: unknown command 'paper ${word}'${hint}`);
}

async function runPaper(flags: PaperFlags, io: Console): Promise<void> {
  const isOwn = flags.venue === "local" && flags.rest === undefined && flags.ws === undefined;
  requireFitting(flags, isOwn);
  const { decides, settings } = await planOf(flags);
  const shared = {
    io,
    folder: new RunFolder(flags.out ?? `live/${flags.venue}`),
    venueName: flags.venue,
    decides,
    settings,
    seed: flags.seed,
    tickers: flags.markets ?? null,
    isShadow: flags.venue === "shadow",
  };
  if (!isOwn) {
    const { venue, key } = venueOf({ ...flags, venue: venueKindOf(flags) });
    const { keyId, keyFile } = flags;
    const keyPlace = keyId === undefined || keyFile === undefined ? null : { keyId, keyFile };
    await trade({ ...shared, venue, key, keyPlace, isOwnExchange: false }, flags);
    return;
  }
  const { session, speed, localMarkets: markets, seed, cash } = flags;
  const local = await startLocalVenue({ session, speed, markets, seed, cash });
  try {
    const { venue, key, keyPlace } = local;
    await trade({ ...shared, venue, key, keyPlace, isOwnExchange: true }, flags, local.ended);
  } finally {
    await local.close();
  }
}

/** Flags that would have no effect are refused: whoever gives them expects one. */
function requireFitting(flags: PaperFlags, isOwn: boolean): void {
  const { session, speed, localMarkets, cash } = flags;
  const ofLocal = { "--session": session, "--speed": speed, "--local-markets": localMarkets };
  const given = Object.entries({ ...ofLocal, "--cash": cash }).find(
    ([, value]) => value !== undefined,
  );
  if (flags.markets === undefined && flags.venue !== "local") {
    throw wrongUsage("expected --markets with what to trade, was none");
  }
  if (!isOwn && given !== undefined) {
    throw wrongUsage(
      `${given[0]} is of a local exchange of the run's own: expected it without --rest and --ws ` +
        "and with --venue local",
    );
  }
  if (session === undefined && speed !== undefined) {
    throw wrongUsage("--speed: expected --session beside it, was none");
  }
  if (session !== undefined && localMarkets !== undefined) {
    throw wrongUsage("expected one of --session and --local-markets, was both");
  }
}

/** Shadow runs go to the demo exchange, or to a local one where its addresses are given. */
function venueKindOf({ venue, rest }: PaperFlags): VenueFlags["venue"] {
  if (venue !== "shadow") return venue;
  return rest !== undefined && /^https?:\/\/(127\.|localhost|\[::1\])/.test(rest)
    ? "local"
    : "demo";
}

/** `exchangeEnded` is that of an exchange without which there is nothing to do. */
async function trade(
  options: PaperRunOptions,
  flags: PaperFlags,
  exchangeEnded?: Promise<void>,
): Promise<void> {
  const run = new PaperRun(options);
  void exchangeEnded?.then(() => {
    run.fail(new OperationError("LOCAL_EXCHANGE", "the local exchange has ended by itself"));
  });
  let interruption: ReturnType<typeof listenForInterruption> | null = null;
  let forget = (): void => undefined;
  const stopAsked = new Promise<string>((resolve) => {
    interruption = listenForInterruption(() => {
      resolve("a signal");
    });
    const { seconds } = flags;
    if (seconds === undefined) return;
    forget = new MachineScheduler().after(seconds * US_PER_SECOND, () => {
      resolve(`--seconds ${seconds}`);
    });
  });
  try {
    const result = await run.run(stopAsked);
    const { decisions, orders, fills, reconciled, journal, journalHash } = result;
    options.io.line(
      `${decisions} decisions, ${orders} orders, ${fills} fills; the venue ` +
        `${reconciled ? "says the same" : "SAYS OTHERWISE"}; journal ${journal}, ` +
        journalHash.slice(0, 12),
    );
    if (options.isShadow) await compare(options, flags);
    options.io.json(result);
  } finally {
    forget();
    run.close();
    (interruption as ReturnType<typeof listenForInterruption> | null)?.release();
  }
}

/** The run's orders beside the same ones in the simulator; the journal is whole by now. */
async function compare({ io, folder }: PaperRunOptions, flags: PaperFlags): Promise<void> {
  const { model: path, normaliser } = flags;
  const model = path === undefined ? null : { path, normaliser };
  const options = { path: folder.journal, model, shadow: "queue", session: null } as const;
  const last = (await replayLive(options)).at(-1)?.shadow;
  if (last === undefined || last === null) return;
  for (const line of shadowLines(last)) io.line(line);
}

function statusCommand(): Command {
  const command = new Command("status")
    .description("the state of a run, as one block of text")
    .argument("<folder>", "folder of the run")
    .action((path: string) => {
      const io = consoleFor(command);
      const folder = new RunFolder(path);
      const { pid, endedUs } = folder.note();
      const silence = endedUs === null && isRunning(pid) ? silenceOf(folder) : "";
      io.line(`The run ${wordOf(folder.note())}${silence}.`);
      io.line(folder.status() ?? "no status was written yet");
      io.json({
        running: endedUs === null && isRunning(pid),
        pid,
        endedUs,
        status: folder.status(),
      });
    });
  return withJson(command, "status");
}

function withJson(command: Command, name: string): Command {
  return command
    .option("--json", "one JSON object as the last line")
    .addHelpText("after", `\nExample:\n  kalshi-gym paper ${name} live/local`);
}

/** A run writes its status each second; where it has not for longer, its loop does not turn. */
function silenceOf({ statusFile }: RunFolder): string {
  if (!existsSync(statusFile)) return "";
  const seconds = Math.round(
    (new MachineScheduler().nowUs() / 1_000 - statSync(statusFile).mtimeMs) / 1_000,
  );
  return seconds < SILENCE_SECONDS
    ? ""
    : `, but has written no status for ${seconds} s: it hangs or is paused; "paper stop" ends it`;
}

function wordOf({ pid, endedUs, sweptUs }: RunNote): string {
  if (endedUs !== null) return `ended at ${formatIsoTime(endedUs)}`;
  if (isRunning(pid)) return `runs, process ${pid}`;
  const rest =
    sweptUs === undefined
      ? "whether orders are left is in watchdog.log"
      : `no order was left at ${formatIsoTime(sweptUs)}`;
  return `broke off, process ${pid}; ${rest}`;
}

const SILENCE_SECONDS = 4;

/** How long `paper stop` waits: as long as the watchdog takes, and a little more. */
const STOP_WAIT_MS = 30_000;

function stopCommand(): Command {
  const command = new Command("stop")
    .description("stop a run and cancel its orders, even where its loop hangs")
    .argument("<folder>", "folder of the run")
    .action(async (path: string) => {
      const io = consoleFor(command);
      const folder = new RunFolder(path);
      const { pid, endedUs } = folder.note();
      const isGone = (): boolean => !isRunning(pid);
      if (endedUs !== null || isGone()) {
        throw new OperationError("RUN_ENDED", `${path}: expected a run that goes on, was none`);
      }
      folder.askToStop("paper stop");
      const fromMs = performance.now();
      while (!isGone() || hasOrders(folder.note(), pid)) {
        if (performance.now() - fromMs > STOP_WAIT_MS) {
          const what = isGone() ? "orders of the run may be left" : `process ${pid} has not ended`;
          throw new OperationError(
            "RUN_STOP",
            `${path}: ${what} after ${STOP_WAIT_MS / 1_000} s; see watchdog.log`,
          );
        }
        await wait(100);
      }
      io.line(`The run in ${path} has ended.`);
      io.json({ stopped: true, seconds: (performance.now() - fromMs) / 1_000 });
    });
  return withJson(command, "stop");
}

/** Whether orders of a run that is gone may be left: it was ended from outside, and nobody looked. */
function hasOrders({ pid, endedUs, sweptUs }: RunNote, of: number): boolean {
  return pid === of && endedUs === null && sweptUs === undefined;
}

/** For the process beside a run; nobody else has a use for it. */
function watchCommand(): Command {
  return new Command("watch").action(() => serveWatchdog());
}
