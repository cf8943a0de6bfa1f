/**
 * @file The package this command belongs to: its version, its folder, and the versions of what it depends on.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's root: the sources' folders and `dist/` both lie one level below it. */
export const packageRoot = fileURLToPath(new URL('..', import.meta.url));

/** What is read of a `package.json`. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly engines?: { readonly node?: string };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** This package's own manifest. */
export function manifest(): Manifest {
  return JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as Manifest;
}

/** The installed version of a package, looked up from the package's root upwards as Node does; undefined where it is not installed. */
export function installedVersion(name: string): string | undefined {
  for (let folder = packageRoot; ; folder = dirname(folder)) {
    const file = join(folder, 'node_modules', name, 'package.json');
    if (existsSync(file)) return (JSON.parse(readFileSync(file, 'utf8')) as Manifest).version;
    if (dirname(folder) === folder) return undefined;
  }
}
