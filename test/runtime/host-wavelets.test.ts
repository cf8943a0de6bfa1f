/**
 * @file The wavelet filters and the inverse transform of the standard library against PyWavelets (host-wavelets-golden.json;
 * host-wavelets-golden.py makes it), in f64; their gradient, and the kernels that they become.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { finishGraph } from '../../compiler/driver/passes.js';
import { createElaboration } from '../../compiler/elaborate/elaboration.js';
import { callValue, evaluate } from '../../compiler/elaborate/evaluate.js';
import { definitionsOf } from '../../compiler/elaborate/library.js';
import type { Scope } from '../../compiler/elaborate/scope.js';
import { toNode } from '../../compiler/elaborate/tensors.js';
import { integer, text, type Value } from '../../compiler/elaborate/value.js';
import { createGraph } from '../../compiler/graph/builder.js';
import { gradient } from '../../compiler/graph/grad.js';
import type { Graph } from '../../compiler/graph/graph.js';
import { interpret } from '../../compiler/graph/interpret.js';
import { select } from '../../compiler/kernels/select.js';
import type { Diagnostic } from '../../grammar/diagnostics.js';
import { parseFile } from '../../grammar/parse.js';
import { checkDefinitions } from '../../compiler/spec/definitions.js';
import { gpuTarget, softwareTarget } from '../kernels/targets.js';
import { libraryOf } from '../spec/world.js';

interface Inverse {
  readonly family: string;
  readonly out: number;
  readonly in: number;
  readonly rows: number;
  readonly columns: number;
  readonly result: number[];
}

const golden = JSON.parse(readFileSync(new URL('host-wavelets-golden.json', import.meta.url), 'utf8')) as {
  filters: { name: string; length: number; moments: number[]; high: number[] }[];
  inverse: Inverse[];
};

const span = { file: 'test', start: 0, end: 0 };
const library = libraryOf();

/** A file that imports the transform, as an adapter's file does. */
const importing = parseFile(
  'import std.wavelets.{idwt2, scaling_filter}\n\n/// One level.\ndef once(c, family: String, out: Int, in: Int): [out, in] = idwt2(c, family, out, in)\n',
  'test',
);
const diagnostics: Diagnostic[] = [];
const scope: Scope = library.scopeOf(importing.value, diagnostics);

const named = (name: string): Value => {
  const found = scope.lookup(name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
};

/** The filter that the library has for a family. */
function filterOf(family: string): number[] {
  const e = createElaboration(createGraph(), { training: false });
  const value = callValue(e, named('scaling_filter'), [{ value: text(family), span }], span);
  return value.kind === 'list' ? value.items.map((item) => (item.kind === 'number' ? item.value : NaN)) : [];
}

const coefficient = (i: number, j: number): number => (((i * 37 + j * 61 + i * j) % 101) - 50) / 50;

interface Transform {
  readonly graph: Graph;
  readonly feeds: Map<string, Float64Array>;
}

/** The graph of one inverse transform; with `adjoint` also the gradient of Σ weights · result. */
function transform({ family, rows, columns, out, in: width }: Omit<Inverse, 'result'>, adjoint = false): Transform {
  const g = createGraph();
  const e = createElaboration(g, { training: false });
  const c = g.add('tensor', [], { name: 'c', shape: [rows, columns], dtype: 'f32' });
  const value = callValue(
    e,
    named('once'),
    [{ node: c, kind: 'tensor' as const }, text(family), integer(out), integer(width)].map((v) => ({ value: v, span })),
    span,
  );
  const y = toNode(e, value, span);
  const outputs = [{ name: 'y', node: y, mode: 'value' as const }];
  if (adjoint) {
    const weights = g.add('tensor', [], { name: 'w', shape: [out, width], dtype: 'f32' });
    const loss = g.add('sum', [g.add('mul', [y, weights], {})], { axes: [0, 1] });
    const [slope] = gradient(g, loss, [c]);
    outputs.push({ name: 'slope', node: slope as number, mode: 'value' });
  }
  const fill = (n: number, m: number, f: (i: number, j: number) => number): Float64Array =>
    Float64Array.from({ length: n * m }, (_, k) => f(Math.floor(k / m), k % m));
  return {
    graph: g.finish(outputs),
    feeds: new Map([
      ['c', fill(rows, columns, coefficient)],
      ['w', fill(out, width, (i, j) => Math.sin(3 * i + j * j))],
    ]),
  };
}

const run = ({ graph, feeds }: Transform, name = 'y'): number[] => [...(interpret(graph, feeds).get(name) as Float64Array)];
const largest = (a: readonly number[], b: readonly number[]): number =>
  Math.max(Math.abs(a.length - b.length), ...a.map((x, i) => Math.abs(x - (b[i] as number))));

describe('filters', () => {
  it('of every family are there', () => expect(golden.filters).toHaveLength(74));

  it.each(golden.filters)('$name has PyWavelets’ moments', ({ name, length, moments, high }) => {
    const h = filterOf(name);
    expect(h).toHaveLength(length);
    const g = h.map((_, k) => (k % 2 === 0 ? 1 : -1) * (h[length - 1 - k] as number));
    const moment = (f: readonly number[], p: number): number => f.reduce((sum, x, k) => sum + x * (k + 1) ** p, 0);
    for (let p = 0; p < 3; p++) {
      expect(Math.abs(moment(h, p) - (moments[p] as number))).toBeLessThan(1e-9);
      expect(Math.abs(moment(g, p) - (high[p] as number))).toBeLessThan(1e-9);
    }
    expect(Math.abs(moment([...h].reverse(), 1) - (moments[1] as number)) > 1e-9 || name === 'db1', 'negative control: backwards').toBe(
      true,
    );
  });

  it.each(golden.filters)('$name is orthogonal to its even shifts', ({ name }) => {
    const h = filterOf(name);
    for (let shift = 0; shift < h.length; shift += 2) {
      const product = h.reduce((sum, x, k) => sum + x * (h[k + shift] ?? 0), 0);
      expect(Math.abs(product - (shift === 0 ? 1 : 0))).toBeLessThan(2e-11);
    }
  });

  it.each(['haar', 'db39', 'db0', 'sym1', 'coif18', 'DB1', ''])('%j is refused, and the families are named', (family) => {
    expect(() => filterOf(family)).toThrow(`a wavelet family is db1 to db38, sym2 to sym20 or coif1 to coif17, not ${family}`);
  });
});

describe('inverse transform', () => {
  it('is imported from the library without a finding', () => {
    checkDefinitions(importing.value, library, diagnostics);
    expect([...importing.diagnostics, ...diagnostics]).toEqual([]);
    expect(definitionsOf(importing.value)).toHaveLength(1);
  });

  it.each(golden.inverse)('by $family to [$out, $in] is PyWavelets’', (one) => {
    const found = run(transform(one));
    expect(largest(found, one.result)).toBeLessThan(1e-9);
    const wrong = transform(one);
    const middle = Math.floor(one.rows / 4) * one.columns + Math.floor(one.columns / 4);
    const coefficients = wrong.feeds.get('c') as Float64Array;
    coefficients[middle] = (coefficients[middle] as number) + 1;
    expect(largest(run(wrong), one.result), 'negative control: another coefficient').toBeGreaterThan(1e-6);
  });

  it.each([
    ['db2', 5, 7],
    ['db1', 4, 4],
    ['coif1', 2, 3],
  ] as const)('by %s has its adjoint as the gradient', (family, out, width) => {
    const { rows, columns } = sizes(family, out, width);
    const one = transform({ family, rows, columns, out, in: width }, true);
    const y = run(one);
    const w = one.feeds.get('w') as Float64Array;
    const slope = run(one, 'slope');
    const c = one.feeds.get('c') as Float64Array;
    const inner = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
      Array.from(a).reduce((sum, x, i) => sum + x * (b[i] as number), 0);
    // Linear: ⟨w, T c⟩ = ⟨Tᵀ w, c⟩.
    expect(Math.abs(inner(w, y) - inner(slope, c))).toBeLessThan(1e-12);
    expect(slope.some((x) => Math.abs(x) > 0.01)).toBe(true);
  });

  it.each([softwareTarget, gpuTarget])('of even sizes is one kernel for db1 on $kind', (target) => {
    const { graph } = transform({ family: 'db1', rows: 8, columns: 12, out: 8, in: 12 });
    const { kernels } = select(finishGraph(graph), target);
    expect(kernels).toHaveLength(1);
  });

  it('of a matrix of another size is refused', () => {
    expect(() => transform({ family: 'db2', rows: 8, columns: 12, out: 7, in: 11 })).toThrow(
      '7 x 11 numbers have 10 x 14 coefficients of db2, not 8 x 12',
    );
  });
});

const sizes = (family: string, out: number, width: number): { rows: number; columns: number } => {
  const padding = filterOf(family).length - 2;
  return { rows: out + (out % 2) + padding, columns: width + (width % 2) + padding };
};

describe('the language', () => {
  it('evaluates the padding that a caller needs', () => {
    const e = createElaboration(createGraph(), { training: false });
    const source = parseFile('import std.wavelets.{wavelet_padding}\n\n/// Padding.\ndef p() = wavelet_padding("coif2")\n', 'test');
    const inside = library.scopeOf(source.value, []);
    const body = definitionsOf(source.value)[0]?.body;
    const value = body?.kind === 'expr' ? evaluate(e, body.expr, inside) : undefined;
    expect(value).toEqual(integer(10));
  });
});
