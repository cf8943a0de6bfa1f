/**
 * @file In a build, the verbs that `dist/quick.js` runs answer as they do without it, packages that are imported later included.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const dist = join(root, 'dist');
const built = existsSync(join(dist, 'quick.js'));
if (!built) console.warn('test/cli/quick.test.ts needs a build: npm run build');

/** Runs the command line without `cli.js`, which alone knows of `quick.js`. */
const whole = `const { runCommandLine, processIo } = await import(${JSON.stringify(pathToFileURL(join(dist, 'command-line.js')).href)}); process.exitCode = await runCommandLine(process.argv.slice(1), processIo());`;

describe.runIf(built)('dist/quick.js', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'peft-quick-'));
    cpSync(join(root, 'examples', 'quickstart'), folder, { recursive: true });
    const text = readFileSync(join(folder, 'quickstart.peft'), 'utf8');
    // Quotation marks make the reader of tables load a package.
    writeFileSync(join(folder, 'table.csv'), 'text,label\n"a, b",good\nc,bad\n');
    writeFileSync(join(folder, 'csv.peft'), text.replace('tsv("train.tsv")', 'csv("table.csv")'));
    writeFileSync(join(folder, 'column.peft'), text.replace('text: "text"', 'text: "txt"'));
    writeFileSync(join(folder, 'broken.peft'), text.replace('from "base"', 'fron "base"').replace('rank: 8,', 'rank: 8,,'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const run = (node: readonly string[], args: readonly string[]): unknown => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [...node, ...args], { cwd: folder, encoding: 'utf8' });
    return { status, stdout, stderr };
  };

  test.each([
    { args: ['check', 'quickstart.peft'], status: 0 },
    { args: ['check', 'csv.peft'], status: 0 },
    { args: ['check', 'column.peft'], status: 1 },
    { args: ['check', '--format', 'sarif', 'broken.peft'], status: 1 },
    { args: ['fmt', '--check', 'quickstart.peft'], status: 0 },
    { args: ['fmt', '--check', 'broken.peft'], status: 1 },
    { args: ['check', 'nowhere.peft'], status: 2 },
  ])('peft $args', ({ args, status }) => {
    const answer = run([join(dist, 'cli.js')], args);
    expect(answer).toEqual(run(['--input-type=module', '-e', whole, '--'], args));
    expect(answer).toMatchObject({ status });
  });
});
