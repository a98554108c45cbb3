/** Episodes side by side on threads against the same episodes on one: bits, states, memory, errors. */
import { rmSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bytesOf, OperationError, Prng, sha256Stream } from "../../src/core/index.ts";
import { checkVectorEnv, type LaneModule, type VectorEnv } from "../../src/gym/index.ts";
import { DEFAULT_PPO, type PpoSettings, PpoTrainer } from "../../src/learn/index.ts";
import {
  DEFAULT_EPISODE,
  type EpisodeSettings,
  KalshiVectorEnv,
  openShared,
  type SessionData,
  SessionDataLoader,
  shareSession,
  threadedKalshiEnv,
} from "../../src/sim/index.ts";
import { bundle } from "../fixtures/bundle.mjs";

const LANES = 7;
const SEED = Number(process.env["SEED"] ?? 5);
/** Short episodes, many ends; random latencies, so that every random stream counts. */
const SETTINGS: EpisodeSettings = {
  ...DEFAULT_EPISODE,
  steps: 40,
  fillModel: "touch",
  latency: {
    ...DEFAULT_EPISODE.latency,
    submitUs: { minUs: 0, maxUs: 2_000_000 },
    cancelUs: { minUs: 0, maxUs: 2_000_000 },
  },
};
let program = "";
let module: LaneModule;
let sessions: readonly SessionData[] = [];

beforeAll(async () => {
  program = await bundle("src/sim/kalshi-lanes-worker.ts");
  module = { url: pathToFileURL(program).href, name: "kalshiLanes" };
  const loader = new SessionDataLoader();
  sessions = ["sessions/sample-1", "sessions/sample-2"].map((folder) => loader.load(folder));
});

afterAll(() => rmSync(program, { force: true }));

function onThreads(threads: number, settings = SETTINGS): VectorEnv {
  return threadedKalshiEnv({ sessions, count: LANES, settings, threads, module });
}

/** One environment, which knows nothing of threads, and the same lanes on 1 to 4. */
function allWays(): { name: string; make: () => VectorEnv }[] {
  const one = { name: "one", make: () => new KalshiVectorEnv(sessions, LANES, SETTINGS) };
  const threads = [1, 2, 3, 4].map((n) => ({ name: `${n} threads`, make: () => onThreads(n) }));
  return [one, ...threads];
}

/** Random allowed actions; a hash of everything that the environment shows after each step. */
function play(env: VectorEnv, steps: number, prng: Prng): { seen: string[]; ended: number } {
  const actions = new Int32Array(env.count);
  const seen: string[] = [];
  let ended = 0;
  for (let step = 0; step < steps; step++) {
    for (let lane = 0; lane < env.count; lane++) {
      do actions[lane] = prng.integer(env.actionCount);
      while (env.actionMasks[lane * env.actionCount + (actions[lane] as number)] === 0);
    }
    env.step(actions);
    const hash = sha256Stream();
    for (const array of shownBy(env)) hash.update(bytesOf(array));
    seen.push(hash.digest("hex"));
    for (let lane = 0; lane < env.count; lane++) {
      ended += (env.terminated[lane] as number) + (env.truncated[lane] as number);
    }
  }
  return { seen, ended };
}

function shownBy(env: VectorEnv): (Float32Array | Float64Array | Uint8Array | Uint32Array)[] {
  return [
    env.observations,
    env.rewards,
    env.terminated,
    env.truncated,
    env.actionMasks,
    env.episodeReturns,
    env.episodeLengths,
    ...finalRows(env),
  ];
}

/** Rows of `finalObservations` mean something only where an episode has ended. */
function finalRows(env: VectorEnv): Float32Array[] {
  const { count, observationSize: O } = env;
  return Array.from({ length: count }, (_, lane) => lane)
    .filter((lane) => env.terminated[lane] === 1 || env.truncated[lane] === 1)
    .map((lane) => env.finalObservations.subarray(lane * O, (lane + 1) * O));
}

function thrownBy(work: () => void): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return null;
}

test("1 to 4 threads show what one environment shows, in every step", () => {
  const [expected, ...others] = allWays().map(({ name, make }) => {
    const env = make();
    env.reset("before");
    play(env, 30, Prng.fromSeed(SEED));
    env.reset(SEED);
    const observed = bytesOf(env.observations).slice();
    const played = play(env, 250, Prng.fromSeed(SEED));
    env.close();
    return { name, observed, ...played };
  });
  if (expected === undefined) throw new Error("there is one way");
  expect(expected.ended).toBeGreaterThanOrEqual(6 * LANES);
  for (const { name, observed, seen, ended } of others) {
    expect(Buffer.compare(observed, expected.observed), `reset, ${name}, seed ${SEED}`).toBe(0);
    const differs = seen.findIndex((hash, step) => hash !== expected.seen[step]);
    expect(differs, `first step that differs, ${name}, seed ${SEED}`).toBe(-1);
    expect([seen.length, ended]).toEqual([250, expected.ended]);
  }
});

test("the checker of vector environments finds nothing on three threads", () => {
  const env = onThreads(3);
  expect(checkVectorEnv(env, { steps: 120 })).toEqual([]);
  env.close();
});

test("what is saved on some threads goes on, bit for bit, on any other number", () => {
  const half = allWays().map(({ make }) => {
    const env = make();
    env.reset(SEED);
    // In the middle of episodes, with orders resting and messages on their way.
    play(env, 95, Prng.fromSeed(SEED).fork("first"));
    const state = JSON.stringify(env.save());
    const { seen } = play(env, 95, Prng.fromSeed(SEED).fork("second"));
    env.close();
    return { state, seen };
  });
  const [first] = half;
  if (first === undefined) throw new Error("there is one way");
  for (const { state, seen } of half) {
    expect(state).toBe(first.state);
    expect(seen).toEqual(first.seen);
  }
  const resumed = allWays().map(({ make }) => {
    const env = make();
    env.restore(JSON.parse(first.state));
    const { seen } = play(env, 95, Prng.fromSeed(SEED).fork("second"));
    const state = JSON.stringify(env.save());
    env.close();
    return { seen, state };
  });
  // Figures of episodes that ended before the save are not in it: compared among the resumed.
  for (const other of resumed) expect(other, `seed ${SEED}`).toEqual(resumed[0]);
});

test("stacked frames are those of one environment, saved ones too", () => {
  const [expected, ...others] = [1, 2, 4].map((threads) => {
    const options = { sessions, count: LANES, settings: SETTINGS, frames: 3, threads, module };
    const env = threadedKalshiEnv(options);
    env.reset(SEED);
    const before = play(env, 60, Prng.fromSeed(SEED));
    const state = JSON.stringify(env.save());
    env.reset("other");
    env.restore(JSON.parse(state));
    const after = play(env, 60, Prng.fromSeed(SEED)).seen.at(-1);
    env.close();
    return { before, state, after };
  });
  expect(expected?.before.ended).toBe(LANES);
  for (const other of others) expect(other, `seed ${SEED}`).toEqual(expected);
});

/** Settings under which threads collect by themselves, and some under which they cannot. */
const LEARNING: readonly (readonly [string, Partial<PpoSettings>, number])[] = [
  ["as it is", {}, 1],
  ["with two frames and normalised rewards", { normaliseRewards: true }, 2],
  ["with normalised observations", { normaliseObservations: true }, 1],
  ["with a shared trunk of relu", { trunk: "shared", activation: "relu" }, 1],
];

test.each(LEARNING)("a trainer learns the same on 1 to 4 threads, %s", (_, change, frames) => {
  const settings: PpoSettings = {
    ...DEFAULT_PPO,
    rolloutSteps: 64,
    minibatches: 2,
    shards: 2,
    totalSteps: 1e6,
    ...change,
  };
  const [expected, ...others] = [1, 2, 3, 4].map((threads) => {
    const options = { sessions, count: LANES, settings: SETTINGS, frames, module };
    const env = threadedKalshiEnv({ ...options, threads });
    const trainer = new PpoTrainer(env, settings, SEED, { threads: Math.min(2, threads) });
    const reports = [trainer.iterate(), trainer.iterate()];
    const state = trainer.save();
    // Another trainer takes the lanes over, and the first one takes them back.
    const guest = new PpoTrainer(env, settings, "guest", { threads: 1 });
    guest.iterate();
    guest.close();
    trainer.restore(state);
    reports.push(trainer.iterate());
    const end = JSON.stringify(trainer.save());
    trainer.close();
    env.close();
    return { reports, end };
  });
  expect(expected?.reports[1]?.episodes).toBeGreaterThanOrEqual(LANES);
  for (const other of others) expect(other, `seed ${SEED}`).toEqual(expected);
});

test("sessions are shared, not copied, and open as what they were", () => {
  for (const session of sessions) {
    const shared = shareSession(session);
    expect(shared.tape.atUs.buffer).toBe(session.tape.atUs.buffer);
    for (const [index, { rows }] of shared.markets.entries()) {
      expect(rows.rows.buffer).toBe(session.markets[index]?.rows.rows.buffer);
      expect(rows.atUs.buffer).toBe(session.markets[index]?.rows.atUs.buffer);
    }
    // A message to a worker carries this clone.
    const arrived = structuredClone(shared);
    const before = shared.tape.size[0] as number;
    arrived.tape.size[0] = before + 1;
    expect(session.tape.size[0]).toBe(before + 1);
    arrived.tape.size[0] = before;
    const arrays = arraysIn(arrived);
    expect(arrays.length).toBeGreaterThan(9 + 10 * session.markets.length);
    for (const { buffer } of arrays) expect(buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(isDeepStrictEqual(openShared(arrived), session)).toBe(true);
  }
});

function arraysIn(data: unknown): NodeJS.TypedArray[] {
  if (data === null || typeof data !== "object") return [];
  if (ArrayBuffer.isView(data)) return [data as NodeJS.TypedArray];
  return Object.values(data).flatMap(arraysIn);
}

test("an error of any lane is the one that a single thread throws, and the run can go on", () => {
  const single = new KalshiVectorEnv(sessions, LANES, SETTINGS);
  single.reset(SEED);
  const state = single.save();
  const strange = state.map((lane, index) =>
    index === LANES - 1 ? { ...lane, startRow: 1e9 } : lane,
  );
  const refused = thrownBy(() => single.restore(strange));
  expect(refused).toMatchObject({ code: "ENV_STATE" });
  for (const threads of [2, 4]) {
    const env = onThreads(threads);
    env.reset("other");
    const error = thrownBy(() => env.restore(strange));
    expect(error).toBeInstanceOf(OperationError);
    expect(error).toMatchObject({ code: "ENV_STATE", message: (refused as Error).message });
    expect(() => env.restore(state.slice(1))).toThrow(/expected 7 lanes .* was 6/);
    env.restore(state);
    single.reset("other");
    single.restore(state);
    expect(play(env, 50, Prng.fromSeed(SEED))).toEqual(play(single, 50, Prng.fromSeed(SEED)));
    env.close();
  }
});

test("without a program for workers, threads are refused and one thread works", () => {
  const options = { sessions, count: LANES, settings: SETTINGS };
  expect(thrownBy(() => threadedKalshiEnv({ ...options, threads: 2 }))).toMatchObject({
    code: "LANE_MODULE",
    message: expect.stringMatching(/expected file:.*kalshi-lanes-worker\.js, was none/) as string,
  });
  const env = threadedKalshiEnv({ ...options, threads: 1 });
  expect(env).toBeInstanceOf(KalshiVectorEnv);
  env.close();
});
