/**
 * Money is conserved on real recordings, whatever an agent does and however late its messages are.
 * The reference keeps YES and NO in separate piles and hears only of fills. Commands of every kind, to
 * several markets at once, are in `conservation-commands.test.ts`.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Prng } from "../../src/core/index.ts";
import { BookSide } from "../../src/market/index.ts";
import { type Action, type OrderEvent, PRICINGS } from "../../src/orders/index.ts";
import {
  DEFAULT_EPISODE,
  drawStart,
  Episode,
  type EpisodeSettings,
  type FillModelName,
  type SessionData,
  SessionDataLoader,
} from "../../src/sim/index.ts";
import { hasRecordings, importRecording, recordingFiles } from "../fixtures/recordings.ts";

const MODELS: readonly FillModelName[] = ["touch", "queue", "through"];
const ACTIONS = 400_000;

/** What fills alone say about an account. */
class Piles {
  cash: number;
  yes = 0;
  no = 0;
  fees = 0;
  /** Lots that own fills took of each recorded trade or quote. */
  readonly given = new Map<number, { taken: number; size: number }>();
  readonly #sides = new Map<string, BookSide>();

  constructor(cash: number) {
    this.cash = cash;
  }

  ordered(clientOrderId: string, side: BookSide): void {
    this.#sides.set(clientOrderId, side);
  }

  receive(event: OrderEvent): void {
    if (event.kind !== "filled") return;
    const isBid = this.#sides.get(event.clientOrderId) === BookSide.bid;
    this.cash -= (isBid ? event.price : 10_000 - event.price) * event.size + event.fee;
    this.fees += event.fee;
    if (isBid) this.yes += event.size;
    else this.no += event.size;
    const { evidence } = event;
    if (evidence.kind === "trade") {
      const entry = this.given.get(evidence.row) ?? { taken: 0, size: evidence.size };
      entry.taken += event.size;
      this.given.set(evidence.row, entry);
    }
  }

  /** Cash with every pair of YES and NO paid out. */
  get settledCash(): number {
    return this.cash + Math.min(this.yes, this.no) * 10_000;
  }
}

const hasSettled = (episode: Episode): boolean => episode.end === "terminated";

describe.skipIf(!hasRecordings)("on the recordings in ../shared/sessions", () => {
  let data: SessionData[] = [];
  const disposals: (() => void)[] = [];

  beforeAll(async () => {
    for (const files of [
      recordingFiles("kalshi-ws-ufc"),
      recordingFiles("kalshi-ws-26MAR18", ["GSWBOS"]),
    ]) {
      const { folder, dispose } = await importRecording(files);
      disposals.push(dispose);
      data.push(new SessionDataLoader().load(folder));
    }
  });
  afterAll(() => {
    data = [];
    for (const dispose of disposals) dispose();
  });

  test("400,000 random actions conserve cash, positions and fees", () => {
    const seed = Number(process.env["SEED"] ?? 3);
    const prng = Prng.fromSeed(seed);
    const markets = data.flatMap((session) => session.markets);
    let actions = 0;
    let fills = 0;
    let settled = 0;
    for (let round = 0; actions < ACTIONS; round++) {
      const settings: EpisodeSettings = {
        ...DEFAULT_EPISODE,
        steps: round % 5 === 0 ? null : 500,
        pricing: PRICINGS[round % 4] ?? "join",
        fillModel: MODELS[round % 3] ?? "touch",
        latency: {
          feedUs: 10_000 * (round % 7),
          submitUs: { minUs: 0, maxUs: 400_000 },
          amendUs: { minUs: 0, maxUs: 900_000 },
          cancelUs: { minUs: 0, maxUs: 2_000_000 },
          answerUs: { minUs: 0, maxUs: 1_500_000 },
        },
      };
      const { market, startRow } = drawStart(markets, settings.steps, prng);
      const episode = new Episode(
        markets[market] as (typeof markets)[number],
        settings,
        startRow,
        prng.fork(`episode ${round}`),
      );
      const piles = new Piles(settings.startingCash);
      const { account } = episode.trader;
      episode.trader.observer = {
        sent: (command) => {
          if (command.kind !== "submit") return;
          piles.ordered(command.request.clientOrderId, command.request.side);
        },
        refused: () => undefined,
        received: (event) => piles.receive(event),
      };
      const mask = new Uint8Array(5);
      let place = `seed ${seed} round ${round}`;
      let value = 0;
      while (episode.end === "running") {
        episode.mask(mask, 0);
        let action = prng.integer(5);
        // Half of the actions are allowed ones, the others anything.
        if (prng.integer(2) === 0) while (mask[action] === 0) action = prng.integer(5);
        episode.step(action as Action);
        actions += 1;
        value += episode.reward;
        place = `seed ${seed} round ${round} step ${episode.stepCount}`;
        if (hasSettled(episode)) break;
        const ledger = account.ledger;
        if (ledger.cash !== piles.settledCash) expect(ledger.cash, place).toBe(piles.settledCash);
        if (ledger.positions[0] !== piles.yes - piles.no) {
          expect(ledger.positions[0], place).toBe(piles.yes - piles.no);
        }
        if (ledger.fees !== piles.fees) expect(ledger.fees, place).toBe(piles.fees);
        if (account.ledger.cash < 0) expect(account.ledger.cash, place).toBeGreaterThanOrEqual(0);
        const { venueLedger } = episode.orders;
        if (venueLedger.cash < 0) expect(venueLedger.cash, place).toBeGreaterThanOrEqual(0);
      }
      if (hasSettled(episode)) {
        settled += 1;
        const info = episode.data.info;
        const worth = info.settlement?.valueCc ?? Number.NaN;
        const net = piles.yes - piles.no;
        const paid = net >= 0 ? net * worth : -net * (10_000 - worth);
        expect(account.ledger.cash, place).toBe(piles.settledCash + paid);
        expect(episode.orders.venueLedger.cash, place).toBe(account.ledger.cash);
        expect(account.openCount, place).toBe(0);
      }
      // Rewards add up to what the portfolio gained.
      expect(value, place).toBe(episode.value - settings.startingCash);
      for (const { taken, size } of piles.given.values()) {
        if (taken > size) expect(taken, place).toBeLessThanOrEqual(size);
      }
      fills += piles.yes + piles.no > 0 ? 1 : 0;
    }
    // The walk must have been one in which things happened.
    expect(fills).toBeGreaterThan(40);
    expect(settled).toBeGreaterThan(3);
  });
});
