/** Options that most rules have. */
import { LOTS_PER_CONTRACT } from "../../core/index.ts";

export const size = {
  default: 10,
  min: 0.01,
  max: 1_000_000,
  describe: "contracts of an order",
} as const;

export const limit = {
  default: 50,
  min: 0,
  max: 1_000_000,
  describe: "most contracts held in a market, YES or NO",
} as const;

/** Contracts as whole lots. */
export function contracts(count: number): number {
  return Math.round(count * LOTS_PER_CONTRACT);
}
