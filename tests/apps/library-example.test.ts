/** The example of docs/library.md, run as it stands there. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rolldown } from "rolldown";
import { expect, test } from "vitest";

test("the example of the library's page runs and says what it should", async () => {
  const page = readFileSync("docs/library.md", "utf8");
  const code = /```ts\n([\s\S]*?)```/.exec(page)?.[1];
  expect(code).toBeDefined();
  const folder = join("node_modules", ".cache", `kalshi-gym-example-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  try {
    const input = join(folder, "example.ts");
    // The name under which users import is the package's own front door.
    writeFileSync(input, (code ?? "").replaceAll('"kalshi-gym"', '"../../../src/index.ts"'));
    const built = await rolldown({
      input,
      platform: "node",
      external: ["better-sqlite3", "seedrandom", "arquero"],
      logLevel: "silent",
    });
    const file = join(folder, "example.mjs");
    await built.write({ file, format: "esm", codeSplitting: false });
    await built.close();
    const output = execFileSync(process.execPath, [file], { encoding: "utf8" });
    expect(output).toMatch(/^sample-1 \d+ trades\n/);
    expect(output).toMatch(/KXSAMPLE\S+: -?\d+\.\d\d dollars, 52 features\ntrue\n$/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
