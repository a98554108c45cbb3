/** The end of a run where the venue does not answer as it should, with real processes. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { besideLog, CALM, Eye, lastLine, startPaper, until } from "./paper-case.ts";
import { openStage } from "./programs.ts";

const { folder, programs } = openStage("paper-end");

test.concurrent("where the account cannot be compared, the watchdog looks for orders", async () => {
  const { addresses } = await programs.exchange(...CALM);
  const out = join(folder, "blind");
  const eye = new Eye(addresses);
  const run = startPaper(programs, addresses, out, "--json");
  await until("orders rest", async () => (await eye.resting()).length > 0);
  await eye.faults({ kind: "fail", method: "GET", path: "/portfolio/balance" });
  const fromMs = performance.now();
  run.child.kill("SIGINT");
  const end = await run.ended;
  expect(lastLine(end.out)).toMatchObject({ state: "IDLE", reconciled: false });
  expect(performance.now() - fromMs).toBeLessThan(30_000);
  const isDone = (): boolean => besideLog(out).includes("nothing of the run's rests any more");
  await until("it has looked", isDone);
  expect(await eye.resting()).toEqual([]);
});
