/**
 * @file `npm test`: type check, lint and layout side by side, then the tests; each static check counts as one test. The last line is
 * `N passed, N failed, N skipped`. With arguments (`npm test -- test/arch`) only the tests they name run.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, runNode } from './project.mjs';

/** JavaScript files of the tools, started with Node itself: no shell and no PATH between. */
const bin = (path) => join(root, 'node_modules', path);

const staticChecks = [
  { name: 'typecheck', args: [bin('typescript/bin/tsc'), '-p', root] },
  {
    name: 'lint',
    args: [bin('eslint/bin/eslint.js'), '--max-warnings', '0', '--cache', '--cache-location', join(root, '.cache', 'eslint'), '.'],
  },
  { name: 'layout', args: [bin('prettier/bin/prettier.cjs'), '--check', '--log-level', 'warn', '**/*.{ts,js,mjs}'] },
];

/** Runs vitest; the counts come from its own JSON report, not from its text. */
async function runTests(args) {
  const folder = mkdtempSync(join(tmpdir(), 'peft-test-'));
  const report = join(folder, 'report.json');
  try {
    const code = await runNode(
      [bin('vitest/vitest.mjs'), 'run', '--reporter=default', '--reporter=json', `--outputFile=${report}`, ...args],
      { cwd: root },
    );
    const counts = { passed: 0, failed: 0, skipped: 0 };
    try {
      const found = JSON.parse(readFileSync(report, 'utf8'));
      counts.passed = found.numPassedTests;
      // A file that could not be loaded has no tests, and fails.
      counts.failed =
        found.numFailedTests + found.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length;
      counts.skipped = found.numPendingTests + found.numTodoTests;
    } catch {
      counts.failed = 1;
    }
    // Errors outside of tests (an unhandled rejection) fail the run without failing a test.
    if (code !== 0 && counts.failed === 0) counts.failed = 1;
    return counts;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function main() {
  const args = process.argv.slice(2);
  const total = { passed: 0, failed: 0, skipped: 0 };
  if (args.length === 0) {
    const codes = await Promise.all(staticChecks.map((check) => runNode(check.args)));
    for (const [i, check] of staticChecks.entries()) {
      const passed = codes[i] === 0;
      process.stdout.write(`${check.name}: ${passed ? 'ok' : 'failed'}\n`);
      total[passed ? 'passed' : 'failed']++;
    }
  }
  const tests = await runTests(args);
  for (const kind of Object.keys(total)) total[kind] += tests[kind];
  process.stdout.write(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
  return total.failed === 0 && tests.passed > 0 ? 0 : 1;
}

process.exitCode = await main();
