/**
 * Random sessions and random orders through the simulator and through a second, slow implementation
 * of its rules: event for event, and in every micro-dollar, they agree.
 *
 * REFERENCE_SESSIONS says how many sessions; REFERENCE_SEED runs the one session of a reported seed.
 */
import { expect, test } from "vitest";
import { compare, randomCase, report, type Tally } from "./compare.ts";

const SESSIONS = Number(process.env["REFERENCE_SESSIONS"] ?? 1_000);
const SEED = process.env["REFERENCE_SEED"];

const seeds =
  SEED === undefined ? Array.from({ length: SESSIONS }, (_, index) => `r${index}`) : [SEED];

/** Without these, agreement may be that of two who do nothing. */
const MUST_HAPPEN = [
  "filled taker book",
  "filled maker trade",
  "filled maker quote",
  "amended",
  "cancelled requested",
  "cancelled expired",
  "cancelled self_trade",
  "cancelled immediate_or_cancel",
  "cancelled exceeds_position",
  "cancelled feed_gap",
  "cancelled market_closed",
  "rejected insufficient_balance",
  "rejected fill_or_kill_unfilled",
  "rejected post_only_cross",
  "rejected exceeds_position",
  "rejected duplicate_client_order_id",
  "rejected invalid_price",
  "rejected invalid_size",
  "rejected invalid_order",
  "rejected invalid_expiration",
  "rejected book_unknown",
  "rejected market_closed",
];

test(`${seeds.length} random sessions, event for event`, { timeout: 3_600_000 }, () => {
  const tally: Tally = {};
  for (const seed of seeds) {
    const play = randomCase(seed);
    if (compare(play, tally) !== null) expect.fail(report(play));
  }
  const rare = MUST_HAPPEN.filter((what) => (tally[what] ?? 0) < seeds.length / 10);
  if (SEED === undefined) expect(rare).toEqual([]);
});
