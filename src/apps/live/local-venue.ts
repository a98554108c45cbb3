/** An exchange of our own beside the run, so that trading on paper needs nothing else. */
import { createInterface } from "node:readline";
import { OperationError } from "../../core/index.ts";
import { loadSigningKey, openVenue, type SigningKey, type Venue } from "../../kalshi/index.ts";
import { sendToBackground } from "../background.ts";
import { startChild } from "./child-program.ts";

export interface LocalVenueOptions {
  /** A session that happens again, or made-up traders where there is none. */
  readonly session?: string | undefined;
  readonly speed?: number | undefined;
  readonly markets?: number | undefined;
  readonly seed: number | string;
  readonly cash?: number | undefined;
}

export interface KeyPlace {
  readonly keyId: string;
  readonly keyFile: string;
}

export interface LocalVenue {
  readonly venue: Venue;
  readonly key: SigningKey;
  readonly keyPlace: KeyPlace;
  /** Resolves when it has ended, for whatever reason. */
  readonly ended: Promise<void>;
  /** Ends it; resolves when it is gone. */
  close(): Promise<void>;
}

const STOP_MS = 5_000;

/** Starts `kalshi-gym exchange`. `LOCAL_EXCHANGE` says in its own words why it does not come up. */
export async function startLocalVenue(options: LocalVenueOptions): Promise<LocalVenue> {
  const { session, speed, markets = 4, seed, cash = 1_000 } = options;
  const liquidity =
    session === undefined
      ? ["--generate", "--markets", String(markets), "--minutes", "60"]
      : ["--session", session, "--speed", String(speed ?? 1)];
  const account = ["--cash", String(cash), "--tier", "prestige", "--key-kind", "ed25519"];
  const words = ["exchange", ...liquidity, "--seed", String(seed), ...account, "--json"];
  const child = startChild(words, "pipe");
  let errors = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-4_096);
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const line = await firstLine(child.stdout, ended);
  const told = line === null ? null : addressesIn(line);
  if (told === null) {
    child.kill("SIGKILL");
    const said = errors.split("\n").find((each) => each.startsWith("error: "));
    throw new OperationError(
      "LOCAL_EXCHANGE",
      said?.slice("error: ".length) ?? "the local exchange did not come up",
    );
  }
  // It stands for a machine elsewhere, which would not take the run's time.
  if (child.pid !== undefined) sendToBackground(child.pid);
  const venue = openVenue({ restUrl: told.rest, wsUrl: told.ws });
  const { keyId, keyFile } = told;
  const key = loadSigningKey(venue, { keyId, file: keyFile });
  return {
    venue,
    key,
    keyPlace: { keyId, keyFile },
    ended,
    close: async () => {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** The first line that is a JSON object; null where the program ended before. */
async function firstLine(
  stream: NodeJS.ReadableStream | null,
  ended: Promise<void>,
): Promise<string | null> {
  if (stream === null) return null;
  const lines = createInterface({ input: stream });
  return Promise.race([
    new Promise<string>((resolve) => {
      lines.on("line", (line) => {
        if (line.startsWith("{")) resolve(line);
      });
    }),
    ended.then(() => null),
  ]);
}

function addressesIn(line: string): { rest: string; ws: string } & KeyPlace {
  return JSON.parse(line) as { rest: string; ws: string } & KeyPlace;
}
