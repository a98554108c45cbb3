/** `kalshi-gym sweep`: seeds x settings, one run per core, and what came of them. */
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { OperationError, writeFileAtomically } from "../core/index.ts";
import { type Console, consoleFor } from "./console.ts";
import { listenForInterruption } from "./interruption.ts";
import { wholeNumber } from "./run-flags.ts";
import { resultLines, runsForJson, summaries, type Summary } from "./sweep/results.ts";
import { type SweepShown } from "./sweep/results-picture.ts";
import { runSweep, type SweepOutcome } from "./sweep/run-sweep.ts";
import { configurationOf, settingsOf, totalStepsOf } from "./sweep/settings.ts";
import { readSweep, type Seed, type Sweep } from "./sweep/sweep-file.ts";
import { writeResults } from "./sweep/result-files.ts";
import { sessionFolders } from "./wire.ts";

const SWEEP_FILE = "sweep.json";
const BEST_FILE = "best.json";

interface SweepFlags {
  readonly out: string;
  readonly samples?: number;
  readonly seed?: Seed;
  readonly jobs?: number;
  readonly resume?: true;
}

export function sweepCommand(): Command {
  const command = new Command("sweep")
    .description("train with many settings and seeds, one run per core, and compare them")
    .argument("<file>", "sweep file (JSON): base, search, seeds, method, score")
    .requiredOption("--out <folder>", "folder for runs and results, such as sweeps/first")
    .option("--samples <n>", "settings to draw, over what the file says", wholeNumber)
    .option("--seed <seed>", "seed of the draws, over what the file says", seedOf)
    .option("--jobs <n>", "runs at once; one per core by default", wholeNumber)
    .option("--resume", "go on with the sweep in --out")
    .option("--json", "one JSON object as the last line")
    .addHelpText(
      "after",
      "\nExample:\n  kalshi-gym sweep sweep.json --out sweeps/first --samples 20\n" +
        "docs/sweeps.md shows sweep files.",
    );
  return command.action(async (file: string, flags: SweepFlags) => {
    const io = consoleFor(command);
    const out = flags.out.replace(/(?<=.)\/+$/, "");
    const sweep = readSweep(file, { samples: flags.samples, seed: flags.seed });
    const settings = settingsOf(sweep, file);
    const totalSteps = settings.map((setting) => totalStepsOf(sweep, setting, file));
    requireSessions(sweep, file);
    requireFolder(out, sweep, flags.resume === true);
    writeFileAtomically(join(out, SWEEP_FILE), `${JSON.stringify(sweep, null, 2)}\n`);
    const interruption = listenForInterruption(() => {
      io.warn("\nStopping the runs; Ctrl-C again quits at once.");
    });
    try {
      const jobs = flags.jobs ?? availableParallelism();
      io.line(
        `${settings.length} settings x ${seedsOf(sweep)}, ${jobs} at once, ` +
          `seed ${sweep.seed}.`,
      );
      const outcome = await runSweep({
        ...{ sweep, settings, totalSteps, out, jobs },
        ...{ io, interruption },
      });
      if (outcome.interrupted) {
        io.line("Interrupted. Go on with the same command and --resume.");
        return;
      }
      await finish(sweep, outcome, out, io);
    } finally {
      interruption.release();
    }
  });
}

async function finish(sweep: Sweep, outcome: SweepOutcome, out: string, io: Console) {
  const scoreName = scoreNameOf(sweep);
  const ordered = summaries(outcome);
  const shown: SweepShown = { ...outcome, sweep, summaries: ordered, scoreName };
  await writeResults(out, shown);
  io.line(`${scoreName}, mean and deviation over ${seedsOf(sweep)}:`);
  for (const line of resultLines(outcome, sweep.score)) io.line(line);
  for (const error of new Set(ordered.flatMap(({ errors }) => errors))) {
    io.warn(`A run failed: ${error}`);
  }
  const [first] = ordered;
  const best = first === undefined || first.score === null ? null : bestOf(sweep, first, out);
  if (best !== null) io.line(`Train the best one in full:\n  ${best.command}`);
  io.line(`Results in ${out}: results.csv, results.arrow, results.svg, results.png`);
  io.json({ runs: runsForJson(outcome), best });
  // With nothing to choose from, the sweep as a whole has failed.
  if (best === null) process.exitCode = 1;
}

/** The best setting, with its configuration written down and the command that trains it. */
function bestOf(sweep: Sweep, { setting, values, score, deviation }: Summary, out: string) {
  const file = join(out, BEST_FILE);
  const configuration = { ...configurationOf(sweep, values), seed: sweep.seeds[0] };
  writeFileAtomically(file, `${JSON.stringify(configuration, null, 2)}\n`);
  const { env, preset } = sweep.base;
  const chosen = env === undefined ? "" : `--env ${env} --preset ${preset ?? ""} `;
  const command = `kalshi-gym train ${chosen}--config ${quoted(file)} --out models/best`;
  return { setting, values, score, deviation, command };
}

function seedsOf({ seeds }: Sweep): string {
  return `${seeds.length} ${seeds.length === 1 ? "seed" : "seeds"}`;
}

/** As a shell takes it for one word. */
function quoted(path: string): string {
  return /^[\w./@%+:-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

function scoreNameOf({ score, base }: Sweep): string {
  if (score === "heldOut") return "Mean held-out profit ($)";
  // A preset says whether its return is of training or of an evaluation.
  return base.env === undefined ? "Mean return in training ($)" : "Mean return";
}

/** Sessions that are there, before runs are made that could not be judged; none of them seen. */
function requireSessions({ base, heldOut = [] }: Sweep, file: string): void {
  const { sessions = [] } = Object(base["files"]) as { readonly sessions?: readonly string[] };
  const seen = new Set(sessionFolders(sessions).map((folder) => resolve(folder)));
  const twin = sessionFolders(heldOut).find((folder) => seen.has(resolve(folder)));
  if (twin === undefined) return;
  throw new OperationError(
    "SWEEP_FILE",
    `${file}: heldOut: expected sessions that no run trains on, was ${twin}, which is in ` +
      `base.files.sessions; hold out others`,
  );
}

/** A new folder, or with `--resume` one in which this very sweep began. */
function requireFolder(out: string, sweep: Sweep, resume: boolean): void {
  if (out === "") {
    throw new OperationError("SWEEP_OUT", "--out: expected the name of a folder, was empty");
  }
  const path = join(out, SWEEP_FILE);
  if (!existsSync(path)) {
    if (!resume) return;
    throw new OperationError(
      "SWEEP_RESUME",
      `${out}: expected a sweep to go on with, was none; leave --resume out to start`,
    );
  }
  if (!resume) {
    throw new OperationError(
      "SWEEP_OUT",
      `${out}: expected a new folder, was one with a sweep in it; choose another --out, or go ` +
        `on with --resume`,
    );
  }
  const began = readFileSync(path, "utf8").trim();
  if (began === JSON.stringify(sweep, null, 2)) return;
  throw new OperationError(
    "SWEEP_CHANGED",
    `${path}: expected the sweep that began here, was another one${differenceOf(began, sweep)}; ` +
      `undo the change, or begin anew with another --out`,
  );
}

/** The first key that differs, if that can be told. */
function differenceOf(began: string, sweep: Sweep): string {
  try {
    const before = Object(JSON.parse(began)) as Readonly<Record<string, unknown>>;
    const now: Readonly<Record<string, unknown>> = { ...sweep };
    const keys = [...new Set([...Object.keys(before), ...Object.keys(now)])];
    const key = keys.find((name) => JSON.stringify(before[name]) !== JSON.stringify(now[name]));
    return key === undefined ? "" : ` (${key} differs)`;
  } catch {
    return "";
  }
}

function seedOf(text: string): Seed {
  if (text === "") throw new InvalidArgumentError("Expected a whole number or a text.");
  const value = Number(text);
  return /^\d+$/.test(text) && Number.isSafeInteger(value) ? value : text;
}
