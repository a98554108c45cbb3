/**
 * Recording: the share of a core that the recorder takes at 200 markets and about 5,000 messages a
 * second, over real sockets, from an exchange in another process. Everything is counted that this
 * process does: sockets, decoding, books, columns, compression, SQLite.
 */
import { join } from "node:path";
import { MachineScheduler } from "../../src/apps/machine-scheduler.ts";
import { type OperationError, Prng } from "../../src/core/index.ts";
import {
  FeedClient,
  loadSigningKey,
  NodeNetwork,
  openVenue,
  Recorder,
  RestClient,
  SessionFamily,
} from "../../src/kalshi/index.ts";
import { type BenchExchange, besideExchange } from "./exchange-process.ts";
import { significant } from "./measure.ts";

const MARKETS = 200;
/** Gives about 5,000 messages a second. */
const ACTIVITY = 4;
const ROUNDS = 5;
const ROUND_MS = 4_000;

export function run(_options: { json: boolean }): Promise<object> {
  return besideExchange(MARKETS, ACTIVITY, (exchange, folder) =>
    record(exchange, join(folder, "session")),
  );
}

async function record(exchange: BenchExchange, out: string): Promise<object> {
  const venue = openVenue({ restUrl: exchange.rest, wsUrl: exchange.ws });
  const key = loadSigningKey(venue, { keyId: exchange.keyId, pem: exchange.key });
  const network = new NodeNetwork(venue);
  const scheduler = new MachineScheduler();
  const link = { venue, key, network, scheduler, prng: Prng.fromSeed(1) };
  const rest = new RestClient(link);
  const feed = new FeedClient({ ...link, onEvents: () => recorder.wake() });
  const sessions = new SessionFamily(out, "bench", true);
  const recorder = new Recorder({
    rest,
    feed,
    scheduler,
    markets: exchange.tickers,
    series: [],
    sessions,
  });
  const problem = await new Promise<OperationError | null>((done) => recorder.start(done));
  if (problem !== null) throw problem;
  await pause(ROUND_MS);
  const rounds: { perSecond: number; share: number; microseconds: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) rounds.push(await measure(recorder));
  const { gaps } = recorder.health();
  const [session] = recorder.finish();
  rest.close();
  network.close();
  rounds.sort((a, b) => a.share - b.share);
  const [least, middle, most] = [rounds[0], rounds[ROUNDS >> 1], rounds[ROUNDS - 1]];
  return {
    markets: session?.markets ?? 0,
    messages_per_second: significant(middle?.perSecond ?? 0),
    share_of_a_core: significant(middle?.share ?? 0),
    share_of_a_core_min: significant(least?.share ?? 0),
    share_of_a_core_max: significant(most?.share ?? 0),
    target_share: 0.5,
    cpu_us_per_message: significant(middle?.microseconds ?? 0),
    deltas: session?.counts.deltas ?? 0,
    trades: session?.counts.trades ?? 0,
    gaps,
  };
}

async function measure(recorder: Recorder) {
  const messages = recorder.health().messages;
  const startedAt = performance.now();
  const before = process.cpuUsage();
  await pause(ROUND_MS);
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - startedAt) / 1_000;
  const count = recorder.health().messages - messages;
  const usedUs = user + system;
  return {
    perSecond: count / seconds,
    share: usedUs / 1_000_000 / seconds,
    microseconds: usedUs / Math.max(1, count),
  };
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
