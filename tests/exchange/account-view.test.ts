/** What an account reads of itself after very many orders. */
import { expect, test } from "vitest";
import { AccountView } from "../../src/exchange/views/account-view.ts";

test("an order that stands in a book is not forgotten, however many came after it", () => {
  const view = new AccountView();
  const tell = (orderId: string, status: string): void => {
    view.apply({ kind: "order", order: { orderId, status } } as never);
  };
  tell("old", "resting");
  for (let index = 0; index < 500_000; index++) tell(`o-${index}`, "canceled");
  expect([view.order("old")?.status, view.resting.size]).toEqual(["resting", 1]);
  const { first, end } = view.orderIds;
  const ids = Array.from({ length: end - first }, (_, index) => view.orderIds.at(first + index));
  expect(ids.filter((id) => id === "old")).toHaveLength(1);
  expect(view.order("o-0")).toBeUndefined();
  // Once it has ended it is as old as the others.
  tell("old", "canceled");
  for (let index = 0; index < 500_000; index++) tell(`p-${index}`, "canceled");
  expect([view.order("old"), view.resting.size]).toEqual([undefined, 0]);
});
