/**
 * @file Where Vulkan comes from on Linux: the loader library, the drivers of the system, and the software driver that one npm
 * package carries (loader, driver and its description, 7 MB unpacked once into the cache folder).
 *
 * No environment variable has to be set before the process starts: a library that is already in the process is found by its
 * name, so opening the npm loader by its path makes Dawn find it; and the loader reads `VK_*` when an instance is made.
 */
import { createRequire } from 'node:module';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';
import { DeviceError } from './device-error.js';

/** The software driver from npm: its description file, and the loader that comes with it. */
export interface NpmDriver {
  readonly description: string;
  readonly loader: string;
}

const PACKAGE = '@sparticuz/chromium';
const ARCHIVE = 'swiftshader.tar.br';
const LOADER = 'libvulkan.so.1';
const LIBRARY = 'libvk_swiftshader.so';
const DESCRIPTION = 'vk_swiftshader_icd.json';
const WANTED: readonly string[] = [LOADER, LIBRARY, DESCRIPTION];
const DRIVER_PARENTS: readonly string[] = ['/usr/local/etc', '/etc', '/usr/local/share', '/usr/share', '/run/opengl-driver/share'];
/** RTLD_NOW | RTLD_NODELETE: Node closes a library that is no add-on, and it must stay. */
const KEEP_LOADED = 2 | 0x1000;

/** The folder for what is kept between runs: `PEFT_CACHE`, else the user's cache folder. */
export function cacheFolder(): string {
  const own = process.env['PEFT_CACHE'];
  if (own !== undefined && own !== '') return own;
  const shared = process.env['XDG_CACHE_HOME'];
  return join(shared !== undefined && shared !== '' ? shared : join(homedir(), '.cache'), 'peft');
}

/** Opens a shared library for good; false when the system does not find it. */
export function keepLibrary(path: string): boolean {
  try {
    process.dlopen({ exports: {} }, path, KEEP_LOADED);
    return true;
  } catch (error) {
    // A library that is no add-on was opened all the same, and stays; any other message means that it was not.
    return error instanceof Error && error.message.includes('did not self-register');
  }
}

/** Whether the system has a Vulkan loader; it is in the process afterwards. */
export function systemLoader(): boolean {
  return keepLibrary(LOADER);
}

/** Description files of the Vulkan drivers that the system has, in the loader's order of folders. */
export function systemDrivers(): readonly string[] {
  const parents = ['XDG_CONFIG_HOME', 'XDG_CONFIG_DIRS', 'XDG_DATA_HOME', 'XDG_DATA_DIRS'].flatMap((name) =>
    (process.env[name] ?? '').split(':').filter((path) => path !== ''),
  );
  const folders = new Set(
    [...parents, join(homedir(), '.config'), join(homedir(), '.local/share'), ...DRIVER_PARENTS].map((parent) =>
      join(parent, 'vulkan/icd.d'),
    ),
  );
  return [...folders].flatMap((folder) => {
    if (!existsSync(folder)) return [];
    return readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .sort()
      .map((name) => join(folder, name));
  });
}

/** The system's own software driver (Mesa's, whose description is called `lvp_icd…json`), if it is installed. */
export function systemSoftwareDriver(): string | undefined {
  return systemDrivers().find((file) => /(^|\/)lvp_icd[^/]*\.json$/.test(file));
}

/** The software driver from npm, unpacked on first use; undefined when the package or the platform does not offer it. */
export async function npmSoftwareDriver(): Promise<NpmDriver | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  const found = findPackage();
  if (found === undefined) return undefined;
  const folder = await unpackOnce(found.archive, found.version);
  return { description: join(folder, DESCRIPTION), loader: join(folder, LOADER) };
}

/** The members of a tar archive with their contents; long-name and other special members are passed over. */
export function tarMembers(archive: Uint8Array): readonly { readonly name: string; readonly content: Uint8Array }[] {
  const members: { name: string; content: Uint8Array }[] = [];
  for (let at = 0; at + 512 <= archive.length && archive[at] !== 0;) {
    const size = Number.parseInt(text(archive, at + 124, 12), 8);
    if (!Number.isFinite(size) || at + 512 + size > archive.length) break;
    const kind = archive[at + 156];
    if (kind === 0 || kind === 0x30) members.push({ name: text(archive, at, 100), content: archive.subarray(at + 512, at + 512 + size) });
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return members;
}

function text(bytes: Uint8Array, from: number, length: number): string {
  const field = bytes.subarray(from, from + length);
  const end = field.indexOf(0);
  return new TextDecoder('latin1').decode(end < 0 ? field : field.subarray(0, end)).trim();
}

function findPackage(): { readonly archive: string; readonly version: string } | undefined {
  let folder: string;
  try {
    folder = dirname(createRequire(import.meta.url).resolve(PACKAGE));
  } catch {
    return undefined;
  }
  // The package exports only its code, so its root is found by walking up to the archive.
  for (let up = folder; up !== dirname(up); up = dirname(up)) {
    const archive = join(up, 'bin', ARCHIVE);
    if (!existsSync(archive)) continue;
    const manifest: unknown = createRequire(import.meta.url)(join(up, 'package.json'));
    const version = typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : 'unknown';
    return { archive, version };
  }
  return undefined;
}

async function unpackOnce(archive: string, version: string): Promise<string> {
  const name = `swiftshader-${version}`;
  for (const base of [cacheFolder(), join(tmpdir(), `peft-${process.getuid?.() ?? 0}`)]) {
    const target = join(base, name);
    if (WANTED.every((file) => existsSync(join(target, file)))) return target;
    try {
      await mkdir(base, { recursive: true, mode: 0o700 });
      await unpack(archive, base, target);
      return target;
    } catch (error) {
      if (base !== cacheFolder() || !isUnwritable(error)) throw error;
    }
  }
  throw new DeviceError('unavailable', `no folder to unpack the software device into`, 'set PEFT_CACHE to a folder that can be written');
}

async function unpack(archive: string, base: string, target: string): Promise<void> {
  const tar = await promisify(brotliDecompress)(await readFile(archive));
  const members = tarMembers(tar);
  const draft = await mkdtemp(join(base, 'unpack-'));
  try {
    for (const file of WANTED) {
      const member = members.find((one) => one.name.replace(/^\.\//, '') === file);
      if (member === undefined)
        throw new DeviceError('unavailable', `the archive of ${PACKAGE} has no ${file}`, `install ${PACKAGE} 147.0.0`);
      await writeFile(join(draft, file), member.content, { mode: 0o755 });
    }
    await rename(draft, target).catch(async (error: unknown) => {
      // Another process was first: its folder is as good as ours.
      if (!WANTED.every((file) => existsSync(join(target, file)))) throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

function isUnwritable(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'ENOENT'].includes(String(error.code));
}
