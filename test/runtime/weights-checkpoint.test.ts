/**
 * @file Opening bases and adapters: what stands in the folder, what is missing, and how it is said.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { must } from './data-results.js';
import { openAdapter } from '../../runtime/weights/adapter-folder.js';
import { findTensor, openCheckpoint, readCheckpointTensor, streamCheckpointTensor } from '../../runtime/weights/checkpoint.js';
import { encodeElements } from '../../runtime/weights/element.js';
import { writeWeights } from '../../runtime/weights/writer.js';

const root = mkdtempSync(join(tmpdir(), 'peft-checkpoint-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A folder of files: text as it stands, numbers as a safetensors file of one-dimensional tensors. */
type Content = string | Readonly<Record<string, readonly number[]>>;
let folders = 0;
async function folderOf(files: Readonly<Record<string, Content>>): Promise<string> {
  const folder = join(root, String(folders++));
  mkdirSync(folder);
  for (const [name, content] of Object.entries(files)) {
    if (typeof content === 'string') writeFileSync(join(folder, name), content);
    else
      must(
        await writeWeights(
          join(folder, name),
          Object.entries(content).map(([key, values]) => ({
            name: key,
            dtype: 'F32' as const,
            shape: [values.length],
            data: encodeElements(Float32Array.from(values), 'F32'),
          })),
        ),
      );
  }
  return folder;
}

const config = '{"model_type":"x","layers":2}';
const index = (map: Readonly<Record<string, string>>): string => JSON.stringify({ metadata: {}, weight_map: map });
const sharded = index({ a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' });

describe('a base that opens', () => {
  test('one file', async () => {
    const base = must(await openCheckpoint(await folderOf({ 'config.json': config, 'model.safetensors': { b: [3], a: [1, 2] } })));
    expect(base.config).toEqual({ model_type: 'x', layers: 2 });
    expect([...base.tensors].map(([name, { dtype, shape }]) => [name, dtype, shape])).toEqual([
      ['a', 'F32', [2]],
      ['b', 'F32', [1]],
    ]);
    expect(must(await readCheckpointTensor(base, 'a'))).toEqual(Float32Array.of(1, 2));
    expect(must(await readCheckpointTensor(base, 'a', { rows: [1, 2] }))).toEqual(Float32Array.of(2));
    expect(must(findTensor(base, ['old.a', 'a', 'b'])).name).toBe('a');
    expect(findTensor(base, ['layer.a'])).toMatchObject({ ok: false, error: { message: `base ${base.folder} has no tensor layer.a` } });
  });

  test('shards', async () => {
    const base = must(
      await openCheckpoint(
        await folderOf({
          'config.json': config,
          'model.safetensors.index.json': sharded,
          'model-00001-of-00002.safetensors': { a: [1, 2] },
          'model-00002-of-00002.safetensors': { b: [3] },
        }),
      ),
    );
    expect([...base.tensors.keys()]).toEqual(['a', 'b']);
    const seen: number[] = [];
    must(await streamCheckpointTensor(base, 'b', (_, bytes) => void seen.push(...new Float32Array(bytes.slice().buffer))));
    expect(seen).toEqual([3]);
  });

  test('without weights, where they are optional', async () => {
    const folder = await folderOf({ 'config.json': config });
    expect(must(await openCheckpoint(folder, { weights: 'optional' })).tensors.size).toBe(0);
    expect((await openCheckpoint(folder)).ok).toBe(false);
  });
});

describe('a base that does not open', () => {
  const cases: readonly (readonly [string, Readonly<Record<string, Content>>, string, string?])[] = [
    ['no config.json', { 'model.safetensors': { a: [1] } }, 'base DIR has no config.json'],
    ['an adapter', { 'adapter_config.json': '{}' }, 'DIR holds an adapter, not a base'],
    ['a GGUF file', { 'm.gguf': 'x' }, 'base DIR has no config.json', 'm.gguf is in another format'],
    ['configuration no JSON', { 'config.json': '{"a":' }, 'configuration DIR/config.json is not valid JSON'],
    ['configuration a list', { 'config.json': '[]' }, 'configuration DIR/config.json must hold a JSON object'],
    [
      'pickled weights',
      { 'config.json': config, 'pytorch_model.bin': 'x' },
      'base DIR has its weights only as pytorch_model.bin',
      'convert it to safetensors',
    ],
    [
      'weights of another name',
      { 'config.json': config, 'weights.safetensors': { a: [1] } },
      'base DIR has no model.safetensors',
      'weights.safetensors is there',
    ],
    ['no weights', { 'config.json': config }, 'base DIR has no model.safetensors'],
    [
      'broken weights',
      { 'config.json': config, 'model.safetensors': 'nothing like it' },
      'DIR/model.safetensors is not a safetensors file',
    ],
    [
      'missing shard',
      { 'config.json': config, 'model.safetensors.index.json': sharded, 'model-00001-of-00002.safetensors': { a: [1] } },
      'shard model-00002-of-00002.safetensors of base DIR is missing',
      'names 2 shards',
    ],
    [
      'index without map',
      { 'config.json': config, 'model.safetensors.index.json': '{}' },
      'weights index DIR/model.safetensors.index.json has no weight_map',
    ],
    [
      'index that leaves the folder',
      { 'config.json': config, 'model.safetensors.index.json': index({ a: '../x.safetensors' }) },
      'gives tensor a no valid file name',
    ],
    [
      'index that promises too much',
      {
        'config.json': config,
        'model.safetensors.index.json': index({ a: 's.safetensors', z: 's.safetensors' }),
        's.safetensors': { a: [1] },
      },
      'shard s.safetensors of base DIR lacks tensor z',
    ],
    [
      'a tensor twice',
      {
        'config.json': config,
        'model.safetensors.index.json': index({ a: 's.safetensors', b: 't.safetensors' }),
        's.safetensors': { a: [1] },
        't.safetensors': { a: [1], b: [2] },
      },
      'tensor a of base DIR stands in both DIR/s.safetensors and DIR/t.safetensors',
    ],
  ];
  test.each(cases.map(([name, files, message, help = '']) => [name, files, message, help] as const))(
    '%s',
    async (_, files, message, help) => {
      const folder = await folderOf(files);
      const result = await openCheckpoint(folder);
      expect(result.ok).toBe(false);
      if (result.ok) return;
      expect(result.error.message.replaceAll(folder, 'DIR')).toContain(message);
      expect(result.error.help ?? '').toContain(help);
    },
  );

  test('no folder, a file for a folder', async () => {
    const folder = await folderOf({ 'config.json': config });
    expect(await openCheckpoint(join(folder, 'none'))).toMatchObject({
      ok: false,
      error: { message: `base ${join(folder, 'none')} does not exist` },
    });
    expect(await openCheckpoint(join(folder, 'config.json'))).toMatchObject({
      ok: false,
      error: { message: `base ${join(folder, 'config.json')} is a file, not a folder` },
    });
  });
});

describe('adapters', () => {
  test('a whole one', async () => {
    const adapter = must(
      await openAdapter(await folderOf({ 'adapter_config.json': '{"peft_type":"SOME","r":4}', 'adapter_model.safetensors': { x: [1] } })),
    );
    expect(adapter.method).toBe('SOME');
    expect(adapter.config['r']).toBe(4);
    expect([...adapter.weights.tensors.keys()]).toEqual(['x']);
  });

  const cases: readonly (readonly [string, Readonly<Record<string, Content>>, string])[] = [
    ['none', {}, 'no adapter in DIR: it has no adapter_config.json'],
    ['no method', { 'adapter_config.json': '{}' }, 'adapter configuration DIR/adapter_config.json has no peft_type'],
    [
      'pickled',
      { 'adapter_config.json': '{"peft_type":"X"}', 'adapter_model.bin': '' },
      'adapter DIR has its weights only as adapter_model.bin',
    ],
    ['no weights', { 'adapter_config.json': '{"peft_type":"X"}' }, 'adapter DIR has no adapter_model.safetensors'],
    [
      'cut weights',
      { 'adapter_config.json': '{"peft_type":"X"}', 'adapter_model.safetensors': '' },
      'weights file DIR/adapter_model.safetensors has 0 bytes',
    ],
  ];
  test.each(cases)('%s', async (_, files, message) => {
    const folder = await folderOf(files);
    const result = await openAdapter(folder);
    expect(result.ok ? '' : result.error.message.replaceAll(folder, 'DIR')).toContain(message);
  });
});

const shared = '../shared';
const there = existsSync(join(shared, 'models/ko-bert'));
if (!there) console.warn('weights-checkpoint.test: real bases are not checked, because ../shared/models is missing');
describe.runIf(there)('real bases', () => {
  test('a half-precision base and a recorded adapter', async () => {
    const base = must(await openCheckpoint(join(shared, 'models/ko-bert')));
    const words = must(findTensor(base, ['bert.embeddings.word_embeddings.weight']));
    expect(words.tensor).toMatchObject({ dtype: 'F16', shape: [8000, 256] });
    const rows = must(await readCheckpointTensor(base, words.name, { rows: [7998, 8000] }));
    const whole = must(await readCheckpointTensor(base, words.name));
    expect(rows).toEqual(whole.slice(-512));
    expect(whole.some((x) => x !== 0) && whole.every(Number.isFinite)).toBe(true);
    const adapter = must(await openAdapter(join(shared, 'reference/bert-lora/adapter')));
    expect(adapter.weights.tensors.size).toBeGreaterThan(0);
  });
});
