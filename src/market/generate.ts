/**
 * The market generator: sessions that look like recorded ones and carry no one's data. From a seed
 * it plays games, lets a crowd trade on them in order books kept order by order, and writes what
 * the exchange's feed would have told. The same options give the same content on any machine.
 *
 * `docs/generator.md` describes the model and compares its statistics with recordings. It leaves
 * out losses of messages, changes of a market's status, scalar results and prices finer than a cent.
 */
import {
  assert,
  type CentiCents,
  OperationError,
  Prng,
  type TimestampUs,
  US_PER_SECOND,
} from "../core/index.ts";
import { StampResolution } from "./event-columns.ts";
import { type BookSink } from "./generate-book.ts";
import { GeneratedEvent } from "./generate-event.ts";
import { type ProfileName, PROFILES } from "./generate-profile.ts";
import { formatIsoTime } from "./iso-time.ts";
import type { EventInfo, MarketInfo } from "./market-info.ts";
import { LINEAR_CENT } from "./price-grid.ts";
import type { SessionFacts } from "./session-format.ts";
import { createSession, type CreateSessionOptions } from "./create-session.ts";
import type { SessionWriter } from "./session-writer.ts";

export interface GenerateOptions {
  /** Name of the session, for people. */
  readonly id: string;
  readonly seed: number;
  /** Number of games; each has two markets. */
  readonly events: number;
  /** Length of the session, in minutes. */
  readonly minutes: number;
  readonly profile: ProfileName;
  /** First moment of the session. */
  readonly startUs: TimestampUs;
}

/** 10 January 2026, 18:00 UTC. */
export const GENERATE_START_US = 1_768_068_000_000_000 as TimestampUs;

export interface GeneratedSummary {
  readonly contentHash: string;
  readonly rows: number;
}

/** Teams that do not exist. */
const TEAMS: readonly string[] = [
  "ALP", "BRV", "CHL", "DLT", "ECH", "FOX", "GLF", "HTL", "IND", "JUL", "KIL", "LIM", "MIK", "NOV",
  "OSC", "PAP", "QUE", "ROM", "SIE", "TAN", "UNI", "VIC", "WSK", "XRY", "YAN", "ZUL",
]; // prettier-ignore

const MAX_EVENTS = TEAMS.length / 2;
const MAX_MINUTES = 600;

/**
 * Generates a session and writes it into `folder`. `GENERATE_OPTIONS` for options out of range; else
 * the errors of `createSession`.
 */
export function generateSession(
  folder: string,
  options: GenerateOptions,
  creation: CreateSessionOptions = {},
): GeneratedSummary {
  const steps = generateInSteps(folder, options, creation);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/**
 * The same, pausing after every minute of session time, of which it yields the count, for callers
 * that show progress or may stop: returning early leaves nothing behind.
 */
export function* generateInSteps(
  folder: string,
  options: GenerateOptions,
  creation: CreateSessionOptions = {},
): Generator<number, GeneratedSummary, void> {
  check(options);
  const prng = Prng.fromSeed(options.seed);
  const { markets, events } = describe(options, prng.fork("teams"));
  const source =
    `generated: profile ${options.profile}, seed ${options.seed}, ` +
    `${options.events} events, ${options.minutes} minutes`;
  const facts: SessionFacts = { id: options.id, source, markets, events, references: [] };
  const writer = createSession(folder, facts, creation);
  try {
    const settled = yield* play(writer, options, prng, markets);
    const rows = writer.position;
    return { contentHash: writer.finish({ markets: settled }), rows };
  } finally {
    // Does nothing to a session that is finished.
    writer.abort();
  }
}

/** Runs all events to the end of the session; returns the markets with their results. */
function* play(
  writer: SessionWriter,
  options: GenerateOptions,
  prng: Prng,
  markets: readonly MarketInfo[],
): Generator<number, MarketInfo[], void> {
  const { startUs } = options;
  const endUs = startUs + Math.round(options.minutes * 60) * US_PER_SECOND;
  const worlds: GeneratedEvent[] = [];
  for (let index = 0; index < options.events; index++) {
    const fork = prng.fork(`event ${index}`);
    // The whistle goes one to three minutes before the close; in a short session earlier still.
    const wrapUpUs = Math.min(60 + 120 * fork.float(), options.minutes * 6) * US_PER_SECOND;
    worlds.push(
      new GeneratedEvent({
        prng: fork,
        profile: PROFILES[options.profile],
        sinks: [sinkOf(writer, index * 2), sinkOf(writer, index * 2 + 1)],
        startUs,
        whistleUs: Math.round(endUs - wrapUpUs),
      }),
    );
  }
  worlds.forEach((world, index) => {
    world.books.forEach((book, which) => writer.snapshot(index * 2 + which, book.levels()));
  });
  yield* runTo(endUs, startUs, worlds);
  return markets.map((market, stream) => {
    const game = worlds[stream >> 1]?.game;
    assert(game !== undefined, "every market has its game");
    if (game.ended) writer.close(stream, endUs);
    const wins = (game.result === "yes") === (stream % 2 === 0);
    return {
      ...market,
      settlement: { valueCc: (wins ? 10_000 : 0) as CentiCents, source: "given" },
    };
  });
}

/** Lets the events happen in the order of their times, the first listed on a tie. */
function* runTo(
  endUs: number,
  startUs: number,
  worlds: readonly GeneratedEvent[],
): Generator<number, void, void> {
  let told = 0;
  for (;;) {
    let first: GeneratedEvent | null = null;
    let firstUs = endUs;
    for (const world of worlds) {
      const { nextUs } = world;
      if (nextUs < firstUs) {
        first = world;
        firstUs = nextUs;
      }
    }
    if (first === null) return;
    first.step();
    const minutes = Math.floor((firstUs - startUs) / (60 * US_PER_SECOND));
    if (minutes > told) yield (told = minutes);
  }
}

/** Writes what a book tells. Trades carry milliseconds, as the feed's `ts_ms` does. */
function sinkOf(writer: SessionWriter, market: number): BookSink {
  return {
    delta: (side, cents, size, atUs) =>
      writer.delta(market, side, (cents * 100) as CentiCents, size, atUs),
    trade: (makerSide, cents, size, atUs) =>
      writer.trade(
        market,
        makerSide,
        (cents * 100) as CentiCents,
        size,
        Math.floor(atUs / 1000) * 1000,
        StampResolution.millisecond,
      ),
  };
}

function describe(
  options: GenerateOptions,
  prng: Prng,
): { markets: MarketInfo[]; events: EventInfo[] } {
  const { seriesTicker } = PROFILES[options.profile];
  const minuteUs = 60 * US_PER_SECOND;
  const teams = [...TEAMS];
  const draw = (): string => teams.splice(prng.integer(teams.length), 1)[0] ?? "";
  const markets: MarketInfo[] = [];
  const events: EventInfo[] = [];
  for (let index = 0; index < options.events; index++) {
    const [first, second] = [draw(), draw()];
    const eventTicker = `${seriesTicker}-${dayOf(options.startUs)}${first}${second}`;
    // The close was expected some minutes before or after the one that came.
    const minutes = Math.ceil(options.minutes) + prng.integer(8) - 2;
    const closeUs = (options.startUs + Math.max(1, minutes) * minuteUs) as TimestampUs;
    events.push({ eventTicker, exclusive: true, marketCount: 2 });
    for (const team of [first, second]) {
      markets.push({
        ticker: `${eventTicker}-${team}`,
        eventTicker,
        seriesTicker,
        closeUs,
        priceRanges: LINEAR_CENT,
        fees: { type: "quadratic", multiplierPpm: 1_000_000 },
        settlement: null,
      });
    }
  }
  return { markets, events };
}

/** The day in the form of Kalshi's tickers: 26JAN10. */
function dayOf(atUs: TimestampUs): string {
  const [year = "", month = "1", day = ""] = formatIsoTime(atUs).slice(0, 10).split("-");
  const names = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(" ");
  return `${year.slice(2)}${names[Number(month) - 1] ?? ""}${day}`;
}

function check(options: GenerateOptions): void {
  const { seed, events, minutes, startUs } = options;
  const require = (holds: boolean, what: string, expected: string, was: unknown): void => {
    if (holds) return;
    throw new OperationError(
      "GENERATE_OPTIONS",
      `${what}: expected ${expected}, was ${String(was)}`,
    );
  };
  require(Number.isSafeInteger(seed) && seed >= 0, "seed", "a whole number from 0 up", seed);
  require(Number.isInteger(events) &&
    events >= 1 &&
    events <= MAX_EVENTS, "events", `a whole number from 1 to ${MAX_EVENTS}`, events);
  require(minutes >= 1 && minutes <= MAX_MINUTES, "minutes", `from 1 to ${MAX_MINUTES}`, minutes);
  require(Number.isSafeInteger(startUs) &&
    startUs >= 0, "start", "microseconds since 1970", startUs);
}
