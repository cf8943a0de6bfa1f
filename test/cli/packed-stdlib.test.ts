/**
 * @file The standard library as the build packs it is the library that the parser made, and no definition is parsed before it is used.
 */
import { expect, test } from 'vitest';
import { packStdlib, unpackStdlib } from '../../cli/packed-stdlib.js';
import { loadStdlib } from '../../cli/stdlib.js';
import type { Definition } from '../../grammar/ast.js';

const files = await loadStdlib();
const packed = packStdlib(files);

test('what is unpacked is what was packed', () => {
  const unpacked = unpackStdlib(Buffer.from(packed));
  expect([...unpacked.keys()]).toEqual([...files.keys()]);
  for (const [path, file] of files) expect(JSON.parse(JSON.stringify(unpacked.get(path))), path).toEqual(JSON.parse(JSON.stringify(file)));
});

test('a definition is parsed when something in it is asked for that the index does not say', () => {
  const [index, ...lines] = packed.split('\n');
  const broken = unpackStdlib(Buffer.from([index, ...lines.map(() => '{')].join('\n')));
  const definitions = [...broken.values()].flatMap((file) => file.items.filter((item): item is Definition => item.kind === 'definition'));
  expect(definitions.map((d) => `${d.what} ${d.name.text}`)).toContain('adapter lora');
  expect(definitions.length).toBe(lines.filter((line) => line !== '').length);
  for (const definition of definitions) expect(() => definition.body, definition.name.text).toThrow(SyntaxError);
});
