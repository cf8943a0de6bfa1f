/**
 * @file Optimisers and schedules: one elementwise update of parameters and state from the gradient, and the learning rate as a
 * number that the host computes before each step.
 */
import type { Expr, Member } from '../../grammar/ast.js';
import type { NodeId } from '../graph/graph.js';
import type { ScalarExpr } from '../plan/program.js';
import type { BoundDefinition } from './instance.js';
import { toScalar } from './arithmetic.js';
import type { Elaboration } from './elaboration.js';
import { createElaboration } from './elaboration.js';
import { bindArguments, block, evaluate, evaluateArguments } from './evaluate.js';
import { localScope, qualified, scopeOf, type Scope } from './scope.js';
import { holds } from './storage.js';
import { stop } from './stop.js';
import { expand, graphOf, shapeOf, toNode } from './tensors.js';
import { integer, type Value } from './value.js';

const membersOf = (d: BoundDefinition): readonly Member[] => (d.definition.body.kind === 'block' ? d.definition.body.members : []);

/** One tensor of an optimiser's state, of the shape of the parameters. */
export interface OptimizerState {
  readonly name: string;
  readonly initial: number;
  /** In how many bits it is kept, for parameters of the size that was asked about. */
  readonly format?: BoundDefinition;
}

/** The state tensors of an optimiser, for a tensor of so many parameters. */
export function optimizerState(optimizer: BoundDefinition, size = 1): OptimizerState[] {
  const e = createElaboration(undefined, { training: false });
  const scope = scopeOf(new Map([...optimizer.args, ['size', integer(size)] as const]), optimizer.scope);
  return membersOf(optimizer).flatMap((m): OptimizerState[] => {
    if (m.kind !== 'storage' || m.storage !== 'state') return [];
    const initial = m.init === undefined ? undefined : evaluate(e, m.init, scope);
    if (initial !== undefined && initial.kind !== 'number')
      return stop('PEFT0239', m.span, 'the initial state of an optimiser is a number');
    const value = initial?.value ?? 0;
    if (m.format === undefined) {
      if (m.when !== undefined && !holds(e, m.when, scope)) return [];
      return [{ name: m.name.text, initial: value }];
    }
    const format = formatOf(e, m.format, scope);
    if (value !== 0) return stop('PEFT0239', m.span, 'state that is kept in fewer bits begins as 0');
    return [{ name: m.name.text, initial: value, ...(m.when === undefined || holds(e, m.when, scope) ? { format } : {}) }];
  });
}

/** The format that an expression calls. */
function formatOf(e: Elaboration, expr: Expr, scope: Scope): BoundDefinition {
  const callee = expr.kind === 'call' ? expr.callee : expr;
  const found = callee.kind === 'name' ? scope.lookup(qualified('format', callee.name)) : undefined;
  if (found?.kind !== 'definition') return stop('PEFT0119', callee.span, 'a format is needed here', { help: 'write as FORMAT(…)' });
  return bindArguments(e, found.definition, found.scope, expr.kind === 'call' ? evaluateArguments(e, expr.args, scope) : [], expr.span);
}

/** The learning rate at a step: the optimiser's `lr` times the schedule, over the host variables `step` (from 0) and `total`. */
export function learningRate(optimizer: BoundDefinition, schedule: BoundDefinition): ScalarExpr {
  const e = createElaboration(undefined, { training: false });
  const lr = optimizer.args.get('lr');
  if (lr?.kind !== 'number')
    return stop('PEFT0240', optimizer.definition.name.span, `optimizer ${optimizer.definition.name.text} needs a parameter lr`);
  const values = new Map<string, Value>([
    ...schedule.args,
    ['step', { kind: 'host', expr: { var: 'step' } }],
    ['total', { kind: 'host', expr: { var: 'total' } }],
  ]);
  const scope = localScope(scopeOf(values, schedule.scope));
  const body = schedule.definition.body;
  const factor = body.kind === 'expr' ? evaluate(e, body.expr, scope) : block(e, body.members, scope, schedule.definition.span);
  return { op: 'mul', args: [lr.value, toScalar(factor, schedule.definition.span)] };
}

/** One update: new parameters and state from parameters, gradient and state. The host variable `step` counts from 0. */
export function elaborateUpdate(
  e: Elaboration,
  optimizer: BoundDefinition,
  rate: ScalarExpr,
  p: NodeId,
  gradient: NodeId,
  state: ReadonlyMap<string, NodeId>,
): { readonly p: NodeId; readonly state: ReadonlyMap<string, NodeId> } {
  const span = optimizer.definition.name.span;
  const update = membersOf(optimizer).find(
    (m): m is Extract<Member, { kind: 'function' }> => m.kind === 'function' && m.name.text === 'update',
  );
  if (update === undefined || update.body.kind !== 'block')
    return stop('PEFT0241', span, `optimizer ${optimizer.definition.name.text} needs update(p, g, step, rate) { … }`);
  const given: readonly Value[] = [
    { kind: 'tensor', node: p },
    { kind: 'tensor', node: gradient },
    { kind: 'host', expr: { op: 'add', args: [{ var: 'step' }, 1] } },
    { kind: 'host', expr: rate },
  ];
  const local = localScope(scopeOf(optimizer.args, optimizer.scope));
  update.params.forEach((param, i) =>
    local.define(param.name.text, given[i] ?? stop('PEFT0241', param.span, 'update has the parameters p, g, step and rate')),
  );
  for (const [name, node] of state) local.define(name, { kind: 'tensor', node });
  block(e, update.body.members, local, update.span);
  const g = graphOf(e, span);
  const result = (name: string): NodeId => expand(g, toNode(e, local.lookup(name) as Value, span), shapeOf(g, p), span);
  const first = update.params[0]?.name.text as string;
  return { p: result(first), state: new Map([...state.keys()].map((name) => [name, result(name)] as const)) };
}
