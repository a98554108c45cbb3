/** What `record` says: how a recording is, on one line, and its flags in the documentation. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { recordCommand } from "../../src/apps/record-command.ts";
import { statusText } from "../../src/apps/record/status-line.ts";

const STATE = {
  markets: 1,
  messages: 12_345,
  gaps: 1,
  lastMessageUs: 5_000_000,
  folder: "sessions/a",
  connection: "open",
};

test("one line says how many, how fast, how much, and how long ago", () => {
  const measured = { perSecond: 311.6, bytes: 1_234_567, nowUs: 5_250_000 };
  expect(statusText(STATE, measured)).toBe(
    "1 market  312/s  12.3k messages  1 gap  1.2 MB  last 0.3 s ago  open",
  );
  const before = { ...STATE, markets: 200, messages: 0, gaps: 0, lastMessageUs: null };
  expect(statusText({ ...before, connection: "waiting" }, { ...measured, perSecond: 0 })).toBe(
    "200 markets  0/s  0 messages  0 gaps  1.2 MB  nothing yet  waiting",
  );
  // A clock that was set back is no age.
  expect(statusText(STATE, { ...measured, nowUs: 0 })).toMatch("last 0.0 s ago");
});

test("the documentation has every flag, and no other", () => {
  const text = readFileSync("docs/recording.md", "utf8");
  const table = text.slice(text.indexOf("## Flags"), text.indexOf("On a terminal"));
  const documented = [...table.matchAll(/`(--[a-z-]+)/g)].map(([, flag]) => flag);
  const known = recordCommand().options.map(({ long }) => long);
  expect(new Set(documented)).toEqual(new Set(known));
});
