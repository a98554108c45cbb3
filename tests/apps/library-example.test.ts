/** The examples of docs/library.md, run as they stand there. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rolldown } from "rolldown";
import { expect, test } from "vitest";

/** Bundles and runs the page's code block of that number; what it printed. */
async function printed(block: number): Promise<string> {
  const page = readFileSync("docs/library.md", "utf8");
  const code = [...page.matchAll(/```ts\n([\s\S]*?)```/g)][block]?.[1] ?? "";
  expect(code).not.toBe("");
  const folder = join("node_modules", ".cache", `kalshi-gym-example-${process.pid}-${block}`);
  mkdirSync(folder, { recursive: true });
  try {
    const input = join(folder, "example.ts");
    // The names under which users import are the package's own front doors.
    const local = code
      .replaceAll('"kalshi-gym"', '"../../../src/index.ts"')
      .replaceAll(/"kalshi-gym\/(\w+)"/g, '"../../../src/$1/index.ts"');
    writeFileSync(input, local);
    const built = await rolldown({
      input,
      platform: "node",
      external: ["better-sqlite3", "seedrandom", "arquero", "ws"],
      logLevel: "silent",
    });
    const file = join(folder, "example.mjs");
    await built.write({ file, format: "esm", codeSplitting: false });
    await built.close();
    return execFileSync(process.execPath, [file], { encoding: "utf8", timeout: 120_000 });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("the example of the library's page runs and says what it should", async () => {
  const output = await printed(0);
  expect(output).toMatch(/^sample-1 \d+ trades\n/);
  expect(output).toMatch(/KXSAMPLE\S+: -?\d+\.\d\d dollars, 52 features\ntrue\n$/);
});

test("the example of trading sends an order and takes it back", async () => {
  expect(await printed(1)).toBe("accepted, cancelled\n");
});
