#!/usr/bin/env node
/**
 * Compiles assembly/ to WebAssembly and writes it as text into kernel-binary.ts, so that bundles and
 * worker threads need no file beside them. Part of `npm run build` and of `npm test`.
 */
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const here = dirname(fileURLToPath(import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-kernel-"));
try {
  const binary = join(folder, "kernel.wasm");
  const { error } = await asc.main(
    [
      join(here, "assembly", "index.ts"),
      ...["--outFile", binary],
      // Strict SIMD only: relaxed operations may differ between processors.
      ...["--enable", "simd", "--enable", "threads"],
      ...["--importMemory", "--sharedMemory", "--initialMemory", "1", "--maximumMemory", "65536"],
      ...["-O3", "--noAssert", "--runtime", "stub"],
    ],
    { stdout: process.stdout, stderr: process.stderr },
  );
  if (error) throw error;
  const text = readFileSync(binary).toString("base64");
  const target = join(here, "kernel-binary.ts");
  const source = `/** Made by build.mjs from assembly/; not to be edited. */\nexport const KERNEL_BINARY =\n  "${text}";\n`;
  // Renamed into place: another process may be reading it.
  writeFileSync(`${target}.${process.pid}.tmp`, source);
  renameSync(`${target}.${process.pid}.tmp`, target);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
