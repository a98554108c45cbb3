/** `kalshi-gym exchange`: a local exchange that speaks Kalshi's protocol, for any trading program. */
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import {
  canonicalJson,
  messageOf,
  OperationError,
  type Scheduler,
  type TimestampUs,
  US_PER_SECOND,
} from "../core/index.ts";
import {
  type ExchangeServer,
  type FaultRule,
  readFaultRules,
  readFaultWord,
  serveExchange,
  type Tier,
  TIER_NAMES,
} from "../exchange/index.ts";
import { type Console, consoleFor } from "./console.ts";
import { ExchangeState, type KeptState } from "./exchange/exchange-state.ts";
import { type AccountKey, type KeyKind, makeAccountKey, readAccountKey } from "./exchange/keys.ts";
import {
  activityFrom,
  cashFrom,
  marketsFrom,
  minutesFrom,
  skipFrom,
  speedFrom,
} from "./exchange/liquidity-flags.ts";
import { type LiquiditySource, type OpenedExchange, setUpExchange } from "./exchange/set-up.ts";
import { listenForInterruption } from "./interruption.ts";
import { MachineScheduler } from "./machine-scheduler.ts";
import { numberAbove0 } from "./number-flags.ts";
import { seedWord } from "./run-flags.ts";
import { wrongUsage } from "./wrong-usage.ts";

interface Flags {
  readonly session?: string;
  readonly generate?: true;
  readonly speed?: number;
  readonly skip?: number;
  readonly markets?: number;
  readonly minutes?: number;
  readonly activity?: number;
  readonly seed: number | string;
  readonly port: number;
  readonly cash: number;
  readonly tier: Tier;
  readonly keyId?: string;
  readonly key?: string;
  readonly keyKind: KeyKind;
  readonly fault?: FaultRule[];
  readonly faults?: string;
  readonly state?: string;
  readonly seconds?: number;
}

/** Beyond this a core cannot make up what happens. */
const BUSYNESS_MAX = 5_000;

export function exchangeCommand(): Command {
  const command = new Command("exchange")
    .description("run a local exchange that speaks Kalshi's protocol, on this machine alone")
    .option("--session <folder>", "liquidity: a recorded session that happens again")
    .option("--generate", "liquidity: made-up traders in markets that roll over")
    .option("--speed <factor>", "recorded seconds a second; 1 when left out", speedFrom)
    .option("--skip <seconds>", "let the recording's first seconds happen at once", skipFrom)
    .option("--markets <n>", "made-up markets open at a time; 4 when left out", marketsFrom)
    .option("--minutes <n>", "how long a made-up market lives; 15 when left out", minutesFrom)
    .option("--activity <factor>", "how busy made-up traders are; 1 when left out", activityFrom)
    .option("--seed <seed>", "of made-up traders, ids and faults", seedWord, 42)
    .option("--port <n>", "port to listen at; any that is free when left out", portNumber, 0)
    .option("--cash <dollars>", "the account's cash", cashFrom, 10_000)
    .addOption(
      new Option("--tier <name>", "the account's rate limits").choices(TIER_NAMES).default("basic"),
    )
    .option("--key-id <id>", "the key's id; a new one when left out")
    .option("--key <file>", "a private or public key (PEM); a throw-away pair when left out")
    .addOption(
      new Option("--key-kind <kind>", "kind of the throw-away key")
        .choices(["rsa", "ed25519"])
        .default("rsa"),
    )
    .option("--fault <rule>", "kind[:share[:milliseconds]], again and again", gatherFaults)
    .option("--faults <file>", "fault rules (JSON)")
    .option("--state <folder>", "keep the exchange there, and go on with it at the next start")
    .option("--seconds <n>", "end after so many seconds", numberAbove0)
    .option("--json", "print {rest, ws, keyId, keyFile} once it listens")
    .addHelpText(
      "after",
      "\nExamples:\n  kalshi-gym exchange --generate --markets 10\n" +
        "  kalshi-gym exchange --session sessions/sample-1 --speed 10 --fault loseAnswer:0.05",
    );
  return command.action((flags: Flags) => runExchange(flags, consoleFor(command)));
}

async function runExchange(flags: Flags, io: Console): Promise<void> {
  const source = sourceOf(flags);
  const faults = [...(flags.fault ?? []), ...faultsOf(flags.faults)];
  const state = flags.state === undefined ? null : new ExchangeState(flags.state);
  let key: AccountKey | null = null;
  try {
    const kept = state?.read() ?? null;
    key = keyOf(flags, state);
    const scheduler = new MachineScheduler();
    const startUs = (kept?.head.startUs ?? scheduler.nowUs()) as TimestampUs;
    const keyId = flags.keyId ?? kept?.head.keyId ?? randomUUID();
    const opened = open({ flags, source, startUs, keyId, key, faults, state, kept });
    opened.exchange.advanceTo(scheduler.nowUs());
    const { exchange } = opened;
    const server = await serveExchange({ exchange, scheduler, port: flags.port });
    try {
      // Whoever hears where it listens may end it at once.
      const ending = untilEnd(scheduler, flags.seconds);
      // Whoever reads the path may stand in another folder.
      tell(io, server, { keyId, keyFile: resolve(key.keyFile) }, kept);
      await ending;
    } finally {
      await server.close();
    }
    tellEnd(io, opened);
  } finally {
    state?.close();
    key?.forget();
  }
}

interface Opening {
  readonly flags: Flags;
  readonly source: LiquiditySource;
  readonly startUs: TimestampUs;
  readonly keyId: string;
  readonly key: AccountKey;
  readonly faults: readonly FaultRule[];
  readonly state: ExchangeState | null;
  readonly kept: KeptState | null;
}

/** Sets the exchange up and, where one was kept, brings it to where it was. */
function open({
  flags,
  source,
  startUs,
  keyId,
  key,
  faults,
  state,
  kept,
}: Opening): OpenedExchange {
  let isKeeping = false;
  const opened = setUpExchange({
    source,
    seed: flags.seed,
    startUs,
    cashDollars: flags.cash,
    tier: flags.tier,
    keyId,
    pem: key.pem,
    faults,
    onWrite: (write) => {
      if (isKeeping) state?.add(write);
    },
  });
  if (state === null) return opened;
  // A recording is known by what is in it, wherever it lies.
  const liquidity = { ...source, ...(source.kind === "session" ? { folder: "" } : {}) };
  const { seed, cash } = flags;
  const settings = canonicalJson({ liquidity, seed, cash, behind: opened.source });
  if (kept !== null && kept.head.settings !== settings) {
    throw new OperationError(
      "EXCHANGE_STATE",
      `${flags.state}: expected the liquidity, seed and cash that the exchange there was started ` +
        `with, was others; start it with the same flags, or choose another folder`,
    );
  }
  for (const write of kept?.writes ?? []) opened.exchange.repeat({ ...write, keyId });
  state.begin(kept === null ? { keyId, startUs, settings } : null);
  isKeeping = true;
  return opened;
}

function sourceOf({ session, generate, ...flags }: Flags): LiquiditySource {
  if ((session === undefined) === (generate === undefined)) {
    throw wrongUsage(
      "expected one of --session <folder> and --generate, was " +
        (session === undefined ? "neither" : "both"),
    );
  }
  const ofSession = { "--speed": flags.speed, "--skip": flags.skip };
  const { markets, minutes, activity } = flags;
  const ofMadeUp = { "--markets": markets, "--minutes": minutes, "--activity": activity };
  if (session !== undefined) {
    requireNone(ofMadeUp, "--generate", "--session");
    const { speed = 1, skip = 0 } = flags;
    return { kind: "session", folder: session, speed, skipSeconds: skip };
  }
  requireNone(ofSession, "--session", "--generate");
  return madeUp(markets, minutes, activity);
}

function madeUp(markets = 4, minutes = 15, activity = 1): LiquiditySource {
  if (markets * activity > BUSYNESS_MAX) {
    throw wrongUsage(
      `expected --markets times --activity of at most ${BUSYNESS_MAX}, was ${markets * activity}`,
    );
  }
  return { kind: "generate", markets, minutes, activity };
}

/** Flags that would have no effect are refused: whoever gives them expects one. */
function requireNone(flags: Readonly<Record<string, unknown>>, of: string, was: string): void {
  const given = Object.keys(flags).find((name) => flags[name] !== undefined);
  if (given === undefined) return;
  throw wrongUsage(`${given} belongs to ${of}, was given with ${was}`);
}

function keyOf({ key, keyKind }: Flags, state: ExchangeState | null): AccountKey {
  if (key !== undefined) return readAccountKey(key);
  if (state === null) return makeAccountKey(keyKind);
  if (existsSync(state.keyFile)) return readAccountKey(state.keyFile);
  return makeAccountKey(keyKind, state.keyFile);
}

function faultsOf(file: string | undefined): FaultRule[] {
  if (file === undefined) return [];
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new OperationError(
      "FAULT_RULE",
      `${file}: expected a list of rules in JSON, was: ${messageOf(error)}`,
      { cause: error },
    );
  }
  return readFaultRules(value, file);
}

function tell(
  io: Console,
  { rest, ws }: ExchangeServer,
  { keyId, keyFile }: { keyId: string; keyFile: string },
  kept: KeptState | null,
): void {
  io.line(`The exchange listens on this machine${kept === null ? "" : ", where it was left"}.`);
  io.line(`  REST       ${rest}`);
  io.line(`  WebSocket  ${ws}`);
  io.line(`  key id     ${keyId}`);
  io.line(`  key file   ${keyFile}`);
  io.line(`Ctrl-C or kill ${process.pid} ends it.`);
  io.json({ rest, ws, keyId, keyFile });
}

function tellEnd(io: Console, { exchange, account }: OpenedExchange): void {
  const { orderIds, fills } = exchange.model.account(account.index);
  const trades = exchange.model.trades.end;
  io.line(`Ended after ${orderIds.end} orders, ${fills.end} fills, ${trades} trades in all.`);
}

/** Waits for Ctrl-C or for so many seconds; a failure while serving ends it with that failure. */
async function untilEnd(scheduler: Scheduler, seconds: number | undefined): Promise<void> {
  let release = (): void => undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const interruption = listenForInterruption(resolve);
      const stop = seconds === undefined ? null : scheduler.after(seconds * US_PER_SECOND, resolve);
      process.once("uncaughtException", reject);
      release = () => {
        interruption.release();
        stop?.();
        process.off("uncaughtException", reject);
      };
    });
  } finally {
    release();
  }
}

function portNumber(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= 65_535) return value;
  throw new InvalidArgumentError("Expected a port from 0 to 65535.");
}

function gatherFaults(word: string, rules: readonly FaultRule[] = []): FaultRule[] {
  try {
    return [...rules, readFaultWord(word)];
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}
