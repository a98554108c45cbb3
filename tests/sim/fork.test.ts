/** A world that is saved and restored goes on as it would have, whatever was on its way. */
import { isDeepStrictEqual } from "node:util";
import { expect, test } from "vitest";
import { type MicroUsd, Prng } from "../../src/core/index.ts";
import type { Action, ApprovedOrder, OrderEvent } from "../../src/orders/index.ts";
import {
  DEFAULT_EPISODE,
  drawStart,
  Episode,
  type EpisodeSettings,
  FILL_MODELS,
  type FillModelName,
  IDLE_OVERLAY,
  type OverlaySettings,
  SessionDataLoader,
  SimulatedOrderManager,
  type VenueState,
} from "../../src/sim/index.ts";
import { type Case, randomCase } from "./reference/compare.ts";

const MODELS = Object.keys(FILL_MODELS) as FillModelName[];
/** Chance takes part in half of all worlds. */
const OVERLAY: OverlaySettings = {
  ...IDLE_OVERLAY,
  fillPpm: 600_000,
  partialPpm: 500_000,
  slippagePpm: 200_000,
  rejectionPpm: 50_000,
};
const SEED = process.env["SEED"] ?? "fork";

/** A venue that is led through the steps of a random case. */
class Play {
  readonly orders: SimulatedOrderManager;
  readonly #case: Case;

  constructor(random: Case, model: FillModelName, seed: string) {
    const { session, settings } = random;
    this.#case = random;
    this.orders = new SimulatedOrderManager({
      tape: session.tape,
      markets: session.markets.map((_, index) => index),
      startingCash: settings.startingCash as MicroUsd,
      fillModel: FILL_MODELS[model],
      latency: { ...settings.latency, feedUs: { minUs: 0, maxUs: 20_000 } },
      membership: settings.membership,
      overlay: settings.startingCash % 2 === 0 ? OVERLAY : undefined,
      prng: Prng.fromSeed(seed),
    });
  }

  /** Goes to step `index`, hears what there is, and sends. */
  step(index: number): OrderEvent[] {
    const step = this.#case.steps[index];
    const heard: OrderEvent[] = [];
    if (step === undefined) return heard;
    this.orders.advanceTo(step.atUs);
    this.orders.drain(heard);
    for (const command of step.commands) {
      if (command.kind === "submit") {
        this.orders.submit(command.request as unknown as ApprovedOrder);
      } else if (command.kind === "cancel") {
        this.orders.cancel(command.id as ApprovedOrder["clientOrderId"]);
      } else {
        const { id, price, size } = command as { id: string; price: number; size: number };
        this.orders.amend(id as never, price as never, size as never);
      }
    }
    return heard;
  }

  /** Everything that comes of the steps from `from` on. */
  rest(from: number): unknown[] {
    const all: unknown[] = [];
    for (let index = from; index < this.#case.steps.length; index++) all.push(this.step(index));
    const heard: OrderEvent[] = [];
    this.orders.advanceTo(this.#case.session.endUs + 10_000_000);
    this.orders.drain(heard);
    return [...all, heard, this.orders.venueLedger.save(), this.orders.uncertainOrders];
  }
}

/** What a state has that could be forgotten. */
function traitsOf({ markets, commands, answers, expiryUs }: VenueState): string[] {
  const has = {
    commands: commands.length > 0,
    answers: answers.length > 0,
    expiry: expiryUs < Infinity,
    resting: markets.some(({ resting }) => resting.length > 1),
    filledInPart: markets.some(({ resting }) => resting.some(({ filled }) => filled > 0)),
    depletion: markets.some(({ depletion }) => depletion.length > 0),
    inGap: markets.some(({ bookKnown, row }) => !bookKnown && row > 0),
    uncertain: markets.some(({ uncertainOrders }) => uncertainOrders > 0),
    closed: markets.some(({ closed }) => closed),
    overlay: markets.some(({ overlay }) => overlay !== null),
    severalMarkets: markets.length > 1,
  };
  return Object.entries(has).flatMap(([trait, is]) => (is ? [trait] : []));
}

test("a venue of several markets goes on the same from any step, under every model", () => {
  const seen = new Map<string, number>();
  for (let round = 0; round < 150; round++) {
    const seed = `${SEED} ${round}`;
    const random = randomCase(seed);
    const model = MODELS[round % MODELS.length] ?? "queue";
    const at = 1 + Prng.fromSeed(seed).integer(random.steps.length - 1);
    const original = new Play(random, model, seed);
    for (let index = 0; index < at; index++) original.step(index);
    const state = original.orders.save();
    for (const trait of traitsOf(state)) seen.set(trait, (seen.get(trait) ?? 0) + 1);
    const asSaved = structuredClone(state);
    const place = `seed "${seed}", model ${model}, saved after step ${at - 1}`;
    // Saving is no event, and the same world from its start tells the same.
    const expected = original.rest(at);
    const unsaved = new Play(random, model, seed);
    for (let index = 0; index < at; index++) unsaved.step(index);
    expect(unsaved.rest(at), place).toEqual(expected);
    // A venue of another seed, on its own way already; and twice.
    const copy = new Play(random, model, "another");
    for (let index = 0; index < at / 2; index++) copy.step(index);
    for (let time = 0; time < 2; time++) {
      copy.orders.restore(state);
      expect(copy.orders.save(), place).toEqual(state);
      expect(copy.rest(at), place).toEqual(expected);
    }
    // The original goes back, too; and nobody has written into the state.
    original.orders.restore(state);
    expect(original.rest(at), place).toEqual(expected);
    expect(isDeepStrictEqual(state, asSaved), place).toBe(true);
  }
  const traits = Object.fromEntries([...seen].sort(([a], [b]) => (a < b ? -1 : 1)));
  expect(Object.keys(traits)).toEqual([
    "answers",
    "closed",
    "commands",
    "depletion",
    "expiry",
    "filledInPart",
    "inGap",
    "overlay",
    "resting",
    "severalMarkets",
    "uncertain",
  ]);
  expect(Math.min(...Object.values(traits))).toBeGreaterThan(4);
});

const sample = new SessionDataLoader().load("sessions/sample-1");

function episodeOf(model: FillModelName, seed: number): Episode {
  const settings: EpisodeSettings = {
    ...DEFAULT_EPISODE,
    steps: 150,
    fillModel: model,
    pricing: seed % 2 === 0 ? "join" : "cross",
    ...(seed % 3 === 0 && { overlay: OVERLAY }),
    latency: {
      feedUs: { minUs: 0, maxUs: 90_000 },
      submitUs: { minUs: 0, maxUs: 1_400_000 },
      amendUs: { minUs: 0, maxUs: 1_400_000 },
      cancelUs: { minUs: 0, maxUs: 1_400_000 },
      answerUs: { minUs: 0, maxUs: 1_400_000 },
    },
  };
  const prng = Prng.fromSeed(seed);
  const { market, startRow } = drawStart(sample.markets, settings.steps, prng);
  const data = sample.markets[market];
  if (data === undefined) throw new Error("a market was drawn");
  return new Episode(data, settings, startRow, prng.fork("episode"));
}

/** Plays random actions to the end; all that can be seen of it. */
function playOn(episode: Episode, seed: number): unknown[] {
  const prng = Prng.fromSeed(seed);
  const seen: unknown[] = [];
  const received: OrderEvent[] = [];
  episode.trader.observer = {
    sent: (command) => seen.push(command),
    refused: (_, reason) => seen.push(reason),
    received: (event) => received.push(event),
  };
  while (episode.end === "running") {
    const observation = new Float32Array(52);
    const mask = new Uint8Array(5);
    episode.observe(observation, 0);
    episode.mask(mask, 0);
    episode.step(prng.integer(5) as Action);
    seen.push([observation, mask, episode.reward, episode.value, episode.row, episode.end]);
  }
  return [...seen, received, episode.orders.venueLedger.save(), episode.trader.save()];
}

test("an episode goes on the same from any decision, as often as one likes", () => {
  let fills = 0;
  for (let seed = 0; seed < 24; seed++) {
    const model = MODELS[seed % MODELS.length] ?? "queue";
    const episode = episodeOf(model, seed);
    const prng = Prng.fromSeed(seed).fork("before");
    for (let steps = prng.integer(100); steps > 0; steps--) episode.step(prng.integer(5) as Action);
    const state = episode.save();
    const place = `seed ${seed}, model ${model}, step ${episode.stepCount}`;
    const first = episode.fork();
    const second = episode.fork();
    // Each on its own way: what one does, the others must not feel.
    const other = playOn(first, seed + 1000);
    const expected = playOn(episode, seed);
    expect(playOn(second, seed), place).toEqual(expected);
    first.restore(state);
    expect(playOn(first, seed), place).toEqual(expected);
    episode.restore(state);
    expect(playOn(episode, seed + 1000), place).toEqual(other);
    fills += expected.flat().filter((each) => (each as OrderEvent).kind === "filled").length;
  }
  expect(fills).toBeGreaterThan(50);
});

test("saving costs by what is live, not by what has been", () => {
  const episode = episodeOf("queue", 2);
  const orders = episode.orders;
  const settled = (): number => {
    const { accepted } = orders.save();
    return accepted.reduce((sum, layer) => sum + layer.size, 0);
  };
  let largest = 0;
  while (episode.end === "running") {
    episode.step(((episode.stepCount % 2) * 2 + 1) as Action);
    const { accepted } = orders.save();
    largest = Math.max(largest, accepted.length);
    // Each at least twice as large as the next.
    const sizes = accepted.map(({ size }) => size);
    expect(sizes.every((size, index) => index === 0 || (sizes[index - 1] ?? 0) >= 2 * size)).toBe(
      true,
    );
  }
  expect(settled()).toBeGreaterThan(50);
  expect(largest).toBeLessThan(9);
  // The large layers are the same objects in every state.
  expect(orders.save().accepted[0]).toBe(orders.save().accepted[0]);
});
