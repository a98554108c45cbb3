/** The parts that a REST client is made of: bucket, lane, backoff, calls, sentences. */
import { expect, test } from "vitest";
import {
  lots,
  OperationError,
  Prng,
  SimulatedScheduler,
  timestampUs,
} from "../../src/core/index.ts";
import { backoffUs } from "../../src/kalshi/backoff.ts";
import { sentenceOf, valueOf } from "../../src/kalshi/rest/answer.ts";
import { calls, CostTable, FORMER_COSTS } from "../../src/kalshi/rest/calls.ts";
import { Lane } from "../../src/kalshi/rest/lane.ts";
import { TokenBucket } from "../../src/kalshi/rest/token-bucket.ts";

const SECOND = 1_000_000;

test("a bucket never lets through more than its content and what has flowed in, in any window", () => {
  const seed = 3;
  const prng = Prng.fromSeed(seed);
  const limit = { refillPerSecond: 100, capacity: 250 };
  const bucket = new TokenBucket(limit, 0);
  const taken: { atUs: number; cost: number }[] = [];
  let nowUs = 0;
  for (let step = 0; step < 3_000; step++) {
    nowUs += prng.integer(300_000);
    const cost = [2, 10, 10, 50, 250][prng.integer(5)] ?? 10;
    const waitUs = bucket.waitUs(cost, nowUs);
    if (waitUs > 0) {
      // The wait is exact: a microsecond before its end the tokens are not there yet.
      expect(bucket.waitUs(cost, nowUs + waitUs - 1)).toBe(1);
      nowUs += waitUs;
    }
    bucket.take(cost, nowUs);
    taken.push({ atUs: nowUs, cost });
  }
  for (let first = 0; first < taken.length; first += 37) {
    let sum = 0;
    const from = taken[first]?.atUs ?? 0;
    for (const { atUs, cost } of taken.slice(first, first + 400)) {
      sum += cost;
      const most = limit.capacity + ((atUs - from) * limit.refillPerSecond) / SECOND;
      if (sum > most) throw new Error(`seed ${seed} from ${first}: ${sum} within ${most}`);
    }
  }
});

test("a clock that is set back brings no tokens; more than the bucket holds never comes", () => {
  const bucket = new TokenBucket({ refillPerSecond: 10, capacity: 10 }, 100 * SECOND);
  bucket.take(10, 100 * SECOND);
  expect(bucket.tokens(50 * SECOND)).toBe(0);
  expect(bucket.tokens(50.5 * SECOND)).toBe(5);
  expect(bucket.waitUs(11, 60 * SECOND)).toBe(Infinity);
  bucket.setLimit({ refillPerSecond: 100, capacity: 300 }, 60 * SECOND);
  expect(bucket.tokens(60 * SECOND)).toBe(300);
});

test("waits double up to a bound, half of each by chance, and repeat with the seed", () => {
  const settings = { firstUs: 250_000, mostUs: 8_000_000 };
  const waits = (seed: number): number[] => {
    const prng = Prng.fromSeed(seed);
    return Array.from({ length: 40 }, (_, attempt) => backoffUs(settings, attempt, prng));
  };
  waits(1).forEach((wait, attempt) => {
    const base = Math.min(8_000_000, 250_000 * 2 ** Math.min(attempt, 20));
    expect(wait).toBeGreaterThanOrEqual(base / 2);
    expect(wait).toBeLessThanOrEqual(base);
  });
  expect(waits(1)).toEqual(waits(1));
  expect(waits(1)).not.toEqual(waits(2));
});

test("cancels overtake, and others leave them a tenth of the bucket", () => {
  const scheduler = new SimulatedScheduler(timestampUs(0));
  const settings = { inFlightMax: 100, urgentPercent: 10 };
  const lane = new Lane(scheduler, settings, { refillPerSecond: 100, capacity: 100 });
  const log: string[] = [];
  const enter = (name: string, cost: number, isUrgent: boolean): void => {
    lane.enter({
      cost,
      isUrgent,
      waitUsMax: 10 * SECOND,
      run: () => log.push(`${name} at ${scheduler.nowUs() / 1_000}`),
      giveUp: (reason) => log.push(`${name}: ${reason}`),
    });
  };
  for (let order = 0; order < 11; order++) enter(`order ${order}`, 10, false);
  // Nine go at once: the tenth would leave less than ten tokens.
  expect(log).toHaveLength(9);
  for (let cancel = 0; cancel < 5; cancel++) enter(`cancel ${cancel}`, 2, true);
  expect(log).toHaveLength(14);
  enter("cancel 5", 2, true);
  enter("too much", 101, false);
  scheduler.advanceTo(SECOND);
  expect(log.slice(14)).toEqual([
    "cancel 5 at 20",
    "order 9 at 220",
    "order 10 at 320",
    "too much: it costs 101 tokens, and the account's bucket holds 100",
  ]);
});

test("what waits too long is given up unsent, and a pause holds everything", () => {
  const scheduler = new SimulatedScheduler(timestampUs(0));
  const lane = new Lane(
    scheduler,
    { inFlightMax: 1, urgentPercent: 0 },
    { refillPerSecond: 100, capacity: 100 },
  );
  const log: string[] = [];
  const enter = (name: string, waitUsMax: number): void => {
    lane.enter({
      cost: 10,
      isUrgent: false,
      waitUsMax,
      run: () => log.push(`${name} at ${scheduler.nowUs()}`),
      giveUp: () => log.push(`${name} given up at ${scheduler.nowUs()}`),
    });
  };
  enter("first", SECOND);
  enter("second", SECOND);
  scheduler.advanceTo(2 * SECOND);
  expect(log).toEqual(["first at 0", "second given up at 1000000"]);
  lane.pause(3 * SECOND);
  lane.leave();
  enter("third", 10 * SECOND);
  scheduler.advanceTo(10 * SECOND);
  expect(log.slice(2)).toEqual(["third at 5000000"]);
  enter("fourth", 10 * SECOND);
  lane.clear("the end");
  expect(log.slice(3)).toEqual(["fourth given up at 10000000"]);
  expect([lane.inFlight, lane.waiting]).toEqual([1, 0]);
});

test("calls name what they cost, by the venue's table where it has told one", () => {
  const former = new CostTable(FORMER_COSTS, "/trade-api/v2");
  expect(former.of(calls.cancelOrder("o-1"))).toBe(2);
  expect(former.of(calls.exchangeStatus())).toBe(10);
  const told = new CostTable(
    {
      defaultCost: 7,
      costs: [{ method: "DELETE", path: "/trade-api/v2/portfolio/events/orders/:id", cost: 3 }],
    },
    "/trade-api/v2",
  );
  expect(told.of(calls.cancelOrder("o-1"))).toBe(3);
  const cancel = { orderId: "o", subaccount: null, exchangeIndex: null, ticker: null };
  expect(former.of(calls.cancelOrders([cancel, cancel, cancel]))).toBe(6);
  expect(told.of(calls.cancelOrders([cancel, cancel, cancel]))).toBe(21);
});

test("paths are encoded, empty parts of a query are left out, only cancels and readings repeat", () => {
  expect(calls.market("A/B?c").path).toBe("/markets/A%2FB%3Fc");
  expect(calls.market("half \ud800").path).toBe("/markets/half%20%EF%BF%BD");
  expect(calls.orders({ ticker: "T", cursor: "", limit: 5 }).path).toBe(
    "/portfolio/orders?ticker=T&limit=5",
  );
  const decrease = { by: lots(1), to: null, exchangeIndex: null, ticker: null };
  expect(calls.decreaseOrder("o", decrease).path).toBe("/portfolio/events/orders/o/decrease");
  expect(calls.decreaseOrder("o", decrease).isRepeatable).toBe(false);
  expect(calls.cancelOrder("o").isRepeatable).toBe(true);
  expect(calls.cancelAllOrders().read("")).toBeNull();
});

test("each refusal is one plain sentence", () => {
  const refused = (
    status: number,
    code: string,
    details = "",
    ahead: number | null = null,
  ): string =>
    sentenceOf({
      kind: "refused",
      status,
      fault: { code, message: code, details },
      clockAheadSeconds: ahead,
    });
  expect(refused(401, "header_timestamp_expired", "", -42)).toBe(
    "the venue refused the request's time: this machine's clock is 42 s behind the venue's; set it",
  );
  expect(refused(401, "authentication_error", "INCORRECT_API_KEY_SIGNATURE")).toContain(
    "the private key does not belong to this key id",
  );
  expect(refused(401, "authentication_error", "NOT_FOUND")).toContain("does not know this key id");
  expect(refused(400, "insufficient_balance")).toContain("not enough free cash");
  expect(refused(400, "invalid_order", "post only cross")).toBe(
    "the venue refused with status 400, invalid_order: post only cross",
  );
  expect(refused(418, "")).toBe("the venue refused with status 418");
  expect(valueOf({ kind: "ok", value: 5 }, "reading")).toBe(5);
  expect(() => valueOf({ kind: "failed", reason: "nothing listens at x" }, "reading")).toThrow(
    new OperationError("VENUE_FAILED", "reading: nothing listens at x"),
  );
});
