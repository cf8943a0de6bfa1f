/**
 * @file `npm run bench -- NAME…`: runs benchmarks, prints a table of each and writes `bench/results/NAME-ADAPTER.json`.
 * Without a name it lists them. Speed is reported here and asserted nowhere.
 */
import { benchmark as brokenSpecs } from './broken-specs.js';
import { benchmark as compile } from './compile.js';
import { benchmark as lsp } from './lsp.js';
import { benchmark as fuzz } from './fuzz.js';
import { benchmark as matmul } from './matmul.js';
import type { Benchmark } from './report.js';
import { benchmark as startup } from './startup.js';
import { benchmark as step } from './step.js';

const benchmarks: Readonly<Record<string, Benchmark>> = { matmul, step, startup, compile, lsp, 'broken-specs': brokenSpecs, fuzz };

/** Runs the benchmarks that the arguments name; gives the exit code. */
async function main(names: readonly string[]): Promise<number> {
  const unknown = names.filter((name) => !Object.hasOwn(benchmarks, name));
  if (names.length === 0 || unknown.length > 0) {
    for (const name of unknown) process.stderr.write(`there is no benchmark ${name}\n`);
    process.stderr.write(
      `usage: npm run bench -- NAME…\n${Object.entries(benchmarks)
        .map(([name, b]) => `  ${name.padEnd(12)} ${b.summary}`)
        .join('\n')}\n`,
    );
    return 2;
  }
  for (const name of names) await (benchmarks[name] as Benchmark).run();
  return 0;
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  return 2;
});
