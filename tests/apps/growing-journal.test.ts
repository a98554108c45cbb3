/** Replaying the journal of a run that goes on: it grows while it is read. */
import { expect, test } from "vitest";
import { replayPart } from "../../src/apps/live/live-replaying.ts";
import type { LiveBlock, LiveEntry, LivePart, LivePartFacts } from "../../src/journal/index.ts";
import { Action } from "../../src/orders/index.ts";
import { always, LiveCase } from "../live/live-case.ts";

test("what is written meanwhile is left to the next replay", () => {
  const policy = always(Action.hold);
  const live = new LiveCase({ policy });
  live.ready();
  const seconds = (count: number): number => {
    for (let second = 0; second < count; second++) {
      live.book([[40 + (second % 5), 100]], [[50, 100]]);
      live.second();
    }
    return live.entries.length;
  };
  const lengths = [seconds(5), seconds(5), seconds(5)];
  let readings = 0;
  function* blocks(): Generator<LiveBlock, LivePartFacts> {
    const length = lengths[readings++] ?? live.entries.length;
    const entries: readonly LiveEntry[] = live.entries.slice(0, length);
    for (const [id, entry] of entries.entries()) yield { kind: "inputs", id, entries: [entry] };
    const none = { inputs: 0, outputs: 0, decisions: 0, orders: 0, fills: 0, corrections: 0 };
    return { hash: `after ${length}`, counts: none, lastId: length - 1 };
  }
  const end = { isEnded: false, reason: null, endedUs: null, storedHash: null };
  const header = live.header;
  const part: LivePart = { number: 1, header, startedUs: header.startedUs, ...end, blocks };
  const options = { path: "", model: null, shadow: null, session: null };
  const replayed = replayPart(part, policy, options);
  expect(replayed.parity).toEqual({ compared: 5, different: 0, first: null });
  expect([replayed.hash, replayed.result.inputs]).toEqual([`after ${lengths[0]}`, lengths[0]]);
});
