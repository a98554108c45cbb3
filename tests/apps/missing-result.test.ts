/** A session without a result is usable, and whoever loads it is told what that means. */
import { expect, test } from "vitest";
import { loadSessions } from "../../src/apps/wire.ts";
import type { Console } from "../../src/apps/console.ts";
import { importHarness } from "../market/import-fixture.ts";
import { deltaMessage, snapshotMessage } from "../market/recording-fixture.ts";

const { recording, run } = importHarness();
const TICKER = "KXTEST-26MAR18AAABBB-AAA";

test("a market whose result is unknown is named when its session is loaded", async () => {
  const opening = snapshotMessage(1, TICKER, [["0.4000", "10.00"]], [["0.5500", "10.00"]]);
  const deltas = Array.from({ length: 9 }, (_, second) => {
    const stamp = `2026-03-18T19:36:0${second}.000001Z`;
    return deltaMessage(2 + second, TICKER, "yes", "0.3900", "1.00", stamp);
  });
  const { out, report } = await run([recording([opening, ...deltas])]);
  expect(report.markets[0]?.settlement).toBeNull();
  const warnings: string[] = [];
  const io: Console = {
    isJson: true,
    line: () => undefined,
    warn: (text) => void warnings.push(text),
    json: () => undefined,
    progress: () => ({ update: () => undefined, say: () => undefined, stop: () => undefined }),
  };
  expect(loadSessions([out], io)).toHaveLength(1);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain(`no result is known for ${TICKER}`);
});
