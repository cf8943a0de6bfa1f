/**
 * @file The standard library as the build packs it is the library that the parser made, and no definition is parsed before it is used.
 */
import { expect, test } from 'vitest';
import { packStdlib, unpackStdlib, type Read } from '../../cli/packed-stdlib.js';
import { loadStdlib } from '../../cli/stdlib.js';
import type { Definition } from '../../grammar/ast.js';

const files = await loadStdlib();
const packed = packStdlib(files);
const from =
  (bytes: Uint8Array): Read =>
  (start, length) =>
    Buffer.from(bytes).toString('utf8', start, start + length);

test('what is unpacked is what was packed', () => {
  const unpacked = unpackStdlib(from(packed));
  expect([...unpacked.keys()]).toEqual([...files.keys()]);
  for (const [path, file] of files) expect(JSON.parse(JSON.stringify(unpacked.get(path))), path).toEqual(JSON.parse(JSON.stringify(file)));
});

test('a definition is read when something in it is asked for that the index does not say', () => {
  const starts: number[] = [];
  const read = from(packed);
  const unpacked = unpackStdlib((start, length) => read(starts[starts.push(start) - 1] as number, length));
  const definitions = [...unpacked.values()].flatMap((file) => file.items.filter((item): item is Definition => item.kind === 'definition'));
  expect(definitions.map((d) => `${d.what} ${d.name.text}`)).toContain('adapter lora');
  const before = starts.length;
  expect(before).toBe(2);
  for (const definition of definitions.slice(0, 3)) expect(definition.body, definition.name.text).toBe(definition.body);
  expect(starts.length).toBe(before + 3);
});
