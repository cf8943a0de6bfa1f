/**
 * @file The op table itself: every record is complete and consistent, references give known values, refusals say why.
 */
import { describe, expect, it } from 'vitest';
import { createGraph } from '../../compiler/graph/builder.js';
import { interpret } from '../../compiler/graph/interpret.js';
import { verify } from '../../compiler/graph/verify.js';
import type { Attrs, DType } from '../../compiler/ops/op.js';
import { opNames, ops, type OpName } from '../../compiler/ops/ops.js';
import { sampleFeeds, sampleGraph } from './samples.js';

describe('every record', () => {
  it.each(opNames)('%s', (name) => {
    const op = ops[name];
    expect(op.name).toBe(name);
    expect(op.doc).toMatch(/^\S.*\.$/);
    expect(op.samples.length).toBeGreaterThan(0);
    expect(op.kind === 'elementwise').toBe(op.wgsl !== undefined);
    for (const sample of op.samples) {
      const graph = sampleGraph(name, sample);
      expect(verify(graph)).toEqual([]);
      const y = interpret(graph, sampleFeeds(sample, 1)).get('y') as Float64Array;
      expect(y.length).toBe(graph.nodes[graph.outputs[0]?.node ?? -1]?.shape.reduce((a, b) => a * b, 1));
      expect([...y].every(Number.isFinite)).toBe(true);
    }
  });
});

type Nested = number | readonly Nested[];
const flat = (value: Nested): number[] => (typeof value === 'number' ? [value] : value.flatMap(flat));
const shapeOf = (value: Nested): number[] => (typeof value === 'number' ? [] : [value.length, ...shapeOf(value[0] as Nested)]);

/** `op attrs | operands` gives the result; operands that begin with `i` are whole numbers. */
const known: readonly (readonly [text: string, result: Nested])[] = [
  ['neg | [1,-2]', [-1, 2]],
  ['floor | [1.5,-1.5]', [1, -2]],
  ['abs | [1.5,-1.5]', [1.5, 1.5]],
  ['sqrt | [4,9]', [2, 3]],
  ['exp | [0,1]', [1, Math.E]],
  ['log | [1,7.38905609893065]', [0, 2]],
  [
    'erf | [0,0.5,-1,2,3.5,1e-10]',
    [0, 0.5204998778130465, -0.8427007929497149, 0.9953222650189527, 0.9999992569016276, 1.1283791670955126e-10],
  ],
  ['pow | [2,-2,3] [10,3,-1]', [1024, -8, 1 / 3]],
  ['max | [1,5] [2,3]', [2, 5]],
  ['min | [1,5] [2,3]', [1, 3]],
  ['less | i[1,2,3] i[2,2,2]', [1, 0, 0]],
  ['equal | [1,2,3] [2,2,2]', [0, 1, 0]],
  ['select | [1,0,0.5] [1,2,3] [4,5,6]', [1, 5, 3]],
  ['cast {"dtype":"i32"} | [1.9,-1.9]', [1, -1]],
  ['mul | i[65536,3] i[65536,-4]', [0, -12]],
  ['sum {"axes":[0]} | [[1,2],[3,4]]', [4, 6]],
  ['sum {"axes":[1]} | [[1,2],[3,4]]', [3, 7]],
  ['sum {"axes":[0,1]} | [[1,2],[3,4]]', 10],
  ['amax {"axes":[1]} | [[1,2],[4,3]]', [2, 4]],
  ['argmax | [[1,2,2],[4,3,1]]', [1, 0]],
  [
    'reshape {"shape":[3,2]} | [[1,2,3],[4,5,6]]',
    [
      [1, 2],
      [3, 4],
      [5, 6],
    ],
  ],
  [
    'permute {"perm":[1,0]} | [[1,2,3],[4,5,6]]',
    [
      [1, 4],
      [2, 5],
      [3, 6],
    ],
  ],
  [
    'broadcast {"shape":[2,3]} | [[1],[2]]',
    [
      [1, 1, 1],
      [2, 2, 2],
    ],
  ],
  [
    'slice {"axis":1,"start":1,"length":2} | [[1,2,3],[4,5,6]]',
    [
      [2, 3],
      [5, 6],
    ],
  ],
  [
    'flip {"axis":1} | [[1,2,3],[4,5,6]]',
    [
      [3, 2, 1],
      [6, 5, 4],
    ],
  ],
  [
    'pad {"axis":1,"before":1,"after":0} | [[1,2],[3,4]]',
    [
      [0, 1, 2],
      [0, 3, 4],
    ],
  ],
  [
    'gather | [[1,2],[3,4],[5,6]] i[2,0,9,-1]',
    [
      [5, 6],
      [1, 2],
      [5, 6],
      [1, 2],
    ],
  ],
  [
    'scatter_add {"rows":3} | i[2,0,2,9] [[1,2],[3,4],[5,6],[7,8]]',
    [
      [3, 4],
      [0, 0],
      [6, 8],
    ],
  ],
  [
    'matmul | [[1,2],[3,4]] [[5,6],[7,8]]',
    [
      [19, 22],
      [43, 50],
    ],
  ],
  ['matmul | [[[1,2]],[[3,4]]] [[[5],[6]],[[7],[8]]]', [[[17]], [[53]]]],
  [
    'iota {"axis":1,"shape":[2,3]} |',
    [
      [0, 1, 2],
      [0, 1, 2],
    ],
  ],
];

function run(text: string): { shape: readonly number[]; data: number[] } {
  const [head, tail] = text.split('|') as [string, string];
  const [name, ...attrs] = head.trim().split(' ') as [OpName, ...string[]];
  const g = createGraph();
  const inputs = tail
    .trim()
    .split(' ')
    .filter((t) => t !== '')
    .map((operand) => {
      const dtype: DType = operand.startsWith('i') ? 'i32' : 'f32';
      const value = JSON.parse(operand.replace(/^i/, '')) as Nested;
      return g.add('table', [], { data: Float64Array.from(flat(value)), shape: shapeOf(value), dtype });
    });
  const node = g.add(name, inputs, attrs.length > 0 ? (JSON.parse(attrs.join(' ')) as Attrs) : {});
  const graph = g.finish([{ name: 'y', node, mode: 'value' }]);
  return { shape: g.node(node).shape, data: [...(interpret(graph, new Map()).get('y') as Float64Array)] };
}

describe('known values', () => {
  it.each(known)('%s', (text, result) => {
    const { shape, data } = run(text);
    expect(shape).toEqual(shapeOf(result));
    flat(result).forEach((value, i) => expect(Math.abs((data[i] as number) - value)).toBeLessThanOrEqual(2e-15 * Math.abs(value)));
  });
});

/** What the shape rules refuse, and with which words. */
const refused: readonly (readonly [text: string, message: string])[] = [
  ['add | [1,2] [1,2,3]', 'add: the operands have different shapes: [2] and [3]'],
  ['add | [1,2] i[1,2]', 'add: the operands have different element types: f32 and i32'],
  ['exp | i[1,2]', 'exp: the operands must be real, not i32'],
  ['add | [1,2]', 'add takes 2 operands, not 1'],
  ['sum {"axes":[2]} | [[1]]', 'sum: axes [2] are not different axes of [1, 1]'],
  ['sum {"axes":[0,0]} | [[1]]', 'sum: axes [0, 0] are not different axes of [1, 1]'],
  ['sum {} | [[1]]', 'attribute axes of sum must be of type axes, not undefined'],
  ['neg {"axis":1} | [1]', 'neg has no attribute axis'],
  ['reshape {"shape":[4]} | [1,2,3]', 'reshape: [3] does not have the elements of [4]'],
  ['reshape {"shape":[0,3]} | [1,2,3]', 'attribute shape of reshape must be of type shape, not 0,3'],
  ['permute {"perm":[0,0]} | [[1]]', 'permute: [0, 0] does not order the axes of [1, 1]'],
  ['broadcast {"shape":[4]} | [1,2]', 'broadcast: [2] does not expand to [4]'],
  ['slice {"axis":0,"start":1,"length":2} | [1,2]', 'slice: 1 to 3 is not a range of 2'],
  ['flip {"axis":1} | [1,2]', 'flip: axis 1 is not an axis of [2]'],
  ['gather | [1,2] [0]', 'gather: ids must be whole numbers, not f32'],
  ['scatter_add {"rows":2} | i[0,1] [1,2,3]', 'scatter_add: values [3] do not begin with the shape of ids [2]'],
  ['matmul | [[1,2]] [[1,2]]', 'matmul: [1, 2] and [1, 2] have no product'],
  ['const {"value":1.5,"dtype":"i32"} |', 'const: value 1.5 is not a whole number'],
];

describe('refusals', () => {
  it.each(refused)('%s', (text, message) => {
    expect(() => run(text)).toThrow(new RegExp(`^${message.replace(/[[\]().]/g, '\\$&')}$`));
  });
});
