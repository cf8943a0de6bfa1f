/**
 * @file Simplify: Graph → Graph of the same meaning over the real numbers, smaller. Applies the algebraic rules
 * (scalar-rules, view-rules, sum-rules) to every node until nothing changes, and drops what no output needs.
 * `stops: 'drop'` also removes `stop_gradient`, which only the gradient looks at: use it once gradients are made.
 */
import { Bug } from '../bug.js';
import type { Attrs, NodeId } from '../ops/op.js';
import { ops, opNames, type OpName } from '../ops/ops.js';
import { completeAttrs, rebuild, type GraphBuilder } from './builder.js';
import type { Graph } from './graph.js';
import type { Rewriter, Rule } from './rule.js';
import { dropStop, scalarRules } from './scalar-rules.js';
import { sumRules } from './sum-rules.js';
import { assertSound } from './verify.js';
import { viewRules } from './view-rules.js';

const rulesOf = new Map(opNames.map((op): [OpName, readonly Rule[]] => [op, [...scalarRules(op), ...viewRules(op), ...sumRules(op)]]));

function createRewriter(g: GraphBuilder, stops: 'keep' | 'drop', usedOnce: (id: NodeId) => boolean): Rewriter {
  const r: Rewriter = {
    g,
    usedOnce,
    emit(op, inputs, attrs: Attrs = {}) {
      const complete = completeAttrs(op, attrs);
      if (typeof complete === 'string') throw new Bug(complete);
      const type = ops[op].infer(inputs.map(g.node), complete);
      if (typeof type === 'string') throw new Bug(`${op}: ${type}`);
      const candidate = { op, inputs, attrs: complete, shape: type.shape, dtype: type.dtype };
      if (stops === 'drop') {
        const inner = dropStop(r, candidate);
        if (inner !== undefined) return inner;
      }
      for (const rule of rulesOf.get(op) ?? []) {
        const made = rule(r, candidate);
        if (made !== undefined) return made;
      }
      return g.add(op, inputs, complete);
    },
  };
  return r;
}

function onePass(graph: Graph, stops: 'keep' | 'drop'): Graph {
  const uses = new Array<number>(graph.nodes.length).fill(0);
  for (const id of [...graph.nodes.flatMap((node) => node.inputs), ...graph.outputs.map((o) => o.node)]) uses[id] = (uses[id] ?? 0) + 1;
  const made = new Map<NodeId, number>();
  let rewriter: Rewriter | undefined;
  return rebuild(graph, (g, node, inputs, id) => {
    rewriter ??= createRewriter(g, stops, (n) => made.get(n) === 1);
    const next = rewriter.emit(node.op, inputs, node.attrs);
    made.set(next, (made.get(next) ?? 0) + (uses[id] as number));
    return next;
  });
}

const unchanged = (a: Graph, b: Graph): boolean =>
  a.nodes.length === b.nodes.length &&
  a.nodes.every((node, id) => node.op === b.nodes[id]?.op && node.inputs.every((input, i) => input === b.nodes[id]?.inputs[i]));

/** The same graph, simpler. */
export function simplify(graph: Graph, options: { readonly stops?: 'keep' | 'drop' } = {}): Graph {
  assertSound(graph, 'simplify');
  let before = graph;
  for (let pass = 0; pass < 8; pass += 1) {
    const after = onePass(before, options.stops ?? 'keep');
    if (unchanged(before, after)) return after;
    before = after;
  }
  return before;
}

/** A builder's `add` that simplifies as it goes, for passes that make new nodes. */
export function simplifying(g: GraphBuilder): (op: OpName, inputs: readonly NodeId[], attrs?: Attrs) => NodeId {
  return createRewriter(g, 'keep', () => false).emit;
}
