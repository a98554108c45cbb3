/** A session that lacks something is usable, and whoever loads it is told what that means. */
import { expect, test } from "vitest";
import { loadSessions } from "../../src/apps/wire.ts";
import type { Console } from "../../src/apps/console.ts";
import type { CentiCents } from "../../src/core/index.ts";
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
  const warnings = warningsOf(out);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain(`no result is known for ${TICKER}`);
});

test("a market whose feed is not order by order is named when its session is loaded", async () => {
  const opening = snapshotMessage(1, TICKER, [["0.4000", "10.00"]], [["0.5500", "10.00"]]);
  // Orders of 5 arrive, and what goes fits none of them nor two together.
  const deltas = Array.from({ length: 9 }, (_, second) => {
    const stamp = `2026-03-18T19:36:0${second}.000001Z`;
    const size = second < 6 ? "5.00" : "-3.00";
    return deltaMessage(2 + second, TICKER, "yes", "0.3900", size, stamp);
  });
  const { out } = await run([recording([opening, ...deltas])], {
    results: new Map([[TICKER, 10_000 as CentiCents]]),
  });
  const warnings = warningsOf(out);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain(`the queues of ${TICKER} could not be reconstructed`);
});

/** What is warned of while the session in `folder` is loaded. */
function warningsOf(folder: string): string[] {
  const warnings: string[] = [];
  const io: Console = {
    isJson: true,
    line: () => undefined,
    warn: (text) => void warnings.push(text),
    json: () => undefined,
    progress: () => ({ update: () => undefined, say: () => undefined, stop: () => undefined }),
  };
  expect(loadSessions([folder], io)).toHaveLength(1);
  return warnings;
}
