import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  canonicalJson,
  formatFixed,
  parseCentiCents,
  parseFixed,
  parseLots,
  Prng,
  sha256,
  writeFileAtomically,
} from "../../src/core/index.ts";

describe("decimals", () => {
  test("what is formatted is parsed back exactly", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.integer({ min: 0, max: 6 }), (value, places) => {
        expect(parseFixed(formatFixed(value, places), places, "x")).toBe(value === 0 ? 0 : value);
      }),
    );
  });

  test("digits decide, not the nearest binary fraction", () => {
    // 0.07 x 1e4 is 700.0000000000001 in binary floating point; 1.005 x 100 is 100.49999999999999.
    expect(parseCentiCents("0.07", "p")).toBe(700);
    expect(parseLots("1.05", "n")).toBe(105);
    expect(parseFixed("9007199254.740991", 6, "x")).toBe(9_007_199_254_740_991);
    expect(parseFixed("-0.10", 2, "x")).toBe(-10);
    expect(Object.is(parseFixed("-0.00", 2, "x"), 0)).toBe(true);
  });

  test("any digits count exactly, sign and superfluous zeros or not", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("", "+", "-"),
        fc.bigInt({ min: 0n, max: 10n ** 18n }),
        fc.integer({ min: 0, max: 6 }),
        fc.integer({ min: 0, max: 3 }),
        (sign, units, places, zeros) => {
          const scale = 10n ** BigInt(places);
          const fraction = places > 0 ? String(units % scale).padStart(places, "0") : "";
          const tail = fraction + "0".repeat(zeros);
          const text = `${sign}${units / scale}${tail === "" ? "" : `.${tail}`}`;
          const parse = () => parseFixed(text, places, "x");
          if (units > BigInt(Number.MAX_SAFE_INTEGER)) expect(parse).toThrow(/too large/);
          else expect(BigInt(parse())).toBe(sign === "-" ? -units : units);
        },
      ),
    );
  });

  test.each([
    ["", /x: expected a decimal number, was ""/],
    ["1e5", /expected a decimal number/],
    ["0x10", /expected a decimal number/],
    [".5", /expected a decimal number/],
    ["0.12345", /at most 4 decimals/],
    ["9999999999999", /too large/],
  ])("%j is refused", (text, message) => {
    expect(() => parseFixed(text, 4, "x")).toThrow(message);
  });

  test("a price lies between nothing and a dollar", () => {
    expect(() => parseCentiCents("1.0001", "p")).toThrow(/from 0 to 1 dollar/);
    expect(() => parseCentiCents("-0.01", "p")).toThrow(/from 0 to 1 dollar/);
  });
});

describe("random streams", () => {
  /** xoshiro128** as its authors write it, in BigInt. */
  function reference(state: readonly number[], count: number): number[] {
    const s = state.map(BigInt);
    const mask = 0xffffffffn;
    const rotate = (x: bigint, k: bigint) => ((x << k) | (x >> (32n - k))) & mask;
    return Array.from({ length: count }, () => {
      const [s0 = 0n, s1 = 0n] = s;
      const result = (rotate((s1 * 5n) & mask, 7n) * 9n) & mask;
      const t = (s1 << 9n) & mask;
      s[2] = (s[2] as bigint) ^ s0;
      s[3] = (s[3] as bigint) ^ s1;
      s[1] = s1 ^ s[2];
      s[0] = s0 ^ s[3];
      s[2] ^= t;
      s[3] = rotate(s[3], 11n);
      return Number(result);
    });
  }

  test("are xoshiro128**", () => {
    for (const seed of [0, 1, 42, "a text"]) {
      const prng = Prng.fromSeed(seed);
      const expected = reference(prng.save().slice(0, 4), 1000);
      expect(Array.from({ length: 1000 }, () => prng.uint32())).toEqual(expected);
    }
  });

  test("fork by name alone, whatever was drawn before", () => {
    const a = Prng.fromSeed(7);
    const b = Prng.fromSeed(7);
    for (let draw = 0; draw < 10; draw++) b.uint32();
    expect(b.fork("fills").uint32()).toBe(a.fork("fills").uint32());
    expect(a.fork("fills").uint32()).not.toBe(a.fork("latency").uint32());
  });

  test("go on after being saved", () => {
    const prng = Prng.fromSeed("x");
    prng.uint32();
    const copy = Prng.restore(prng.save());
    expect(copy.normal()).toBe(prng.normal());
    expect(copy.fork("y").float()).toBe(prng.fork("y").float());
  });

  test("of many seeds and names do not meet", () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 2000; seed++) {
      for (const name of ["a", "b", `lane ${seed}`]) {
        seen.add(Prng.fromSeed(seed).fork(name).save().join());
      }
    }
    expect(seen.size).toBe(6000);
  });

  test("are even, and normal where asked", () => {
    const prng = Prng.fromSeed(3);
    const counts = new Array<number>(7).fill(0);
    for (let draw = 0; draw < 70_000; draw++) {
      const face = prng.integer(7);
      counts[face] = (counts[face] as number) + 1;
    }
    // Chi-squared with six degrees of freedom exceeds 22.5 once in a thousand times.
    const chi = counts.reduce((total, count) => total + (count - 10_000) ** 2 / 10_000, 0);
    expect(chi).toBeLessThan(22.5);
    let sum = 0;
    let squares = 0;
    for (let draw = 0; draw < 100_000; draw++) {
      const z = prng.normal();
      sum += z;
      squares += z * z;
    }
    expect(Math.abs(sum / 100_000)).toBeLessThan(0.015);
    expect(Math.abs(squares / 100_000 - 1)).toBeLessThan(0.02);
  });
});

test("canonical JSON sorts keys and refuses what JSON would change", () => {
  expect(canonicalJson({ b: [1, "x", null], a: { d: true, c: undefined } })).toBe(
    '{"a":{"d":true},"b":[1,"x",null]}',
  );
  expect(() => canonicalJson([Number.NaN])).toThrow(/finite/);
  expect(sha256("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

test("canonical JSON is the value, whatever the order in which its members were set", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value);
      expect(canonicalJson(reversed(value))).toBe(text);
      expect(canonicalJson(JSON.parse(text))).toBe(text);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

/** The same value with the members of every object in the opposite order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, member]) => [key, reversed(member)] as const);
  return Object.fromEntries(entries.reverse());
}

test("a file is written whole or not at all", () => {
  const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-core-"));
  const path = join(folder, "deep", "file.txt");
  writeFileAtomically(path, "first");
  writeFileAtomically(path, "second");
  expect(readFileSync(path, "utf8")).toBe("second");
  expect(readdirSync(join(folder, "deep"))).toEqual(["file.txt"]);
  writeFileSync(join(folder, "plain"), "");
  expect(() => writeFileAtomically(join(folder, "plain", "x"), "y")).toThrow(
    /could not be written/,
  );
  expect(existsSync(join(folder, "plain", "x"))).toBe(false);
  rmSync(folder, { recursive: true });
});

/** Limits the size of files that this process writes, as a full disk would. */
function limitFiles(bytes: string): boolean {
  try {
    const limit = [`--pid=${process.pid}`, `--fsize=${bytes}:unlimited`];
    execFileSync("prlimit", limit, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
const canLimit = limitFiles("unlimited");

test.skipIf(!canLimit)(
  "a full disk leaves the file that was there, and no debris (needs prlimit)",
  () => {
    const folder = mkdtempSync(join(tmpdir(), "kalshi-gym-full-"));
    const path = join(folder, "file.bin");
    writeFileAtomically(path, "what was there before");
    limitFiles("4096");
    try {
      expect(() => writeFileAtomically(path, new Uint8Array(100_000))).toThrow(
        /file.bin: could not be written, was: EFBIG.*free space or choose another place/,
      );
    } finally {
      limitFiles("unlimited");
    }
    expect(readFileSync(path, "utf8")).toBe("what was there before");
    expect(readdirSync(folder)).toEqual(["file.bin"]);
    rmSync(folder, { recursive: true });
  },
);
