/**
 * @file Packs the project, installs the package into an empty folder elsewhere, and uses it there as a stranger would. It finds
 * files that the package forgets, and paths that only hold in the repository.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, runNpm } from './project.mjs';

/** The commands, what each must answer, and what its output must contain. */
const commands = [
  { args: ['--version'], code: 0, says: /^\d+\.\d+\.\d+/ },
  { args: ['--help'], code: 0, says: /doctor/ },
  { args: ['doctor'], code: 0, says: /everything that peft needs is there/ },
  { args: ['init', 'mine.peft'], code: 0 },
  { args: ['init', 'mine.peft'], code: 2, says: /exists already/ },
  { args: ['fmt', '--check', 'mine.peft'], code: 0 },
  { args: ['frobnicate'], code: 2, says: /there is no command/ },
];

/** With the example, as soon as the package has the verb for it; the example is copied, so that runs write into the empty folder. */
const example = { folder: 'quickstart', file: 'quickstart/quickstart.peft' };

function runPeft(folder, args) {
  const entry = join(
    folder,
    'node_modules',
    'peft-lang',
    JSON.parse(readFileSync(join(folder, 'node_modules', 'peft-lang', 'package.json'), 'utf8')).bin.peft,
  );
  const link = join(folder, 'node_modules', '.bin', process.platform === 'win32' ? 'peft.cmd' : 'peft');
  if (!existsSync(link)) throw new Error(`npm made no command at ${link}`);
  const { status, stdout, stderr } =
    process.platform === 'win32'
      ? spawnSync(process.execPath, [entry, ...args], { cwd: folder, encoding: 'utf8' })
      : spawnSync(link, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  return { code: status, output: `${stdout}${stderr}` };
}

async function main() {
  const folder = mkdtempSync(join(tmpdir(), 'peft-pack-'));
  try {
    const packed = join(folder, 'packed');
    const place = join(folder, 'place with a space');
    mkdirSync(packed);
    mkdirSync(place);
    if ((await runNpm(['pack', '--ignore-scripts', '--loglevel=error', '--pack-destination', packed])) !== 0) return 1;
    const [archive] = readdirSync(packed);
    writeFileSync(join(place, 'package.json'), '{ "private": true }\n');
    if (
      (await runNpm(['install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error', join(packed, archive)], {
        cwd: place,
      })) !== 0
    )
      return 1;

    const steps = [...commands];
    const verbs = runPeft(place, ['--help']).output;
    if (existsSync(join(root, 'examples', example.folder)) && /^\s+run /m.test(verbs)) {
      cpSync(join(place, 'node_modules', 'peft-lang', 'examples', example.folder), join(place, example.folder), { recursive: true });
      steps.push({ args: ['check', example.file], code: 0 }, { args: ['run', example.file], code: 0, says: /adapter_model\.safetensors/ });
    }
    let failed = 0;
    for (const step of steps) {
      const { code, output } = runPeft(place, step.args);
      const ok = code === step.code && (step.says === undefined || step.says.test(output));
      if (!ok) failed++;
      process.stdout.write(
        `${ok ? 'ok    ' : 'FAILED'} peft ${step.args.join(' ')}${ok ? '' : ` (exit ${code}, expected ${step.code})\n${output}`}\n`,
      );
    }
    return failed === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

process.exitCode = await main();
