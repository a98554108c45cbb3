/**
 * `npm run determinism [versions...]`: the golden fingerprint under several versions of Node, each
 * taken from the npm registry into a cache. Not part of `npm test`: it downloads about 40 MB a
 * version.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundle, root } from "../fixtures/bundle.mjs";

const versions = process.argv.slice(2);
if (versions.length === 0) versions.push("20", "22", "24", "26");
const cache = join(root, "node_modules", ".cache", "kalshi-gym-node");
const program = await bundle("tests/determinism/fingerprint.ts");
const trainer = await bundle("tests/determinism/training.ts");
const lanes = await bundle("src/sim/kalshi-lanes-worker.ts");
const packer = await bundle("tests/determinism/write-tape.ts");
const tape = `${program}.tape.json`;
writeFileSync(tape, execFileSync(process.execPath, [packer], { cwd: root, maxBuffer: 1 << 28 }));
const golden = JSON.parse(readFileSync(join(root, "tests/golden/fingerprint.json"), "utf8"));
const goldenTraining = JSON.parse(readFileSync(join(root, "tests/golden/training.json"), "utf8"));
let failed = 0;
for (const version of versions) {
  const node = nodeBinary(version);
  const name = execFileSync(node, ["--version"], { encoding: "utf8" }).trim();
  const result = JSON.parse(execFileSync(node, [program, tape], { encoding: "utf8" }));
  const differs = ["schema", "rows", "model", "steps"].filter((key) => golden[key] !== result[key]);
  for (const threads of ["1", "2", "4"]) {
    const trained = execFileSync(node, [trainer, tape, lanes, threads], { encoding: "utf8" });
    const { state, collected } = JSON.parse(trained);
    if (state !== goldenTraining.state || collected !== goldenTraining.collected)
      differs.push(`100,000 steps on ${threads} threads`);
  }
  if (differs.length > 0) failed += 1;
  console.log(`Node ${name}: ${differs.length === 0 ? "identical" : `differs in ${differs}`}`);
}
process.exitCode = failed === 0 ? 0 : 1;

function nodeBinary(version) {
  const folder = join(cache, version);
  const name = `node-${process.platform}-${process.arch}`;
  const binary = join(folder, "node_modules", name, "bin", "node");
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "package.json"), "{}");
    execFileSync("npm", ["install", "--no-save", "--ignore-scripts", `${name}@${version}`], {
      cwd: folder,
      stdio: ["ignore", "ignore", "inherit"],
    });
  }
  return binary;
}
