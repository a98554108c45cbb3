/**
 * The generator: how long a sample session takes, and what policies without learning earn on the
 * samples in episodes of ten minutes, for comparison with recordings. SESSIONS names more session
 * folders, separated by commas; LAST_MINUTES keeps to so much of each recording's end (default all).
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Prng } from "../../src/core/index.ts";
import { generateSession, SAMPLES } from "../../src/market/index.ts";
import {
  type FillModelName,
  MarketAgnosticKalshiEnv,
  type SessionData,
  SessionDataLoader,
} from "../../src/sim/index.ts";
import { type ActionPolicy, JOIN, RANDOM } from "../../src/strategies/index.ts";

const ROUNDS = 5;
const EPISODES = 60;
const STEPS = 600;
/** The golden ratio's fraction spreads the episodes' starts evenly. */
const SPREAD = 0.618034;

export function run(_options: { json: boolean }): Promise<object> {
  const result: Record<string, number> = { ...speed() };
  const more = (process.env["SESSIONS"] ?? "").split(",").filter((name) => name !== "");
  const folders = [...SAMPLES.map(({ id }) => join("sessions", id)), ...more];
  for (const folder of folders) {
    const data = new SessionDataLoader().load(folder);
    for (const fillModel of ["touch", "through"] as const) {
      for (const policy of [JOIN, RANDOM]) {
        const name = `${folder.split("/").at(-1) ?? folder}_${fillModel}_${policy.name}_usd`;
        result[name] = Number(meanProfit(data, fillModel, policy).toFixed(2));
      }
    }
  }
  return Promise.resolve(result);
}

function speed(): { sample_1_ms: number; rows_per_second: number } {
  const [sample] = SAMPLES;
  if (sample === undefined) throw new Error("there is a sample");
  const scratch = mkdtempSync(join(tmpdir(), "generator-bench-"));
  try {
    const times: number[] = [];
    let rows = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const begin = performance.now();
      rows = generateSession(join(scratch, String(round)), sample).rows;
      times.push(performance.now() - begin);
    }
    const median = times.sort((a, b) => a - b)[ROUNDS >> 1] ?? Number.NaN;
    return { sample_1_ms: Math.round(median), rows_per_second: Math.round((rows / median) * 1000) };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Mean profit of an episode in dollars, fees included, over starts spread through the session. */
function meanProfit(data: SessionData, fillModel: FillModelName, policy: ActionPolicy): number {
  const env = new MarketAgnosticKalshiEnv({ sessions: [data], fillModel, steps: STEPS });
  const lastSeconds = Number(process.env["LAST_MINUTES"] ?? Infinity) * 60;
  let sum = 0;
  let count = 0;
  for (let episode = 0; episode < EPISODES; episode++) {
    const market = data.markets[episode % data.markets.length];
    if (market === undefined) continue;
    const first = Math.max(60, market.rows.count - lastSeconds);
    const span = market.rows.count - STEPS - 60 - first;
    const startRow = Math.floor(first + span * ((episode * SPREAD) % 1));
    if (market.rows.valid[startRow] !== 1) continue;
    const options = { ticker: market.info.ticker, startRow };
    const prng = Prng.fromSeed(episode);
    let [observation, info] = env.reset({ seed: episode, options });
    for (;;) {
      const action = policy.act(observation, info.actionMask, prng);
      const [next, reward, terminated, truncated, nextInfo] = env.step(action);
      sum += reward;
      [observation, info] = [next, nextInfo];
      if (terminated || truncated) break;
    }
    count += 1;
  }
  return sum / count;
}
