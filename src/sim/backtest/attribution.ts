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
    const { atUs, market, orderId, sign, priceCc, lots, fee, isMaker, evidence, row } = fill;
    const { marks, lastUs } = courses[market] as Course;
    const markCc = markBefore(fill, marks);
    const laterCc: (number | null)[] = [];
    for (const seconds of HORIZONS_S) {
      const laterUs = atUs + seconds * US_PER_SECOND;
      laterCc.push(laterUs <= lastUs ? marks.at(laterUs) : null);
    }
    // Written out: a spread costs several times as much, and there may be a million of them.
    return {
      atUs,
      market,
      orderId,
      sign,
      priceCc,
      lots,
      fee,
      isMaker,
      evidence,
      row,
      markCc,
      laterCc,
    };
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
  const sums = infos.map(() => ({ count: 0, lots: 0, net: 0, spread: 0, adverse: 0, fees: 0 }));
  const lastCc = courses.map(({ marks, lastUs }) => marks.at(lastUs));
  for (const { market, sign, lots, markCc, priceCc, fee } of fills) {
    const sum = sums[market] as (typeof sums)[number];
    const signed = sign * lots;
    sum.count += 1;
    sum.lots += lots;
    sum.net += signed;
    sum.spread += signed * (markCc - priceCc);
    sum.adverse += signed * ((lastCc[market] as number) - markCc);
    sum.fees -= fee;
  }
  return infos.map((info, market) => {
    const end = held[market] ?? { lots: 0, cost: 0, endCc: 0, isSettled: false, lost: 0 };
    const sum = sums[market] as (typeof sums)[number];
    const settlement = sum.net * (end.endCc - (lastCc[market] as number)) - end.lost;
    return {
      ticker: info.ticker,
      eventTicker: info.eventTicker,
      seriesTicker: info.seriesTicker,
      fills: sum.count,
      lots: sum.lots,
      profit: plain(sum.spread + sum.adverse + settlement + sum.fees),
      spread: plain(sum.spread),
      adverse: plain(sum.adverse),
      settlement: plain(settlement),
      fees: plain(sum.fees),
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
