/** The exchange as a user starts it: a process of its own, met by the client of room `kalshi`. */
import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ExchangeState } from "../../src/apps/exchange/exchange-state.ts";
import { readAccountKey } from "../../src/apps/exchange/keys.ts";
import { isRunByNpx } from "../../src/apps/starter.ts";
import { MachineScheduler } from "../../src/apps/machine-scheduler.ts";
import { type CentiCents, type Lots, Prng, type TimestampUs } from "../../src/core/index.ts";
import {
  type Call,
  calls,
  loadSigningKey,
  NodeNetwork,
  openVenue,
  type OrderTicket,
  RestClient,
  valueOf,
  USUAL_TERMS,
} from "../../src/kalshi/index.ts";
import { BookSide } from "../../src/market/index.ts";
import { bundle } from "../fixtures/bundle.mjs";

const MADE_UP = ["exchange", "--generate", "--key-kind", "ed25519", "--json"];
const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-exchange-command-"));
let program = "";

beforeAll(async () => {
  program = await bundle("src/apps/main.ts");
});

afterAll(() => {
  rmSync(program, { force: true });
  rmSync(folder, { recursive: true, force: true });
});

interface Addresses {
  readonly rest: string;
  readonly ws: string;
  readonly keyId: string;
  readonly keyFile: string;
}

interface Running {
  readonly child: ChildProcess;
  readonly addresses: Addresses;
  readonly ended: Promise<{ code: number | null; err: string }>;
}

function launch(...args: string[]) {
  const child = spawn(process.execPath, [program, "exchange", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stderr.on("data", (data: Buffer) => (err += data.toString()));
  const ended = new Promise<{ code: number | null; err: string }>((resolve) =>
    child.on("close", (code) => resolve({ code, err })),
  );
  const listening = new Promise<Addresses>((resolve, reject) => {
    child.stdout.on("data", (data: Buffer) => {
      out += data.toString();
      if (out.includes("\n")) resolve(JSON.parse(out) as Addresses);
    });
    void ended.then(() => reject(new Error(err)));
  });
  // Whoever waits for the end alone does not listen for the failure to listen.
  listening.catch(() => undefined);
  return { child, ended, listening };
}

async function start(...args: string[]): Promise<Running> {
  const { child, ended, listening } = launch(...args, "--json");
  return { child, ended, addresses: await listening };
}

/** A client of the exchange, with its own way to ask. */
function clientOf({ rest, ws, keyId, keyFile }: Addresses) {
  const venue = openVenue({ restUrl: rest, wsUrl: ws });
  const key = loadSigningKey(venue, { keyId, file: keyFile });
  const network = new NodeNetwork(venue);
  const scheduler = new MachineScheduler();
  const client = new RestClient({ venue, key, network, scheduler, prng: Prng.fromSeed(1) });
  const ask = <T>(call: Call<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      client.send(call, (answer) => {
        try {
          resolve(valueOf(answer, call.route));
        } catch (error) {
          reject(error as Error);
        }
      });
    });
  const close = (): void => {
    client.close();
    network.close();
  };
  return { ask, close };
}

function ticket(ticker: string, clientOrderId: string): OrderTicket {
  return {
    ticker,
    clientOrderId,
    side: BookSide.bid,
    size: 100 as Lots,
    price: 100 as CentiCents,
    ...USUAL_TERMS,
    postOnly: true,
  };
}

describe("the command", () => {
  test("prints where it is, serves whoever has its key, and leaves nothing behind", async () => {
    const { child, addresses, ended } = await start("--generate", "--markets", "2");
    expect(Object.keys(addresses)).toEqual(["rest", "ws", "keyId", "keyFile"]);
    expect(statSync(addresses.keyFile).mode & 0o777).toBe(0o600);
    const { ask, close } = clientOf(addresses);
    const markets = await ask(calls.markets({ limit: 10 }));
    expect(markets.items.map(({ status }) => status)).toEqual(["active", "active"]);
    const created = await ask(calls.createOrder(ticket(markets.items[0]?.ticker ?? "", "one")));
    expect((await ask(calls.order(created.orderId))).status).toBe("resting");
    close();
    child.kill("SIGINT");
    const { code, err } = await ended;
    expect(code).toBe(130);
    expect(err).toMatch("Ended after 1 orders");
    expect(existsSync(addresses.keyFile)).toBe(false);
  });

  test("killed at any moment, it comes back with every order that it acknowledged", async () => {
    const state = join(folder, "state");
    const args = ["--session", "sessions/sample-1", "--state", state, "--key-kind", "ed25519"];
    const known: string[] = [];
    let onItsWay = "";
    for (let run = 0; run < 4; run++) {
      const { child, addresses, ended } = await start(...args);
      const { ask, close } = clientOf(addresses);
      const { items } = await ask(calls.orders({ limit: 100, status: "resting" }));
      const found = items.map(({ clientOrderId }) => clientOrderId).reverse();
      // What was on its way at the kill may have arrived or not; nothing else may differ.
      if (found.includes(onItsWay)) known.push(onItsWay);
      expect(found).toEqual(known);
      const { items: markets } = await ask(calls.markets({ limit: 1 }));
      const send = (id: string) => ask(calls.createOrder(ticket(markets[0]?.ticker ?? "", id)));
      for (let index = 0; index < 3; index++) {
        await send(`run-${run}-${index}`);
        known.push(`run-${run}-${index}`);
      }
      onItsWay = `run-${run}-last`;
      const last = send(onItsWay).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, run));
      child.kill("SIGKILL");
      close();
      await Promise.all([last, ended]);
    }
  });

  test.each([
    [[], 2, "error: expected one of --session <folder> and --generate, was neither"],
    [["--generate", "--seconds", "0"], 2, "Expected a number above 0, up to a billion"],
    [["--session", "nowhere"], 1, "nowhere: expected a session folder"],
    [["--generate", "--key", "nowhere.pem"], 1, "nowhere.pem: could not be read"],
    [["--generate", "--fault", "slow:2"], 2, "expected a number from 0 to 1"],
    [["--generate", "--port", "70000"], 2, "Expected a port"],
    [["--generate", "--cash", "5000000000"], 2, "Expected a whole number from 1 to 1000000000"],
    [["--generate", "--markets", "1000", "--activity", "6"], 2, "at most 5000, was 6000"],
    [["--generate", "--minutes", "1000000"], 2, "Expected a number from 1 to 100000"],
    [
      ["--session", "sessions/sample-1", "--speed", "0.0000001"],
      2,
      "Expected a number from 0.001 to 100000",
    ],
    [["--generate", "--faults", "nowhere.json"], 1, "nowhere.json: expected a list of rules"],
  ])("%j ends with %i", async (args, code, sentence) => {
    const { ended } = launch(...args);
    const end = await ended;
    expect(end.err).toMatch(sentence);
    expect(end.code).toBe(code);
  });

  test("a port that is taken, and rules that are none, are told in one sentence", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const address = taken.address();
    const port = typeof address === "object" && address !== null ? String(address.port) : "";
    const busy = await launch("--generate", "--port", port).ended;
    taken.close();
    expect([busy.code, busy.err]).toEqual([1, expect.stringMatching(`^error: port ${port}:`)]);
    const file = join(folder, "faults.json");
    writeFileSync(file, '[{"kind":"slow","amount_ms":"long"}]');
    const rules = await launch("--generate", "--faults", file).ended;
    expect(rules.err).toMatch("[0].amount_ms: expected a number");
    expect(rules.code).toBe(1);
  });

  test("a private key that others may read is refused; a public one may be open", async () => {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const file = join(folder, "open.pem");
    writeFileSync(file, privateKey.export({ type: "pkcs8", format: "pem" }));
    chmodSync(file, 0o644);
    const refused = await launch("--generate", "--key", file).ended;
    expect(refused.err).toBe(
      `error: ${file}: expected a private key that only its owner may read, was open to others ` +
        `(mode 644); run: chmod 600 ${file}\n`,
    );
    expect(refused.code).toBe(1);
    writeFileSync(file, publicKey.export({ type: "spki", format: "pem" }));
    const { child, ended } = await start("--generate", "--key", file);
    child.kill("SIGTERM");
    expect((await ended).code).toBe(130);
  });

  test("a state has one exchange at a time, and a start that fails leaves none", async () => {
    const state = join(folder, "shared");
    const first = await start("--generate", "--state", state);
    const second = await launch("--generate", "--state", state).ended;
    expect(second.err).toBe(
      `error: ${state}: expected a folder that no other exchange uses, was in use\n`,
    );
    expect(second.code).toBe(1);
    first.child.kill("SIGKILL");
    await first.ended;
    const other = await launch("--generate", "--state", state, "--seed", "7").ended;
    expect(other.err).toMatch("start it with the same flags");
    expect(existsSync(join(state, "writes.ndjson"))).toBe(true);
    const unmade = join(folder, "unmade");
    const failed = await launch("--session", "nowhere", "--state", unmade).ended;
    expect([failed.code, existsSync(unmade)]).toEqual([1, false]);
  });

  /** Starts an exchange as npx does, by a line of a shell. */
  const underNpx = (line: string) =>
    spawn("sh", ["-c", line, process.execPath, program, ...MADE_UP], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, npm_lifecycle_event: "npx", npm_lifecycle_script: "kalshi-gym" },
    });

  test("started by npx it ends with npx, which ends its shell alone, and it tells its own id", async () => {
    // As npx does: a shell that waits for the program, and is all that hears of the end.
    const shell = underNpx('"$0" "$@"; true');
    let out = "";
    let err = "";
    shell.stdout.on("data", (data: Buffer) => (out += data.toString()));
    shell.stderr.on("data", (data: Buffer) => (err += data.toString()));
    // The pipes are the program's as well, and close with it.
    const ended = new Promise<void>((resolve) => shell.on("close", () => resolve()));
    await new Promise<void>((resolve) => {
      shell.stdout.on("data", () => {
        if (out.includes("\n")) resolve();
      });
    });
    const pid = Number(/^Ctrl-C or kill (\d+) ends it\.$/m.exec(err)?.[1]);
    expect(pid).not.toBe(shell.pid);
    shell.kill("SIGTERM");
    const late = setTimeout(() => process.kill(pid, "SIGKILL"), 20_000);
    await ended;
    clearTimeout(late);
    expect(err).toMatch("Ended after 0 orders");
    expect(existsSync((JSON.parse(out) as Addresses).keyFile)).toBe(false);
  });

  test("where npx ends before it is ready it ends too", async () => {
    // The shell is gone at once.
    const shell = underNpx('"$0" "$@" &');
    let err = "";
    shell.stdout.resume();
    shell.stderr.on("data", (data: Buffer) => (err += data.toString()));
    await new Promise<void>((resolve) => shell.on("close", () => resolve()));
    expect(err).toMatch("Ended after 0 orders");
  });

  test.each([
    ["npx", "kalshi-gym", true],
    ["npx", "'kalshi-gym'", true],
    ["npx", "kalshi-gym exchange --generate", true],
    ["npx", "vitest run", false],
    ["npx", "kalshi-gymnast", false],
    ["test", "kalshi-gym exchange --generate", false],
    [undefined, undefined, false],
  ])("npm's event %j with the script %j is npx running us: %j", (event, script, isSo) => {
    const environment = { npm_lifecycle_event: event, npm_lifecycle_script: script };
    expect(isRunByNpx(environment)).toBe(isSo);
  });

  test("many seconds are many, and not none", async () => {
    const { child, ended } = await start("--generate", "--seconds", "3000000");
    const early = await Promise.race([
      ended,
      new Promise((resolve) => setTimeout(() => resolve("runs"), 300)),
    ]);
    expect(early).toBe("runs");
    child.kill("SIGINT");
    expect((await ended).code).toBe(130);
  });
});

test("an RSA key that no client would take is refused, be it public or private", () => {
  const file = (bits: number, half: "public" | "private"): string => {
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: bits });
    const path = join(folder, `${bits}-${half}.pem`);
    const pem =
      half === "public"
        ? publicKey.export({ type: "spki", format: "pem" })
        : privateKey.export({ type: "pkcs8", format: "pem" });
    writeFileSync(path, pem, { mode: 0o600 });
    return path;
  };
  for (const half of ["public", "private"] as const) {
    const short = file(1_024, half);
    expect(() => readAccountKey(short)).toThrow(
      `${short}: expected an RSA or Ed25519 key in PEM form, was an RSA key of 1024 bits; ` +
        "2048 are the least",
    );
    const long = file(2_048, half);
    expect(readAccountKey(long).pem).toMatch("BEGIN PUBLIC KEY");
  }
});

test.each([
  ["no JSON", "{"],
  ["a number", "5"],
  ["no write", "{}"],
  ["a time that is none", '{"atUs":"now","keyId":"k","method":"POST","path":"/","body":""}'],
])("a damaged state is told with its line: %s", (_, line) => {
  const damaged = mkdtempSync(join(folder, "damaged-"));
  const state = new ExchangeState(damaged);
  writeFileSync(join(damaged, "writes.ndjson"), `{"version":1}\n${line}\n`);
  expect(() => state.read()).toThrow("writes.ndjson:2: expected a line of a kept exchange");
  state.close();
});

test("where its state cannot be written any more, nothing is promised any more", () => {
  const full = join(folder, "full");
  const state = new ExchangeState(full);
  symlinkSync("/dev/full", join(full, "writes.ndjson"));
  state.begin(null);
  const write = { atUs: 0 as TimestampUs, keyId: "k", method: "POST", path: "/", body: "" };
  expect(() => state.add(write)).toThrow("could not be written");
  expect(() => state.add(write)).toThrow("the exchange ends");
  state.close();
});
