import { expect, test } from "vitest";
import { Prng, SimulatedScheduler, timestampUs } from "../../src/core/index.ts";

test("entries run by time and then by arrangement, as a stable sort would have them", () => {
  const prng = Prng.fromSeed(11);
  const scheduler = new SimulatedScheduler(timestampUs(1_000));
  const expected: { atUs: number; name: number }[] = [];
  const ran: { atUs: number; name: number }[] = [];
  for (let name = 0; name < 2_000; name++) {
    const delayUs = prng.integer(200);
    const callOff = scheduler.after(delayUs, () => ran.push({ atUs: scheduler.nowUs(), name }));
    if (prng.integer(4) === 0) callOff();
    else expected.push({ atUs: 1_000 + delayUs, name });
  }
  expected.sort((a, b) => a.atUs - b.atUs);
  scheduler.advanceTo(1_100);
  expect(ran).toEqual(expected.filter(({ atUs }) => atUs <= 1_100));
  expect(scheduler.nowUs()).toBe(1_100);
  while (scheduler.runNext());
  expect(ran).toEqual(expected);
});

test("what a callback arranges for the same moment still runs within it, last", () => {
  const scheduler = new SimulatedScheduler(timestampUs(0));
  const ran: string[] = [];
  scheduler.after(5, () => {
    ran.push("first");
    scheduler.after(0, () => ran.push("arranged"));
  });
  scheduler.after(5, () => ran.push("second"));
  scheduler.advanceTo(5);
  expect(ran).toEqual(["first", "second", "arranged"]);
  expect(scheduler.nextUs()).toBeNull();
});

test("calling off twice, or after the run, does nothing", () => {
  const scheduler = new SimulatedScheduler(timestampUs(0));
  let runs = 0;
  const callOff = scheduler.after(1, () => runs++);
  scheduler.advanceTo(2);
  callOff();
  callOff();
  scheduler.advanceTo(10);
  expect(runs).toBe(1);
});
