/**
 * Every test of the repository in one run: what sits beside its idea in packages, and what
 * crosses ideas in tests/. Workspaces resolve to their sources, in the tests and, through
 * `execArgv`, in the threads the product starts.
 */
import { defineConfig } from 'vitest/config';

const conditions = ['warder-source', 'module', 'node'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'tests/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    execArgv: ['--conditions=warder-source'],
    testTimeout: 120_000,
    hookTimeout: 60_000,
    reporters: ['default', './scripts/tally.mjs'],
  },
});
