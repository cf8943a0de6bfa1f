/**
 * @file Doc-tests: every `example: A == B` in a doc comment of the standard library is run. Both sides are evaluated in the scope of
 * the definition; tensors are computed in f64. After the parameters of a schedule an example gives `step` and `total`.
 */
import { describe, expect, it } from 'vitest';
import type { Definition, Expr } from '../../grammar/ast.js';
import { parseFile } from '../../grammar/parse.js';
import { createElaboration, type Elaboration } from '../../compiler/elaborate/elaboration.js';
import { bindArguments, block, evaluate, evaluateArguments } from '../../compiler/elaborate/evaluate.js';
import { localScope, qualified, scopeOf, type Scope } from '../../compiler/elaborate/scope.js';
import { toNode } from '../../compiler/elaborate/tensors.js';
import type { Value } from '../../compiler/elaborate/value.js';
import { createGraph } from '../../compiler/graph/builder.js';
import { interpret } from '../../compiler/graph/interpret.js';
import { checkDefinitions } from '../../compiler/spec/definitions.js';
import type { Diagnostic } from '../../grammar/diagnostics.js';
import { evaluateScalar } from '../../runtime/scalars.js';
import { libraryOf, std } from '../spec/world.js';
import { examplesOf, found } from './definitions.js';

const tolerance = 1e-12;
const library = libraryOf();

/** Numbers of a value with their shape; a number that is no tensor has the shape of one number. */
interface Numbers {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

function numbers(e: Elaboration, value: Value): Numbers {
  if (e.graph === undefined) throw new Error('an example needs a graph');
  const node = toNode(e, value, { file: 'example', start: 0, end: 0 });
  if (value.kind === 'host') return { shape: [], data: [evaluateScalar(value.expr, {})] };
  const result = interpret(e.graph.finish([{ name: 'y', node, mode: 'value' }]), new Map()).get('y') as Float64Array;
  return { shape: e.graph.node(node).shape, data: [...result] };
}

/** The value of one side; a call of the schedule itself gives its factor at a step. */
function side(e: Elaboration, expr: Expr, d: Definition, scope: Scope): Value {
  if (d.what !== 'schedule' || expr.kind !== 'call' || expr.callee.kind !== 'name' || expr.callee.name !== d.name.text)
    return evaluate(e, expr, scope);
  const args = evaluateArguments(e, expr.args, scope);
  const [step, total] = args.slice(-2).map((a): Value => ({ kind: 'host', expr: a.value.kind === 'number' ? a.value.value : NaN })) as [
    Value,
    Value,
  ];
  const bound = bindArguments(e, d, scope, args.slice(0, -2), expr.span);
  const local = localScope(scopeOf(new Map([...bound.args, ['step', step], ['total', total]]), scope));
  return d.body.kind === 'expr' ? evaluate(e, d.body.expr, local) : block(e, d.body.members, local, expr.span);
}

/** Both sides of an example. */
function run(example: string, d: Definition): { readonly left: Numbers; readonly right: Numbers } {
  const parsed = parseFile(`def example() = ${example}`, 'example');
  const item = parsed.value.items[0];
  const body = item?.kind === 'definition' && item.body.kind === 'expr' ? item.body.expr : undefined;
  if (parsed.diagnostics.length > 0 || body?.kind !== 'binary' || body.op !== '==')
    throw new Error(`this is no example A == B: ${example}`);
  const known = library.definitions.find((x) => x.definition === d);
  if (known === undefined) throw new Error(`${d.name.text} is not in the library`);
  const scope = scopeOf(
    new Map([[qualified('def', d.name.text), { kind: 'definition', definition: d, scope: known.scope } as Value]]),
    known.scope,
  );
  const e = createElaboration(createGraph(), { training: false });
  return { left: numbers(e, side(e, body.left, d, scope)), right: numbers(e, evaluate(e, body.right, scope)) };
}

/** Whether two results are one, relative to the largest number. */
function agree(a: Numbers, b: Numbers): boolean {
  const size = Math.max(...b.data.map(Math.abs), 1e-300);
  return a.shape.join() === b.shape.join() && a.data.every((x, i) => Math.abs(x - (b.data[i] as number)) <= tolerance * size);
}

const examples = found().flatMap(({ name, definition }) => examplesOf(definition).map((example) => ({ name, example, definition })));

describe('examples in doc comments', () => {
  it('are there', () => expect(examples.length).toBeGreaterThan(found('def').length));

  it.each(examples)('$name: $example', ({ example, definition }) => {
    const { left, right } = run(example, definition);
    expect(left.shape).toEqual(right.shape);
    expect(agree(left, right), `${left.data.join(', ')} is not ${right.data.join(', ')}`).toBe(true);
    const moved = right.data.map((x, i) => (i === 0 ? x + 1e-10 * Math.max(...right.data.map(Math.abs), 1) : x));
    expect(agree(left, { ...right, data: moved }), 'negative control').toBe(false);
  });

  it('every function outside the sections of experiments has one, and so has every schedule', () => {
    const without = [...found('def'), ...found('schedule')].filter(
      ({ path, definition }) => path !== 'experiment' && examplesOf(definition).length === 0,
    );
    expect(without.map((d) => d.name)).toEqual([]);
  });
});

describe('definitions', () => {
  it('every one says what it is', () => {
    const silent = found().filter(({ definition }) => !/\p{L}{3}.*[.:]/su.test(definition.doc));
    expect(silent.map((d) => d.name)).toEqual([]);
  });

  it.each([...std].map(([path, file]) => ({ path, file })))('$path has no findings', ({ file }) => {
    const diagnostics: Diagnostic[] = [];
    checkDefinitions(file, library, diagnostics);
    expect(diagnostics).toEqual([]);
  });
});
