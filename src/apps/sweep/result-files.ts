/** The files that a finished sweep leaves: table and picture, each in two forms. */
import { join } from "node:path";
import { writeFileAtomically } from "../../core/index.ts";
import { loadCharts } from "../report/drawing.ts";
import { inLight } from "../report/palette.ts";
import { rasterise } from "../report/rasterise.ts";
import { resultArrow, resultCsv, resultRows } from "./results.ts";
import { sweepPicture, type SweepShown } from "./results-picture.ts";

/** Writes `results.csv`, `.arrow`, `.svg` and `.png`; `FILE_WRITE` where that cannot be. */
export async function writeResults(out: string, shown: SweepShown): Promise<void> {
  const rows = resultRows(shown);
  writeFileAtomically(join(out, "results.csv"), resultCsv(rows));
  writeFileAtomically(join(out, "results.arrow"), await resultArrow(rows));
  const picture = sweepPicture(await loadCharts(), shown);
  writeFileAtomically(join(out, "results.svg"), inLight(picture));
  writeFileAtomically(join(out, "results.png"), await rasterise(picture));
}
