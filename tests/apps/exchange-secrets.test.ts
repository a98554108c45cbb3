/** Private keys and signatures appear in nothing that the exchange prints, answers or keeps. */
import { spawn } from "node:child_process";
import { createPrivateKey, sign } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundle } from "../fixtures/bundle.mjs";

const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-exchange-secrets-"));
let program = "";

beforeAll(async () => {
  program = await bundle("src/apps/main.ts");
});

afterAll(() => {
  rmSync(program, { force: true });
  rmSync(folder, { recursive: true, force: true });
});

test("no output, answer or file holds a key or a signature", async () => {
  const state = join(folder, "state");
  const flags = ["--generate", "--state", state, "--key-kind", "ed25519", "--json"];
  const child = spawn(process.execPath, [program, "exchange", ...flags], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const told: string[] = [];
  child.stderr.on("data", (data: Buffer) => told.push(data.toString()));
  const ended = new Promise((resolve) => child.on("close", resolve));
  const line = await new Promise<string>((resolve) =>
    child.stdout.once("data", (data: Buffer) => resolve(data.toString())),
  );
  told.push(line);
  const { rest, keyId, keyFile } = JSON.parse(line) as Record<string, string>;
  const pem = readFileSync(keyFile ?? "", "utf8");
  const secrets = pem.split("\n").filter((part) => part.length > 20 && !part.startsWith("-"));
  expect(secrets).toHaveLength(1);
  const key = createPrivateKey(pem);
  const statuses: number[] = [];
  for (const [method, path, isForged] of [
    ["POST", "/portfolio/events/orders", false],
    ["POST", "/portfolio/events/orders", true],
    ["GET", "/portfolio/balance", true],
    ["GET", "/portfolio/nothing", false],
    ["POST", "/portfolio/order_groups/create", false],
    ["DELETE", "/portfolio/events/orders", false],
  ] as const) {
    const atMs = String(Date.now());
    const text = `${atMs}${method}/trade-api/v2${isForged ? "/forged" : path}`;
    const signature = sign(null, Buffer.from(text), key).toString("base64");
    secrets.push(signature);
    const answer = await fetch((rest ?? "") + path, {
      method,
      headers: {
        "KALSHI-ACCESS-KEY": keyId ?? "",
        "KALSHI-ACCESS-TIMESTAMP": atMs,
        "KALSHI-ACCESS-SIGNATURE": signature,
        "Content-Type": "application/json",
      },
      ...(method === "POST" ? { body: '{"contracts_limit":5}' } : {}),
    });
    statuses.push(answer.status);
    told.push(JSON.stringify([...answer.headers]), await answer.text());
  }
  expect(statuses).toEqual([400, 401, 401, 404, 201, 204]);
  child.kill("SIGINT");
  await ended;
  const files = readdirSync(state);
  expect(files).toContain("writes.ndjson");
  for (const file of files) {
    const path = join(state, file);
    if (path === keyFile) expect(statSync(path).mode & 0o777).toBe(0o600);
    else told.push(readFileSync(path, "latin1"));
  }
  // Writes are kept, and so the looking is not in vain.
  expect(told.join("\n")).toContain("contracts_limit");
  for (const secret of secrets) {
    expect(told.join("\n")).not.toContain(secret);
    expect(told.join("\n")).not.toContain(encodeURIComponent(secret));
  }
});
