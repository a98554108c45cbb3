/** Bundles the fingerprint program and the tape it reads; returns both paths. */
import { mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const here = dirname(fileURLToPath(import.meta.url));
export const root = resolve(here, "../..");

/** Writes `<name>.mjs` of `tests/determinism/<name>.ts` two folders below the root. */
export async function bundle(name) {
  // wire.ts looks for package.json two folders up, as it does from src/apps and dist/apps.
  const folder = join(root, "node_modules", ".kalshi-gym-determinism");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}-${process.pid}.mjs`);
  const built = await rolldown({
    input: join(here, `${name}.ts`),
    platform: "node",
    external: (id) => /^[a-z@]/i.test(id) && !id.startsWith(root),
    logLevel: "silent",
  });
  await built.write({ file, format: "esm", codeSplitting: false });
  await built.close();
  return file;
}
