import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parseHTML } from "linkedom";
import { afterAll, beforeAll, expect, test } from "vitest";
import { episodeSettings, readConfiguration } from "../../src/apps/configuration.ts";
import { recordEpisode } from "../../src/apps/episode-recording.ts";
import { buildReport } from "../../src/apps/report/build-report.ts";
import { inLight } from "../../src/apps/report/palette.ts";
import { rasterise } from "../../src/apps/report/rasterise.ts";
import type { ReportInput } from "../../src/apps/report/report-input.ts";
import { present, Prng } from "../../src/core/index.ts";
import type { EpisodeJournal } from "../../src/journal/index.ts";
import { type IterationReport, meanInterval, type PolicyResult } from "../../src/learn/index.ts";
import { type MarketData, SessionDataLoader } from "../../src/sim/index.ts";
import { type ActionPolicy, HOLD, JOIN } from "../../src/strategies/index.ts";

const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-report-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const STEPS = 240;
const configuration = readConfiguration(undefined, {
  episode: { steps: STEPS, fillModel: "touch" },
});

let data: MarketData;
let input: ReportInput;

beforeAll(() => {
  const session = new SessionDataLoader().load("sessions/sample-5");
  data = present(session.markets[0], "the sample has markets");
  const [joined, held] = [play(JOIN), play(HOLD)];
  input = {
    title: "A report",
    model: {
      formatVersion: 1,
      schemaHash: "5".repeat(64),
      seed: 7,
      configuration,
      sessions: { "sample-1": "1".repeat(64) },
      steps: 98_304,
      software: "kalshi-gym test",
      result: null,
      shape: {
        observations: 52,
        actions: 5,
        hidden: [64, 64],
        activation: "tanh",
        trunk: "separate",
      },
      modelHash: "abcdef0123456789".repeat(4),
    },
    configuration,
    sessions: ["sample-5"],
    evaluations: ["touch", "through"].map((fillModel) => ({
      fillModel,
      results: new Map([
        ["agent", result([1, 2, 3, 4])],
        ["hold", result([0, 0, 0, 0])],
        ["join", result([-9, 1, 2, 20])],
      ]),
    })),
    learning: [1, 2, 3, 4, 5].map((iteration) => iterationReport(iteration)),
    episode: { journal: joined, data },
    equity: new Map([
      ["agent", equityOf(joined)],
      ["hold", equityOf(held)],
    ]),
  };
});

function play(policy: ActionPolicy): EpisodeJournal {
  const settings = episodeSettings(configuration);
  const policyName = { name: policy.name, modelHash: null, choice: "sample" } as const;
  const startRow = present(data.starts[0], "an episode can start");
  return recordEpisode({ data, startRow, settings, seed: 7, policy, policyName }).journal;
}

function equityOf({ steps }: EpisodeJournal): [number, number][] {
  return steps.map(({ atUs, value }) => [atUs, value / 1e6]);
}

function result(returns: number[]): PolicyResult {
  const actionShares = [0.2, 0.2, 0.2, 0.2, 0.2];
  return { ...meanInterval(returns, Prng.fromSeed(7)), returns, actionShares };
}

/** Every other rollout ends without an episode, as short ones do. */
function iterationReport(iteration: number): IterationReport {
  const episodes = iteration % 2 === 0 ? 3 : 0;
  return {
    iteration,
    steps: 2048 * iteration,
    learningRate: 1e-3,
    clip: 0.2,
    entropyCoefficient: 0.01,
    episodes,
    meanReturn: episodes > 0 ? iteration / 10 : Number.NaN,
    meanLength: episodes > 0 ? STEPS : Number.NaN,
    explainedVariance: 0.5,
    actionShares: [0.2, 0.2, 0.2, 0.2, 0.2],
    policyLoss: 0,
    valueLoss: 0,
    entropy: 1.6 / iteration,
    loss: 0,
    approxKl: 0,
    clipFraction: 0,
    gradientNorm: 0,
  };
}

/** Builds into a folder of its own; the page's text and the pictures' bytes. */
async function build(
  name: string,
  built: ReportInput,
): Promise<{ html: string; pictures: Map<string, Buffer> }> {
  const report = await buildReport(join(folder, name, "report.html"), built);
  const pictures = report.pictures.map((file) => [basename(file), readFileSync(file)] as const);
  return { html: readFileSync(report.html, "utf8"), pictures: new Map(pictures) };
}

const VOID_ELEMENTS = new Set(["meta", "br", "hr", "img", "link", "input"]);

/** Names of elements that are opened and not closed in order; independent of any HTML parser. */
function unbalanced(html: string): string[] {
  const open: string[] = [];
  const wrong: string[] = [];
  for (const [, slash, name = "", attributes = ""] of html.matchAll(
    /<(\/?)([a-zA-Z][\w-]*)((?:[^<>"]|"[^"]*")*)>/g,
  )) {
    if (slash === "/") {
      if (open.pop() !== name) wrong.push(name);
    } else if (!attributes.endsWith("/") && !VOID_ELEMENTS.has(name)) open.push(name);
  }
  return [...wrong, ...open];
}

interface ParsedElement {
  readonly textContent: string;
  getAttribute(name: string): string | null;
  querySelectorAll(selector: string): ArrayLike<ParsedElement>;
}

function parse(html: string): ParsedElement {
  return parseHTML(html).document as unknown as ParsedElement;
}

function texts(parent: ParsedElement, selector: string): string[] {
  return Array.from(parent.querySelectorAll(selector), ({ textContent }) => textContent);
}

test("the page is well-formed, needs nothing else, and its figures are numbers", async () => {
  const { html } = await build("page", input);
  expect(unbalanced(html)).toEqual([]);
  expect(html).not.toMatch(/NaN|undefined|Infinity|\[object/);
  expect(html).not.toMatch(/<script|<link|@import|\bsrc=|\bhref=|url\(/i);
  expect(
    html.match(/https?:\/\/[^"]*/g)?.every((url) => url.startsWith("http://www.w3.org/")),
  ).toBe(true);
  expect(html).toContain("prefers-color-scheme: dark");
  const document = parse(html);
  expect(texts(document, "title")[0]).toBe("A report");
  const pictures = Array.from(document.querySelectorAll("figure > svg"));
  expect(pictures).toHaveLength(4);
  for (const svg of pictures) {
    expect(svg.getAttribute("aria-label")).toBe(texts(svg, "title")[0]);
  }
});

test("every fill of the episode is a triangle of the picture, and the first are in the table", async () => {
  const { html } = await build("fills", input);
  const sides = new Map<string, number>();
  let [bids, asks] = [0, 0];
  for (const { sent, events } of input.episode.journal.steps) {
    for (const command of sent) {
      if (command.kind === "submit") sides.set(command.request.clientOrderId, command.request.side);
    }
    for (const { kind, clientOrderId } of events) {
      if (kind !== "filled") continue;
      if (sides.get(clientOrderId) === 0) bids++;
      else asks++;
    }
  }
  expect(bids).toBeGreaterThan(0);
  expect(asks).toBeGreaterThan(0);
  const document = parse(html);
  const triangles = (colour: string): number =>
    document.querySelectorAll(`g[aria-label="dot"][fill="var(--${colour})"] > path`).length;
  expect([triangles("bid"), triangles("ask")]).toEqual([bids, asks]);
  const table = texts(document, "caption").findIndex((caption) => caption.startsWith("Fills"));
  const rows = document.querySelectorAll("table")[table]?.querySelectorAll("tbody tr").length;
  expect(rows).toBe(Math.min(20, bids + asks));
  if (bids + asks > 20) expect(html).toContain(`and ${bids + asks - 20} more in the journal`);
});

test("equal input gives equal bytes, page and pictures alike", async () => {
  const first = await build("once", input);
  const second = await build("twice", input);
  expect(second.html).toBe(first.html);
  expect([...second.pictures.keys()]).toEqual([
    "report-learning-curve.png",
    "report-results.png",
    "report-equity.png",
    "report-episode.png",
  ]);
  for (const [name, bytes] of first.pictures) {
    expect(second.pictures.get(name)?.equals(bytes), name).toBe(true);
    // PNG's signature, and the width in its header: 900 pixels drawn at twice the size.
    expect(bytes.subarray(0, 8).toString("hex"), name).toBe("89504e470d0a1a0a");
    expect(bytes.readUInt32BE(16), name).toBe(1800);
  }
});

test("what comes from outside is shown as text, never read as markup", async () => {
  const nasty = `<script>alert("&")</script>`;
  const { journal } = input.episode;
  const { html } = await build("nasty", {
    ...input,
    title: nasty,
    sessions: [nasty],
    model: { ...input.model, seed: nasty, sessions: { [nasty]: "1".repeat(64) } },
    evaluations: [
      {
        fillModel: nasty,
        results: new Map([
          ["agent", result([1, 2])],
          [nasty, result([0, 1])],
        ]),
      },
    ],
    equity: new Map([[nasty, equityOf(journal)]]),
    episode: { data, journal: { ...journal, header: { ...journal.header, ticker: nasty } } },
  });
  expect(html).not.toContain("<script");
  expect(unbalanced(html)).toEqual([]);
  const document = parse(html);
  expect(texts(document, "h1")).toEqual([nasty]);
  expect(texts(document, "dd")[0]).toBe(nasty);
  expect(texts(document, "svg text").some((text) => text.startsWith(nasty))).toBe(true);
});

test("an episode without fills and a training that was not seen leave their parts out", async () => {
  const held = play(HOLD);
  const { html, pictures } = await build("held", {
    ...input,
    learning: [],
    episode: { journal: held, data },
    equity: new Map([["hold", equityOf(held)]]),
  });
  expect([...pictures.keys()]).toEqual([
    "report-results.png",
    "report-equity.png",
    "report-episode.png",
  ]);
  expect(unbalanced(html)).toEqual([]);
  expect(html).not.toMatch(/NaN|undefined|Infinity/);
  expect(html).toContain("no fill in this episode");
  expect(html).not.toContain("<h2>Training</h2>");
});

test("a training in which no episode ended shows the entropy alone", async () => {
  const learning = input.learning.filter(({ episodes }) => episodes === 0);
  const { html } = await build("endless", { ...input, learning });
  expect(html).not.toMatch(/NaN|undefined|Infinity/);
  expect(html).toContain("entropy of the policy (nats)");
  expect(html).not.toContain("return of an episode ($)");
});

test("a session that the model was trained on is named so", async () => {
  const { contentHash } = input.episode.journal.header.session;
  const sessions = { "another name": contentHash };
  const seen = await build("seen", { ...input, model: { ...input.model, sessions } });
  expect(seen.html).toContain("parts of which it was trained on");
  const unseen = await build("unseen", input);
  expect(unseen.html).toContain("which it has never seen");
});

test("a place that cannot be written is an error, and no page is left there", async () => {
  const file = join(folder, "a-file");
  writeFileSync(file, "");
  await expect(buildReport(join(file, "report.html"), input)).rejects.toMatchObject({
    code: "FILE_WRITE",
  });
  expect(readFileSync(file, "utf8")).toBe("");
  const half = join(folder, "half");
  await buildReport(join(half, "report.html"), input);
  rmSync(join(half, "report.html"));
  rmSync(join(half, "report-episode.png"));
  mkdirSync(join(half, "report-episode.png"));
  await expect(buildReport(join(half, "report.html"), input)).rejects.toMatchObject({
    code: "FILE_WRITE",
  });
  expect(existsSync(join(half, "report.html"))).toBe(false);
  expect(readdirSync(half).filter((name) => name.endsWith(".tmp"))).toEqual([]);
});

test("a picture on its own has colours for every name, and text without any system font", async () => {
  const svg = (content: string): string =>
    `<svg xmlns="http://www.w3.org/2000/svg" width="60" height="30">${content}</svg>`;
  const empty = await rasterise(svg(""));
  for (const weight of ["normal", "bold"]) {
    const text = svg(`<text x="5" y="20" font-weight="${weight}" fill="var(--ink)">text</text>`);
    expect(Buffer.from(await rasterise(text)).equals(empty), weight).toBe(false);
  }
  const { html } = await build("colours", input);
  const pictures = html.slice(html.indexOf("<main>"));
  expect(pictures).toContain("var(--");
  expect(inLight(pictures)).not.toContain("var(--");
});
