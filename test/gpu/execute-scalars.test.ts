/** @file Scalar expressions: every operation, rounding to the word, and missing variables. */
import { describe, expect, it } from 'vitest';
import type { ScalarExpr } from '../../compiler/plan/program.js';
import { evaluateScalar, writeScalars } from '../../runtime/scalars.js';

const variables = { step: 7, total: 100, lr: 2e-4, seed: 2 ** 40 + 5 };
const step: ScalarExpr = { var: 'step' };
const total: ScalarExpr = { var: 'total' };

describe('evaluateScalar', () => {
  it.each<[string, ScalarExpr, number]>([
    ['number', 0.1, 0.1],
    ['variable', { var: 'lr' }, 2e-4],
    ['add', { op: 'add', args: [step, 1] }, 8],
    ['sub', { op: 'sub', args: [step, 10] }, -3],
    ['mul', { op: 'mul', args: [step, 0.5] }, 3.5],
    ['div', { op: 'div', args: [step, total] }, 0.07],
    ['mod', { op: 'mod', args: [total, step] }, 2],
    ['mod of a negative number', { op: 'mod', args: [-1, step] }, 6],
    ['pow', { op: 'pow', args: [0.9, step] }, 0.9 ** 7],
    ['min', { op: 'min', args: [step, 3] }, 3],
    ['max', { op: 'max', args: [step, 3] }, 7],
    ['neg', { op: 'neg', args: [step] }, -7],
    ['sqrt', { op: 'sqrt', args: [16] }, 4],
    ['exp', { op: 'exp', args: [1] }, Math.E],
    ['log', { op: 'log', args: [Math.E] }, 1],
    ['cos', { op: 'cos', args: [Math.PI] }, -1],
    ['sin', { op: 'sin', args: [Math.PI / 2] }, 1],
    ['floor', { op: 'floor', args: [-0.5] }, -1],
    ['ceil', { op: 'ceil', args: [0.5] }, 1],
    ['less', { op: 'less', args: [step, 8] }, 1],
    ['not less', { op: 'less', args: [step, 7] }, 0],
    ['equal', { op: 'equal', args: [step, 7] }, 1],
    ['not', { op: 'not', args: [0] }, 1],
    ['and', { op: 'and', args: [step, 0] }, 0],
    ['or', { op: 'or', args: [step, 0] }, 1],
    ['select', { op: 'select', args: [{ op: 'less', args: [step, 10] }, { op: 'div', args: [step, 10] }, 1] }, 0.7],
    ['select of the other', { op: 'select', args: [0, 1, 2] }, 2],
  ])('%s', (_name, expr, expected) => {
    expect(evaluateScalar(expr, variables)).toBeCloseTo(expected, 14);
  });

  it.each<[string, ScalarExpr, string]>([
    ['a variable without a value', { var: 'loss' }, 'loss has no value'],
    ['a name every object has', { var: 'constructor' }, 'constructor has no value'],
    ['too few arguments', { op: 'add', args: [1] }, 'add takes 2 arguments, not 1'],
  ])('refuses %s', (_name, expr, words) => {
    expect(() => evaluateScalar(expr, variables)).toThrow(words);
  });
});

it('writeScalars rounds once to f32, and takes u32 modulo 2^32', () => {
  const words = new DataView(new ArrayBuffer(16));
  writeScalars(
    {
      scalars: [
        { expr: { var: 'lr' }, dtype: 'f32', offset: 8 },
        { expr: { var: 'seed' }, dtype: 'u32', offset: 0 },
        { expr: -1, dtype: 'u32', offset: 4 },
      ],
    },
    variables,
    words,
  );
  expect([words.getUint32(0, true), words.getUint32(4, true), words.getFloat32(8, true), words.getUint32(12, true)]).toEqual([
    5,
    0xffffffff,
    Math.fround(2e-4),
    0,
  ]);
});
