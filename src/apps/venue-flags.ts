/** Flags of commands that speak to a venue: which one, and with whose key. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { OperationError } from "../core/index.ts";
import {
  DEMO_ADDRESSES,
  KEY_VARIABLES,
  type KeySource,
  keySourceFrom,
  loadSigningKey,
  openVenue,
  type SigningKey,
  type Venue,
} from "../kalshi/index.ts";
import { ofFlags, wrongUsage } from "./wrong-usage.ts";

export interface VenueFlags {
  readonly venue: "local" | "demo";
  readonly rest?: string;
  readonly ws?: string;
  readonly keyId?: string;
  readonly keyFile?: string;
}

export function addVenueFlags(command: Command): Command {
  return command
    .addOption(
      new Option("--venue <name>", "Kalshi's demo exchange, or one on this machine")
        .choices(["local", "demo"])
        .default("demo"),
    )
    .option("--rest <url>", "REST address; needed for --venue local")
    .option("--ws <url>", "WebSocket address; needed for --venue local")
    .option("--key-id <id>", `the key's id; else ${KEY_VARIABLES.keyId} of the environment`)
    .option("--key-file <file>", `its private half (PEM); else ${KEY_VARIABLES.file}`);
}

/** The venue, checked, and the key for it: another host is refused before any key is read. */
export function venueOf(flags: VenueFlags): { readonly venue: Venue; readonly key: SigningKey } {
  const { rest, ws } = flags;
  const addresses = { restUrl: rest ?? "", wsUrl: ws ?? "" };
  const isGiven = rest !== undefined && ws !== undefined;
  if (!isGiven && (flags.venue === "local" || rest !== undefined || ws !== undefined)) {
    throw wrongUsage(
      `expected --rest and --ws with the addresses that "kalshi-gym exchange" prints, was ` +
        (rest === undefined && ws === undefined ? "neither" : "one of them"),
    );
  }
  const venue = ofFlags(() => openVenue(isGiven ? addresses : DEMO_ADDRESSES));
  if (venue.isLocal !== (flags.venue === "local")) {
    throw wrongUsage(
      `expected --venue ${venue.isLocal ? "local" : "demo"} for ${venue.restUrl}, was ${flags.venue}`,
    );
  }
  return { venue, key: loadSigningKey(venue, keySourceOf(flags)) };
}

function keySourceOf({ keyId, keyFile }: VenueFlags): KeySource {
  if (keyId !== undefined && keyFile !== undefined) return { keyId, file: keyFile };
  if (keyId !== undefined || keyFile !== undefined) {
    throw wrongUsage("expected --key-id and --key-file together, was one of them");
  }
  const source = keySourceFrom(process.env);
  if (source !== null) return source;
  throw new OperationError(
    "KEY_MISSING",
    `expected a key, was none; give --key-id and --key-file, or set ${KEY_VARIABLES.keyId} and ` +
      `${KEY_VARIABLES.file} in the environment`,
  );
}

/** Tickers of a flag, with commas or spaces between them; each once. */
export function gatherTickers(word: string, tickers: readonly string[] = []): string[] {
  const more = word.split(",").filter((ticker) => ticker !== "");
  const strange = more.find((ticker) => !/^[\w.-]{1,128}$/.test(ticker));
  if (more.length > 0 && strange === undefined) return [...new Set([...tickers, ...more])];
  throw new InvalidArgumentError("Expected tickers such as KXBTC15M-26NOV211400-00.");
}
