/**
 * @file `peft doctor`: what this machine offers, and what to install where something is missing. It changes nothing.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { availableParallelism, cpus, homedir, totalmem } from 'node:os';
import { join } from 'node:path';
import { DeviceError } from '../../runtime/device-error.js';
import type { DeviceDescription } from '../../runtime/device.js';
import { painter } from '../colour.js';
import { exitCodes } from '../exit.js';
import type { Context } from '../io.js';
import { installedVersion, manifest } from '../package.js';
import { factsFormat, type Verb } from '../verb.js';

/** The verb. */
export const verb: Verb = {
  group: 'Setup',
  summary: 'show what this machine offers and what is missing',
  details:
    'Node, packages, the device with its limits and features, and the caches. PEFT_DEVICE=hardware|system|npm asks for one kind of device.\nExits with 1 where something is missing.',
  options: [factsFormat],
  examples: [
    { command: 'peft doctor', help: 'look at this machine' },
    { command: 'PEFT_DEVICE=npm peft doctor', help: 'look at the software adapter that npm installs' },
    { command: 'peft doctor --format json', help: 'the same for a program, or for a bug report' },
  ],
  async run({ options }, context) {
    const report = await examine(context);
    context.out(
      options['format'] === 'json'
        ? `${JSON.stringify({ formatVersion: 1, ...report }, undefined, 2)}\n`
        : reportText(report, context.colour.out),
    );
    return report.problems.length === 0 ? exitCodes.ok : exitCodes.findings;
  },
};

/** Something that is missing, and what to do about it. */
export interface Problem {
  readonly message: string;
  readonly help?: string;
}

/** What was found. */
export interface Report {
  readonly peft: string;
  readonly node: { readonly version: string; readonly wanted: string };
  readonly machine: { readonly platform: string; readonly processor: string; readonly threads: number; readonly memory: number };
  readonly packages: readonly {
    readonly name: string;
    readonly wanted: string;
    readonly installed: string | null;
    readonly optional: boolean;
  }[];
  readonly device: DeviceDescription | null;
  readonly caches: readonly { readonly name: string; readonly path: string; readonly bytes: number | null }[];
  readonly problems: readonly Problem[];
}

async function examine(context: Context): Promise<Report> {
  const problems: Problem[] = [];
  const own = manifest();
  const wanted = own.engines?.node ?? '>=20.19';
  if (!nodeFits(process.versions.node, wanted))
    problems.push({ message: `Node ${process.versions.node} is too old`, help: `install Node ${wanted}` });

  const packages = packageTable(own.dependencies, false).concat(packageTable(own.optionalDependencies, true));
  for (const p of packages) {
    if (p.installed === null && !p.optional)
      problems.push({ message: `the package ${p.name} is not installed`, help: `npm install ${p.name}@${p.wanted}` });
  }

  const { device, problem } = await examineDevice();
  if (problem !== undefined) problems.push(problem);
  return {
    peft: own.version,
    node: { version: process.versions.node, wanted },
    machine: {
      platform: `${process.platform} ${process.arch}`,
      processor: cpus()[0]?.model.trim() ?? 'unknown',
      threads: availableParallelism(),
      memory: totalmem(),
    },
    packages,
    device,
    caches: cacheTable(context.env),
    problems,
  };
}

async function examineDevice(): Promise<{ readonly device: DeviceDescription | null; readonly problem?: Problem }> {
  try {
    const { openDevice } = await import('../../runtime/device.js');
    const device = await openDevice();
    try {
      return { device: device.describe() };
    } finally {
      device.close();
    }
  } catch (error) {
    if (error instanceof DeviceError)
      return {
        device: null,
        problem: error.help === undefined ? { message: error.message } : { message: error.message, help: error.help },
      };
    // The native package does not load: a missing system library, or an unsupported platform.
    return {
      device: null,
      problem: {
        message: `the package webgpu does not load: ${error instanceof Error ? error.message.split('\n', 1)[0] : String(error)}`,
        help: 'npm install webgpu, on Linux, macOS or Windows with x64 or arm64',
      },
    };
  }
}

/** Whether a version is at least the `>=major.minor` of an engines field. */
export function nodeFits(version: string, wanted: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [needMajor = 0, needMinor = 0] = wanted.replace(/^\D*/, '').split('.').map(Number);
  return major > needMajor || (major === needMajor && minor >= needMinor);
}

function packageTable(wanted: Readonly<Record<string, string>> | undefined, optional: boolean): Report['packages'][number][] {
  return Object.entries(wanted ?? {}).map(([name, version]) => ({
    name,
    wanted: version,
    installed: installedVersion(name) ?? null,
    optional,
  }));
}

function cacheTable(env: Context['env']): Report['caches'] {
  const base = env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  const own = env['PEFT_CACHE'] || join(base, 'peft');
  const hub = env['HF_HUB_CACHE'] || (env['HF_HOME'] ? join(env['HF_HOME'], 'hub') : join(base, 'huggingface', 'hub'));
  return [
    { name: 'peft', path: own, bytes: bytesBelow(own) },
    { name: 'Hugging Face hub', path: hub, bytes: bytesBelow(hub) },
  ];
}

/** Bytes of all files of a folder, links not followed; null where there is no folder. */
function bytesBelow(folder: string): number | null {
  if (!existsSync(folder)) return null;
  let bytes = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    try {
      if (entry.isDirectory()) bytes += bytesBelow(path) ?? 0;
      else if (entry.isFile()) bytes += statSync(path).size;
    } catch {
      // Removed meanwhile, or not ours to read: it does not count.
    }
  }
  return bytes;
}

function reportText(report: Report, coloured: boolean): string {
  const paint = painter(coloured);
  const lines: string[] = [];
  const section = (title: string, rows: readonly (readonly [string, string])[]): void => {
    const width = Math.max(...rows.map(([name]) => name.length));
    lines.push(paint.bold(title), ...rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`), '');
  };
  section('Machine', [
    ['peft', report.peft],
    ['node', `${report.node.version} (${report.node.wanted})`],
    ['system', report.machine.platform],
    ['processor', `${report.machine.processor}, ${report.machine.threads} threads`],
    ['memory', bytesText(report.machine.memory)],
  ]);
  section(
    'Packages',
    report.packages.map((p) => [
      p.name,
      p.installed === null
        ? `not installed${p.optional ? ' (optional)' : ''}`
        : p.installed === p.wanted
          ? p.installed
          : `${p.installed} (made for ${p.wanted})`,
    ]),
  );
  if (report.device !== null) section('Device', deviceRows(report.device));
  section(
    'Caches',
    report.caches.map((c) => [c.name, `${c.path}${c.bytes === null ? ', empty' : `, ${bytesText(c.bytes)}`}`]),
  );
  for (const problem of report.problems) {
    lines.push(`${paint.red('missing')}: ${problem.message}`);
    if (problem.help !== undefined) lines.push(`  help: ${problem.help}`);
  }
  if (report.problems.length === 0) lines.push(paint.green('everything that peft needs is there'));
  return `${lines.join('\n')}\n`;
}

function deviceRows(device: DeviceDescription): readonly (readonly [string, string])[] {
  const { limits, target } = device;
  const matrices = [...new Set(device.subgroupMatrices.map((m) => `${m.componentType}→${m.resultComponentType} ${m.M}x${m.N}x${m.K}`))];
  return [
    ['name', device.name],
    [
      'kind',
      `${device.kind}${device.vendor === '' ? '' : `, ${device.vendor}`}${device.architecture === '' ? '' : ` ${device.architecture}`}`,
    ],
    ['found by', device.route],
    ['f16', target.f16 ? 'yes' : 'no'],
    [
      'subgroups',
      target.subgroup === 0
        ? 'no'
        : `${device.subgroup[0] === device.subgroup[1] ? `${device.subgroup[0]}` : `${device.subgroup[0]} to ${device.subgroup[1]}`} lanes`,
    ],
    ['subgroup matrices', matrices.length === 0 ? 'no' : matrices.join(', ')],
    ['largest buffer', bytesText(target.maxBufferBytes)],
    ['largest binding', bytesText(target.maxBindingBytes)],
    ['storage buffers', `${target.maxStorageBuffers} in a shader`],
    [
      'workgroup',
      `${target.maxWorkgroupThreads} threads, ${bytesText(target.maxWorkgroupBytes)}, ${limits['maxComputeWorkgroupsPerDimension'] ?? '?'} in one dimension`,
    ],
    ['features', device.features.join(', ')],
  ];
}

/** Bytes with a binary unit. */
export function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${units[unit]}`;
}
