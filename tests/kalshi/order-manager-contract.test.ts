/** The venue's order manager keeps the contract that the simulated one keeps. */
import { orderManagerContract, type World } from "../contract/order-manager-contract.ts";
import { SimulatedCase } from "./order-manager-case.ts";

/** Long enough for requests, answers and messages, and shorter than any patience. */
const SETTLED_S = 0.1;
/** Until the exchange cancels what rested in a market that it has closed. */
const CLOSING_S = 2;

function openWorld(): Promise<World> {
  // Requests that are sent together arrive together: the contract's orders keep their order.
  const at = new SimulatedCase({ delayUs: 1_000 });
  at.others.open();
  return Promise.resolve({
    orders: at.manager,
    nowUs: () => at.scheduler.nowUs(),
    trade: (hit, cents, contracts) => at.others.take(hit, cents, contracts),
    quote: (side, cents, contracts) => at.others.rest(side === 0 ? "bid" : "ask", cents, contracts),
    closeMarket: () => {
      at.others.close();
      at.run(CLOSING_S);
    },
    passTo: (us) => {
      at.advanceTo(us);
      return Promise.resolve();
    },
    run: () => {
      at.run(SETTLED_S);
      return Promise.resolve();
    },
    dispose: () => {
      at.close();
      return Promise.resolve();
    },
  });
}

orderManagerContract("the venue's, simulated network", openWorld);
