/**
 * @file Opens a device: a hardware adapter first, then the system's software adapter, then the one from npm, else clear words.
 *
 * `PEFT_DEVICE=hardware|system|npm|null` asks for one of them. The object that Dawn's `create()` returns lives as long as the
 * device (collecting it earlier ends the process). An error nobody awaited, and a lost device, are kept and thrown by the next
 * `check()`: every method of a session begins and ends with one.
 */
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { create, globals } from 'webgpu';
import type { Target } from '../compiler/plan/program.js';
import { DeviceError } from './device-error.js';
import { keepLibrary, npmSoftwareDriver, systemDrivers, systemLoader, systemSoftwareDriver } from './software-adapter.js';

/** Which adapter is asked for. `auto` takes the first that works of hardware, system, npm; `null` compiles and runs nothing. */
export type DeviceChoice = 'auto' | 'hardware' | 'system' | 'npm' | 'null';
/** Which adapter was found. */
export type DeviceKind = 'hardware' | 'system-software' | 'npm-software' | 'null';

/** How to open a device. */
export interface DeviceOptions {
  /** Default: `PEFT_DEVICE`, else `auto`. */
  readonly choice?: DeviceChoice;
  /** Every index of every shader is proven in bounds: clamping and zeroing by the driver may be left out. Default false. */
  readonly trusted?: boolean;
  /** Validate the generated SPIR-V again in the driver. Default false. */
  readonly validate?: boolean;
}

/** One shape of matrix that the subgroup-matrix unit multiplies. */
export interface SubgroupMatrix {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

/** What `peft doctor` prints about a device. */
export interface DeviceDescription {
  readonly kind: DeviceKind;
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  /** How it was reached: `system default`, or the driver's description file. */
  readonly route: string;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
  readonly subgroup: readonly [number, number];
  readonly subgroupMatrices: readonly SubgroupMatrix[];
  readonly target: Target;
}

const CHOICES: readonly DeviceChoice[] = ['auto', 'hardware', 'system', 'npm', 'null'];
const WANTED_FEATURES: readonly string[] = [
  'shader-f16',
  'subgroups',
  'subgroup-size-control',
  'timestamp-query',
  'chromium-experimental-subgroup-matrix',
];
const WANTED_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxUniformBufferBindingSize',
  'maxBindingsPerBindGroup',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
] as const;
const SOFTWARE_NAMES = /llvmpipe|lavapipe|swiftshader|basic render|warp/i;

/** An open device. Owns the GPU object, the adapter and the device; `close()` ends them. */
export class Device {
  readonly gpu: GPUDevice;
  readonly #description: DeviceDescription;
  readonly #root: GPU;
  readonly #adapter: GPUAdapter;
  #failure: DeviceError | undefined;
  #closed = false;

  constructor(root: GPU, adapter: GPUAdapter, gpu: GPUDevice, description: DeviceDescription) {
    this.#root = root;
    this.#adapter = adapter;
    this.gpu = gpu;
    this.#description = description;
    gpu.addEventListener('uncapturederror', (event) => {
      this.#fail(asDeviceError(event.error));
    });
    void gpu.lost.then((info) => {
      if (!this.#closed)
        this.#fail(
          new DeviceError(
            'lost',
            `the device was lost: ${info.message || info.reason}`,
            'run again: training resumes from the last checkpoint',
          ),
        );
    });
  }

  /** Throws what went wrong since the device was opened, if anything did. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closed) throw new DeviceError('misuse', 'the device is closed');
  }

  /** Whether the device was given back. */
  get closed(): boolean {
    return this.#closed;
  }

  /** What the device is and can do. */
  describe(): DeviceDescription {
    return this.#description;
  }

  /** Waits until everything submitted so far has run; throws what failed on the way. */
  async idle(): Promise<void> {
    this.check();
    await this.gpu.queue.onSubmittedWorkDone();
    this.check();
  }

  /** Runs `work` with its errors caught here; throws them with `what` named. */
  async guarded<T>(what: string, work: () => T | Promise<T>): Promise<T> {
    this.check();
    this.gpu.pushErrorScope('out-of-memory');
    this.gpu.pushErrorScope('internal');
    this.gpu.pushErrorScope('validation');
    let errors: readonly (GPUError | null)[] = [];
    let value: T;
    try {
      value = await work();
    } finally {
      errors = await Promise.all([this.gpu.popErrorScope(), this.gpu.popErrorScope(), this.gpu.popErrorScope()]);
    }
    const first = errors.find((error) => error !== null);
    if (first != null) throw asDeviceError(first, what);
    this.check();
    return value;
  }

  /** Destroys the device; what is pending on it is dropped. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.gpu.destroy();
    // Named so that neither is collected while the device lives.
    void this.#root;
    void this.#adapter;
  }

  #fail(error: DeviceError): void {
    if (!this.#closed) this.#failure ??= error;
  }
}

/** Opens the device that the options or `PEFT_DEVICE` ask for. Rejects with a `DeviceError` that says what to install. */
export async function openDevice(options: DeviceOptions = {}): Promise<Device> {
  const choice = options.choice ?? choiceFromEnvironment();
  Object.assign(globalThis, missingGlobals());
  switch (choice) {
    case 'null':
      return openNullDevice();
    case 'hardware':
      return (await openHardware(options, 'hardware')) ?? unavailable('no hardware adapter was found', HARDWARE_HELP);
    case 'system':
      return (await openSystemSoftware(options)) ?? unavailable('no software adapter of the system was found', SYSTEM_HELP);
    case 'npm':
      return (await openNpmSoftware(options)) ?? unavailable('no software adapter from npm was found', NPM_HELP);
    case 'auto':
      return (
        (await openHardware(options, 'any')) ??
        (await openSystemSoftware(options)) ??
        (await openNpmSoftware(options)) ??
        unavailable(
          'no device was found: neither a graphics card nor a software adapter',
          `${HARDWARE_HELP}; or ${SYSTEM_HELP}; or ${NPM_HELP}`,
        )
      );
    default:
      return choice satisfies never;
  }
}

/** A device that compiles every shader and executes nothing: the syntax gate for generated shaders. */
export async function openNullDevice(): Promise<Device> {
  Object.assign(globalThis, missingGlobals());
  return (
    (await open(['backend=null'], {}, 'null', 'null backend', () => true)) ??
    unavailable('the webgpu package offers no null backend', 'install webgpu 0.6.2')
  );
}

/** What became of one way to get a device. */
export interface DeviceTrial {
  readonly choice: DeviceChoice;
  readonly found: DeviceDescription | undefined;
  readonly problem: string | undefined;
  readonly help: string | undefined;
}

/** Tries every kind of adapter, for `peft doctor`; nothing stays open. */
export async function tryDevices(): Promise<readonly DeviceTrial[]> {
  const trials: DeviceTrial[] = [];
  for (const choice of ['hardware', 'system', 'npm'] as const) {
    try {
      const device = await openDevice({ choice });
      trials.push({ choice, found: device.describe(), problem: undefined, help: undefined });
      device.close();
    } catch (error) {
      trials.push({
        choice,
        found: undefined,
        problem: error instanceof Error ? error.message : String(error),
        help: error instanceof DeviceError ? error.help : undefined,
      });
    }
  }
  return trials;
}

const HARDWARE_HELP = 'install the Vulkan driver of your graphics card';
const SYSTEM_HELP =
  process.platform === 'linux'
    ? 'install Mesa 25 or newer (Debian 12: scripts/install-lavapipe.sh; elsewhere the package mesa-vulkan-drivers)'
    : 'use a machine with a graphics driver';
const NPM_HELP =
  process.platform === 'linux' && process.arch === 'x64'
    ? 'run npm install @sparticuz/chromium@147.0.0'
    : 'the npm software adapter exists for Linux on x64 only';

function unavailable(message: string, help: string): never {
  throw new DeviceError('unavailable', message, help);
}

function choiceFromEnvironment(): DeviceChoice {
  const asked = process.env['PEFT_DEVICE'];
  if (asked === undefined || asked === '') return 'auto';
  const choice = CHOICES.find((one) => one === asked);
  return choice ?? unavailable(`PEFT_DEVICE names no device: ${JSON.stringify(asked)}`, `set it to one of ${CHOICES.join(', ')}`);
}

/** The names (`GPUBufferUsage` …) that Node lacks; never `navigator`, which cannot be taken back. */
function missingGlobals(): Record<string, unknown> {
  return Object.fromEntries(Object.entries(globals).filter(([name]) => name.startsWith('GPU') && !(name in globalThis)));
}

async function openHardware(options: DeviceOptions, accept: 'hardware' | 'any'): Promise<Device | undefined> {
  if (process.platform === 'linux') {
    // Without any driver Dawn would only print that it found none.
    const named = ['VK_ICD_FILENAMES', 'VK_DRIVER_FILES', 'VK_ADD_DRIVER_FILES'].some((name) => process.env[name] !== undefined);
    if (!named && systemDrivers().length === 0) return undefined;
    if (!(await haveLoader())) return undefined;
  }
  return open([], options, 'hardware', 'system default', (adapter) => accept === 'any' || !isSoftware(adapter));
}

async function openSystemSoftware(options: DeviceOptions): Promise<Device | undefined> {
  if (process.platform === 'win32')
    return open(['adapter=Microsoft'], options, 'system-software', 'Microsoft Basic Render Driver', isSoftware);
  const driver = systemSoftwareDriver();
  if (driver === undefined) return undefined;
  if (!(await haveLoader())) return undefined;
  return withDriver(driver, () => open([], options, 'system-software', driver, isSoftware));
}

async function openNpmSoftware(options: DeviceOptions): Promise<Device | undefined> {
  const driver = await npmSoftwareDriver();
  if (driver === undefined || !(await haveLoader())) return undefined;
  return withDriver(driver.description, () => open([], options, 'npm-software', driver.description, isSoftware));
}

/** A Vulkan loader in this process: the system's, else the one from npm. */
async function haveLoader(): Promise<boolean> {
  if (systemLoader()) return true;
  const driver = await npmSoftwareDriver();
  return driver !== undefined && keepLibrary(driver.loader);
}

/** Runs `work` with the Vulkan loader told to use one driver only; the environment is put back afterwards. */
async function withDriver<T>(description: string, work: () => Promise<T>): Promise<T> {
  const names = ['VK_ICD_FILENAMES', 'VK_DRIVER_FILES'];
  const before = names.map((name) => process.env[name]);
  for (const name of names) process.env[name] = description;
  try {
    return await work();
  } finally {
    names.forEach((name, i) => {
      const value = before[i];
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    });
  }
}

async function open(
  create_: readonly string[],
  options: DeviceOptions,
  kind: DeviceKind,
  route: string,
  accept: (adapter: GPUAdapter) => boolean,
): Promise<Device | undefined> {
  // The loader complains on stderr when it has no folder of this kind.
  if (process.platform === 'linux' && !existsSync(process.env['XDG_RUNTIME_DIR'] ?? '')) process.env['XDG_RUNTIME_DIR'] = tmpdir();
  const root = create([...create_, ...toggles(options)]);
  const adapter = await root.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null);
  if (adapter === null || !accept(adapter)) return undefined;
  const features = WANTED_FEATURES.filter((name) => adapter.features.has(name));
  const requiredLimits = Object.fromEntries(WANTED_LIMITS.map((name) => [name, adapter.limits[name]]));
  const gpu = await adapter
    .requestDevice({ label: 'peft', requiredFeatures: features as GPUFeatureName[], requiredLimits })
    .catch((error: unknown) => {
      throw new DeviceError(
        'unavailable',
        `the adapter ${adapter.info.description} refused to open: ${String(error)}`,
        'set PEFT_DEVICE=system or PEFT_DEVICE=npm to use a software adapter',
      );
    });
  const found = kind === 'hardware' && isSoftware(adapter) ? 'system-software' : kind;
  return new Device(root, adapter, gpu, describe(adapter, gpu, found, route));
}

function toggles(options: DeviceOptions): readonly string[] {
  const on = ['allow_unsafe_apis', 'vulkan_enable_f16_on_nvidia'];
  const off = ['timestamp_quantization'];
  if (options.trusted === true) on.push('disable_robustness', 'disable_workgroup_init', 'disable_polyfills_on_integer_div_and_mod');
  if (options.validate !== true) off.push('enable_spirv_validation');
  return [`enable-dawn-features=${on.join(',')}`, `disable-dawn-features=${off.join(',')}`];
}

function isSoftware(adapter: GPUAdapter): boolean {
  return adapter.info.isFallbackAdapter || SOFTWARE_NAMES.test(`${adapter.info.description} ${adapter.info.device}`);
}

function describe(adapter: GPUAdapter, gpu: GPUDevice, kind: DeviceKind, route: string): DeviceDescription {
  const info: GPUAdapterInfo & { readonly subgroupMatrixConfigs?: Iterable<SubgroupMatrix> } = adapter.info;
  const features = WANTED_FEATURES.filter((name) => gpu.features.has(name));
  const limits = Object.fromEntries(WANTED_LIMITS.map((name) => [name, gpu.limits[name]]));
  const subgroup: readonly [number, number] = features.includes('subgroups')
    ? [info.subgroupMinSize ?? 0, info.subgroupMaxSize ?? 0]
    : [0, 0];
  const matrices = features.includes('chromium-experimental-subgroup-matrix') ? [...(info.subgroupMatrixConfigs ?? [])] : [];
  const name = info.description !== '' ? info.description : info.device;
  return {
    kind,
    name,
    route,
    features,
    limits,
    subgroup,
    vendor: info.vendor,
    architecture: info.architecture,
    subgroupMatrices: matrices.map(({ componentType, resultComponentType, M, N, K }) => ({ componentType, resultComponentType, M, N, K })),
    target: {
      kind: kind === 'hardware' || kind === 'null' ? 'gpu' : 'software',
      subgroup: subgroup[0] === subgroup[1] ? subgroup[0] : 0,
      f16: features.includes('shader-f16'),
      maxBindingBytes: wholeBlocks(gpu.limits.maxStorageBufferBindingSize),
      maxBufferBytes: wholeBlocks(gpu.limits.maxBufferSize),
      maxStorageBuffers: gpu.limits.maxStorageBuffersPerShaderStage,
      maxWorkgroupThreads: Math.min(gpu.limits.maxComputeInvocationsPerWorkgroup, gpu.limits.maxComputeWorkgroupSizeX),
      maxWorkgroupBytes: gpu.limits.maxComputeWorkgroupStorageSize,
    },
  };
}

/** Tensors start at multiples of 256 bytes, so no more than whole blocks of a limit can be used. */
function wholeBlocks(bytes: number): number {
  return Math.floor(bytes / 256) * 256;
}

function asDeviceError(error: GPUError, what?: string): DeviceError {
  const memory = 'GPUOutOfMemoryError' in globalThis && error instanceof GPUOutOfMemoryError;
  const place = what === undefined ? '' : `${what}: `;
  return memory
    ? new DeviceError(
        'out-of-memory',
        `${place}the device has no memory left`,
        'lower the batch size or the sequence length, or close other programs that use the device',
      )
    : new DeviceError('rejected', `${place}${error.message}`);
}
