import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    reporters: ["default", "./tests/closing-line.ts"],
    // No claim of any test: what must be quick says so itself. A busy machine may take its time.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // The suite's heavy tests are CPU-bound; one worker a core.
    maxWorkers: 2,
  },
});
