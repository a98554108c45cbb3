/** The sweep of a run's orders, at a venue that is a list. */
import { setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";
import { type OrderSweep, sweepOrders } from "../../src/apps/live/order-sweep.ts";

/** Orders that rest, by the venue's ids, with their clients' ids. */
class OrderList {
  readonly resting = new Map<string, string>();
  readonly said: string[] = [];
  isDown = false;

  sweep(isNeeded = (): boolean => true): Promise<boolean> {
    const later = (answer: object, done: (answer: never) => void): void => {
      const failed = { kind: "failed", reason: "nobody is there" };
      setImmediate(() => {
        done((this.isDown ? failed : { kind: "ok", value: answer }) as never);
      });
    };
    const client = {
      send: ({ path }: { path: string }, done: (answer: never) => void) => {
        const orderId = path.split("/").at(-1)?.split("?")[0] ?? "";
        this.resting.delete(orderId);
        later({ orderId }, done);
      },
      sendForAll: (_pageAt: unknown, done: (answer: never) => void) => {
        later(
          [...this.resting].map(([orderId, clientOrderId]) => ({ orderId, clientOrderId })),
          done,
        );
      },
    } as unknown as OrderSweep["client"];
    const log = (text: string): void => void this.said.push(text);
    return sweepOrders({ client, idPrefix: "kg-a-", isLocal: false, isNeeded, log });
  }
}

test.concurrent("a run's orders go, those of another run and of others stay", async () => {
  const venue = new OrderList();
  const others = [
    ["o-2", "kg-b-0"],
    ["o-3", "kg-ab-0"],
    ["o-4", ""],
  ] as const;
  for (const [orderId, id] of [["o-1", "kg-a-0"] as const, ...others])
    venue.resting.set(orderId, id);
  const ended = venue.sweep();
  await wait(1_000);
  // A request that was still on its way.
  venue.resting.set("o-5", "kg-a-1");
  expect(await ended).toBe(true);
  expect([...venue.resting]).toEqual(others);
  expect(venue.said).toEqual(["nothing of the run's rests any more, 2 cancelled"]);
});

test.concurrent("once the run is back its new orders are its own", async () => {
  const venue = new OrderList();
  venue.resting.set("o-1", "kg-a-0");
  let isSilent = true;
  const ended = venue.sweep(() => isSilent);
  await wait(200);
  expect(venue.resting.size).toBe(0);
  isSilent = false;
  venue.resting.set("o-2", "kg-a-1");
  expect(await ended).toBe(false);
  expect([...venue.resting.keys()]).toEqual(["o-2"]);
});

test.concurrent("a venue that is away is asked until it is back", async () => {
  const venue = new OrderList();
  venue.resting.set("o-1", "kg-a-0");
  venue.isDown = true;
  const ended = venue.sweep();
  await wait(1_200);
  venue.isDown = false;
  expect(await ended).toBe(true);
  expect(venue.said).toEqual([
    "the orders could not be read: nobody is there",
    "nothing of the run's rests any more, 1 cancelled",
  ]);
});
