/** Files of a training run's picture: as SVG, and as PNG for what shows no other. */
import { join } from "node:path";
import { writeFileAtomically } from "../../core/index.ts";
import { loadCharts } from "./drawing.ts";
import { type CurveLine, type CurveText, learningCurve } from "./learning-curve.ts";
import { inLight } from "./palette.ts";
import { rasterise } from "./rasterise.ts";

/** Writes `learning-curve.svg` and `.png` into `folder`; `FILE_WRITE` where that cannot be. */
export async function writeLearningCurve(
  folder: string,
  lines: readonly CurveLine[],
  text: CurveText,
): Promise<void> {
  const svg = learningCurve(await loadCharts(), lines, text);
  writeFileAtomically(join(folder, "learning-curve.svg"), inLight(svg));
  writeFileAtomically(join(folder, "learning-curve.png"), await rasterise(svg));
}
