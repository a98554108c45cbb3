/**
 * Runs a fuzzer: `npm run -s fuzz -- <name> --seeds N --from S [--json] [--trace]`. Each is a file
 * `<name>-fuzz.ts` here that exports `run`. The last line is what it found, as JSON; the exit code is
 * 1 where something failed. A seed that failed is played again by `--seeds 1 --from <seed> --trace`.
 */
import { readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { rolldown } from "rolldown";
import { root } from "../fixtures/bundle.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const known = readdirSync(here)
  .filter((file) => file.endsWith("-fuzz.ts"))
  .map((file) => file.slice(0, -"-fuzz.ts".length));

const flag = { type: "boolean", default: false };
const options = { seeds: { type: "string" }, from: { type: "string" }, json: flag, trace: flag };
const { values, positionals } = readWords();
const [name] = positionals;
if (name === undefined || !known.includes(name)) {
  refuse(`${name === undefined ? "Which fuzzer?" : `No fuzzer "${name}".`} There are: ${known}`);
}
const seeds = countOf("seeds", values.seeds ?? "100", 1);
const from = countOf("from", values.from ?? "1", 0);

const program = join(root, "node_modules", `.kalshi-gym-fuzz-${name}-${process.pid}.mjs`);
const bundle = await rolldown({
  input: join(here, `${name}-fuzz.ts`),
  platform: "node",
  external: (id, importer) =>
    /^[a-z@]/i.test(id) && !id.startsWith(root) && cheapCrypto(id, importer) === null,
  plugins: [{ name: "cheap crypto", resolveId: cheapCrypto }],
  logLevel: "silent",
});
await bundle.write({ file: program, format: "esm", codeSplitting: false });
await bundle.close();
try {
  const { run } = await import(pathToFileURL(program).href);
  const tell = values.json ? () => undefined : (line) => console.log(line);
  const result = run({ seeds, from, trace: values.trace, tell });
  console.log(JSON.stringify(result));
  process.exitCode = result.failures.length === 0 ? 0 : 1;
} finally {
  rmSync(program, { force: true });
}

/** Signatures are most of the time: see the file that takes their place. */
function cheapCrypto(id, importer) {
  const isSigning = /[/]src[/]kalshi[/]signing(-key)?[.]ts$/.test(importer ?? "");
  return id === "node:crypto" && isSigning ? join(here, "cheap-crypto.ts") : null;
}

function readWords() {
  try {
    return parseArgs({ options, allowPositionals: true });
  } catch (error) {
    return refuse(error.message);
  }
}

function countOf(flagName, text, least) {
  const count = Number(text);
  if (/^\d{1,12}$/.test(text) && count >= least) return count;
  return refuse(`--${flagName}: expected a whole number from ${least}, was "${text}"`);
}

function refuse(sentence) {
  console.error(`${sentence}\nExample: npm run -s fuzz -- live --seeds 100 --from 1`);
  process.exit(2);
}
