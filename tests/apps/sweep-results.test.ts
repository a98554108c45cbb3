/** What a sweep says came of it, on made-up results. */
import { expect, test } from "vitest";
import {
  resultCsv,
  resultLines,
  resultRows,
  resultTable,
  summaries,
} from "../../src/apps/sweep/results.ts";
import type { SweepOutcome } from "../../src/apps/sweep/run-sweep.ts";

/** Scores by setting, seed and rung; a text is the error of a run. */
function outcome(rungs: number, scores: readonly (readonly (number[] | string)[])[]): SweepOutcome {
  let run = 0;
  return {
    rungs,
    interrupted: false,
    runs: scores.flatMap((seeds, setting) =>
      seeds.map((given, seed) => ({
        run: run++,
        setting,
        seed: seed + 1,
        values: { "ppo.learningRate": (setting + 1) / 1000, "ppo.hidden": [8, setting] },
        result:
          typeof given === "string"
            ? { rungs: [], error: given }
            : {
                error: null,
                rungs: given.map((score, rung) => ({
                  steps: 100 * (rung + 1),
                  score,
                  modelHash: "ab",
                })),
              },
      })),
    ),
  };
}

const HALVED = outcome(2, [
  [[5], [7]],
  [
    [8, 2],
    [8, 4],
  ],
  [
    [9, 3],
    [7, 3],
  ],
  ['was 7, which is "odd"', [99]],
]);

test("settings stand by rungs, then by score, then by number; failed ones last", () => {
  const all = summaries(HALVED);
  expect(all.map(({ setting }) => setting)).toEqual([1, 2, 0, 3]);
  expect(all.map(({ score }) => score)).toEqual([3, 3, 6, null]);
  // The deviation of 2 and 4 with one less than their number.
  expect(all[0]?.deviation).toBeCloseTo(Math.SQRT2, 12);
  expect(all[3]?.errors).toEqual(['was 7, which is "odd"']);
});

test("the table has one row a run, with its score at each rung", async () => {
  const rows = resultRows(HALVED);
  expect(resultCsv(rows).split("\n").slice(0, 4)).toEqual([
    "run,setting,seed,ppo.learningRate,ppo.hidden,rung,steps,score,score_1,score_2,model_hash,error",
    '0,0,1,0.001,"[8,0]",1,100,5,5,,ab,',
    '1,0,2,0.001,"[8,0]",1,100,7,7,,ab,',
    '2,1,1,0.002,"[8,1]",2,200,2,8,2,ab,',
  ]);
  expect(resultCsv(rows)).toContain('6,3,1,0.004,"[8,3]",0,,,,,,"was 7, which is ""odd"""');
  const table = await resultTable(rows);
  expect(table.objects()).toEqual(rows);
  expect(resultCsv([])).toBe("\n");
});

test("the terminal shows the best first", () => {
  expect(resultLines(HALVED, "meanReturn")).toEqual([
    "  setting  meanReturn     +-  rungs  learningRate  hidden",
    "        1           3  1.414      2         0.002   [8,1]",
    "        2           3      0      2         0.003   [8,2]",
    "        0           6  1.414      1         0.001   [8,0]",
    "        3    1 failed             0         0.004   [8,3]",
  ]);
});
