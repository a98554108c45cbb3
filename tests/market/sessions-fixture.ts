/** Small hand-made sessions for the tests of this room. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import type { CentiCents, Prng } from "../../src/core/index.ts";
import {
  BookSide,
  LINEAR_CENT,
  type MarketInfo,
  type SessionFacts,
  type SessionWriter,
  StampResolution,
} from "../../src/market/index.ts";

export const START_US = 1_773_862_560_000_000;

/** A folder that is removed when the file's tests are done. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-market-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function market(ticker: string): MarketInfo {
  return {
    ticker,
    eventTicker: "KXTEST-26MAR18",
    seriesTicker: "KXTEST",
    closeUs: null,
    priceRanges: LINEAR_CENT,
    fees: { type: "quadratic", multiplierPpm: 1_000_000 },
    settlement: null,
  };
}

export function facts(
  tickers: readonly string[],
  references: readonly string[] = [],
): SessionFacts {
  return {
    id: "test",
    source: "test",
    markets: tickers.map(market),
    events: [{ eventTicker: "KXTEST-26MAR18", exclusive: false, marketCount: null }],
    references,
  };
}

export const cents = (price: number): CentiCents => (price * 100) as CentiCents;

/** Appends `count` random events of all kinds to a session of two markets and one reference. */
export function appendRandom(writer: SessionWriter, prng: Prng, count: number): void {
  let atUs = START_US;
  for (let index = 0; index < count; index++) {
    atUs += prng.integer(3) === 0 ? 0 : prng.integer(90_000);
    const stream = prng.integer(2);
    const side = prng.integer(2) === 0 ? BookSide.bid : BookSide.ask;
    const priceCc = cents(1 + prng.integer(99));
    // Few sizes and prices, so that trades find several deltas that could be theirs.
    const size = 100 * (1 + prng.integer(3));
    const near = cents(40 + prng.integer(2));
    const secondUs = Math.floor(atUs / 1e6) * 1e6;
    const what = prng.integer(20);
    if (what < 8) writer.delta(stream, side, near, -size, atUs - prng.integer(50_000));
    else if (what < 12) writer.delta(stream, side, priceCc, size * 7, atUs);
    else if (what < 16) writer.trade(stream, side, near, size, secondUs, StampResolution.second);
    else if (what === 16) {
      writer.trade(stream, side, near, size, atUs, StampResolution.millisecond);
    } else if (what === 17) writer.reference(0, 40_000_000 + prng.integer(1000), atUs);
    else if (what === 18 && prng.integer(4) === 0) {
      writer.snapshot(stream, [
        { side: BookSide.bid, priceCc: 4000, size: 500 },
        { side: BookSide.ask, priceCc: 4100, size: 700 },
      ]);
    } else if (prng.integer(2) === 0) {
      writer.blockTrade(stream, side, near, size, atUs, StampResolution.microsecond);
    } else writer.status(stream, 1, atUs);
  }
}
