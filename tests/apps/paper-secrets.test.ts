/**
 * Keys and signatures appear in nothing that a run prints or keeps, nor in what the process beside it
 * keeps. What was signed is recorded on the way to the exchange.
 */
import { readdirSync, readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readLiveJournal } from "../../src/journal/index.ts";
import { besideLog, CALM, Eye, until } from "./paper-case.ts";
import { openStage } from "./programs.ts";

const { folder, programs } = openStage("paper-secrets");

/** Passes bytes on to a port, both ways, and keeps those of the clients. */
async function listenBetween(port: number) {
  const heard: Buffer[] = [];
  const server = createServer((client) => {
    const exchange = connect(port, "127.0.0.1");
    client.on("data", (data) => {
      heard.push(data);
      exchange.write(data);
    });
    exchange.on("data", (data) => client.write(data));
    for (const [one, other] of [
      [client, exchange],
      [exchange, client],
    ] as const) {
      one.on("error", () => other.destroy());
      one.on("close", () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    text: () => Buffer.concat(heard).toString("latin1"),
    close: () => server.close(),
  };
}

test("no file, line or journal of a run holds a key or a signature", async () => {
  const { addresses } = await programs.exchange(...CALM);
  const { rest, ws, keyId, keyFile } = addresses;
  const pem = readFileSync(keyFile, "utf8");
  const between = await listenBetween(Number(new URL(rest).port));
  const via = (url: string): string => url.replace(/:\d+/, `:${between.port}`);
  const out = join(folder, "run");
  const words = ["paper", "--policy", "join", "--out", out, "--rest", via(rest), "--ws", via(ws)];
  // The key comes by the environment, which the process beside the run has as well.
  const environment = { KALSHI_API_KEY_ID: keyId, KALSHI_PRIVATE_KEY: pem };
  const eye = new Eye(addresses);
  const told: string[] = [];
  for (const signal of ["SIGKILL", "SIGINT"] as const) {
    const run = programs.launch([...words, "--json"], [], environment);
    await until("orders rest", async () => (await eye.resting()).length > 0);
    if (signal === "SIGKILL") {
      // Something that goes wrong is told of, too.
      await eye.faults({ kind: "resetFeed", times: 1 });
      await run.said(" is down: ");
      await until("orders rest again", async () => (await eye.resting()).length > 0);
    }
    run.child.kill(signal);
    const { out: said, err } = await run.ended;
    told.push(said, err);
    await until("orders are gone", async () => (await eye.resting()).length === 0);
    // Fills may have taken them; what the process beside the run says is to be looked at as well.
    await until("it has cancelled", () => besideLog(out).includes("the run is gone: cancelling"));
  }
  between.close();
  const files = readdirSync(out);
  expect(files).toEqual(expect.arrayContaining(["journal.db", "events.log", "watchdog.log"]));
  told.push(...files.map((file) => readFileSync(join(out, file), "latin1")));
  const journal = readLiveJournal(join(out, "journal.db"));
  for (const { header, blocks } of journal.parts) {
    told.push(JSON.stringify(header), ...[...blocks()].map((block) => JSON.stringify(block)));
  }
  journal.close();
  const all = told.join("\n");
  // The looking is not in vain.
  expect(all).toContain("KXLOCAL0");
  const signatures = [...between.text().matchAll(/KALSHI-ACCESS-SIGNATURE: (\S+)/gi)];
  expect(signatures.length).toBeGreaterThan(30);
  const lines = pem.split("\n").filter((line) => line.length > 20 && !line.startsWith("-"));
  expect(lines.length).toBeGreaterThan(0);
  for (const secret of [...lines, ...signatures.map(([, signature = ""]) => signature)]) {
    expect(secret.length).toBeGreaterThan(20);
    expect(all).not.toContain(secret);
    expect(all).not.toContain(encodeURIComponent(secret));
  }
  expect(all).not.toMatch(/KALSHI-ACCESS|PRIVATE KEY/i);
  expect(all).not.toContain(keyId);
});
