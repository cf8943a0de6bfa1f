/**
 * @file Rows by index. Indices outside the table are clamped to it when reading and left out when adding.
 */
import { at, elements, showShape, type Domain, type Op, type ValueType } from './op.js';

const rowsOf = (rows: number): Domain => ({ low: 0, high: rows - 1, whole: true });
const real: Domain = { low: -3, high: 3 };

/** The indexing ops. */
export const indexingOps = {
  gather: {
    name: 'gather',
    doc: 'Rows of a table by index: table [rows, …rest], ids [ids…] give [ids…, …rest].',
    kind: 'indexing',
    arity: 2,
    attrs: {},
    infer: (inputs) => {
      const [table, ids] = inputs as readonly [ValueType, ValueType];
      if (ids.dtype !== 'i32') return `ids must be whole numbers, not ${ids.dtype}`;
      return table.shape.length === 0 ? 'the table has no rows' : { shape: [...ids.shape, ...table.shape.slice(1)], dtype: table.dtype };
    },
    reference: ({ inputs, types, out }) => {
      const [table, ids] = inputs as readonly [Float64Array, Float64Array];
      const rows = at(at(types, 0).shape, 0);
      const width = table.length / rows;
      const result = new Float64Array(elements(out.shape));
      if (width === 1) {
        for (let i = 0; i < ids.length; i += 1) result[i] = table[Math.min(rows - 1, Math.max(0, ids[i] as number))] as number;
        return result;
      }
      ids.forEach((id, i) => {
        const row = Math.min(rows - 1, Math.max(0, id));
        result.set(table.subarray(row * width, (row + 1) * width), i * width);
      });
      return result;
    },
    gradient: (g, site, index) =>
      index === 0 ? g.add('scatter_add', [at(site.inputs, 1), site.dy], { rows: at(g.node(at(site.inputs, 0)).shape, 0) }) : undefined,
    samples: [
      {
        types: [
          { shape: [5, 3], dtype: 'f32' },
          { shape: [7], dtype: 'i32' },
        ],
        domains: [real, rowsOf(5)],
        attrs: {},
      },
      {
        types: [
          { shape: [4, 2, 3], dtype: 'f32' },
          { shape: [2, 3], dtype: 'i32' },
        ],
        domains: [real, rowsOf(4)],
        attrs: {},
      },
      {
        types: [
          { shape: [6], dtype: 'f32' },
          { shape: [2, 2], dtype: 'i32' },
        ],
        domains: [real, rowsOf(6)],
        attrs: {},
      },
    ],
    tolerance: { relative: 0, absolute: 0 },
    flops: () => 0,
  },
  scatter_add: {
    name: 'scatter_add',
    doc: 'Adds rows of values into a table of zeros by index: ids [ids…], values [ids…, …rest] give [rows, …rest]. `sorted` promises that the ids ascend.',
    kind: 'indexing',
    arity: 2,
    attrs: { rows: 'count', sorted: 'flag' },
    infer: (inputs, attrs) => {
      const [ids, values] = inputs as readonly [ValueType, ValueType];
      if (ids.dtype !== 'i32') return `ids must be whole numbers, not ${ids.dtype}`;
      if (values.dtype !== 'f32') return `values must be real, not ${values.dtype}`;
      if (ids.shape.some((n, i) => n !== values.shape[i]))
        return `values ${showShape(values.shape)} do not begin with the shape of ids ${showShape(ids.shape)}`;
      return { shape: [attrs['rows'] as number, ...values.shape.slice(ids.shape.length)], dtype: 'f32' };
    },
    reference: ({ inputs, attrs, out }) => {
      const [ids, values] = inputs as readonly [Float64Array, Float64Array];
      const rows = attrs['rows'] as number;
      const result = new Float64Array(elements(out.shape));
      const width = result.length / rows;
      ids.forEach((row, i) => {
        if (row < 0 || row >= rows) return;
        for (let j = 0; j < width; j += 1)
          result[row * width + j] = (result[row * width + j] as number) + (values[i * width + j] as number);
      });
      return result;
    },
    gradient: (g, site, index) => (index === 1 ? g.add('gather', [site.dy, at(site.inputs, 0)]) : undefined),
    samples: [
      {
        types: [
          { shape: [7], dtype: 'i32' },
          { shape: [7, 3], dtype: 'f32' },
        ],
        domains: [rowsOf(5), real],
        attrs: { rows: 5 },
      },
      {
        types: [
          { shape: [2, 3], dtype: 'i32' },
          { shape: [2, 3, 2, 2], dtype: 'f32' },
        ],
        domains: [rowsOf(4), real],
        attrs: { rows: 4 },
      },
      {
        types: [
          { shape: [6], dtype: 'i32' },
          { shape: [6], dtype: 'f32' },
        ],
        domains: [rowsOf(3), real],
        attrs: { rows: 3 },
      },
      {
        types: [
          { shape: [1], dtype: 'i32' },
          { shape: [1, 4], dtype: 'f32' },
        ],
        domains: [rowsOf(3), real],
        attrs: { rows: 3, sorted: 1 },
      },
    ],
    tolerance: { relative: 2 ** -23, absolute: 0, accumulates: true },
    flops: ([, values]) => elements((values as ValueType).shape),
  },
} satisfies Record<string, Op>;
