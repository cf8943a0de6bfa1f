/**
 * @file Event files as TensorBoard reads them: TFRecord frames (length, masked CRC-32C of it, data, masked CRC-32C of that) of the protocol buffer
 * `Event`, of which wall time, step, file version and scalar summaries are written.
 * Sources: tensorflow/core/lib/io/record_writer.h, tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto (field numbers).
 */

/** The first record of a file. */
export const versionRecord = (seconds: number): Uint8Array => framed(message([double(1, seconds), text(3, 'brain.Event:2')]));

/** Scalars of one step; `seconds` is the time since 1970. */
export function scalarRecord(seconds: number, step: number, values: Readonly<Record<string, number>>): Uint8Array {
  const summary = Object.entries(values).map(([tag, value]) => bytes(1, message([text(1, tag), float(2, value)])));
  return framed(message([double(1, seconds), varint(2, step), bytes(5, message(summary))]));
}

/** Name of an event file made at a time, on a machine. */
export const eventsName = (seconds: number, machine: string): string =>
  `events.out.tfevents.${Math.floor(seconds)}.${machine.replace(/[^\w.-]/g, '_')}`;

function framed(data: Uint8Array): Uint8Array {
  const frame = new Uint8Array(data.length + 16);
  const view = new DataView(frame.buffer);
  view.setUint32(0, data.length, true);
  view.setUint32(8, masked(frame.subarray(0, 8)), true);
  frame.set(data, 12);
  view.setUint32(12 + data.length, masked(data), true);
  return frame;
}

/** CRC-32C, rotated and offset so that a sum over data that holds sums is none itself. */
function masked(data: Uint8Array): number {
  const crc = crc32c(data);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** CRC-32C (Castagnoli) of some bytes. */
export function crc32c(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

function message(fields: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(fields.reduce((sum, f) => sum + f.length, 0));
  let at = 0;
  for (const field of fields) {
    all.set(field, at);
    at += field.length;
  }
  return all;
}

function digits(value: number): number[] {
  const out: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...out, rest];
    out.push((rest % 128) | 128);
  }
}

const varint = (field: number, value: number): Uint8Array => Uint8Array.from([field << 3, ...digits(value)]);
const bytes = (field: number, data: Uint8Array): Uint8Array => Uint8Array.from([(field << 3) | 2, ...digits(data.length), ...data]);
const text = (field: number, value: string): Uint8Array => bytes(field, new TextEncoder().encode(value));

function double(field: number, value: number): Uint8Array {
  const out = new Uint8Array(9);
  out[0] = (field << 3) | 1;
  new DataView(out.buffer).setFloat64(1, value, true);
  return out;
}

function float(field: number, value: number): Uint8Array {
  const out = new Uint8Array(5);
  out[0] = (field << 3) | 5;
  new DataView(out.buffer).setFloat32(1, value, true);
  return out;
}
