import { join } from "node:path";
import { expect, test } from "vitest";
import { Prng } from "../../src/core/index.ts";
import {
  BookSide,
  createSession,
  EventKind,
  openSession,
  queueQuality,
  SAMPLES,
  type SessionWriter,
  StampResolution,
  streamRows,
  type Tape,
} from "../../src/market/index.ts";
import { generateTrueQueues } from "../fixtures/true-queues.ts";
import { cents, facts, START_US, temporaryFolder } from "./sessions-fixture.ts";

const folder = temporaryFolder();
let made = 0;

function tapeOf(write: (writer: SessionWriter) => void): Tape {
  const path = join(folder, String(made++));
  const writer = createSession(path, facts(["A"]));
  write(writer);
  writer.finish();
  const session = openSession(path);
  const built = session.readTape();
  // From the file, what is read is what was made.
  expect(session.readTape()).toEqual(built);
  session.close();
  return built;
}

/** Writes bids at 40 cents: an arrival of +n, a cancel of -n, a trade of n as ["t", n]. */
type Step = number | readonly ["t" | "early" | "lone", number];

function flow(opening: number, steps: readonly Step[], price = 40) {
  return (writer: SessionWriter): void => {
    const level = { side: BookSide.bid, priceCc: cents(price), size: opening };
    writer.snapshot(0, opening > 0 ? [level] : []);
    let atUs = START_US;
    for (const step of steps) {
      atUs += 10;
      if (typeof step === "number") {
        writer.delta(0, BookSide.bid, cents(price), step, atUs);
        continue;
      }
      const [kind, size] = step;
      const delta = (): void => writer.delta(0, BookSide.bid, cents(price), -size, atUs);
      if (kind === "t") delta();
      writer.trade(0, BookSide.bid, cents(price), size, atUs, StampResolution.microsecond);
      if (kind === "early") delta();
    }
  };
}

/** Attributed rows of the cancels, in order. */
function attributed(tape: Tape): number[] {
  const rows: number[] = [];
  for (let row = 0; row < tape.rowCount; row++) {
    const isCancel =
      tape.kind[row] === EventKind.delta &&
      (tape.size[row] ?? 0) < 0 &&
      (tape.pairRow[row] ?? 0) < 0;
    if (isCancel) rows.push(tape.queueRow[row] ?? NaN);
    else expect(tape.queueRow[row]).toBe(-1);
  }
  return rows;
}

test("a cancel is the newest order of exactly its size", () => {
  // Rows: 0 snapshot, 1 its level, 2 to 5 arrivals.
  const tape = tapeOf(flow(700, [300, 500, 300, 200, -300, -300, -500]));
  expect(attributed(tape)).toEqual([4, 2, 3]);
  expect(queueQuality(tape)).toMatchObject({ cancels: 3, exactCancels: 3, exactShare: 1 });
});

test("two orders that come to a cancel go together, named by the newer", () => {
  // 300 and 400 make 700; the next 200 is then what is left.
  const tape = tapeOf(flow(0, [300, 900, 400, 200, -700, -200, -900]));
  expect(attributed(tape)).toEqual([3, 4, 2]);
  expect(queueQuality(tape)).toMatchObject({ exactCancels: 2, twofoldCancels: 1 });
});

test("a decrease is the newest larger order's, first one that was decreased before", () => {
  // 50 off the newer 900; then 60 again off it, though a newer one of 800 has come; the rest of it
  // is 790, which then goes as a whole.
  const tape = tapeOf(flow(0, [900, 900, -50, 800, -60, -790, -900, -800]));
  expect(attributed(tape)).toEqual([2, 2, 2, 1, 4]);
  expect(queueQuality(tape)).toMatchObject({ exactCancels: 3, decreases: 2 });
});

test("only what no later order explains is the opening lump's", () => {
  const tape = tapeOf(flow(1000, [300, -200, -600, -100, -400]));
  // 200 off the order of 300, 600 off the lump, 100 the rest of the order, 400 the rest of the lump.
  expect(attributed(tape)).toEqual([2, 1, 2, 1]);
  expect(queueQuality(tape)).toMatchObject({ exactCancels: 1, decreases: 1, openingCancels: 2 });
});

test("what fits nobody comes from the back", () => {
  // 700 is more than each and no two: it takes 300 and 200, and 200 of the 400 in front.
  const tape = tapeOf(flow(0, [400, 200, 300, -750, -150, 100, -100, 100, -100]));
  expect(attributed(tape)).toEqual([-1, 1, 6, 8]);
  expect(queueQuality(tape)).toMatchObject({ exactCancels: 3, unattributedCancels: 1 });
});

test("trades take from the front, and one larger than the order there is a contradiction", () => {
  const trades = [
    ["t", 300],
    ["t", 100],
    ["early", 100],
    ["t", 250],
    ["lone", 50],
  ] as const;
  const tape = tapeOf(flow(300, [150, 200, 300, ...trades, -200, 100, -100, 100, -100]));
  // 300 are the lump; 100 of 150; 50 there against 100: contradiction, 150 of 200 stay; 250 against
  // 150 again, 200 of 300 stay, which are cancelled.
  expect(attributed(tape)).toEqual([-1, -1, -1]);
  expect(queueQuality(tape)).toMatchObject({
    trades: 5,
    unpairedTrades: 1,
    openingTrades: 1,
    consistentTrades: 1,
    consistentShare: 1 / 3,
    exactCancels: 3,
    exactShare: 1,
    // Two of three contradict: nothing of it is used.
    used: false,
  });
});

test("a partly traded order is cancelled with what is left of it", () => {
  const tape = tapeOf(flow(0, [500, 300, ["t", 200], -300, -300]));
  // Both have 300 left; the newer goes first.
  expect(attributed(tape)).toEqual([2, 1]);
  expect(queueQuality(tape)).toMatchObject({ consistentTrades: 1, used: true });
});

test("a snapshot keeps the queues; what it lacks was behind, what it adds stands behind", () => {
  const level = (price: number, size: number) =>
    ({ side: BookSide.bid, priceCc: cents(price), size }) as const;
  const tape = tapeOf((writer) => {
    writer.snapshot(0, []); // row 0
    writer.delta(0, BookSide.bid, cents(40), 300, START_US + 1);
    writer.delta(0, BookSide.bid, cents(40), 200, START_US + 2);
    writer.delta(0, BookSide.bid, cents(41), 200, START_US + 3);
    writer.delta(0, BookSide.bid, cents(42), 600, START_US + 4);
    writer.snapshot(0, [level(40, 400), level(41, 900)]); // rows 5, 6 and 7
    writer.delta(0, BookSide.bid, cents(40), -300, START_US + 5); // row 1, whole
    writer.delta(0, BookSide.bid, cents(40), -100, START_US + 6); // row 2, cut to 100
    writer.delta(0, BookSide.bid, cents(41), -500, START_US + 7); // the lump of 700, row 7
    writer.delta(0, BookSide.bid, cents(41), -200, START_US + 8); // row 3
    writer.delta(0, BookSide.bid, cents(42), 600, START_US + 9); // row 12: the old one is gone
    writer.delta(0, BookSide.bid, cents(42), -600, START_US + 10);
  });
  expect(attributed(tape)).toEqual([1, 2, 7, 3, 12]);
});

test("after a gap the queues are unknown until a snapshot starts them anew", () => {
  const level = { side: BookSide.bid, priceCc: cents(40), size: 300 } as const;
  const tape = tapeOf((writer) => {
    writer.snapshot(0, [level]);
    writer.delta(0, BookSide.bid, cents(40), 100, START_US + 1);
    writer.gap({
      market: null,
      scope: "book",
      reason: "sequence",
      missing: 1,
      sid: 1,
      firstSeq: 5,
    });
    writer.delta(0, BookSide.bid, cents(40), -100, START_US + 2);
    writer.snapshot(0, [level]);
    writer.delta(0, BookSide.bid, cents(40), -100, START_US + 3);
  });
  // The row in the gap is nobody's; the later one is the new lump's, row 6.
  expect(attributed(tape)).toEqual([-1, 6]);
  expect(queueQuality(tape)).toMatchObject({ cancels: 1, openingCancels: 1 });
});

/** The rules as plainly as they read, over lists of orders. */
function plainRows(tape: Tape): number[] {
  const [first, end] = streamRows(tape, 0);
  const queues = new Map<string, { row: number; left: number; cut: boolean; lump: boolean }[]>();
  const rows = new Array<number>(tape.rowCount).fill(-1);
  for (let row = first; row < end; row++) {
    const key = `${tape.side[row] ?? 0} ${tape.priceCc[row] ?? 0}`;
    const size = tape.size[row] ?? 0;
    const pair = tape.pairRow[row] ?? -1;
    const kind = tape.kind[row];
    if (kind === EventKind.snapshot) queues.clear();
    if (kind !== EventKind.delta && kind !== EventKind.trade && kind !== EventKind.level) continue;
    const queue = queues.get(key) ?? queues.set(key, []).get(key) ?? [];
    const isTrade = pair > row;
    if (kind === EventKind.trade && !isTrade) continue;
    if (!isTrade && size > 0) {
      queue.push({ row, left: size, cut: false, lump: kind === EventKind.level });
      continue;
    }
    if (kind === EventKind.delta && pair >= 0 && !isTrade) continue;
    const wanted = Math.abs(size);
    const takeFrom = (from: "pop" | "shift"): void => {
      for (let due = wanted; due > 0 && queue.length > 0;) {
        const order = queue.at(from === "pop" ? -1 : 0);
        if (order === undefined) return;
        const taken = Math.min(due, order.left);
        order.left -= taken;
        due -= taken;
        if (order.left === 0) queue[from]();
      }
    };
    if (isTrade) {
      takeFrom("shift");
      continue;
    }
    const newest = [...queue].reverse();
    const known = newest.filter(({ lump }) => !lump);
    const gone = (...orders: { row: number }[]): void => {
      const left = queue.filter((order) => !orders.includes(order));
      queue.splice(0, queue.length, ...left);
    };
    const exact = known.find(({ left }) => left === wanted);
    if (exact !== undefined) {
      rows[row] = exact.row;
      gone(exact);
      continue;
    }
    const two = newest
      .slice(0, 64)
      .flatMap((newer, index) =>
        newest.slice(index + 1, 64).map((older) => [newer, older] as const),
      )
      .find(([newer, older]) => newer.left + older.left === wanted && !newer.lump && !older.lump);
    if (two !== undefined) {
      rows[row] = two[0].row;
      gone(...two);
      continue;
    }
    const whose =
      newest.find(({ left, cut }) => left > wanted && cut) ??
      known.find(({ left }) => left > wanted) ??
      newest.find(({ left, lump }) => left >= wanted && lump);
    if (whose === undefined) {
      takeFrom("pop");
      continue;
    }
    rows[row] = whose.row;
    whose.left -= wanted;
    whose.cut = true;
    if (whose.left === 0) gone(whose);
  }
  return rows;
}

test("random flow is attributed as a plain reading of the rules attributes it", () => {
  const seed = Number(process.env["SEED"] ?? 5);
  let attributions = 0;
  for (let round = 0; round < 20; round++) {
    const prng = Prng.fromSeed(seed + round);
    const tape = tapeOf((writer) => {
      // What stands at three prices, as a list of sizes each; the first of two is a lump.
      const levels: number[][] = [[500], [700], []];
      writer.snapshot(
        0,
        [0, 1].map((at) => ({
          side: BookSide.bid,
          priceCc: cents(40 + at),
          size: levels[at]?.[0] ?? 0,
        })),
      );
      for (let step = 0; step < 700; step++) {
        const at = prng.integer(3);
        const orders = levels[at] ?? [];
        const atUs = START_US + step;
        const cc = cents(40 + at);
        const what = prng.integer(20);
        const which = prng.integer(Math.max(1, orders.length));
        const size = orders[which] ?? 0;
        if (what < 10 || size === 0) {
          const added = 1 + prng.integer(12);
          orders.push(added);
          writer.delta(0, BookSide.bid, cc, added, atUs);
        } else if (what < 13) {
          // A trade takes part of the front order or all of it.
          const taken = 1 + prng.integer(orders[0] ?? 1);
          orders[0] = (orders[0] ?? 0) - taken;
          if (orders[0] === 0) orders.shift();
          const delta = (): void => writer.delta(0, BookSide.bid, cc, -taken, atUs);
          const early = prng.integer(4) === 0;
          if (!early) delta();
          writer.trade(0, BookSide.bid, cc, taken, atUs, StampResolution.microsecond);
          if (early) delta();
        } else if (what < 15 && orders[which + 1] !== undefined) {
          writer.delta(0, BookSide.bid, cc, -size - (orders[which + 1] ?? 0), atUs);
          orders.splice(which, 2);
        } else if (what < 16 && size > 1) {
          writer.delta(0, BookSide.bid, cc, -1, atUs);
          orders[which] = size - 1;
        } else {
          writer.delta(0, BookSide.bid, cc, -size, atUs);
          orders.splice(which, 1);
        }
      }
    });
    // Judged as used, or there is nothing to compare.
    const rows = [...tape.queueRow];
    if (!queueQuality(tape).used) {
      expect(rows.every((row) => row === -1)).toBe(true);
      continue;
    }
    expect(rows, `seed ${seed} round ${round}`).toEqual(plainRows(tape));
    attributions += rows.filter((row) => row >= 0).length;
  }
  expect(attributions).toBeGreaterThan(1_000);
});

test("of a generated market's cancels, whose orders are known, 19 in 20 are attributed right", () => {
  const [sample] = SAMPLES;
  if (sample === undefined) throw new Error("there is a sample session");
  const { tape, truth } = generateTrueQueues(join(folder, "true"), { ...sample, id: "true" });
  let cancels = 0;
  let right = 0;
  for (let row = 0; row < tape.rowCount; row++) {
    const whose = truth.queueRow[row] ?? -1;
    if (whose < 0) continue;
    cancels += 1;
    if (tape.queueRow[row] === whose) right += 1;
  }
  expect(cancels).toBe(queueQuality(tape).cancels);
  expect(right / cancels).toBeGreaterThan(0.95);
});

test("the sample sessions are attributed as a plain reading attributes them", () => {
  const session = openSession("sessions/sample-2");
  const tape = session.readTape();
  session.close();
  const [first, end] = streamRows(tape, 0);
  expect([...tape.queueRow.subarray(first, end)]).toEqual(plainRows(tape).slice(first, end));
  const quality = queueQuality(tape, [0]);
  expect(quality.used).toBe(true);
  const { exactCancels, twofoldCancels, decreases, openingCancels } = quality;
  expect(exactCancels + twofoldCancels + decreases + openingCancels).toBe(
    quality.cancels - quality.unattributedCancels,
  );
});
