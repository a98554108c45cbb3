/**
 * Training from end to end on order books, with the command line's settings: steps a second on one
 * thread and two, and what share of the time is the rollout's, the environment's in it, and the
 * update's. On the recordings where they are, else on the sample sessions.
 */
import type { VectorEnv } from "../../src/gym/index.ts";
import { episodeSettings, ppoSettings, readConfiguration } from "../../src/apps/configuration.ts";
import { PpoTrainer, type TrainingPhase } from "../../src/learn/index.ts";
import { type SessionData, SessionDataLoader, threadedKalshiEnv } from "../../src/sim/index.ts";
import { benchSessions, secondsOf, significant } from "./measure.ts";

const ROUNDS = 5;
const ITERATIONS = 8;

/** Threads that share an update, and threads that step the lanes. */
interface Way {
  readonly threads: number;
  readonly laneThreads: number;
}

const WAYS: readonly Way[] = [
  { threads: 1, laneThreads: 1 },
  { threads: 2, laneThreads: 1 },
  { threads: 2, laneThreads: 2 },
];

export async function run(): Promise<object> {
  const { source, folders, dispose } = await benchSessions();
  try {
    const loader = new SessionDataLoader();
    const sessions = folders.map((folder) => loader.load(folder));
    const measured = WAYS.map((way) => ({ way, rounds: trainingRounds(sessions, way) }));
    for (const { rounds } of measured) rounds.once();
    for (let round = 0; round < ROUNDS; round++) for (const { rounds } of measured) rounds.once();
    return {
      source,
      threads: measured.map(({ way, rounds }) => ({ ...way, ...rounds.result() })),
    };
  } finally {
    dispose();
  }
}

function trainingRounds(sessions: readonly SessionData[], { threads, laneThreads }: Way) {
  const configuration = readConfiguration(undefined, { ppo: { totalSteps: 100_000_000 } });
  const env = threadedKalshiEnv({
    sessions,
    count: configuration.environments,
    settings: episodeSettings(configuration),
    threads: laneThreads,
  });
  const clock = { environment: 0, rollout: 0, update: 0 };
  let phase: TrainingPhase = "report";
  let since = performance.now();
  // Threads that collect rollouts by themselves cannot be looked at.
  const lanes = laneThreads === 1 ? timed(env, clock) : env;
  const trainer = new PpoTrainer(lanes, ppoSettings(configuration), 1, {
    threads,
    onPhase: (next) => {
      const now = performance.now();
      if (phase === "rollout" || phase === "update") clock[phase] += now - since;
      phase = next;
      since = now;
    },
  });
  const rates: number[] = [];
  let total = 0;
  const steps = ITERATIONS * trainer.settings.rolloutSteps * env.count;
  return {
    once: () => {
      const seconds = secondsOf(() => {
        for (let iteration = 0; iteration < ITERATIONS; iteration++) trainer.iterate();
      });
      total += 1000 * seconds;
      rates.push(steps / seconds);
    },
    result: () => {
      const share = (ms: number): number => significant(ms / total);
      // The first round warmed up.
      const sorted = rates.slice(1).sort((a, b) => a - b);
      return {
        stepsPerSecond: Math.round(sorted[sorted.length >> 1] ?? 0),
        ...(laneThreads === 1 ? { environmentShare: share(clock.environment) } : {}),
        rolloutShare: share(clock.rollout),
        updateShare: share(clock.update),
      };
    },
  };
}

/** The environment with its steps' time added up. */
function timed(env: VectorEnv, clock: { environment: number }): VectorEnv {
  return new Proxy(env, {
    get: (target, name) => {
      if (name === "step") {
        return (actions: Int32Array): void => {
          const startedAt = performance.now();
          target.step(actions);
          clock.environment += performance.now() - startedAt;
        };
      }
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}
