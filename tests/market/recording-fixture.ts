/** Hand-made recordings: wire messages and files of them. */
import { writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

/** Wire messages, one object each, as the lines of a recorded file (with blank lines between). */
export function writeRecording(path: string, messages: readonly unknown[], gzip = false): string {
  const text = messages
    .map((message) => `${typeof message === "string" ? message : JSON.stringify(message)}\n\n`)
    .join("");
  writeFileSync(path, gzip ? gzipSync(text) : text);
  return path;
}

export function snapshotMessage(
  seq: number,
  ticker: string,
  yes: readonly (readonly [string, string])[],
  no: readonly (readonly [string, string])[],
): object {
  const sides = {
    ...(yes.length > 0 && { yes_dollars_fp: yes }),
    ...(no.length > 0 && { no_dollars_fp: no }),
  };
  return { type: "orderbook_snapshot", sid: 1, seq, msg: { market_ticker: ticker, ...sides } };
}

export function deltaMessage(
  seq: number,
  ticker: string,
  side: "yes" | "no",
  price: string,
  delta: string,
  ts: string,
): object {
  return {
    type: "orderbook_delta",
    sid: 1,
    seq,
    msg: { market_ticker: ticker, price_dollars: price, delta_fp: delta, side, ts },
  };
}

export function tradeMessage(
  seq: number,
  ticker: string,
  taker: "yes" | "no",
  yesPrice: string,
  count: string,
  ts: number,
): object {
  return {
    type: "trade",
    sid: 2,
    seq,
    msg: {
      trade_id: "2b8b9e7e-c6b2-649b-a72a-5b9f7408572b",
      market_ticker: ticker,
      yes_price_dollars: yesPrice,
      count_fp: count,
      taker_side: taker,
      ts,
    },
  };
}
