/** The shell of a run where the machine under it does not behave. */
import { expect, test } from "vitest";
import type { OperationError, Scheduler, TimestampUs } from "../../src/core/index.ts";
import { Actor } from "../../src/live/index.ts";
import { LiveCase, SECOND } from "./live-case.ts";

/** An actor whose clock goes as the test says; it has no timers. */
function open(journal: () => void = () => undefined, told: () => void = () => undefined) {
  const live = new LiveCase();
  const done: string[] = [];
  const fatal: OperationError[] = [];
  let nowUs = live.nowUs;
  const scheduler: Scheduler = { nowUs: () => nowUs as TimestampUs, after: () => () => undefined };
  const say = (word: string) => (): void => void done.push(word);
  const actor = new Actor({
    trader: live.run,
    journal: { inputs: journal, outputs: journal },
    orders: {
      submit: say("submit"),
      amend: say("amend"),
      cancel: say("cancel"),
      drain: () => 0,
    },
    desk: {
      readAccount: say("account"),
      recover: say("recover"),
      cancelAll: say("cancel all"),
      cancelForeign: say("cancel foreign"),
      setPositions: say("positions"),
    },
    news: { drain: () => 0 },
    scheduler,
    observers: [told],
    onFatal: (error) => fatal.push(error),
    onDone: say("done"),
  });
  const wait = (us: number): void => {
    nowUs += us;
    actor.pump();
  };
  return { actor, live, done, fatal, wait };
}

test("a clock that is set back ends the run: its ticks would not come for as long", () => {
  const { actor, live, done, fatal, wait } = open();
  actor.start("test");
  for (let second = 0; second < 3; second++) wait(SECOND);
  // A small step is waited out.
  wait(-SECOND);
  wait(2 * SECOND);
  expect([fatal, live.run.state]).toEqual([[], "CALIBRATING"]);
  done.length = 0;
  wait(-3_600 * SECOND);
  expect(fatal.map(({ code, message }) => [code, message])).toEqual([
    ["CLOCK", expect.stringMatching(/set back by 3600 s/)],
  ]);
  wait(4_000 * SECOND);
  expect(done).toEqual(["cancel all"]);
});

test("without a journal nothing is done but cancelling", () => {
  const { actor, done, fatal } = open(() => {
    throw new Error("no space left on device");
  });
  actor.start("test");
  expect([done, fatal.map(({ code }) => code)]).toEqual([["cancel all"], ["JOURNAL_WRITE"]]);
});

test("what is decided is journalled, then carried out, and only then told", () => {
  const order: string[] = [];
  const { actor, done } = open(
    () => order.push(`journal ${done.length}`),
    () => order.push(`told ${done.length}`),
  );
  actor.start("test");
  // The first inputs, what came of them, the asking that they led to, and the word about it.
  expect(order.slice(0, 3)).toEqual(["journal 0", "journal 0", "told 1"]);
});
