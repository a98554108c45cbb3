/**
 * The rules of the house, executable: rooms import only what they may, deterministic rooms use no
 * clock and no inexact maths, files stay short, nothing in the product names a machine.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "..");

/** Which rooms a room may import; the table of the architecture. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  market: ["core"],
  orders: ["core", "market"],
  features: ["core", "market", "orders"],
  gym: ["core"],
  learn: ["core", "gym"],
  strategies: ["core", "market", "orders", "features", "learn"],
  sim: ["core", "market", "orders", "features", "gym", "learn", "strategies"],
  journal: ["core", "market", "orders"],
  kalshi: ["core", "market", "orders"],
  exchange: ["core", "market", "orders", "kalshi"],
  live: ["core", "market", "orders", "features", "strategies", "journal"],
  apps: [
    "core",
    "market",
    "orders",
    "features",
    "gym",
    "learn",
    "strategies",
    "sim",
    "journal",
    "kalshi",
    "exchange",
    "live",
  ],
};

/** Rooms whose results may depend on nothing but their arguments. */
const DETERMINISTIC = Object.keys(ROOMS).filter((room) => room !== "apps");

const BANNED: readonly { pattern: RegExp; instead: string }[] = [
  {
    pattern: /\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b|\bprocess\.(hrtime|uptime)\b/,
    instead: "time is an argument",
  },
  {
    pattern: /\bMath\.random\b|\brandom(UUID|Bytes|Int)\b|\bgetRandomValues\b/,
    instead: "randomness is a Prng that is passed in",
  },
  {
    pattern: /\blocaleCompare\b|\btoLocale[A-Z]|\bIntl\./,
    instead: "locales differ between machines; compare and print plainly",
  },
  {
    pattern:
      /\bMath\.(exp|expm1|log|log2|log10|log1p|pow|sinh?|cosh?|tanh?|asin|acos|atan2?|cbrt|hypot)\b/,
    instead: "engines choose the last bits of it; use core's",
  },
  { pattern: /[\w)\]] \*\*=? /, instead: "engines choose the last bits of **; use core's pow" },
  { pattern: /\b(setTimeout|setInterval|setImmediate)\(/, instead: "only apps own timers" },
];

const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: ROOT,
  encoding: "utf8",
})
  .split("\n")
  .filter((file) => file !== "" && existsSync(join(ROOT, file)));
const sources = files.filter((file) => /^(src|tests)\/.*\.ts$/.test(file));

function linesOf(file: string): string[] {
  return readFileSync(join(ROOT, file), "utf8").split("\n");
}

function roomOf(file: string): string | null {
  return /^src\/([^/]+)\//.exec(file)?.[1] ?? null;
}

/** `path:line: sentence` for every line that `judge` objects to. */
function findings(
  of: readonly string[],
  judge: (line: string, file: string) => string | null,
): string[] {
  return of.flatMap((file) =>
    linesOf(file).flatMap((line, index) => {
      const sentence = judge(line, file);
      return sentence === null ? [] : [`${file}:${index + 1}: ${sentence}`];
    }),
  );
}

test("rooms import only the front doors of the rooms that they may", () => {
  const inRooms = sources.filter((file) => roomOf(file) !== null);
  expect(inRooms.length).toBeGreaterThan(50);
  expect(
    findings(inRooms, (line, file) => {
      const target = /(?:from|import\(?)\s*"(\.[^"]+)"/.exec(line)?.[1];
      if (target === undefined) return null;
      const room = roomOf(file) as string;
      const path = relative(ROOT, resolve(ROOT, dirname(file), target));
      const other = roomOf(path);
      if (other === room || other === null) return null;
      if (ROOMS[room]?.includes(other) !== true) return `${room} may not import ${other}`;
      return path.endsWith(`${other}/index.ts`) ? null : `import ${other} by its index.ts`;
    }),
  ).toEqual([]);
});

test("every folder of src is a room with a front door that says what it knows", () => {
  const rooms = [...new Set(sources.map(roomOf).filter((room) => room !== null))];
  expect(rooms.filter((room) => !(room in ROOMS))).toEqual([]);
  const without = rooms.filter((room) => {
    if (room === "apps") return false;
    const index = join(ROOT, "src", room, "index.ts");
    return !existsSync(index) || !readFileSync(index, "utf8").startsWith("/**\n * ");
  });
  expect(without).toEqual([]);
});

test("a front door is no wider than one can take in at a glance", () => {
  const wide = sources
    .filter((file) => /^src\/\w+\/index\.ts$/.test(file))
    .map((file) => [file, valuesExportedBy(readFileSync(join(ROOT, file), "utf8"))] as const)
    .filter(([, names]) => names.length > 40)
    .map(([file, names]) => `${file}:1: exports ${names.length} values; is it two rooms?`);
  expect(wide).toEqual([]);
});

/** Names in `export { ... }` but for types, which weigh nothing. */
function valuesExportedBy(text: string): string[] {
  return [...text.matchAll(/^export \{([^}]*)\}/gm)].flatMap((match) =>
    (match[1] ?? "")
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== "" && !name.startsWith("type ")),
  );
}

test("deterministic rooms use no clock, no global randomness and no inexact maths", () => {
  const inside = sources.filter((file) => DETERMINISTIC.includes(roomOf(file) ?? ""));
  expect(
    findings(inside, (line) => {
      if (line.includes("// tidy-ok: ") || /^\s*(\*|\/\/|\/\*)/.test(line)) return null;
      return BANNED.find(({ pattern }) => pattern.test(line))?.instead ?? null;
    }),
  ).toEqual([]);
});

test("files have at most 500 lines", () => {
  const long = sources
    .map((file) => [file, linesOf(file).length] as const)
    .filter(([, lines]) => lines > 501)
    .map(([file, lines]) => `${file}:${lines}: is there a second concept in it?`);
  expect(long).toEqual([]);
});

test("no test is switched off or alone", () => {
  const tests = sources.filter(
    (file) => file.startsWith("tests/") && !file.endsWith("tidy.test.ts"),
  );
  expect(
    findings(tests, (line) =>
      /\b(test|it|describe)\.(only|skip|todo)\(/.test(line) ? "run it, or delete it" : null,
    ),
  ).toEqual([]);
});

test("no folder is a drawer for anything", () => {
  const drawers = /(^|\/)(utils?|helpers|types|interfaces|services|common)\//;
  expect(files.filter((file) => drawers.test(file))).toEqual([]);
});

test("nothing committed names a machine's folder or a registry", () => {
  const text = files.filter((file) => !/\.(db|tape|bin|png|gz|ipynb)$/.test(file));
  const machine = new RegExp(["/(work", "tmp", "home", "root)/[a-z]"].join("|"));
  const registry = new RegExp(["registry\\.npm", "js\\.org"].join(""));
  expect(
    findings(text, (line) => {
      if (machine.test(line)) return "a path of a machine";
      return registry.test(line) ? "a registry's host" : null;
    }),
  ).toEqual([]);
});
