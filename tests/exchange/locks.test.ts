/** Collateral that is kept as orders come and go, against what its definition says of the orders that are there. */
import { expect, test } from "vitest";
import { Prng } from "../../src/core/index.ts";
import { BALANCE_STEP, dearestFees } from "../../src/market/index.ts";
import { lockedCash } from "../../src/orders/index.ts";
import { Attacker } from "./hostile-case.ts";
import { RestCase, toldOf } from "./rest-case.ts";

const SEED = Number(process.env["SEED"] ?? 6);
const MANY = { refillPerSecond: 1_000_000_000, capacity: 1_000_000_000 };

test("after every request what is locked is what the open orders lock by the rule", () => {
  const at = new RestCase({ limits: { tier: "prestige", read: MANY, write: MANY } });
  const attacker = new Attacker(Prng.fromSeed(SEED));
  const covered = { bid: 0, ask: 0 };
  let most = 0;
  for (let index = 0; index < 4_000; index++) {
    const { method, path, body } = attacker.request();
    const isOwn = path.startsWith("/trade-api/v2");
    const { body: answer } = toldOf(
      at.send(method, isOwn ? path.slice("/trade-api/v2".length) : path, body),
    );
    const { order_id: order, order_group_id: group } = answer;
    if (typeof order === "string") attacker.orders.push(order);
    if (typeof group === "string") attacker.groups.push(group);
    const { account } = at;
    let expected = 0;
    for (const { index: market, spec } of at.exchange.engine.markets) {
      const open = [...account.openIn(market)];
      const position = account.ledger.position(market);
      expected += lockedCash(dearestFees(spec.info), position, open, BALANCE_STEP);
      if (position < 0 && open.some(({ side }) => side === 0)) covered.bid += 1;
      if (position > 0 && open.some(({ side }) => side === 1)) covered.ask += 1;
      most = Math.max(most, open.length);
    }
    expect(account.locked, `seed ${SEED} request ${index}: ${method} ${path} ${body}`).toBe(
      expected,
    );
  }
  // Both ways of reckoning had their turn, with several orders at a time.
  expect(Math.min(covered.bid, covered.ask)).toBeGreaterThan(20);
  expect(most).toBeGreaterThan(5);
});
