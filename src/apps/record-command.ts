/** `kalshi-gym record`: order books and trades of a venue, as they come, into sessions. */
import { Command, Option } from "commander";
import { type OperationError, Prng, US_PER_SECOND } from "../core/index.ts";
import {
  FeedClient,
  NodeNetwork,
  type RecordedSession,
  Recorder,
  RestClient,
  SessionFamily,
  type SigningKey,
  type Venue,
} from "../kalshi/index.ts";
import { type Console, consoleFor } from "./console.ts";
import { listenForInterruption } from "./interruption.ts";
import { MachineScheduler } from "./machine-scheduler.ts";
import { numberAbove0 } from "./number-flags.ts";
import { lockRecording } from "./record/recording-lock.ts";
import { StatusLine } from "./record/status-line.ts";
import { gatherTickers, addVenueFlags, type VenueFlags, venueOf } from "./venue-flags.ts";
import { wrongUsage } from "./wrong-usage.ts";

interface Flags extends VenueFlags {
  readonly markets?: readonly string[];
  readonly series?: readonly string[];
  readonly out: string;
  readonly rotate: "day" | "none";
  readonly seconds?: number;
}

export function recordCommand(): Command {
  const command = new Command("record")
    .description("record order books and trades as they come, until Ctrl-C")
    .option("--markets <tickers...>", "markets, with commas or spaces between them", gatherTickers)
    .option("--series <tickers...>", "all markets of these series, new ones too", gatherTickers)
    .requiredOption("--out <folder>", "session to write; later days have their date behind it")
    .addOption(
      new Option("--rotate <when>", "a session a day (UTC), or one for all")
        .choices(["day", "none"])
        .default("day"),
    )
    .option("--seconds <n>", "end after so many seconds", numberAbove0);
  return addVenueFlags(command)
    .option("--json", "one JSON object as the last line")
    .addHelpText(
      "after",
      "\nExamples:\n  kalshi-gym record --series KXBTC15M --out sessions/btc\n" +
        "  kalshi-gym record --markets KXA-26DEC01-T50,KXA-26DEC01-T60 --out sessions/a --seconds 600",
    )
    .action((flags: Flags) => runRecord(flags, consoleFor(command)));
}

async function runRecord(flags: Flags, io: Console): Promise<void> {
  const { markets = [], series = [], out, rotate } = flags;
  if (markets.length + series.length === 0) {
    throw wrongUsage("expected --markets or --series with something to record, was neither");
  }
  const { venue, key } = venueOf(flags);
  const unlock = lockRecording(out);
  const recording = new Recording(venue, key, io, {
    markets,
    series,
    sessions: new SessionFamily(out, sourceOf(venue), rotate === "day"),
  });
  try {
    const sessions = await recording.run(flags.seconds);
    if (sessions !== null) tell(io, sessions);
  } finally {
    recording.close();
    unlock();
  }
}

interface Task {
  readonly markets: readonly string[];
  readonly series: readonly string[];
  readonly sessions: SessionFamily;
}

/** The recorder with its connections, from beginning to end. */
class Recording {
  readonly #io: Console;
  readonly #task: Task;
  readonly #scheduler = new MachineScheduler();
  readonly #network: NodeNetwork;
  readonly #rest: RestClient;
  readonly #feed: FeedClient;
  readonly #recorder: Recorder;
  #status: StatusLine | null = null;
  #end: (error: OperationError | null) => void = () => undefined;

  constructor(venue: Venue, key: SigningKey, io: Console, task: Task) {
    this.#io = io;
    this.#task = task;
    this.#network = new NodeNetwork(venue);
    const scheduler = this.#scheduler;
    // Chance decides no more than how long to wait before trying again.
    const prng = Prng.fromSeed(process.pid);
    const link = { venue, key, network: this.#network, scheduler, prng };
    this.#rest = new RestClient(link);
    this.#feed = new FeedClient({ ...link, onEvents: () => this.#recorder.wake() });
    this.#recorder = new Recorder({
      rest: this.#rest,
      feed: this.#feed,
      scheduler,
      ...task,
      onNote: (text) => (this.#status === null ? io.warn(text) : this.#status.say(text)),
      onEnd: (error) => this.#end(error),
    });
  }

  /** Records until Ctrl-C, for so many seconds, or as long as there is something; null if not at all. */
  async run(seconds: number | undefined): Promise<readonly RecordedSession[] | null> {
    const ended = new Promise<OperationError | null>((resolve) => (this.#end = resolve));
    const interruption = listenForInterruption(() => this.#end(null));
    let release = (): void => undefined;
    try {
      this.#task.sessions.requireRoom();
      const started = new Promise<OperationError | null>((resolve) => {
        this.#recorder.start(resolve);
      });
      const problem = await Promise.race([started, ended]);
      if (problem !== null) throw problem;
      if (interruption.requested) return null;
      this.#show();
      if (seconds !== undefined) {
        release = this.#scheduler.after(seconds * US_PER_SECOND, () => this.#end(null));
      }
      const error = await ended;
      if (error !== null) throw error;
      return this.#recorder.finish();
    } finally {
      release();
      this.#status?.stop();
      interruption.release();
    }
  }

  close(): void {
    this.#feed.close();
    this.#rest.close();
    this.#network.close();
  }

  #show(): void {
    const { folder } = this.#recorder.health();
    this.#io.line(`Recording into ${folder}. Ctrl-C ends it.`);
    this.#status = new StatusLine(
      this.#io,
      () => this.#scheduler.nowUs(),
      () => ({ ...this.#recorder.health(), connection: this.#feed.health().state }),
    );
  }
}

function sourceOf({ isLocal }: Venue): string {
  return `kalshi-ws: recorded from ${isLocal ? "a local exchange" : "Kalshi's demo exchange"}`;
}

function tell(io: Console, sessions: readonly RecordedSession[]): void {
  for (const { folder, markets, counts, gaps } of sessions) {
    io.line(
      `${folder}: ${markets} markets, ${counts.snapshots} snapshots, ${counts.deltas} deltas, ` +
        `${counts.trades} trades, ${gaps.length} gaps`,
    );
  }
  const sum = (of: (session: RecordedSession) => number): number =>
    sessions.reduce((total, session) => total + of(session), 0);
  io.json({
    session: sessions.at(-1)?.folder ?? null,
    markets: sum(({ markets }) => markets),
    snapshots: sum(({ counts }) => counts.snapshots),
    deltas: sum(({ counts }) => counts.deltas),
    trades: sum(({ counts }) => counts.trades),
    gaps: sum(({ gaps }) => gaps.length),
    contentHash: sessions.at(-1)?.contentHash ?? null,
    sessions: sessions.map(({ folder, markets, counts, gaps, contentHash }) => ({
      session: folder,
      markets,
      snapshots: counts.snapshots,
      deltas: counts.deltas,
      trades: counts.trades,
      gaps: gaps.length,
      contentHash,
    })),
  });
}
