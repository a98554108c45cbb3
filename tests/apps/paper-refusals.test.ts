/** What `paper` refuses: one plain sentence, exit code not zero, and nothing left behind. */
import { generateKeyPairSync } from "node:crypto";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { saveModel } from "../../src/learn/index.ts";
import { randomParams } from "../learn/formats-fixture.ts";
import { Prng } from "../../src/core/index.ts";
import { CALM, checkJournal, Eye, lastLine, startPaper, until } from "./paper-case.ts";
import { silentPort } from "../fixtures/ports.ts";
import { type Addresses, openStage, venueWords } from "./programs.ts";

const { folder, programs } = openStage("paper-refusals");
let addresses: Addresses;

beforeAll(async () => {
  ({ addresses } = await programs.exchange(...CALM));
});

interface Refusal {
  readonly words: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly code?: number;
  readonly says: string | RegExp;
}

let count = 0;

/** Starts `paper` and expects to be refused before anything has begun. */
async function refused({ words, environment = {}, code = 1, says }: Refusal): Promise<void> {
  const out = join(folder, `refused-${count++}`);
  const run = programs.launch(["paper", "--out", out, ...words], [], environment);
  const { code: ended, out: said, err } = await run.ended;
  const lines = err.trim().split("\n");
  const told = lines.filter((line) => line.startsWith("error: "));
  expect(told.join(), words.join(" ")).toMatch(says);
  expect(told).toHaveLength(1);
  expect(said).toBe("");
  expect(ended).toBe(code);
  expect(err).not.toMatch(/at .*\.mjs|bug/);
  expect(existsSync(out)).toBe(false);
}

const JOIN = ["--policy", "join"];
const at = (change: Partial<Addresses>): string[] => [
  ...JOIN,
  ...venueWords({ ...addresses, ...change }),
];

describe.concurrent("keys", () => {
  test("the private half of another key", async () => {
    const keyFile = join(folder, "other.pem");
    const { privateKey } = generateKeyPairSync("ed25519");
    writeFileSync(keyFile, privateKey.export({ format: "pem", type: "pkcs8" }), { mode: 0o600 });
    await refused({ words: at({ keyFile }), says: "does not belong to this key id" });
  });

  test("a file that others may read", async () => {
    const keyFile = join(folder, "open.pem");
    writeFileSync(keyFile, readFileSync(addresses.keyFile));
    chmodSync(keyFile, 0o644);
    await refused({ words: at({ keyFile }), says: "run: chmod 600" });
  });

  test("an id that the venue does not know", async () => {
    await refused({ words: at({ keyId: "nobody" }), says: "the venue does not know this key id" });
  });

  test("none for the demo exchange, and one without its other half", async () => {
    const demo = [...JOIN, "--venue", "demo", "--markets", "KXA"];
    await refused({ words: demo, says: "set KALSHI_API_KEY_ID and KALSHI_PRIVATE_KEY_FILE" });
    const environment = { KALSHI_API_KEY_ID: "a-key" };
    await refused({ words: demo, environment, says: "was only a part of them" });
  });

  test("a production host, before the key is looked at", async () => {
    const host = "api.elections.kalshi.com";
    const urls = { rest: `https://${host}/trade-api/v2`, ws: `wss://${host}/trade-api/ws/v2` };
    const words = at({ ...urls, keyFile: join(folder, "nowhere.pem") });
    const says = `${host} is a production host`;
    await refused({ words, code: 2, says });
    const venue = words.indexOf("--venue");
    const demo = words.map((word, index) => (index === venue + 1 ? "demo" : word));
    await refused({ words: [...demo, "--markets", "KXA"], code: 2, says });
  });
});

describe.concurrent("markets and money", () => {
  test("a market that the venue does not have", async () => {
    const says = "market KXNOPE: expected one that the venue has, was none";
    await refused({ words: [...at({}), "--markets", "KXNOPE"], says });
  });

  test("a market that has closed", async () => {
    const eye = new Eye(addresses);
    const [, ticker = ""] = await eye.tickers();
    await eye.ask("POST", `/control/markets/${ticker}/close`);
    await refused({ words: [...at({}), "--markets", ticker], says: `market ${ticker}: ` });
  });

  test("no funds", async () => {
    const { addresses: poor, child } = await programs.exchange(...CALM, "--cash", "1");
    const eye = new Eye(poor);
    const [ticker] = await eye.tickers();
    const order = { ticker, side: "bid", price: "0.9900", count: "0.50" };
    const terms = { self_trade_prevention_type: "maker", time_in_force: "immediate_or_cancel" };
    await eye.ask("POST", "/portfolio/events/orders", { ...order, ...terms });
    const says =
      /at least one dollar .*start the local exchange anew .*exchange --cash <dollars>"$/;
    await refused({ words: [...JOIN, ...venueWords(poor)], says });
    child.kill("SIGKILL");
  });

  test("a clock that is off", async () => {
    const faults = ["--fault", "skew:1:90000"];
    const { addresses: skewed, child } = await programs.exchange(...CALM, ...faults);
    // By the time that the answer took it may be a little less or more.
    const says = /is (8[5-9]|9\d) s behind/;
    await refused({ words: [...JOIN, ...venueWords(skewed)], says });
    child.kill("SIGKILL");
  });

  test("nothing that listens", async () => {
    const { port, release } = await silentPort();
    const rest = `http://127.0.0.1:${port}/trade-api/v2`;
    await refused({ words: at({ rest }), says: "nothing listens at 127.0.0.1" });
    release();
  });
});

describe.concurrent("what decides, and what does not fit together", () => {
  test("no one, two, or somebody unknown", async () => {
    const local = venueWords(addresses);
    const code = 2;
    await refused({ words: local, code, says: "was neither" });
    await refused({ words: [...local, ...JOIN, "--model", "x"], code, says: "was both" });
    await refused({ words: [...local, "--policy", "me"], code, says: "hold, random or join" });
  });

  test("a model of another observation", async () => {
    const model = join(folder, "model");
    const [hidden, activation, trunk] = [[8], "tanh", "separate"] as const;
    const shape = { observations: 52, actions: 5, hidden, activation, trunk };
    saveModel(model, shape, randomParams(shape, Prng.fromSeed(3)), {
      ...{ seed: 1, configuration: {}, sessions: {}, steps: 1, normaliser: null },
      ...{ schemaHash: "0".repeat(64), software: "test", result: null },
    });
    await refused({ words: [...venueWords(addresses), "--model", model], says: /schema/ });
  });

  test("a venue of others without markets, and a recording for an exchange that runs", async () => {
    const says = "expected --markets";
    await refused({ words: [...JOIN, "--venue", "demo"], code: 2, says });
    await refused({
      code: 2,
      words: [...at({}), "--session", "sessions/sample-1"],
      says: "--session is of a local exchange of the run's own",
    });
    await refused({ words: [...JOIN, "--markets", "a b"], code: 2, says: "invalid" });
    await refused({ words: [...JOIN, "--seconds", "0"], code: 2, says: "above 0" });
    await refused({ words: [...JOIN, "--session", "nowhere"], says: "session folder" });
  });
});

test.concurrent("a folder in which a run goes on", async () => {
  const { addresses: other, child } = await programs.exchange(...CALM);
  const out = join(folder, "busy");
  const run = startPaper(programs, other, out, "--json");
  await until("it runs", () => existsSync(join(out, "status.txt")));
  const note = readFileSync(join(out, "run.json"), "utf8");
  const second = await startPaper(programs, other, out).ended;
  expect([second.code, second.err]).toEqual([
    1,
    expect.stringMatching(/error: .*was in use by another run; stop that run/),
  ]);
  expect(readFileSync(join(out, "run.json"), "utf8")).toBe(note);
  run.child.kill("SIGINT");
  expect(lastLine((await run.ended).out)).toMatchObject({ state: "IDLE", reconciled: true });
  expect(checkJournal(join(out, "journal.db")).parts).toHaveLength(1);
  child.kill("SIGKILL");
});

test.concurrent("no room for the journal: the run ends and its orders go", async () => {
  const { addresses: busy, child } = await programs.exchange(...CALM, "--activity", "10");
  const out = join(folder, "full");
  const words = ["paper", ...JOIN, "--out", out, ...venueWords(busy)];
  // The system refuses to let any file grow beyond 100 KB, as a full disk does.
  const { code, err } = await programs.launch(words, ["sh", "-c", 'ulimit -f 200; exec "$@"', "sh"])
    .ended;
  expect([code, err]).toEqual([1, expect.stringMatching(/^error: the journal: .*journal\.db/m)]);
  const eye = new Eye(busy);
  await until("orders are gone", async () => (await eye.resting()).length === 0);
  expect(checkJournal(join(out, "journal.db")).parts).toHaveLength(1);
  child.kill("SIGKILL");
});
