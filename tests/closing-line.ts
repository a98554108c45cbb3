/** A reporter for machines: the run's last line is `N passed, N failed` (and the skipped, if any). */
import type { Reporter, TestModule } from "vitest/node";

export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    let brokenFiles = 0;
    for (const module of modules) {
      for (const test of module.children.allTests()) counts[test.result().state] += 1;
      // A file that fails to load runs no test at all; it still is a failure.
      if (module.errors().length > 0) brokenFiles += 1;
    }
    const failed = counts.failed + counts.pending + brokenFiles + unhandledErrors.length;
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
    process.on("exit", () => console.log(`${counts.passed} passed, ${failed} failed${skipped}`));
  }
}
