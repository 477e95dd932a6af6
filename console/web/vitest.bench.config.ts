// Measures the console in a real browser, against the real binary.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { include: ["bench/*.ts"], environment: "node", fileParallelism: false, pool: "forks", testTimeout: 600_000, hookTimeout: 120_000 },
});
