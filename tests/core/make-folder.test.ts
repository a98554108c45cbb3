import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { makeFolder } from "../../src/core/index.ts";

const scratch = mkdtempSync(join(tmpdir(), "make-folder-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test("a folder is made with all that it stands in, and a second time is no error", () => {
  const deep = join(scratch, "a", "b", "c");
  makeFolder(deep);
  makeFolder(deep);
  expect(statSync(deep).isDirectory()).toBe(true);
});

test("a file in the way is an error, whether at the end or in the middle", () => {
  const file = join(scratch, "file");
  writeFileSync(file, "");
  expect(() => makeFolder(file)).toThrow(/EEXIST/);
  expect(() => makeFolder(join(file, "below"))).toThrow(/EEXIST|ENOTDIR/);
});

// Node's recursive mkdir never returns here: the parent exists, and yet there is "no such file".
test.skipIf(!existsSync("/proc/self"))("a refusal by /proc is an error, not a loop", () => {
  expect(() => makeFolder("/proc/no-such-folder/below")).toThrow(/ENOENT|EACCES|EPERM/);
});
