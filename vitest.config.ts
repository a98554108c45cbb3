import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    reporters: ["default", "./tests/closing-line.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // The suite's heavy tests are CPU-bound; one worker a core.
    maxWorkers: 2,
  },
});
