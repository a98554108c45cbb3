import { describe, expect, test } from "vitest";
import { Box, checkEnv, Discrete, type Env } from "../../src/gym/index.ts";
import { Prng } from "../../src/core/index.ts";

describe("the environment checker", () => {
  /** A sound environment of three steps, with one thing changed. */
  function planted(change: Partial<Env>): Env {
    let step = 0;
    let prng = Prng.fromSeed(0);
    const sound: Env = {
      observationSpace: new Box(Float32Array.of(0), Float32Array.of(1)),
      actionSpace: new Discrete(2),
      metadata: { name: "planted" },
      reset: ({ seed } = {}) => {
        if (seed !== undefined) prng = Prng.fromSeed(seed);
        step = 0;
        return [Float32Array.of(prng.float()), { actionMask: Uint8Array.of(1, 1) }];
      },
      step: () => {
        if (step >= 3) throw new Error("reset first");
        step += 1;
        const info = { actionMask: Uint8Array.of(1, 0) };
        return [Float32Array.of(prng.float()), 1, step === 3, false, info];
      },
      close: () => undefined,
    };
    return { ...sound, ...change };
  }

  test("finds nothing wrong with the sound one that faults are planted into", () => {
    expect(checkEnv(planted({}), { steps: 20 })).toEqual([]);
  });

  const step = (change: (result: ReturnType<Env["step"]>) => ReturnType<Env["step"]>) => {
    const env = planted({});
    return { ...env, step: (action: number) => change(env.step(action)) };
  };
  let drift = 0;
  test.each([
    ["a NaN", step(([, ...rest]) => [Float32Array.of(Number.NaN), ...rest]), /is NaN/],
    ["a value out of range", step(([, ...rest]) => [Float32Array.of(2), ...rest]), /outside/],
    ["a wrong shape", step(([, ...rest]) => [Float32Array.of(0, 0), ...rest]), /Float32Array of 1/],
    ["an infinite reward", step(([o, , ...rest]) => [o, Infinity, ...rest]), /reward is Infinity/],
    [
      "a mask without actions",
      step(([o, r, t, u]) => [o, r, t, u, { actionMask: Uint8Array.of(0, 0) }]),
      /allows no action/,
    ],
    [
      "a mask of another size",
      step(([o, r, t, u]) => [o, r, t, u, { actionMask: Uint8Array.of(1) }]),
      /mask has 1 entries/,
    ],
    [
      "a mask of twos",
      step(([o, r, t, u]) => [o, r, t, u, { actionMask: Uint8Array.of(2, 1) }]),
      /other than 0 and 1/,
    ],
    [
      "a flag that is a number",
      step(([o, r, , u, info]) => [o, r, 0 as unknown as boolean, u, info]),
      /not both booleans/,
    ],
    [
      "a masked action that is taken where a refusal is declared",
      planted({ metadata: { name: "planted", maskedActions: "refused" } }),
      /masked action 1 is not refused, where the metadata says refused/,
    ],
    [
      "an allowed action that is refused",
      planted({
        step: () => {
          throw new Error("no");
        },
      }),
      /allowed action \d is refused: no/,
    ],
    ["a state that leaks", step(([o, r, ...rest]) => [o, r + drift++, ...rest]), /same seed/],
    [
      "a step after the end",
      planted({
        step: () => [Float32Array.of(0), 1, true, false, {}],
      }),
      /after the end is not refused/,
    ],
  ] as [string, Env, RegExp][])("finds %s", (_name, env, finding) => {
    expect(checkEnv(env, { steps: 20 }).join("; ")).toMatch(finding);
  });
});
