/**
 * Reproduces the results that others publish for PPO: `npm run -s reproduce`. Each row of `rows.mjs`
 * is trained with its preset over several seeds, one process a core, by the command that users have:
 *   kalshi-gym train --env <environment> --preset <preset> --seed <seed> --json
 * Finished runs are kept in runs/reproduce.json and not repeated while the program is the same, so
 * an interrupted reproduction goes on. Prints a table in Markdown; exit code 1 where a row fails.
 *
 *   --row <text>     rows whose id holds the text; may be repeated
 *   --seeds <n>      seeds 1 .. n instead of each row's own number
 *   --jobs <n>       processes at a time; as many as cores by default
 *   --steps <n>      shorter runs, to try it out; rows are not judged then
 *   --cache <file>   where finished runs are kept, instead of runs/reproduce.json
 *   --json           the figures as one JSON object instead of the table
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { bundle, root } from "../fixtures/bundle.mjs";
import { ROWS } from "./rows.mjs";
import { median, summary } from "./statistics.mjs";

const options = readOptions();
const cacheFile = options.cache ?? join(root, "runs", "reproduce.json");
const program = await bundle("src/apps/main.ts");
const children = new Set();
const stop = () => {
  for (const child of children) child.kill("SIGTERM");
  rmSync(program, { force: true });
  process.exit(130);
};
process.on("SIGINT", stop);
process.on("SIGTERM", stop);

try {
  const programHash = createHash("sha256").update(readFileSync(program)).digest("hex");
  const cache = readCache(programHash);
  const rows = ROWS.filter(({ id }) => options.rows.every((text) => id.includes(text)));
  if (rows.length === 0)
    fail(`no row's id holds that; there are ${ROWS.map(({ id }) => id).join(", ")}`);
  await runAll(rows, cache);
  const results = rows.map((row) => resultOf(row, cache));
  if (options.json) console.log(JSON.stringify({ rows: results }));
  else print(results);
  if (results.some(({ holds }) => holds === false)) process.exitCode = 1;
} finally {
  rmSync(program, { force: true });
}

/** Trains what the cache lacks, `jobs` at a time, and keeps every result at once. */
async function runAll(rows, cache) {
  const missing = rows
    .flatMap((row) => seedsOf(row).map((seed) => ({ row, seed, key: keyOf(row, seed) })))
    .filter(({ key }) => cache.runs[key] === undefined);
  let done = 0;
  const work = async () => {
    for (let next = missing.shift(); next !== undefined; next = missing.shift()) {
      const { row, seed, key } = next;
      const result = await train(row, seed);
      cache.runs[key] = result;
      writeCache(cache);
      done += 1;
      const { meanReturn, steps, stepsPerSecond } = result;
      process.stderr.write(
        `${row.id} seed ${seed}: ${meanReturn.toFixed(2)} after ${steps} steps ` +
          `(${stepsPerSecond} steps/s); ${done} done, ${missing.length} to begin\n`,
      );
    }
  };
  await Promise.all(Array.from({ length: options.jobs }, work));
}

/** One run in a process of its own; resolves to what the command prints. */
function train({ environment, preset }, seed) {
  const words = [
    "train",
    "--env",
    environment,
    "--preset",
    preset,
    "--seed",
    String(seed),
    "--json",
  ];
  if (options.steps !== null) words.push("--steps", String(options.steps));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...words], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    children.add(child);
    let out = "";
    let err = "";
    child.stdout.on("data", (data) => (out += data));
    child.stderr.on("data", (data) => (err += data));
    child.on("error", reject);
    child.on("close", (code) => {
      children.delete(child);
      const line = out.trim().split("\n").at(-1) ?? "";
      if (code === 0) resolve(JSON.parse(line));
      else reject(new Error(`kalshi-gym ${words.join(" ")}: exit code ${code}\n${err}`));
    });
  });
}

function resultOf(row, cache) {
  const runs = seedsOf(row).map((seed) => cache.runs[keyOf(row, seed)]);
  const figures = summary(runs.map(({ meanReturn }) => meanReturn));
  return {
    id: row.id,
    environment: row.environment,
    preset: row.preset,
    steps: runs[0].steps,
    ...figures,
    returns: runs.map(({ meanReturn }) => meanReturn),
    stepsPerSecond: Math.round(median(runs.map(({ stepsPerSecond }) => stepsPerSecond))),
    published: row.published,
    wanted: row.wanted,
    holds: options.steps === null ? row.holds(figures) : null,
  };
}

function print(results) {
  const number = (value) => value.toFixed(1).replace("-", "−");
  const lines = results.map((result) => {
    const { environment, preset, steps, n, mean, low, high, published, wanted, holds } = result;
    const interval = Number.isNaN(low) ? "one seed" : `${number(low)} to ${number(high)}`;
    const cells = [
      environment,
      `\`${preset}\``,
      steps.toLocaleString("en-US"),
      n,
      `${number(mean)} (${interval})`,
      published,
      `${wanted}: ${holds === null ? "not judged" : holds ? "yes" : "NO"}`,
      result.stepsPerSecond.toLocaleString("en-US"),
    ];
    return `| ${cells.join(" | ")} |`;
  });
  console.log(
    "| environment | preset | steps | seeds | mean return (95 % interval) | published | wanted | steps/s |\n" +
      "|---|---|---|---|---|---|---|---|\n" +
      lines.join("\n"),
  );
  console.log(`\nNode ${process.version}, ${cpus()[0]?.model ?? "?"}, ${options.jobs} at a time.`);
}

function seedsOf(row) {
  return Array.from({ length: options.seeds ?? row.seeds }, (_, index) => index + 1);
}

function keyOf({ environment, preset }, seed) {
  return `${environment} ${preset} ${seed} ${options.steps ?? "full"}`;
}

/** Runs of this very program; what another made says nothing of it. */
function readCache(programHash) {
  if (existsSync(cacheFile)) {
    const kept = JSON.parse(readFileSync(cacheFile, "utf8"));
    if (kept.programHash === programHash) return kept;
    process.stderr.write(`${cacheFile} is of another program and is begun anew\n`);
  }
  return { programHash, runs: {} };
}

function writeCache(cache) {
  mkdirSync(dirname(cacheFile), { recursive: true });
  const temporary = `${cacheFile}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(cache, null, 2)}\n`);
  renameSync(temporary, cacheFile);
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        row: { type: "string", multiple: true, default: [] },
        seeds: { type: "string" },
        jobs: { type: "string" },
        steps: { type: "string" },
        cache: { type: "string" },
        json: { type: "boolean", default: false },
      },
    });
    return {
      rows: values.row,
      seeds: wholeNumber("--seeds", values.seeds),
      jobs: wholeNumber("--jobs", values.jobs) ?? availableParallelism(),
      steps: wholeNumber("--steps", values.steps),
      cache: values.cache ?? null,
      json: values.json,
    };
  } catch (error) {
    return fail(error.message);
  }
}

function wholeNumber(flag, text) {
  if (text === undefined) return null;
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new Error(`${flag}: expected a whole number from 1 up, was ${text}`);
}

function fail(message) {
  console.error(`error: ${message}\nExample: npm run -s reproduce -- --row cartpole --seeds 5`);
  process.exit(2);
}
