/**
 * @file The first command on a fresh clone: installs the packages if they are not those of the lock file, builds if the
 * sources changed, and runs what was asked for. `node scripts/first.mjs TASK [arguments]`. Needs nothing but Node.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { buildIsFresh, packagesAreInstalled, root, runNode, runNpm } from './project.mjs';

/** Each task: the script it runs and whether that needs `dist/`. */
const tasks = {
  test: { script: 'scripts/test.mjs', build: true },
  demo: { script: 'scripts/demo.mjs', build: true },
  parity: { script: 'dist/parity.js', build: true },
  bench: { script: 'dist/bench.js', build: true },
  pack: { script: 'scripts/pack-smoke.mjs', build: true },
  build: { script: undefined, build: true },
};

/** Says what is done, on standard error, so that results alone stand on standard output. */
function say(text) {
  process.stderr.write(`${text}\n`);
}

async function main() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    say(`this project needs Node 20.19 or newer; this is ${process.version}`);
    return 2;
  }
  const [name, ...rest] = process.argv.slice(2);
  const args = rest[0] === '--' ? rest.slice(1) : rest;
  const task = Object.hasOwn(tasks, name ?? '') ? tasks[name] : undefined;
  if (task === undefined) {
    say(`usage: node scripts/first.mjs ${Object.keys(tasks).join('|')} [arguments]`);
    return 2;
  }
  if (!packagesAreInstalled()) {
    say('installing the packages of package-lock.json …');
    const code = await runNpm(['ci', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']);
    if (code !== 0) return code;
  }
  if (task.build && !buildIsFresh()) {
    say('building …');
    const code = await runNode([join(root, 'scripts', 'build.mjs')]);
    if (code !== 0) return code;
  }
  if (task.script === undefined) return 0;
  if (!existsSync(join(root, task.script))) {
    say(`${task.script} is not part of this version`);
    return 2;
  }
  return runNode([join(root, task.script), ...args], { cwd: process.cwd() });
}

process.exitCode = await main();
