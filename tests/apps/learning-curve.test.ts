/** The learning curve: points where the metrics have them, whatever the metrics are like. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseHTML } from "linkedom";
import { afterAll, expect, test } from "vitest";
import type { CurveLine } from "../../src/apps/report/learning-curve.ts";
import { writeLearningCurve } from "../../src/apps/report/write-learning-curve.ts";

const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-learning-curve-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const TEXT = { heading: "Learning curve on <Some> & more", unit: "$" };

let drawings = 0;
async function drawn(lines: readonly CurveLine[]) {
  const out = join(folder, String(drawings++));
  await writeLearningCurve(out, lines, TEXT);
  const svg = readFileSync(join(out, "learning-curve.svg"), "utf8");
  const png = readFileSync(join(out, "learning-curve.png"));
  expect(png.subarray(0, 8).toString("hex")).toBe("89504e470d0a1a0a");
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  const { document } = parseHTML(`<body>${svg}</body>`);
  return { svg, png, document };
}

/** Metrics of iteration `index`, 100 steps each; a return of the index, but none in every third. */
function line(index: number): CurveLine {
  return {
    iteration: index,
    steps: 100 * index,
    meanReturn: index % 3 === 0 ? null : index,
    policyLoss: 1 / index,
    valueLoss: index,
    entropy: 1,
    explainedVariance: -1e6,
    approxKl: 0.01,
    clipFraction: 0.1,
    heldOutReturn: index % 4 === 0 ? 2 * index : null,
    heldOutLow: index % 4 === 0 ? 2 * index - 1 : null,
    heldOutHigh: index % 4 === 0 ? 2 * index + 1 : null,
    alarms: [],
  };
}

type Page = ReturnType<typeof parseHTML>["document"];

interface Place {
  readonly x: number;
  readonly y: number;
}

/** Centres of the circles of one size: 2 are rollouts, 3.2 evaluations. */
function circles(document: Page, radius: string): Place[] {
  return [...document.querySelectorAll(`circle[r="${radius}"]`)]
    .filter((circle) => circle.closest("g[aria-label]") !== null)
    .map((circle) => ({
      x: Number(circle.getAttribute("cx")),
      y: Number(circle.getAttribute("cy")),
    }));
}

test("has a point for every rollout with episodes and for every evaluation, in its place", async () => {
  const lines = Array.from({ length: 8 }, (_, at) => line(at + 1));
  const { svg, document } = await drawn(lines);
  const rollouts = circles(document, "2");
  const evaluations = circles(document, "3.2");
  // Iterations 1, 2, 4, 5, 7, 8, and evaluations of 4 and 8.
  expect(rollouts).toHaveLength(6);
  expect(evaluations).toHaveLength(2);
  // Both axes are linear: steps 100 and 800 and returns 1 and 8 fix them.
  const [first, last] = [rollouts[0], rollouts[5]] as [Place, Place];
  const at = (steps: number, value: number): Place => ({
    x: first.x + ((steps - 100) / 700) * (last.x - first.x),
    y: first.y + ((value - 1) / 7) * (last.y - first.y),
  });
  const expected = [1, 2, 4, 5, 7, 8].map((index) => at(100 * index, index));
  for (const [index, place] of rollouts.entries()) {
    expect(place.x).toBeCloseTo(expected[index]?.x ?? NaN, 1);
    expect(place.y).toBeCloseTo(expected[index]?.y ?? NaN, 1);
  }
  expect(evaluations[0]?.x).toBeCloseTo(at(400, 8).x, 1);
  expect(evaluations[0]?.y).toBeCloseTo(at(400, 8).y, 1);
  expect(evaluations[1]?.y).toBeCloseTo(at(800, 16).y, 1);
  expect(svg).toContain("return of an episode ($)");
  expect(svg).toContain("held-out data, with 95 % interval");
  expect(svg).toContain("Learning curve on &lt;Some&gt; &amp; more");
});

test("is the same for the same metrics, and leaves out what there was not", async () => {
  const lines = [1, 2].map(line);
  const [one, two] = [await drawn(lines), await drawn(lines)];
  expect(two.svg).toBe(one.svg);
  expect(two.png.equals(one.png)).toBe(true);
  expect(one.svg).not.toContain("held-out data");
});

test("is drawn of a run in which no episode ended, and of one that met what is no number", async () => {
  const none = { steps: 100, meanReturn: null, policyLoss: 0.1, valueLoss: 1 };
  const { svg } = await drawn([none]);
  expect(svg).toContain("no episode ended");
  const failed = Object.fromEntries(Object.keys(line(3)).map((key) => [key, null]));
  await drawn([line(1), line(2), { ...failed, steps: 300, alarms: ["notANumber"] }]);
});

test("of a long run is no larger than a screen can show", async () => {
  const none = { heldOutReturn: null, heldOutLow: null, heldOutHigh: null };
  const lines = Array.from({ length: 5000 }, (_, at) => ({ ...line(at + 1), ...none }));
  const long = await drawn(lines);
  const paths = [...long.svg.matchAll(/ d="(M[^"]*L[^"]*)"/g)].map(([, path = ""]) => path);
  expect(paths.length).toBeGreaterThanOrEqual(7);
  for (const path of paths) expect(path.split("L").length).toBeLessThanOrEqual(400);
  expect(circles(long.document, "2").length).toBeLessThanOrEqual(400);
});
