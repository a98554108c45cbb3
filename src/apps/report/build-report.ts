/**
 * The report of an evaluation: one HTML file that needs nothing else, and its pictures once more as
 * PNG beside it. Same input, same bytes: no clock and nothing random is in it.
 */
import { writeFileAtomically } from "../../core/index.ts";
import { loadCharts } from "./drawing.ts";
import { episodePicture } from "./episode-picture.ts";
import { page, type Pictures } from "./page.ts";
import { rasterise } from "./rasterise.ts";
import type { ReportInput } from "./report-input.ts";
import { equityPicture, learningPicture, resultPicture } from "./result-pictures.ts";

export interface BuiltReport {
  readonly html: string;
  /** PNG files beside it. */
  readonly pictures: readonly string[];
}

/**
 * Writes the page to `path` and its pictures beside it, as `<path without .html>-results.png` and so
 * on; the page last, so that one that is there is complete. `FILE_WRITE` where that cannot be.
 */
export async function buildReport(path: string, input: ReportInput): Promise<BuiltReport> {
  const charts = await loadCharts();
  const { learning, evaluations, equity, episode } = input;
  const pictures: Pictures = {
    learning: learning.length > 0 ? learningPicture(charts, learning) : "",
    results: resultPicture(charts, evaluations),
    equity: equityPicture(charts, equity),
    episode: episodePicture(charts, episode.journal, episode.data),
  };
  const html = page(input, pictures);
  const stem = path.replace(/\.html?$/i, "");
  const files: string[] = [];
  for (const [name, svg] of [
    ["learning-curve", pictures.learning],
    ["results", pictures.results],
    ["equity", pictures.equity],
    ["episode", pictures.episode],
  ] as const) {
    if (svg === "") continue;
    const file = `${stem}-${name}.png`;
    writeFileAtomically(file, await rasterise(svg));
    files.push(file);
  }
  writeFileAtomically(path, html);
  return { html: path, pictures: files };
}
