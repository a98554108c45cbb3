/** Whole runs against the local exchange in one process: they trade, reconcile, stop, and replay. */
import { expect, test } from "vitest";
import { readFaultRules } from "../../src/exchange/index.ts";
import { replayRun } from "../../src/live/index.ts";
import { anything } from "./live-case.ts";
import { LiveWorld } from "./live-world.ts";

test.each([1, 2, 3])(
  "world %i: the run trades, agrees with the venue, stops and replays",
  (seed) => {
    const world = new LiveWorld({ seed });
    const run = world.open();
    run.start();
    world.run(120);
    const { trader } = run;
    expect(["READY", "ACTING"]).toContain(trader.state);
    expect(trader.decider.count).toBeGreaterThan(200);
    expect(trader.sync.corrections).toBe(0);
    expect(trader.sync.reconciled).toBeGreaterThan(5);
    run.actor.take({ kind: "command", name: "stop", by: "test" });
    world.run(10);
    expect([run.isDone, run.fatal, trader.openCount]).toEqual([true, null, 0]);
    const account = trader.trader?.account;
    world.markets.forEach((market, index) => {
      expect(account?.ledger.position(index)).toBe(world.account.ledger.position(market.index));
    });
    expect(account?.ledger.cash).toBe(world.account.ledger.cash);
    const replay = replayRun({
      header: run.header,
      blocks: run.journal.blocks,
      makePolicy: anything,
    });
    expect(replay.difference).toBeNull();
    expect(replay.fills).toBeGreaterThan(5);
    run.kill();
    world.close();
  },
);

test("a market that is paused while the feed is away is known to be when it is back", () => {
  const world = new LiveWorld({ seed: 4, markets: 1 });
  const run = world.open();
  run.start();
  world.run(5);
  const [market] = world.markets;
  const shown = run.trader.markets[0];
  expect(shown?.isActive).toBe(true);
  world.faults(
    readFaultRules([{ kind: "feedDown" }, { kind: "resetFeed", until_ms: 2_000 }], "rules"),
  );
  world.run(3);
  if (market !== undefined) world.exchange.engine.deactivate(market);
  world.run(5);
  world.faults([]);
  world.run(40);
  expect(shown?.isActive).toBe(false);
  if (market !== undefined) world.exchange.engine.activate(market);
  world.run(5);
  expect(shown?.isActive).toBe(true);
  run.kill();
  world.close();
});
