import { expect, test } from "vitest";
import { configurationOf } from "../../src/apps/run-flags.ts";

test("a model's own world comes before defaults, and behind file and flags", () => {
  const trained = { episode: { pricing: "cross", steps: 100 } } as const;
  const own = configurationOf({}, {}, trained).episode;
  expect([own.pricing, own.steps, own.fillModel]).toEqual(["cross", 100, "queue"]);
  const told = configurationOf({ pricing: "mid" }, {}, trained).episode;
  expect([told.pricing, told.steps]).toEqual(["mid", 100]);
});
