import { Prng, type MicroUsd } from "../../src/core/index.ts";
import { BookSide } from "../../src/market/index.ts";
import { FILL_MODELS, type FillModelName, SimulatedOrderManager } from "../../src/sim/index.ts";
import { orderManagerContract, type World } from "../contract/order-manager-contract.ts";
import { TapeBuilder } from "../fixtures/tape-builder.ts";

/** A simulated venue over a tape that the test writes as it goes. */
function openWorld(latencyUs: number, model: FillModelName): Promise<World> {
  const builder = new TapeBuilder();
  builder.snapshot(
    [
      [44, 100],
      [45, 50],
    ],
    [
      [47, 50],
      [48, 100],
    ],
  );
  const orders = new SimulatedOrderManager({
    tape: builder.tape,
    markets: [0],
    startingCash: 100_000_000 as MicroUsd,
    fillModel: FILL_MODELS[model],
    latency: {
      feedUs: latencyUs,
      submitUs: latencyUs,
      amendUs: latencyUs,
      cancelUs: latencyUs,
      answerUs: latencyUs,
    },
    prng: Prng.fromSeed(1),
  });
  orders.advanceTo(builder.nowUs);
  return Promise.resolve({
    orders,
    nowUs: () => builder.nowUs,
    trade: (hit: BookSide, cents: number, contracts: number) => {
      builder.wait(1).trade(hit, cents, contracts);
      orders.advanceTo(builder.nowUs);
    },
    quote: (side: BookSide, cents: number, contracts: number) => {
      builder.wait(1).delta(side, cents, contracts);
    },
    closeMarket: () => {
      builder.wait(1).close();
    },
    passTo: (us: number) => {
      builder.wait(Math.max(0, us - builder.nowUs));
      orders.advanceTo(builder.nowUs);
      return Promise.resolve();
    },
    run: () => {
      builder.wait(10 * latencyUs + 1);
      orders.advanceTo(builder.nowUs);
      return Promise.resolve();
    },
    dispose: () => Promise.resolve(),
  });
}

orderManagerContract("simulated, no latency, touch", () => openWorld(0, "touch"));
orderManagerContract("simulated, 1 ms latency, queue", () => openWorld(1_000, "queue"));
orderManagerContract("simulated, 20 ms latency, through", () => openWorld(20_000, "through"));
