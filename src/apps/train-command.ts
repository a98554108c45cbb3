/** `kalshi-gym train`: an agent from recorded sessions, or on a reference environment. */
import { Command, Option } from "commander";
import { addCallbackFlags, callbackOverrides, requireEvaluations } from "./callback-flags.ts";
import { type Console, consoleFor } from "./console.ts";
import { listenForInterruption } from "./interruption.ts";
import { wanted } from "./configuration.ts";
import {
  addRunFlags,
  configurationOf,
  coresHere,
  type RunFlags,
  wholeNumber,
} from "./run-flags.ts";
import { addEnvFlags, type EnvFlags, trainByEnvFlags } from "./train-env-command.ts";
import { trainOnSessions } from "./train-sessions.ts";
import { bestJson, bestLines, ENDINGS, type TrainingResult } from "./training.ts";
import { loadSessions } from "./wire.ts";

interface TrainFlags extends RunFlags, Omit<EnvFlags, "seed" | "steps"> {
  readonly sessions?: string[];
  readonly out?: string;
  readonly steps?: number;
  readonly environments?: number;
  readonly until?: number;
  readonly resume?: true;
  readonly replace?: true;
}

export function trainCommand(): Command {
  const command = new Command("train")
    .description("train a PPO agent on recorded sessions, or on a reference environment")
    .option("--sessions <folders...>", "sessions, or folders of sessions")
    .option("--out <folder>", "model folder to make, such as models/first")
    .option("--steps <n>", "environment steps in all", wholeNumber)
    .option("--environments <n>", "episodes that run side by side", wholeNumber)
    .option("--until <n>", "pause at this step of the whole run; --resume goes on", wholeNumber)
    .option("--resume", "go on from the checkpoint in --out")
    .addOption(new Option("--replace", "replace the model in --out").conflicts("resume"));
  addRunFlags(addCallbackFlags(addEnvFlags(command))).addHelpText(
    "after",
    "\nExamples:\n  kalshi-gym train --sessions sessions/sample-1 sessions/sample-2 --seed 42 " +
      "--steps 100000 --out models/first\n" +
      "  kalshi-gym train --sessions sessions/sample-1 sessions/sample-2 --evaluate-on " +
      "sessions/sample-3 --patience 5 --out models/chosen\n" +
      "  kalshi-gym train --env CartPole-v1 --preset rl-zoo --seed 1",
  );
  return command.action(async (flags: TrainFlags) => {
    const io = consoleFor(command);
    if (await trainByEnvFlags(flags, io)) return;
    const configuration = configurationOf(flags, {
      environments: flags.environments,
      ppo: { totalSteps: flags.steps },
      callbacks: callbackOverrides(flags),
      files: { sessions: flags.sessions, model: flags.out },
    });
    const { files } = configuration;
    const out = wanted("--out", "files.model", files.model);
    const sessions = loadSessions(wanted("--sessions", "files.sessions", files.sessions), io);
    const { evaluateOn } = configuration.callbacks;
    requireEvaluations(flags, evaluateOn !== undefined);
    const heldOut = evaluateOn === undefined ? [] : loadSessions(evaluateOn, io);
    const interruption = listenForInterruption(() => {
      io.warn("\nStopping after this iteration; Ctrl-C again quits at once.");
    });
    try {
      const { resume = false, replace = false, threads = coresHere(), until = Infinity } = flags;
      const run = { resume, replace, threads, until, io, interruption };
      const result = await trainOnSessions({ configuration, sessions, heldOut, out, ...run });
      tell(result, out, io);
    } finally {
      interruption.release();
    }
  });
}

function tell(result: TrainingResult, out: string, io: Console): void {
  const { manifest, stepsPerSecond, ending } = result;
  const { steps, modelHash, seed } = manifest;
  const rate = stepsPerSecond.toLocaleString("en-US");
  io.line(
    `${ENDINGS[ending]} after ${steps.toLocaleString("en-US")} steps (${rate} steps/s, seed ${seed}).`,
  );
  io.line(`Model ${modelHash.slice(0, 12)} in ${out}`);
  for (const line of bestLines(result, "$")) io.line(line);
  if (ending === "done" || ending === "early") {
    io.line(`Next: kalshi-gym evaluate --model ${out} --sessions <sessions it has not seen>`);
  } else {
    io.line(`Go on with the same command and --resume.`);
  }
  io.json({ model: out, modelHash, steps, stepsPerSecond, ...bestJson(result) });
}
