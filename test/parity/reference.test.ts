/**
 * @file Reference cases made with PyTorch and PEFT, on the device: three of them in the tests, all with `npm run parity`. Each has a
 * negative control: with one weight of the adapter changed the case must fail.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openLibrary } from '../../cli/library.js';
import { layoutOf } from '../../compiler/driver/layout.js';
import { openDevice, type Device } from '../../runtime/device.js';
import { openCase } from './reference.js';
import { passes, runCase } from './parity.js';

const folder = resolve('..', 'shared', 'reference');
const missing = !existsSync(folder);
if (missing) console.warn(`parity: skipped, because ${folder} is not there`);

describe.skipIf(missing)('cases agree with PyTorch and PEFT (where ../shared/reference is)', () => {
  let device: Device;
  beforeAll(async () => {
    device = await openDevice();
  });
  afterAll(() => device.close());

  test.each(['bert-lora', 'gpt2-lora', 'llama-lora_patterns'])('%s', async (name) => {
    const opened = await openCase(resolve(folder, name), await openLibrary());
    if (!('case' in opened)) throw new Error(opened.unsupported);
    const outcome = await runCase(device, opened.case);
    expect(outcome, JSON.stringify(outcome)).toSatisfy(passes);
    const first = layoutOf(opened.case.resolved).trainables[0];
    if (first === undefined) throw new Error('nothing is trained');
    const changed = await runCase(device, opened.case, async (session) => {
      const values = (await session.read(first.name)) as Float32Array<ArrayBuffer>;
      values[0] = (values[0] as number) + 0.5;
      session.write(first.name, values);
    });
    expect(changed, JSON.stringify(changed)).not.toSatisfy(passes);
  });
});
