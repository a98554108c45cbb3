/** Bundles and runs time-limit.ts, for Node 20 does not read TypeScript. */
import { rmSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { bundle } from "../fixtures/bundle.mjs";

const program = await bundle("tests/reproduce/time-limit.ts");
try {
  await import(pathToFileURL(program).href);
} finally {
  rmSync(program, { force: true });
}
