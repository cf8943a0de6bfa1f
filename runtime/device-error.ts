/**
 * @file What can go wrong with a device that the user can do something about: none there, out of memory, lost, a shader or
 * command it refused. `message` is one sentence; `help` says what to do.
 */

/** Why a device operation failed. `misuse` is a caller's mistake (a wrong tensor name or size): a bug of ours, not of the user. */
export type DeviceErrorKind = 'unavailable' | 'out-of-memory' | 'lost' | 'rejected' | 'misuse';

/** A failure of the device or of its use; the only error type that runtime/device and runtime/execute throw. */
export class DeviceError extends Error {
  readonly kind: DeviceErrorKind;
  readonly help: string | undefined;

  constructor(kind: DeviceErrorKind, message: string, help?: string) {
    super(message);
    this.name = 'DeviceError';
    this.kind = kind;
    this.help = help;
  }
}
