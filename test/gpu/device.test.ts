/** @file Opening devices: each route by name, the npm adapter unpacked into an empty cache, clear words where there is none, a quick and quiet end. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { compileShader, compileShaders } from '../../runtime/device-pipeline.js';
import { openDevice, openNullDevice, tryDevices, type DeviceChoice } from '../../runtime/device.js';
import { DeviceError } from '../../runtime/device-error.js';
import { npmSoftwareDriver, systemSoftwareDriver, tarMembers } from '../../runtime/software-adapter.js';
import { axpyShader, countShader, sumShader } from './execute-programs.js';

const linux = process.platform === 'linux' && process.arch === 'x64';

describe('openDevice', () => {
  it('describes the device that was found', async () => {
    const device = await openDevice({ choice: 'auto' });
    try {
      const { target, limits, name, kind } = device.describe();
      expect(name).not.toBe('');
      expect(target.kind).toBe(kind === 'hardware' ? 'gpu' : 'software');
      expect(target.maxStorageBuffers).toBeGreaterThanOrEqual(8);
      expect(target.maxBindingBytes).toBeGreaterThanOrEqual(2 ** 27);
      expect(target.maxBindingBytes % 256).toBe(0);
      expect(target.maxBindingBytes).toBeLessThanOrEqual(limits['maxStorageBufferBindingSize'] ?? 0);
      expect(target.maxBufferBytes).toBeLessThanOrEqual(limits['maxBufferSize'] ?? 0);
    } finally {
      device.close();
    }
    expect(() => device.check()).toThrow('closed');
  });

  it.runIf(linux)('unpacks the npm adapter once, into an empty cache (Linux on x64 only)', async () => {
    await inCache(async (cache) => {
      const [a, b] = await Promise.all([npmSoftwareDriver(), npmSoftwareDriver()]);
      expect(a).toEqual(b);
      expect(a?.description.startsWith(cache)).toBe(true);
      expect(readdirSync(cache).filter((name) => name.startsWith('unpack-'))).toEqual([]);
      const device = await openDevice({ choice: 'npm' });
      expect(device.describe()).toMatchObject({ kind: 'npm-software', route: a?.description, target: { kind: 'software', f16: false } });
      device.close();
    });
  });

  it.runIf(linux)('leaves the environment as it was (Linux on x64 only)', async () => {
    const names = ['VK_ICD_FILENAMES', 'VK_DRIVER_FILES', 'LD_LIBRARY_PATH'];
    const before = names.map((name) => process.env[name]);
    (await openDevice({ choice: 'npm' })).close();
    expect(names.map((name) => process.env[name])).toEqual(before);
  });

  it.runIf(linux)('opens the system software adapter by name, or says what to install (Linux on x64 only)', async () => {
    if (systemSoftwareDriver() === undefined) {
      await expect(openDevice({ choice: 'system' })).rejects.toMatchObject({
        kind: 'unavailable',
        help: expect.stringContaining('Mesa 25'),
      });
      return;
    }
    const device = await openDevice({ choice: 'system' });
    expect(device.describe()).toMatchObject({ kind: 'system-software', target: { kind: 'software' } });
    device.close();
  });

  it('tries every kind, each found or answered by words', async () => {
    const trials = await tryDevices();
    expect(trials.map((one) => one.choice)).toEqual(['hardware', 'system', 'npm']);
    for (const { found, problem, help } of trials) {
      if (found === undefined) expect([problem, help]).toEqual([expect.stringContaining('was found'), expect.stringMatching(/./)]);
      else expect(problem).toBeUndefined();
    }
    expect(trials.some((one) => one.found !== undefined)).toBe(true);
  });

  it('answers an unknown PEFT_DEVICE by words', async () => {
    const before = process.env['PEFT_DEVICE'];
    process.env['PEFT_DEVICE'] = 'gpu7';
    try {
      await expect(openDevice()).rejects.toMatchObject({
        kind: 'unavailable',
        message: expect.stringContaining('gpu7'),
        help: expect.stringContaining('hardware, system, npm, null'),
      });
    } finally {
      if (before === undefined) delete process.env['PEFT_DEVICE'];
      else process.env['PEFT_DEVICE'] = before;
    }
  });

  it.each<DeviceChoice>(['auto', 'null'])('ends the process at once after close, silently: %s', (choice) => {
    const script = `
      import { openDevice } from './runtime/device.js';
      const device = await openDevice({ choice: '${choice}' });
      let junk = [];
      for (let i = 0; i < 50; i++) junk = [...junk, new Float32Array(1e5)].slice(-5);
      await device.idle();
      device.close();
      console.log('closed', device.closed);`;
    const bundle = buildSync({
      stdin: { contents: script, resolveDir: process.cwd(), loader: 'ts' },
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      write: false,
    });
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', bundle.outputFiles[0]?.text ?? ''], {
      encoding: 'utf8',
      timeout: 30_000,
    });
    // Dawn says this of Mesa's software adapter, and cannot be asked not to.
    const noise = /^Warning: maxDynamic\w+ artificially reduced .*\n/gm;
    expect({ status: run.status, out: run.stdout, err: run.stderr.replace(noise, '') }).toEqual({
      status: 0,
      out: 'closed true\n',
      err: '',
    });
  });
});

describe('null device', () => {
  it('compiles shaders, equal ones once, and refuses wrong ones with place and label', async () => {
    const device = await openNullDevice();
    try {
      const [a, b, c, again] = await compileShaders(device, [axpyShader, sumShader, countShader, { ...axpyShader, label: 'again' }]);
      expect(again).toBe(a);
      expect(c).not.toBe(b);
      expect(c?.layout).toBe(b?.layout);
      await expect(compileShader(device, { ...sumShader, code: sumShader.code.replace('0.0', 'fals') })).rejects.toThrow(
        "shader sum: 6:13 unresolved value 'fals'",
      );
      await expect(compileShader(device, { ...sumShader, code: sumShader.code.replace('main', 'other') })).rejects.toThrow('shader sum: ');
      await expect(compileShader(device, { ...sumShader, access: ['read'] })).rejects.toThrow('shader sum: ');
      device.check();
    } finally {
      device.close();
    }
  });

  it('compiles subgroup-matrix and f16 shaders', async () => {
    const device = await openNullDevice();
    const code = `
enable f16; enable subgroups; enable chromium_experimental_subgroup_matrix;
@group(0) @binding(0) var<uniform> u: vec4<u32>;
@group(0) @binding(1) var<storage, read> a: array<f16>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
@compute @workgroup_size(128) fn main() {
  let l = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, row_major>(&a, u.x, u.y);
  let r = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, col_major>(&a, u.x, u.y);
  var acc: subgroup_matrix_result<f32, 16, 16>;
  acc = subgroupMatrixMultiplyAccumulate(l, r, acc);
  subgroupMatrixStore<row_major>(&c, u.z, acc, u.w);
}`;
    try {
      await compileShader(device, { label: 'tensor', code, scalars: false, access: ['read', 'read_write'] });
      expect(device.describe().features).toContain('chromium-experimental-subgroup-matrix');
    } finally {
      device.close();
    }
  });
});

describe('tarMembers', () => {
  it.each<[string, Uint8Array, readonly string[]]>([
    ['empty', new Uint8Array(0), []],
    ['zeros', new Uint8Array(1024), []],
    [
      'two files',
      archive([
        ['a', 'xy'],
        ['b/c', ''],
      ]),
      ['a:xy', 'b/c:'],
    ],
    [
      'cut in a content',
      archive([
        ['a', 'xy'],
        ['b', 'z'.repeat(600)],
      ]).subarray(0, 1024 + 512 + 100),
      ['a:xy'],
    ],
    ['no number for a size', new Uint8Array(512).fill(0x7a), []],
  ])('%s', (_name, bytes, expected) => {
    expect(tarMembers(bytes).map(({ name, content }) => `${name}:${new TextDecoder().decode(content)}`)).toEqual(expected);
  });
});

it('DeviceError carries help beside the message', () => {
  expect(new DeviceError('lost', 'the device was lost', 'run again')).toMatchObject({
    kind: 'lost',
    message: 'the device was lost',
    help: 'run again',
  });
});

function archive(files: readonly (readonly [string, string])[]): Uint8Array {
  const blocks = files.map(([name, content]) => {
    const head = Buffer.alloc(512);
    head.write(name, 0);
    head.write(content.length.toString(8).padStart(11, '0'), 124);
    head.write('0', 156);
    const body = Buffer.alloc(Math.ceil(content.length / 512) * 512);
    body.write(content);
    return Buffer.concat([head, body]);
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

async function inCache(use: (cache: string) => Promise<void>): Promise<void> {
  const before = process.env['PEFT_CACHE'];
  const cache = mkdtempSync(join(tmpdir(), 'peft-cache-'));
  process.env['PEFT_CACHE'] = cache;
  try {
    await use(cache);
  } finally {
    if (before === undefined) delete process.env['PEFT_CACHE'];
    else process.env['PEFT_CACHE'] = before;
    rmSync(cache, { recursive: true, force: true });
  }
}
