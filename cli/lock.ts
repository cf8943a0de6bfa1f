/**
 * @file What `spec.lock.json` records of a run's surroundings: digests of base and data, versions, device.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Resolved } from '../compiler/spec/check.js';
import type { OpenedFile } from './experiment.js';
import { folderOfBase } from './prepare.js';
import { installedVersion, manifest } from './package.js';
import { listFolder } from '../runtime/weights/checkpoint.js';

/** SHA-256 of a file, read in pieces. */
export async function fileDigest(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

/** Digests of what the experiment reads, and the versions of what runs it. */
export async function lockFacts(resolved: Resolved, opened: OpenedFile, device: string): Promise<Readonly<Record<string, unknown>>> {
  const folder = await folderOfBase(resolved, opened);
  const names = await listFolder(folder, 'base');
  const base: Record<string, string> = {};
  for (const name of names.ok ? names.value : []) if (/\.(safetensors|json)$/.test(name)) base[name] = await fileDigest(join(folder, name));
  const data: Record<string, string> = {};
  for (const source of [resolved.spec.data.train, resolved.spec.data.eval])
    if (source !== null) data[source.path] = await fileDigest(resolve(dirname(opened.path), source.path));
  return { tool: manifest().version, dawn: installedVersion('webgpu') ?? null, node: process.version, device, base, data };
}
