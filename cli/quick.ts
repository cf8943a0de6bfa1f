/**
 * @file The command line as one script with V8's compiled code beside it, for the verbs that editors and hooks call all the time.
 * The build writes both. V8 looks at its own version and flags: code that another Node compiled is left aside, and the script is
 * compiled as it runs.
 */
import type { Script } from 'node:vm';

/** What the script evaluates to: a module in CommonJS form. A script cannot import by itself, nor knows its URL. */
type Wrapped = (
  exports: object,
  require: typeof process.getBuiltinModule,
  module: { exports: object },
  importMetaUrl: string,
  importPackage: (name: string) => Promise<unknown>,
) => void;

/** The script beside the file with a URL, with its compiled code where it is there; undefined where there is no script. */
export function openQuick(url: string): Script | undefined {
  // Modules of Node's that are imported, not got like this, delay the start.
  const { existsSync, readFileSync } = process.getBuiltinModule('node:fs');
  const vm = process.getBuiltinModule('node:vm');
  const [file, code] = [new URL('quick.js', url), new URL('quick.code', url)];
  if (!existsSync(file)) return undefined;
  return new vm.Script(readFileSync(file, 'latin1'), {
    filename: file.href,
    ...(existsSync(code) ? { cachedData: readFileSync(code) } : {}),
  });
}

/** Runs the script as the module that it stands for; gives what it exports. */
export function runQuick(script: Script, url: string): typeof import('./command-line.js') {
  const module = { exports: {} };
  const importPackage = (name: string): Promise<unknown> => import(name);
  (script.runInThisContext() as Wrapped)(module.exports, process.getBuiltinModule, module, new URL('quick.js', url).href, importPackage);
  return module.exports as typeof import('./command-line.js');
}
