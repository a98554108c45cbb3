/** What keeps the exchange from being led astray by its own users: bounds, and ways back. */
import { expect, test } from "vitest";
import { type CentiCents, SimulatedScheduler, type TimestampUs } from "../../src/core/index.ts";
import { ExchangeDriver, readFaultRules } from "../../src/exchange/index.ts";
import { marketSpec, TICKER } from "./exchange-case.ts";
import { RestCase, signedBy } from "./rest-case.ts";

const WS = "/trade-api/ws/v2";

function listen(at: RestCase) {
  const frames: string[] = [];
  const headers = signedBy(at.exchange.nowUs, "GET", WS);
  const line = at.exchange.connect({ method: "GET", path: WS, headers }, at.exchange.nowUs, {
    deliver: (frame) => frames.push(frame),
    broken: () => undefined,
  });
  if (line === null || "status" in line) throw new Error("the feed is open");
  return {
    frames,
    send: (command: unknown) => line.receive(JSON.stringify(command), at.exchange.nowUs),
  };
}

test("a crowd's order has a bound, so that sums stay exact", () => {
  const at = new RestCase();
  const before = at.exchange.engine.total();
  expect(at.crowd("ask", "0.5000", "90000000000000.00").status).toBe(400);
  expect(at.crowd("ask", "0.5000", "1000000.00").status).toBe(200);
  expect(at.crowd("bid", "0.5000", "1000000.00", true).body).toEqual({ filled: 1_000_000 });
  expect(at.exchange.engine.total()).toBe(before);
});

test("a clock that is off shuts nobody out of setting it right", () => {
  const at = new RestCase();
  const skew = [{ kind: "skew", amount_ms: 3_600_000 }];
  expect(at.ask("PUT", "/control/faults", { rules: skew }).status).toBe(200);
  expect(at.ask("GET", "/portfolio/balance").status).toBe(401);
  expect(at.ask("PUT", "/control/faults", { rules: [] }).status).toBe(200);
  expect(at.ask("GET", "/portfolio/balance").status).toBe(200);
});

test("a market that was left before its settlement is no open position afterwards", () => {
  const at = new RestCase();
  at.crowd("ask", "0.5000", "5.00");
  at.order("bid", "0.5000", "5.00");
  at.crowd("bid", "0.4900", "5.00");
  at.order("ask", "0.4900", "5.00");
  const positions = () => at.ask("GET", "/portfolio/positions").body["market_positions"];
  expect(positions()).toMatchObject([{ ticker: TICKER, position_fp: "0.00" }]);
  at.ask("POST", `/control/markets/${TICKER}/determine`, { value: "1.0000" });
  at.wait(61);
  expect(positions()).toEqual([]);
  expect(at.ask("GET", "/portfolio/settlements").body["settlements"]).toEqual([]);
});

test("commands have a rate, and beyond it the venue's own fault", () => {
  const at = new RestCase();
  const { frames, send } = listen(at);
  for (let index = 0; index < 10_001; index++) send({ id: 1, cmd: "list_subscriptions" });
  expect(frames.filter((frame) => frame.includes('"type":"ok"'))).toHaveLength(10_000);
  expect(JSON.parse(frames.at(-1) ?? "")).toEqual({
    type: "error",
    msg: { code: 27, msg: "Too many requests" },
  });
  at.wait(1);
  send({ id: 2, cmd: "list_subscriptions" });
  expect(JSON.parse(frames.at(-1) ?? "")).toMatchObject({ id: 2, type: "ok" });
});

test("one frame that names many unknown subscriptions is answered by one fault", () => {
  const at = new RestCase();
  const { frames, send } = listen(at);
  send({ id: 1, cmd: "unsubscribe", params: { sids: Array.from({ length: 50_000 }, () => 9) } });
  expect(frames.map((frame) => JSON.parse(frame) as unknown)).toEqual([
    { id: 1, type: "error", msg: { code: 7, msg: "Unknown subscription ID" } },
  ]);
});

test("faults of a script are read back as they were set", () => {
  const at = new RestCase();
  const rules = [
    {
      kind: "late",
      from_ms: 0,
      until_ms: 5_000,
      chance: 0.5,
      times: 3,
      channel: "fill",
      amount_ms: 250,
    },
  ];
  at.ask("PUT", "/control/faults", { rules });
  const { body } = at.ask("GET", "/control/faults");
  expect(body).toEqual({ rules });
  expect(readFaultRules(body["rules"], "rules")).toEqual(at.exchange.faults.rules);
});

test("what falls due at the very moment at which it was arranged happens, and time goes on", () => {
  const at = new RestCase();
  const { engine } = at.exchange;
  const info = { ...marketSpec().info, ticker: "KXSOON-1", eventTicker: "KXSOON" };
  const market = engine.addMarket(marketSpec({ info, settlementTimerSeconds: 0 }));
  engine.determine(market, 10_000 as CentiCents);
  at.exchange.advanceTo(engine.nowUs);
  expect(market.phase).toBe("finalized");
  at.wait(1);
});

test("an exchange that cannot keep up answers all the same, and its clock is late", () => {
  const at = new RestCase();
  const { exchange } = at;
  const startUs = exchange.nowUs;
  let acts = 0;
  let nextUs: number = startUs;
  exchange.addPlayer({
    nextUs: () => nextUs,
    act: (atUs) => {
      acts += 1;
      nextUs = atUs + 1_000;
    },
  });
  const hourUs = (startUs + 3_600_000_000) as TimestampUs;
  const driver = new ExchangeDriver(exchange, new SimulatedScheduler(hourUs));
  exchange.advanceTo(driver.nowUs());
  expect(acts).toBe(1_001);
  expect(exchange.nowUs - startUs).toBe(1_000_000);
  exchange.advanceTo(driver.nowUs());
  expect(exchange.nowUs - startUs).toBe(2_001_000);
  driver.stop();
});
