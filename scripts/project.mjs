/**
 * @file What the project's scripts share: the root, whether the installed packages and the build are up to date, and running
 * a command. Plain Node without dependencies, because it runs before anything is installed.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the repository, without a trailing separator. */
export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '');

/** Where the hash of the sources a build was made from is kept. */
export const buildStamp = join(root, 'dist', 'sources.sha256');

/** What a build is made from: folders and files below the root. */
const buildInputs = [
  'cli',
  'compiler',
  'editor/prettier',
  'grammar',
  'lint',
  'runtime',
  'stdlib',
  'test/parity',
  'bench',
  'scripts/build.mjs',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
];

/** Every file of a folder, or the file itself, in a stable order. */
function filesBelow(path) {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesBelow(join(path, name)));
}

/** Hash of everything a build is made from; content and names, not times, since a checkout sets times as it likes. */
export function sourcesHash() {
  const hash = createHash('sha256').update(process.version);
  for (const input of buildInputs) {
    for (const file of filesBelow(join(root, input)))
      hash.update(file.slice(root.length)).update('\0').update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex');
}

/** Whether `dist/` was made from the present sources. */
export function buildIsFresh() {
  return existsSync(buildStamp) && readFileSync(buildStamp, 'utf8') === sourcesHash();
}

/** Whether `node_modules` holds what the lock file says. npm writes its own lock last, so an interrupted install is seen. */
export function packagesAreInstalled() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return false;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const found = JSON.parse(readFileSync(installed, 'utf8')).packages;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '' || entry.link === true) return true;
    const present = found[path];
    return present === undefined ? entry.optional === true : present.version === entry.version && present.integrity === entry.integrity;
  });
}

/** Runs a command with this process's input and output; answers its exit code. */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', ...options });
    // Ctrl-C reaches the child by itself, since the terminal sends it to both; this process only waits for its end.
    const wait = () => undefined;
    const forward = (signal) => child.kill(signal);
    process.on('SIGINT', wait).on('SIGTERM', forward);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      process.off('SIGINT', wait).off('SIGTERM', forward);
      resolve(code ?? (signal === 'SIGINT' ? 130 : 1));
    });
  });
}

/** Runs one of this project's Node scripts or a JavaScript file of a package. */
export function runNode(args, options = {}) {
  return run(process.execPath, args, options);
}

/** Runs npm, the one that started this process where there is one. */
export function runNpm(args, options = {}) {
  const npm = process.env.npm_execpath;
  if (npm !== undefined && npm.endsWith('.js')) return runNode([npm, ...args], options);
  return process.platform === 'win32' ? run('npm.cmd', args, { shell: true, ...options }) : run('npm', args, options);
}
