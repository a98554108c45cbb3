/** Writes what is told about a session into its database; `session.ts` reads it. */
import type Database from "better-sqlite3";
import { FEE_CHANGE_TABLE, type Gap, type SessionFacts } from "./session-format.ts";

export function storeValue(db: Database.Database, key: string, value: string): void {
  db.prepare("INSERT OR REPLACE INTO session VALUES (?, ?)").run(key, value);
}

/** Puts `facts` in the place of those that are there. */
export function storeFacts(db: Database.Database, facts: SessionFacts): void {
  storeValue(db, "id", facts.id);
  storeValue(db, "source", facts.source);
  storeValue(db, "strictGaps", String(facts.strictGaps ?? false));
  db.exec("DELETE FROM market; DELETE FROM event; DELETE FROM reference;");
  const market = db.prepare("INSERT INTO market VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  facts.markets.forEach((info, stream) => {
    market.run(
      stream,
      info.ticker,
      info.eventTicker,
      info.seriesTicker,
      info.closeUs,
      JSON.stringify(info.priceRanges.map((band) => [band.startCc, band.endCc, band.stepCc])),
      info.fees.type,
      info.fees.multiplierPpm,
      info.settlement?.valueCc ?? null,
      info.settlement?.source ?? null,
    );
  });
  storeFeeChanges(db, facts);
  const event = db.prepare("INSERT INTO event VALUES (?, ?, ?)");
  for (const info of facts.events) {
    event.run(info.eventTicker, info.exclusive ? 1 : 0, info.marketCount);
  }
  const reference = db.prepare("INSERT INTO reference VALUES (?, ?)");
  facts.references.forEach((name, index) => reference.run(facts.markets.length + index, name));
}

function storeFeeChanges(db: Database.Database, { markets }: SessionFacts): void {
  db.exec("DROP TABLE IF EXISTS fee_change");
  if (markets.every(({ feeChanges = [] }) => feeChanges.length === 0)) return;
  db.exec(FEE_CHANGE_TABLE);
  const insert = db.prepare("INSERT INTO fee_change VALUES (?, ?, ?, ?)");
  markets.forEach(({ feeChanges = [] }, stream) => {
    for (const { atUs, terms } of feeChanges) {
      insert.run(stream, atUs, terms.type, terms.multiplierPpm);
    }
  });
}

export function storeGaps(db: Database.Database, gaps: readonly Gap[]): void {
  const insert = db.prepare("INSERT INTO gap VALUES (?, ?, ?, ?, ?, ?, ?)");
  for (const { position, market, scope, reason, missing, sid, firstSeq } of gaps) {
    insert.run(position, market, scope, reason, missing, sid, firstSeq);
  }
}
