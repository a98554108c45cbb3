/**
 * Runs one benchmark: `npm run -s bench -- <name> [--json]`. Each is a file `<name>.bench.ts` here
 * that exports `run({ json })` and returns its figures. They are bundled first, for Node 20 does
 * not read TypeScript, and run alone in this process.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { rolldown } from "rolldown";

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, "../..");
const known = readdirSync(here)
  .filter((file) => file.endsWith(".bench.ts"))
  .map((file) => file.slice(0, -".bench.ts".length));

// Benchmarks find sessions from the checkout's folder.
process.chdir(root);
const words = process.argv.slice(2);
const json = words.includes("--json");
const name = words.find((word) => !word.startsWith("--"));
if (name === undefined || !known.includes(name)) {
  console.error(
    `${name === undefined ? "Which benchmark?" : `No benchmark "${name}".`} ` +
      `There are: ${known.join(", ")}\nExample: npm run -s bench -- import --json`,
  );
  process.exit(2);
}

// Benchmarks that look at memory may ask for a collection.
setFlagsFromString("--expose-gc");
globalThis.gc = runInNewContext("gc");

const dir = join(root, "node_modules", ".cache", `kalshi-gym-bench-${name}-${process.pid}`);
const worker = "kalshi-lanes-worker";
const bundle = await rolldown({
  // Threads of environments, and exchanges, look for their program beside that of the benchmark.
  input: {
    [name]: join(here, `${name}.bench.ts`),
    [worker]: join(root, `src/sim/${worker}.ts`),
    "exchange-program": join(here, "exchange-program.ts"),
  },
  platform: "node",
  external: (id) => /^[a-z@]/i.test(id) && !id.startsWith(root),
  logLevel: "silent",
});
await bundle.write({
  dir,
  format: "esm",
  entryFileNames: "[name].js",
  chunkFileNames: "[name].js",
});
await bundle.close();
writeFileSync(join(dir, "package.json"), '{ "type": "module" }');

try {
  if (!json) {
    const commit = gitCommit();
    console.log(`${name}: commit ${commit}, Node ${process.version}, ${cpus()[0]?.model ?? "?"}`);
  }
  const { run } = await import(pathToFileURL(join(dir, `${name}.js`)).href);
  const figures = await run({ json });
  if (json) console.log(JSON.stringify(figures));
  else print(figures, "");
} finally {
  rmSync(dir, { recursive: true, force: true });
}

function gitCommit() {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], {
      cwd: root,
      encoding: "utf8",
    }).trim();
  } catch {
    return "unknown";
  }
}

/** One line a figure, nested ones indented. */
function print(value, indent) {
  for (const [key, member] of Object.entries(value)) {
    if (Array.isArray(member) && member.every((row) => typeof row === "object")) {
      console.log(`${indent}${key}`);
      console.table(member);
    } else if (typeof member === "object" && member !== null) {
      console.log(`${indent}${key}`);
      print(member, `${indent}  `);
    } else {
      const shown = typeof member === "number" ? member.toLocaleString("en-US") : member;
      console.log(`${indent}${key.padEnd(34 - indent.length)} ${shown}`);
    }
  }
}
