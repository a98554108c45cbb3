/**
 * What a market's profit is made of. Every fill is seen from three marks: the one before the fact
 * that it rests on, the market's last one, and what a contract came to in the end. With q signed lots
 * at price p, m before the fill, M last and V the end's value:
 *   spread q (m - p), adverse selection q (M - m), settlement q (V - M), and the fees.
 * Their sum is q (V - p) less the fees, which is what the fill earned. All integers, nothing rounded
 * but a payout, which is of whole cents: what that takes is part of the settlement.
 */
import { US_PER_SECOND } from "../../core/index.ts";
import type { MarketInfo } from "../../market/index.ts";
import type { MarkLog } from "./mark-log.ts";
import type { RawFill } from "./recorder.ts";
import { type FillRow, HORIZONS_S, type MarketResult } from "./results.ts";
import type { Held } from "./world.ts";

/** A market as its fills are judged by. */
export interface Course {
  readonly marks: MarkLog;
  /** Its last time: its close, or the end of its recording. */
  readonly lastUs: number;
}

/** Fills with the marks around them. */
export function withMarks(fills: readonly RawFill[], courses: readonly Course[]): FillRow[] {
  return fills.map((fill) => {
    const { marks, lastUs } = courses[fill.market] as Course;
    const laterCc = HORIZONS_S.map((seconds) => {
      const laterUs = fill.atUs + seconds * US_PER_SECOND;
      return laterUs <= lastUs ? marks.at(laterUs) : null;
    });
    return { ...fill, markCc: markBefore(fill, marks), laterCc };
  });
}

function markBefore({ evidence, row, atUs }: RawFill, marks: MarkLog): number {
  if (evidence === "venue") return marks.at(atUs);
  // What an order took had been there after that row.
  return marks.before(evidence === "book" ? row + 1 : row);
}

export interface Judged {
  readonly infos: readonly MarketInfo[];
  readonly courses: readonly Course[];
  readonly fills: readonly FillRow[];
  readonly held: readonly (Held | null)[];
}

/** The result of each market, in their order. */
export function marketResults({ infos, courses, fills, held }: Judged): MarketResult[] {
  return infos.map((info, market) => {
    const { marks, lastUs } = courses[market] as Course;
    const end = held[market] ?? { lots: 0, cost: 0, endCc: 0, isSettled: false, lost: 0 };
    const lastCc = marks.at(lastUs);
    let [count, lots, spread, adverse, net, fees] = [0, 0, 0, 0, 0, 0];
    for (const fill of fills) {
      if (fill.market !== market) continue;
      const signed = fill.sign * fill.lots;
      count += 1;
      lots += fill.lots;
      net += signed;
      spread += signed * (fill.markCc - fill.priceCc);
      adverse += signed * (lastCc - fill.markCc);
      fees -= fill.fee;
    }
    const settlement = net * (end.endCc - lastCc) - end.lost;
    return {
      ticker: info.ticker,
      eventTicker: info.eventTicker,
      seriesTicker: info.seriesTicker,
      fills: count,
      lots,
      profit: spread + adverse + settlement + fees,
      spread: plain(spread),
      adverse: plain(adverse),
      settlement: plain(settlement),
      fees: plain(fees),
      heldLots: end.lots,
      endCc: end.endCc,
      isSettled: end.isSettled,
      heldCost: end.cost,
    };
  });
}

/** Without the sign of a negative zero. */
function plain(value: number): number {
  return value === 0 ? 0 : value;
}
