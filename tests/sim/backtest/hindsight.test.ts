/** A recording knows how its markets ended; a strategy in the middle of it cannot find out. */
import { expect, test } from "vitest";
import type { CentiCents } from "../../../src/core/index.ts";
import { BookSide, type MarketInfo } from "../../../src/market/index.ts";
import { type Desk, defineStrategy, type View } from "../../../src/strategies/index.ts";
import { marketInfo, SECOND, TapeBuilder } from "../../fixtures/tape-builder.ts";
import { backtest, worldOf } from "./session-fixture.ts";

/** Every text, number and truth that can be reached from `value` without calling anything. */
function reachable(value: unknown, seen = new Set<unknown>(), found: string[] = []): string[] {
  if (typeof value !== "object" || value === null) {
    if (typeof value !== "function") found.push(String(value));
    return found;
  }
  if (seen.has(value)) return found;
  seen.add(value);
  const holders: object[] = [value];
  const prototype: unknown = Object.getPrototypeOf(value);
  if (typeof prototype === "object" && prototype !== null) holders.push(prototype);
  for (const holder of holders) {
    for (const name of Object.getOwnPropertyNames(holder)) {
      // A getter may refuse what is no longer there; what it says is what counts.
      reachable((value as Readonly<Record<string, unknown>>)[name], seen, found);
    }
  }
  return found;
}

test("neither the view nor what a strategy is made for holds the result of a market", () => {
  // A value that nothing else in the session has.
  const settlement = { valueCc: 7_919 as CentiCents, source: "given" } as const;
  const tape = new TapeBuilder({ info: marketInfo({ settlement }) })
    .snapshot([[45, 100]], [[47, 100]])
    .wait(20 * SECOND)
    .delta(BookSide.bid, 45, 1)
    .close()
    .finish();
  const found: string[] = [];
  let wasHindsight = false;
  const spy = defineStrategy({
    name: "spy",
    description: "buys whatever it knows to win",
    options: {},
    make: (_options, context) => {
      found.push(...reachable(context));
      return {
        start: (view: View) => void found.push(...reachable(view)),
        decide: (view: View, desk: Desk) => {
          found.push(...reachable(view), ...reachable(desk));
          for (const market of view.due) {
            const { settlement: result } = market.info as Partial<MarketInfo>;
            if (result === undefined || result === null) continue;
            wasHindsight = true;
            desk.take(market, BookSide.bid, market.bestAsk, 1000);
          }
        },
      };
    },
  });
  const result = backtest(tape, spy);
  expect(found).toContain("KXTEST-26MAR18-A");
  expect(found).toContain("4500");
  expect(found).not.toContain("7919");
  expect(found).not.toContain("given");
  expect(wasHindsight).toBe(false);
  for (const { world } of result.worlds) expect(worldOf(result, world).profit).toBe(0);
});
