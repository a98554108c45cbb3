/**
 * Plays one episode with a policy and records it. Everything that the record's header names decides
 * every byte of it: session, market, start, settings, seed, policy.
 */
import { bytesOf, Prng, sha256 } from "../core/index.ts";
import { FEATURE_COUNT, SCHEMA_HASH } from "../features/index.ts";
import {
  type EpisodeHeader,
  type EpisodeHints,
  type EpisodeJournal,
  EpisodeWriter,
} from "../journal/index.ts";
import type { EvaluatedPolicy } from "../learn/index.ts";
import { type Action, ACTION_COUNT, type OrderCommand, type OrderEvent } from "../orders/index.ts";
import { Episode, type EpisodeSettings, type MarketData } from "../sim/index.ts";
import type { TraderObserver } from "../strategies/index.ts";
import type { Interruption } from "./interruption.ts";
import { SOFTWARE } from "./wire.ts";

export interface RecordingOptions {
  readonly data: MarketData;
  readonly startRow: number;
  readonly settings: EpisodeSettings;
  readonly seed: number | string;
  readonly policy: EvaluatedPolicy;
  /** How the header names the policy. */
  readonly policyName: EpisodeHeader["policy"];
  readonly hints?: EpisodeHints;
  readonly interruption?: Interruption;
}

export interface Recording {
  readonly journal: EpisodeJournal;
  readonly writer: EpisodeWriter;
}

export function recordEpisode(options: RecordingOptions): Recording {
  const { data, startRow, settings, seed, policy } = options;
  const writer = new EpisodeWriter(
    {
      session: { id: data.tape.sessionId, contentHash: data.tape.contentHash },
      ticker: data.info.ticker,
      startRow,
      settings,
      seed,
      policy: options.policyName,
      schemaHash: SCHEMA_HASH,
      software: SOFTWARE,
    },
    options.hints,
  );
  const prng = Prng.fromSeed(seed);
  const episode = new Episode(data, settings, startRow, prng.fork("episode"));
  const traffic = new Traffic();
  episode.trader.observer = traffic;
  const actionPrng = prng.fork("actions");
  const observation = new Float32Array(FEATURE_COUNT);
  const mask = new Uint8Array(ACTION_COUNT);
  policy.begin?.();
  while (episode.end === "running" && options.interruption?.requested !== true) {
    episode.observe(observation, 0);
    episode.mask(mask, 0);
    const decided = {
      step: episode.stepCount,
      atUs: episode.nowUs,
      observationHash: sha256(bytesOf(observation)),
      mask: mask.join(""),
      ...episode.trader.quote(0),
    };
    const action = policy.act(observation, mask, actionPrng);
    episode.step(action as Action);
    const { ledger } = episode.trader.account;
    writer.step({
      ...decided,
      action,
      ...traffic.take(),
      reward: episode.reward,
      value: episode.value,
      cash: ledger.cash,
      position: ledger.position(0),
    });
  }
  const end = episode.end === "running" ? "interrupted" : episode.end;
  const journal = writer.finish({ end, steps: episode.stepCount, value: episode.value });
  return { journal, writer };
}

/** What passed between the trader and its order manager since it was last taken. */
class Traffic implements TraderObserver {
  #sent: OrderCommand[] = [];
  #refused: string[] = [];
  #events: OrderEvent[] = [];

  sent(command: OrderCommand): void {
    this.#sent.push(command);
  }

  refused(_command: OrderCommand, reason: string): void {
    this.#refused.push(reason);
  }

  received(event: OrderEvent): void {
    this.#events.push(event);
  }

  take(): { sent: OrderCommand[]; refused: string[]; events: OrderEvent[] } {
    const taken = { sent: this.#sent, refused: this.#refused, events: this.#events };
    this.#sent = [];
    this.#refused = [];
    this.#events = [];
    return taken;
  }
}
