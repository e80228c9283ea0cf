/**
 * A vitest reporter that ends the output with `N passed, N failed, N skipped`, counted from
 * the tests that really ran. A file that cannot be loaded, a hook that fails and an error outside
 * every test count as failed. Under CI a skipped test fails the run.
 */
import { writeSync } from 'node:fs';

const count = { passed: 0, failed: 0, skipped: 0, pending: 0 };

export default class Tally {
  /** @param {import('vitest/node').TestCase} test */
  onTestCaseResult(test) {
    count[test.result().state] += 1;
  }

  /** @param {readonly import('vitest/node').TestModule[]} modules @param {readonly unknown[]} errors */
  onTestRunEnd(modules, errors) {
    const groups = modules.flatMap((module) => [module, ...module.children.allSuites()]);
    const broken = groups.filter((group) => group.errors().length > 0);
    count.failed += broken.length + errors.length;
    process.once('exit', () => {
      if (count.failed > 0 || (process.env.CI && count.skipped > 0)) process.exitCode ||= 1;
      writeSync(1, `${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`);
    });
  }
}
