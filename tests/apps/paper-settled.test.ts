/** A run whose markets have all been settled has nothing left to do: it ends in order. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { CALM, eventsOf, Eye, lastLine, startPaper, stateOf, until } from "./paper-case.ts";
import { openStage } from "./programs.ts";

const { folder, programs } = openStage("paper-settled");

test("after the last settlement the run ends by itself", async () => {
  const { addresses, child } = await programs.exchange(...CALM, "--markets", "2");
  const eye = new Eye(addresses);
  const out = join(folder, "run");
  const run = startPaper(programs, addresses, out, "--json");
  await until("it trades", () => /READY|ACTING/.test(stateOf(out)));
  for (const ticker of await eye.tickers()) {
    await eye.ask("POST", `/control/markets/${ticker}/close`);
    await eye.ask("POST", `/control/markets/${ticker}/determine`, { value: "1.0000" });
  }
  const end = await run.ended;
  expect([end.code, lastLine(end.out)]).toEqual([
    0,
    expect.objectContaining({ state: "IDLE", reconciled: true }),
  ]);
  expect(eventsOf(out)).toMatch("-> IDLE: stop by the settlement of every market");
  child.kill("SIGKILL");
});
