/** `kalshi-gym train`: an agent from recorded sessions. */
import { Command } from "commander";
import { type Console, consoleFor } from "./console.ts";
import { listenForInterruption } from "./interruption.ts";
import { wanted } from "./configuration.ts";
import { addRunFlags, configurationOf, type RunFlags, wholeNumber } from "./run-flags.ts";
import { clearModelFolder, runTraining, type TrainingResult } from "./training.ts";
import { loadSessions } from "./wire.ts";

interface TrainFlags extends RunFlags {
  readonly sessions?: string[];
  readonly out?: string;
  readonly steps?: number;
  readonly environments?: number;
  readonly resume?: true;
  readonly replace?: true;
}

export function trainCommand(): Command {
  const command = new Command("train")
    .description("train a PPO agent on recorded sessions")
    .option("--sessions <folders...>", "sessions, or folders of sessions")
    .option("--out <folder>", "model folder to make, such as models/first")
    .option("--steps <n>", "environment steps in all", wholeNumber)
    .option("--environments <n>", "episodes that run side by side", wholeNumber)
    .option("--resume", "go on from the checkpoint in --out")
    .option("--replace", "replace the model in --out");
  addRunFlags(command).addHelpText(
    "after",
    "\nExample:\n  kalshi-gym train --sessions sessions/sample-1 sessions/sample-2 --seed 42 " +
      "--steps 100000 --out models/first",
  );
  return command.action(async (flags: TrainFlags) => {
    const io = consoleFor(command);
    const configuration = configurationOf(flags, {
      environments: flags.environments,
      ppo: { totalSteps: flags.steps },
      files: { sessions: flags.sessions, model: flags.out },
    });
    const { files } = configuration;
    const out = wanted("--out", "files.model", files.model);
    const sessions = loadSessions(wanted("--sessions", "files.sessions", files.sessions), io);
    if (flags.replace === true && flags.resume !== true) clearModelFolder(out);
    const interruption = listenForInterruption(() => {
      io.warn("\nStopping after this iteration; Ctrl-C again quits at once.");
    });
    try {
      const result = await runTraining({
        configuration,
        sessions,
        out,
        resume: flags.resume === true,
        io,
        interruption,
      });
      tell(result, out, io);
    } finally {
      interruption.release();
    }
  });
}

function tell({ manifest, stepsPerSecond, interrupted }: TrainingResult, out: string, io: Console) {
  const { steps, modelHash, seed } = manifest;
  const rate = stepsPerSecond.toLocaleString("en-US");
  io.line(
    `${interrupted ? "Interrupted" : "Trained"} after ${steps.toLocaleString("en-US")} steps ` +
      `(${rate} steps/s, seed ${seed}).`,
  );
  io.line(`Model ${modelHash.slice(0, 12)} in ${out}`);
  if (interrupted) io.line(`Go on with the same command and --resume.`);
  else io.line(`Next: kalshi-gym evaluate --model ${out} --sessions <sessions it has not seen>`);
  io.json({ model: out, modelHash, steps, stepsPerSecond });
}
