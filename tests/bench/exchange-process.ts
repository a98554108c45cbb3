/** The exchange of `exchange-program.ts` in a process beside a benchmark, for as long as that takes. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sendToBackground } from "../../src/apps/background.ts";

export interface BenchExchange {
  readonly rest: string;
  readonly ws: string;
  readonly keyId: string;
  /** The private key, in PEM form. */
  readonly key: string;
  readonly tickers: readonly string[];
}

/** Gives `work` an exchange with `markets` markets at `activity`, and a folder that goes afterwards. */
export async function besideExchange<T>(
  markets: number,
  activity: number,
  work: (exchange: BenchExchange, folder: string) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-bench-"));
  const program = fileURLToPath(new URL("exchange-program.js", import.meta.url));
  const words = [program, String(markets), String(activity)];
  const child = spawn(process.execPath, words, { stdio: ["pipe", "pipe", "inherit"] });
  try {
    const exchange = await new Promise<BenchExchange>((resolve) => {
      let text = "";
      child.stdout.on("data", (data: Buffer) => {
        text += data.toString();
        if (text.endsWith("\n")) resolve(JSON.parse(text) as BenchExchange);
      });
    });
    // It stands for a machine elsewhere, which would not take the time of what is measured.
    if (child.pid !== undefined) sendToBackground(child.pid);
    return await work(exchange, folder);
  } finally {
    child.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}
