/**
 * @file `peft check` on the quickstart as a user meets it: the whole process, from the shell to the exit, several times over.
 * Beside it an empty program, since Node itself takes its time, and the same without `dist/quick.js`. The commands take turns, so
 * that what else the machine does meets all of them.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../cli/package.js';
import { circumstances, median, printTable, round, writeResults, type Benchmark } from './report.js';

const times = 20;

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
      const whole = join(folder, 'whole.mjs');
      writeFileSync(
        whole,
        `const { runCommandLine, processIo } = await import(${JSON.stringify(pathToFileURL(join(packageRoot, 'dist', 'command-line.js')).href)});
         process.exitCode = await runCommandLine(process.argv.slice(2), processIo());`,
      );
      const quickstart = 'examples/quickstart/quickstart.peft';
      const commands: readonly (readonly [string, readonly string[]])[] = [
        ['node, empty program', [empty]],
        ['peft --version', [cli, '--version']],
        ['peft check quickstart.peft', [cli, 'check', quickstart]],
        ['the same without quick.js', [whole, 'check', quickstart]],
        ['peft fmt --check quickstart.peft', [cli, 'fmt', '--check', quickstart]],
      ];
      const all = commands.map((): { readonly wall: number; readonly cpu: number }[] => []);
      for (let i = 0; i < times; i++) commands.forEach(([, args], c) => all[c]?.push(once(args, folder, join(folder, 'usage.json'))));
      const rows = commands.map(([name], c) => {
        const [wall, cpu] = [(all[c] ?? []).map((t) => t.wall), (all[c] ?? []).map((t) => t.cpu)];
        return {
          command: name,
          median: round(median(wall), 0),
          best: round(Math.min(...wall), 0),
          cpu: round(median(cpu), 0),
          leastCpu: round(Math.min(...cpu), 0),
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
