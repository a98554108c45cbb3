/** Which markets a recorder listens to, and which it does not begin again. */
import { expect, test } from "vitest";
import { Lives } from "../../src/kalshi/recorder/lives.ts";

test("a market that is over is not begun again; others' ends are not remembered", () => {
  const lives = new Lives();
  lives.leftOver("LEFT", 0);
  lives.reserve("COMING");
  expect(["LEFT", "COMING", "OTHER"].map((ticker) => lives.end(ticker))).toEqual([
    true,
    false,
    false,
  ]);
  lives.release("COMING");
  expect(["LEFT", "COMING", "OTHER"].map((ticker) => lives.has(ticker))).toEqual([
    true,
    true,
    false,
  ]);
});
