/** The strategies that come with the product, by name. */
import type { StrategyDefinition } from "./strategy-options.ts";
import { hold } from "./rules/hold.ts";
import { inventoryMaker } from "./rules/inventory-maker.ts";
import { meanReversion } from "./rules/mean-reversion.ts";
import { momentum } from "./rules/momentum.ts";
import { random } from "./rules/random.ts";
import { touchMaker } from "./rules/touch-maker.ts";

export const STRATEGIES: readonly StrategyDefinition[] = [
  hold,
  random,
  touchMaker,
  inventoryMaker,
  momentum,
  meanReversion,
];
