/**
 * @file `peft check` on the quickstart as a user meets it: the whole process, from the shell to the exit, several times over.
 * Beside it an empty program, since Node itself takes its time.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../cli/package.js';
import { circumstances, median, printTable, round, writeResults, type Benchmark } from './report.js';

const times = 10;

/** Wall and processor milliseconds of a command; the child reports its own processor time on exit. */
function once(args: readonly string[], folder: string, usage: string): { readonly wall: number; readonly cpu: number } {
  const hook = join(folder, 'usage.cjs');
  writeFileSync(
    hook,
    `process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(usage)}, JSON.stringify(process.cpuUsage())));`,
  );
  const before = performance.now();
  const done = spawnSync(process.execPath, ['--require', hook, ...args], { cwd: packageRoot, stdio: ['ignore', 'pipe', 'pipe'] });
  const wall = performance.now() - before;
  // Findings (1) are an answer too: the example need not be in the one style.
  if (done.status !== 0 && done.status !== 1) throw new Error(`${args.join(' ')} ended with ${done.status}: ${done.stderr.toString()}`);
  const used = JSON.parse(readFileSync(usage, 'utf8')) as { readonly user: number; readonly system: number };
  return { wall, cpu: (used.user + used.system) / 1000 };
}

/** Start-up time of the command line. */
export const benchmark: Benchmark = {
  summary: 'peft check on the quickstart: the whole process',
  run: () => {
    const folder = mkdtempSync(join(tmpdir(), 'peft-bench-'));
    try {
      const empty = join(folder, 'empty.mjs');
      writeFileSync(empty, '');
      const cli = join(packageRoot, 'dist', 'cli.js');
      const commands: readonly (readonly [string, readonly string[]])[] = [
        ['node, empty program', [empty]],
        ['peft --version', [cli, '--version']],
        ['peft check quickstart.peft', [cli, 'check', 'examples/quickstart/quickstart.peft']],
        ['peft fmt --check quickstart.peft', [cli, 'fmt', '--check', 'examples/quickstart/quickstart.peft']],
      ];
      const rows = commands.map(([name, args]) => {
        const all = Array.from({ length: times }, () => once(args, folder, join(folder, 'usage.json')));
        return {
          command: name,
          median: round(median(all.map((t) => t.wall)), 0),
          best: round(Math.min(...all.map((t) => t.wall)), 0),
          cpu: round(median(all.map((t) => t.cpu)), 0),
          leastCpu: round(Math.min(...all.map((t) => t.cpu)), 0),
        };
      });
      const head = ['command', 'median', 'best', 'cpu', 'leastCpu'] as const;
      printTable(
        `milliseconds, ${times} times; cpu: processor time`,
        head,
        rows.map((row) => head.map((h) => row[h])),
      );
      writeResults('startup', circumstances(), { unit: 'milliseconds', times, rows });
      return Promise.resolve();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
