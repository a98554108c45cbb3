/** Lanes on threads against the same lanes on one: bits, saved states, errors and ends. */
import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytesOf, OperationError, Prng, sha256Stream } from "../../src/core/index.ts";
import {
  type AutoresetMode,
  checkVectorEnv,
  ThreadedVectorEnv,
  type VectorEnv,
} from "../../src/gym/index.ts";
import { bundle } from "../fixtures/bundle.mjs";
import {
  type Fault,
  makeFaulty,
  makeReference,
  type Playing,
  playOn,
  type ReferenceOptions,
} from "../fixtures/lanes.ts";

const LANES = 7;
const SEED = Number(process.env["SEED"] ?? 11);
const MODES: readonly AutoresetMode[] = ["same-step", "next-step", "disabled"];
let program = "";
let url = "";

beforeAll(async () => {
  program = await bundle("tests/fixtures/lanes.ts");
  url = pathToFileURL(program).href;
});

afterAll(() => rmSync(program, { force: true }));

function onThreads(threads: number, options: ReferenceOptions, count = LANES): VectorEnv {
  const module = { url, name: "reference" };
  return new ThreadedVectorEnv({ make: makeReference, module, options, count, threads });
}

/** Everything that an environment shows. */
function hashOf(env: VectorEnv): string {
  const hash = sha256Stream();
  for (const array of [
    env.observations,
    env.finalObservations,
    env.rewards,
    env.terminated,
    env.truncated,
    env.actionMasks,
    env.episodeReturns,
    env.episodeLengths,
  ]) {
    hash.update(bytesOf(array));
  }
  return hash.digest("hex");
}

/** Random allowed actions; what was seen after each step, and how many episodes ended. */
function play(env: VectorEnv, steps: number, prng: Prng): { seen: string[]; ended: number } {
  const actions = new Int32Array(env.count);
  const seen = [hashOf(env)];
  let ended = 0;
  for (let step = 0; step < steps; step++) {
    for (let lane = 0; lane < env.count; lane++) {
      const from = lane * env.actionCount;
      const mask = env.actionMasks.subarray(from, from + env.actionCount);
      let action = prng.integer(env.actionCount);
      while (mask[action] === 0) action = prng.integer(env.actionCount);
      actions[lane] = action;
    }
    env.step(actions);
    ended += env.terminated.filter((flag) => flag === 1).length;
    ended += env.truncated.filter((flag) => flag === 1).length;
    seen.push(hashOf(env));
  }
  return { seen, ended };
}

const each = ["CartPole-v1", "InvalidActionEnvDiscrete"].flatMap((name) =>
  MODES.map((autoreset) => ({ name, autoreset })),
);

test.each(each)("1 to 4 threads show what one environment does: %o", (options) => {
  const run = (env: VectorEnv): { seen: string[]; ended: number } => {
    env.reset("once");
    play(env, 20, Prng.fromSeed(SEED).fork("before"));
    env.reset(SEED);
    const played = play(env, 250, Prng.fromSeed(SEED));
    env.close();
    return played;
  };
  const expected = run(makeReference(options, 0, LANES));
  expect(expected.ended).toBeGreaterThan(3);
  for (const threads of [1, 2, 3, 4]) {
    expect(run(onThreads(threads, options)), `${threads} threads, seed ${SEED}`).toEqual(expected);
  }
});

test("the checker of vector environments finds nothing", () => {
  const env = onThreads(3, { name: "Acrobot-v1", autoreset: "same-step" }, 5);
  expect(checkVectorEnv(env, { steps: 300 })).toEqual([]);
  env.close();
});

test("a state saved on some threads goes on on others, and in one environment", () => {
  const options: ReferenceOptions = { name: "CartPole-v1", autoreset: "same-step" };
  const makers: (() => VectorEnv)[] = [
    () => makeReference(options, 0, LANES),
    ...[1, 2, 3].map((threads) => () => onThreads(threads, options)),
  ];
  const states = makers.map((make) => {
    const env = make();
    env.reset(SEED);
    play(env, 133, Prng.fromSeed(SEED));
    const state = JSON.stringify(env.save());
    const went = play(env, 100, Prng.fromSeed(SEED)).seen.slice(1);
    env.close();
    return { state, went };
  });
  const [first] = states;
  for (const { state, went } of states) {
    expect(state).toBe(first?.state);
    expect(went).toEqual(first?.went);
  }
  // Rows of `finalObservations` without an end are meaningless, and those of before are gone.
  const seen = (env: VectorEnv): unknown[] => {
    env.restore(JSON.parse(first?.state ?? ""));
    const shown: unknown[] = [...env.observations];
    const { ended } = play(env, 100, Prng.fromSeed(SEED));
    shown.push(ended, ...env.observations, ...env.rewards, JSON.stringify(env.save()));
    env.close();
    return shown;
  };
  const [expected, ...others] = makers.map((make) => seen(make()));
  for (const shown of others) expect(shown, `seed ${SEED}`).toEqual(expected);
});

describe("a task of each thread's own lanes", () => {
  const options: ReferenceOptions = { name: "CartPole-v1", autoreset: "same-step" };
  const withTask = (threads: number) => {
    const module = { url, name: "reference" };
    const make = makeReference;
    return new ThreadedVectorEnv({ make, task: playOn, module, options, count: LANES, threads });
  };
  const playing = (change: Partial<Playing> = {}): Playing => ({
    steps: 40,
    action: 1,
    sums: new Float64Array(new SharedArrayBuffer(8 * LANES)),
    blocks: new Int32Array(new SharedArrayBuffer(4 * LANES)),
    ...change,
  });

  test.each([1, 3, 4])("does on %i threads what one environment does", (threads) => {
    const env = withTask(threads);
    const single = makeReference(options, 0, LANES);
    const expected = new Float64Array(LANES);
    for (const each of [env, single]) each.reset(SEED);
    const [first, second] = [playing(), playing({ steps: 9, action: 0 })];
    // A plan may be performed again, and another take its place.
    for (const plan of [first, first, second, first]) env.perform(plan);
    for (const [steps, action] of [
      [80, 1],
      [9, 0],
      [40, 1],
    ] as const) {
      for (let step = 0; step < steps; step++) {
        single.step(new Int32Array(LANES).fill(action));
        for (let lane = 0; lane < LANES; lane++) {
          expected[lane] = (expected[lane] as number) + (single.rewards[lane] as number);
        }
      }
    }
    const sums = first.sums.map((sum, lane) => sum + (second.sums[lane] as number));
    expect([...sums]).toEqual([...expected]);
    expect(hashOf(env)).toBe(hashOf(single));
    expect(env.save()).toEqual(single.save());
    expect(new Set(first.blocks).size).toBe(threads);
    expect(env.blocks).toBe(threads);
    env.close();
  });

  test("fails as the first lanes fail, and can be done again", () => {
    const env = withTask(3);
    env.reset(SEED);
    const wrong = playing({ action: 2 });
    expect(() => env.perform(wrong)).toThrow("lane 0 refuses");
    env.perform(playing());
    env.close();
    expect(() => env.perform(playing())).toThrow(/closed/);
  });
});

describe("what goes wrong in a worker", () => {
  const faulty = (fault: Fault, unmakeable?: number): VectorEnv =>
    new ThreadedVectorEnv({
      make: makeFaulty,
      module: { url, name: "faults" },
      options: { fault, ...(unmakeable === undefined ? {} : { unmakeable }) },
      count: 4,
      threads: 4,
    });
  const thrownBy = (work: () => void): unknown => {
    try {
      work();
    } catch (error) {
      return error;
    }
    return null;
  };

  test("an error of the world keeps its code, and the first lane's is thrown", () => {
    const env = faulty("refuse");
    env.reset(1);
    const error = thrownBy(() => env.step(Int32Array.of(0, 0, 1, 1)));
    expect(error).toBeInstanceOf(OperationError);
    expect(error).toMatchObject({ code: "REFUSED", message: "lane 2 was asked" });
    expect(() => env.step(Int32Array.of(1, 0, 0, 1))).toThrow("lane 0 was asked");
    env.reset(2);
    env.step(new Int32Array(4));
    expect([...env.observations]).toEqual([0, 1, 2, 3]);
    env.close();
  });

  test("an assertion keeps its sentence and the place where it was made", () => {
    const env = faulty("assert");
    env.reset(1);
    const error = thrownBy(() => env.step(Int32Array.of(0, 0, 0, 1)));
    expect(error).not.toBeInstanceOf(OperationError);
    expect(error).toMatchObject({ message: "assertion failed: lane 3 is never asked" });
    expect((error as Error).stack).toContain(program);
    env.close();
  });

  test("a worker that ends is noticed, and told of at every call", () => {
    const env = faulty("exit");
    env.reset(1);
    for (const [index, work] of [
      () => env.step(Int32Array.of(0, 0, 1, 0)),
      () => env.step(new Int32Array(4)),
      () => env.reset(2),
      () => env.save(),
    ].entries()) {
      const error = thrownBy(work);
      expect(error, `call ${index}`).toMatchObject({ code: "LANE_THREAD" });
      expect(error).toMatchObject({
        message: expect.stringMatching(/thread of lanes? 2/) as string,
      });
    }
    env.close();
  });

  test("lanes that cannot be made say why, in the thread that asked for them", () => {
    expect(thrownBy(() => faulty("assert", 2))).toMatchObject({
      code: "LANE",
      message: "lane 2 is not there",
    });
  });

  test("a module that is not there, or exports something else, is named", () => {
    const make = (module: { url: string; name: string }): VectorEnv =>
      new ThreadedVectorEnv({
        make: makeFaulty,
        module,
        options: { fault: "exit" },
        count: 2,
        threads: 2,
      });
    const missing = `${url}-missing.mjs`;
    expect(thrownBy(() => make({ url: missing, name: "faults" }))).toMatchObject({
      code: "LANE_MODULE",
      message: expect.stringContaining(missing) as string,
    });
    expect(() => make({ url, name: "notLanes" })).toThrow(/expected .* to export notLanes/);
  });

  test("states of other lanes are refused", () => {
    const env = faulty("refuse");
    const cartPoles = makeReference({ name: "CartPole-v1", autoreset: "same-step" }, 0, 4);
    cartPoles.reset(1);
    expect(() => env.restore(cartPoles.save())).toThrow(/lanes? of faulty, was .* of CartPole-v1/);
    expect(() => env.restore([])).toThrow(/expected 4 lanes of faulty, was none/);
    env.close();
  });
});

test("neither a closed environment nor one left open keeps its program from ending", () => {
  const file = `${program}.ends.mjs`;
  writeFileSync(
    file,
    `const { onThreads } = await import(${JSON.stringify(url)});
    const env = onThreads(${JSON.stringify(url)});
    env.reset(1);
    env.step(new Int32Array(env.count));
    if (process.argv[2] === "close") env.close();
    console.log(env.rewards.join());`,
  );
  try {
    for (const how of ["close", "leave"]) {
      const options = { encoding: "utf8", timeout: 120_000 } as const;
      expect(execFileSync(process.execPath, [file, how], options)).toBe("1,1,1,1,1\n");
    }
  } finally {
    rmSync(file, { force: true });
  }
});

test("there are never more threads than lanes", () => {
  const env = onThreads(4, { name: "Probe-observed", autoreset: "same-step" }, 2);
  expect(checkVectorEnv(env, { steps: 60 })).toEqual([]);
  env.close();
  env.close();
  expect(() => env.step(new Int32Array(2))).toThrow(/closed/);
});
