/**
 * Hostile input: seeded mutations of good messages, of bodies and of commands, and texts made of
 * JSON's own pieces. Each either reads or is refused with an `OperationError`; nothing else may come out,
 * and what reads must hold integers within their bounds.
 * `FUZZ=200000 SEED=9 npx vitest run tests/kalshi/wire-fuzz.test.ts` runs more of them.
 */
import { expect, test } from "vitest";
import { OperationError, Prng } from "../../src/core/index.ts";
import {
  bodies,
  readBody,
  readCommand,
  readEnvelope,
  readFault,
  readPayload,
} from "../../src/kalshi/index.ts";

const SEED = Number(process.env["SEED"] ?? 5);
const COUNT = Number(process.env["FUZZ"] ?? 20_000);

const FRAMES = [
  '{"type":"orderbook_snapshot","sid":1,"seq":1,"msg":{"market_ticker":"T","market_id":"m","yes_dollars_fp":[["0.4100","25.00"],["0.4300","5.00"]],"no_dollars_fp":[["0.5500","40.00"]]}}',
  '{"type":"orderbook_delta","sid":1,"seq":2,"msg":{"market_ticker":"T","market_id":"m","price_dollars":"0.4300","delta_fp":"-5.00","side":"no","ts":"2026-11-20T12:00:00.123456Z","ts_ms":1795176000123}}',
  '{"type":"trade","sid":2,"seq":1,"msg":{"trade_id":"7","market_ticker":"T","yes_price_dollars":"0.4500","count_fp":"3.00","taker_outcome_side":"yes","taker_book_side":"bid","ts_ms":1795176001456}}',
  '{"type":"fill","sid":4,"msg":{"trade_id":"7","order_id":"5","client_order_id":"c","market_ticker":"T","is_taker":true,"book_side":"bid","yes_price_dollars":"0.4500","count_fp":"3.00","fee_cost":"0.052000","post_position_fp":"3.00","ts_ms":1795176001456}}',
  '{"type":"market_lifecycle_v2","sid":7,"seq":4,"msg":{"market_ticker":"T","event_type":"determined","result":"yes","settlement_value":"1.0000","determination_ts":1795262400}}',
  '{"id":2,"type":"ok","sid":1,"seq":7,"msg":{"market_tickers":["T","U"]}}',
  '{"id":5,"type":"ok","msg":[{"channel":"trade","sid":2}]}',
  '{"id":6,"type":"error","msg":{"code":8,"msg":"Unknown channel name","market_ticker":"T"}}',
];
const COMMANDS = [
  '{"id":1,"cmd":"subscribe","params":{"channels":["orderbook_delta","trade"],"market_tickers":["T"],"use_yes_price":true}}',
  '{"id":3,"cmd":"update_subscription","params":{"sids":[1],"action":"get_snapshot","market_tickers":["T"]}}',
  '{"id":4,"cmd":"unsubscribe","params":{"sids":[2]}}',
];
const BODIES = [
  '{"orders":[{"order_id":"o","ticker":"T","book_side":"bid","status":"resting","yes_price_dollars":"0.9900","initial_count_fp":"3.00","fill_count_fp":"1.00","remaining_count_fp":"2.00","taker_fill_cost_dollars":"0.520000","maker_fill_cost_dollars":"0.000000","taker_fees_dollars":"0.017500","maker_fees_dollars":"0.000000","created_time":"2026-06-11T06:29:20.866123Z"}],"cursor":""}',
  '{"markets":[{"ticker":"T","event_ticker":"E","status":"active","open_time":"2026-11-20T00:00:00Z","close_time":"2026-12-01T15:00:00Z","price_ranges":[{"start":"0.0000","end":"1.0000","step":"0.0100"}]}],"cursor":"x"}',
  '{"balance":9801,"balance_dollars":"98.0186","portfolio_value":198,"updated_ts":1781159348}',
  '{"ticker":"T","side":"bid","count":"5.00","price":"0.4300","time_in_force":"good_till_canceled","self_trade_prevention_type":"taker_at_cross"}',
  '{"orderbook_fp":{"yes_dollars":[["0.4700","3.00"]],"no_dollars":[["0.4800","3.00"]]}}',
  '{"error":{"code":"invalid_order","message":"invalid order","details":"post only cross"}}',
];
const PIECES = [
  ...'{}[],:"\\0-.e\u0000\u2028',
  ...[
    "null",
    "true",
    "1e309",
    "-0",
    "9007199254740993",
    '"__proto__"',
    '"0.00001"',
    "\\ud800",
    "[[[[",
  ],
  ...["9".repeat(40), '{"constructor":{"prototype":{}}}', `"${"x".repeat(300)}"`, "\uFEFF", "NaN"],
];

function mutated(text: string, prng: Prng): string {
  let result = text;
  for (let times = 1 + prng.integer(4); times > 0; times--) {
    const at = prng.integer(result.length + 1);
    const end = Math.min(result.length, at + prng.integer(8));
    const piece = PIECES[prng.integer(PIECES.length)] ?? "";
    switch (prng.integer(5)) {
      case 0:
        result = result.slice(0, at) + piece + result.slice(at);
        break;
      case 1:
        result = result.slice(0, at) + result.slice(end);
        break;
      case 2:
        result = result.slice(0, at) + piece + result.slice(end);
        break;
      case 3:
        // One whole value gives way to a piece.
        result = result.replace(/"[^"]*"(?=[,}\]])|\d+(?=[,}\]])/, (value) =>
          prng.integer(2) === 0 ? value : piece,
        );
        break;
      default:
        result = prng.integer(20) === 0 ? result.slice(0, at) : result;
    }
  }
  return result;
}

/** Every number in what was read is finite; those of money, price, size and time are integers. */
function findUnfit(value: unknown, depth = 0): string | null {
  if (depth > 20) return "nested";
  if (typeof value === "number") return Number.isFinite(value) ? null : String(value);
  if (typeof value !== "object" || value === null) return null;
  for (const [name, member] of Object.entries(value)) {
    const exact = !/Strike$/.test(name);
    if (exact && typeof member === "number" && !Number.isSafeInteger(member)) return name;
    const within = findUnfit(member, depth + 1);
    if (within !== null) return within;
  }
  return null;
}

function judge(run: () => unknown, what: string): "read" | "refused" {
  try {
    const unfit = findUnfit(run());
    if (unfit !== null) throw new Error(`${what}: not an integer: ${unfit}`);
    return "read";
  } catch (error) {
    if (!(error instanceof OperationError)) throw new Error(what, { cause: error });
    if (error.message.length > 1_000) throw new Error(`${what}: a message that long`);
    return "refused";
  }
}

test("nothing that a venue or a client sends breaks a reader", () => {
  const prng = Prng.fromSeed(SEED);
  const codecs = Object.values(bodies);
  const tally = { read: 0, refused: 0 };
  for (let step = 0; step < COUNT; step++) {
    const from = [FRAMES, COMMANDS, BODIES][prng.integer(3)] ?? FRAMES;
    const text = mutated(from[prng.integer(from.length)] ?? "", prng);
    const what = `seed ${SEED} step ${step}: ${text}`;
    if (from === FRAMES) {
      tally[judge(() => readPayload(readEnvelope(text), step % 2 === 0), what)] += 1;
    } else if (from === COMMANDS) {
      tally[judge(() => readCommand(text), what)] += 1;
    } else {
      const codec = codecs[prng.integer(codecs.length)];
      if (codec !== undefined) {
        tally[judge(() => readBody<unknown>(codec as never, text, "body"), what)] += 1;
      }
      judge(() => readFault(400, text), what);
    }
  }
  // Both happen often, or the mutations are too weak or too strong to say anything.
  expect(tally.read).toBeGreaterThan(COUNT / 20);
  expect(tally.refused).toBeGreaterThan(COUNT / 20);
  expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain("x");
});

test("messages as long and as deep as can be sent are refused quickly", () => {
  const deep = `{"type":"trade","msg":${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}}`;
  const long = `{"type":"trade","msg":"${"x".repeat(5_000_000)}"}`;
  expect(judge(() => readEnvelope(deep), "deep")).toBe("refused");
  expect(judge(() => readEnvelope(long), "long")).toBe("refused");
  expect(readCommand(deep).kind).toBe("refused");
  expect(readFault(500, deep).message.length).toBeLessThan(400);
});
