import { Command } from "commander";
import { describe, expect, test } from "vitest";
import { compact, type Console, consoleFor, progressLine } from "../../src/apps/console.ts";

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

describe("a line of progress", () => {
  const NOTE = "18k/s  0:02 left  return 92.67  loss -0.001 0.199  entropy 0.69";
  const text = { title: "training", share: 0.235, value: 14_080, total: 60_000, unit: "steps" };
  const shown = (columns: number, note = NOTE) => progressLine({ ...text, note }, columns);

  test("has all of it where there is room", () => {
    expect(shown(160)).toBe(
      `training               ${"█".repeat(7)}${"░".repeat(21)} 23% 14.1k/60k steps  ${NOTE}`,
    );
    expect(shown(108)).toBe(`training ██░░░░░ 23% 14.1k/60k steps  ${NOTE}`);
  });

  test("keeps speed, time, return and losses on a terminal of 80 columns", () => {
    expect(shown(80)).toBe(
      "training 23% 14.1k/60k  18k/s  0:02 left  return 92.67  loss -0.001 0.199",
    );
  });

  test("loses whole parts from its end on narrower ones, and never wraps", () => {
    expect(shown(50)).toBe("training 23% 14.1k/60k  18k/s  0:02 left");
    expect(shown(30)).toBe("training 23% 14.1k/60k  18k/s");
    expect(shown(12)).toBe("training 23");
    for (let columns = 1; columns < 200; columns++) {
      expect(shown(columns).length, `${columns} columns`).toBeLessThan(columns);
      expect(shown(columns, "").length, `${columns} columns`).toBeLessThan(columns);
    }
  });

  test.each([
    [0, "0"],
    [12.34, "12.3"],
    [9_999, "9,999"],
    [12_345, "12.3k"],
    [60_000, "60k"],
    [1_250_000, "1.3M"],
  ])("%d is %s", (value, expected) => {
    expect(compact(value)).toBe(expected);
  });
});

test("on a terminal, what is said stands above the bar, whole, and the cursor is found again", async () => {
  const { stderr } = process;
  const before = { isTTY: stderr.isTTY, columns: stderr.columns };
  Object.assign(stderr, { isTTY: true, columns: 60 });
  const warning = "a warning that is longer than the sixty columns that there are in a line";
  try {
    const { out, err } = await heard(["speak"], (io) => {
      const progress = io.progress("working", 10, "steps");
      progress.update(5, "half way");
      io.warn(`\n${warning}`);
      progress.update(10);
      progress.stop();
      io.warn("after");
    });
    expect(out).toBe("");
    const escape = "\u001b";
    // Wrapping stays as it is, and the cursor is not hidden: a killed program leaves nothing behind.
    expect(err).not.toContain(`${escape}[?7l`);
    expect(err).not.toContain(`${escape}[?25l`);
    expect(err).toContain(`\r${escape}[2K${warning}\n${escape}7`);
    const afterwards = err.slice(err.indexOf(warning));
    expect(afterwards).toContain("100% 10/10 steps  half way");
    expect(afterwards).toMatch(/\u001b8.*\nafter\n$/);
  } finally {
    Object.assign(stderr, before);
  }
});
