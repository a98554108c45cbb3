import { Command } from "commander";
import { expect, test } from "vitest";
import { type Console, consoleFor } from "../../src/apps/console.ts";

/** What `speak` writes to the two outputs as a command called with `flags`. */
async function heard(
  flags: readonly string[],
  speak: (io: Console) => void,
): Promise<{ out: string; err: string }> {
  const outputs = { out: "", err: "" };
  const { stdout, stderr } = process;
  const real = { out: stdout.write.bind(stdout), err: stderr.write.bind(stderr) };
  const program = new Command("program").option("--json").exitOverride();
  const command = program.command("speak").option("--json");
  command.action(() => speak(consoleFor(command)));
  stdout.write = (text: string | Uint8Array) => ((outputs.out += String(text)), true);
  stderr.write = (text: string | Uint8Array) => ((outputs.err += String(text)), true);
  try {
    await program.parseAsync([...flags], { from: "user" });
  } finally {
    stdout.write = real.out;
    stderr.write = real.err;
  }
  return outputs;
}

function speak(io: Console): void {
  io.line("for people");
  io.warn("mind this");
  const progress = io.progress("working", 10, "steps");
  progress.update(5, "half way");
  progress.stop();
  io.line();
  io.json({ isJson: io.isJson, text: "two\nlines", value: 1 });
}

test("with --json, standard output holds one object on one line and nothing else", async () => {
  for (const flags of [
    ["speak", "--json"],
    ["--json", "speak"],
  ]) {
    const { out, err } = await heard(flags, speak);
    expect(out).toBe('{"isJson":true,"text":"two\\nlines","value":1}\n');
    expect(err).toBe("for people\nmind this\n\n");
  }
});

test("without it, people read standard output and warnings stand on standard error", async () => {
  const { out, err } = await heard(["speak"], speak);
  expect(out).toBe("for people\n\n");
  expect(err).toBe("mind this\n");
});
