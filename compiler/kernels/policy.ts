/**
 * @file Policy: which graph values stand in memory between kernels before any kernel is built. Everything else is recomputed
 * where it is needed. Kernel construction may add values that turn out to be in the way; it never removes one.
 *
 * Stored are: results of products, reductions and scatters; computed operands of products; tables of gathers; and what several
 * stored values need where recomputation is dearer than a load: it reads two or more large arrays, or takes many operations.
 */
import type { Graph, NodeId } from '../graph/graph.js';
import type { OpName } from '../ops/ops.js';
import { constantFactor } from './body.js';
import { count } from './affine.js';
import { arrayCount, inputOf, nodeAt, role } from './structure.js';
import type { Sum } from './sums.js';

/** Operations above which a value used in several places is kept. */
const dearOperations = 60;
/** Operations above which a value is kept before it is repeated along an axis. */
const dearBroadcast = 16;
/** From how many repetitions that holds. */
const manyRepeats = 4;

/** What it takes to compute a value from what is stored. */
interface Cost {
  readonly loads: ReadonlySet<NodeId>;
  readonly operations: number;
}

/** The stored values. `kept` are the outputs, `limit` is how many arrays one kernel may touch. */
export function storedValues(
  graph: Graph,
  users: readonly (readonly NodeId[])[],
  sums: ReadonlyMap<NodeId, Sum>,
  kept: ReadonlySet<NodeId>,
  limit: number,
): Set<NodeId> {
  const stored = new Set<NodeId>(kept);
  const products = new Set<NodeId>();
  for (const sum of sums.values()) {
    stored.add(sum.root);
    for (const p of sum.products) if (p.node !== sum.root) products.add(p.node);
  }
  graph.nodes.forEach((node, id) => {
    if (role(node) === 'anchor' && node.op !== 'matmul') stored.add(id);
    if (node.op === 'matmul') for (const input of node.inputs) keepOperand(graph, input, stored);
    if (node.op === 'scatter_add') for (const input of node.inputs) keepWhole(graph, input, stored);
    if (node.op === 'gather') keepWhole(graph, inputOf(node, 0), stored);
  });
  const costs = valueCosts(graph, stored, limit);
  keepShared(graph, users, costs, stored, products);
  return stored;
}

/** A product's operand is stored behind its views and constant factors. */
function keepOperand(graph: Graph, id: NodeId, stored: Set<NodeId>): void {
  let at = id;
  for (;;) {
    const node = nodeAt(graph, at);
    if (role(node) === 'memory' || role(node) === 'decoded' || stored.has(at)) return;
    const factored = role(node) === 'same' || role(node) === 'view' ? { of: inputOf(node, 0) } : constantFactor(graph, at);
    if (factored === undefined) break;
    at = factored.of;
  }
  if (nodeAt(graph, at).op !== 'matmul') stored.add(at);
}

/** An operand that is read whole, at indices known only at run time, is stored in its own order. */
function keepWhole(graph: Graph, id: NodeId, stored: Set<NodeId>): void {
  let at = id;
  while (role(nodeAt(graph, at)) === 'same' && !stored.has(at)) at = inputOf(nodeAt(graph, at), 0);
  const kind = role(nodeAt(graph, at));
  // A short list of constants is chosen from, a decoded table worked out row by row.
  if (kind !== 'memory' && kind !== 'decoded') stored.add(at);
}

/** Costs in order of the graph; where a value would read more arrays than a kernel may touch, its dearest input is stored. */
function valueCosts(graph: Graph, stored: Set<NodeId>, limit: number): readonly Cost[] {
  const costs: Cost[] = [];
  const free: Cost = { loads: new Set(), operations: 0 };
  const seen = (id: NodeId): Cost => (stored.has(id) ? { loads: new Set([id]), operations: 0 } : (costs[id] as Cost));
  graph.nodes.forEach((node, id) => {
    if (role(node) === 'memory' || role(node) === 'decoded' || role(node) === 'anchor') {
      costs.push({ loads: new Set([id]), operations: 0 });
      return;
    }
    if (role(node) === 'inline') {
      costs.push({ ...free, operations: node.op === 'random' ? 20 : 0 });
      return;
    }
    for (;;) {
      const inputs = node.inputs.map(seen);
      const loads = new Set(inputs.flatMap((c) => [...c.loads]));
      if (arrayCount(graph, loads) <= Math.max(2, limit - 2)) {
        costs.push({
          loads,
          operations: inputs.reduce((n, c) => n + c.operations, role(node) === 'elementwise' ? operations(node.op) : 0),
        });
        return;
      }
      let dearest = -1;
      inputs.forEach((c, i) => {
        if (c.loads.size > (dearest < 0 ? 1 : (inputs[dearest] as Cost).loads.size)) dearest = i;
      });
      if (dearest < 0) {
        costs.push({ loads, operations: 0 });
        return;
      }
      stored.add(inputOf(node, dearest));
    }
  });
  return costs;
}

/** Rough cost of an elementwise op in additions. */
export function operations(op: OpName): number {
  switch (op) {
    case 'exp':
    case 'log':
    case 'tanh':
    case 'erf':
    case 'sin':
    case 'cos':
    case 'pow':
      return 12;
    case 'div':
    case 'sqrt':
      return 4;
    default:
      return 1;
  }
}

/** Keeps what several stored values would recompute at a price. Runs from the results back, so that the users are decided. */
function keepShared(
  graph: Graph,
  users: readonly (readonly NodeId[])[],
  costs: readonly Cost[],
  stored: Set<NodeId>,
  products: ReadonlySet<NodeId>,
): void {
  const sinks: (readonly NodeId[])[] = graph.nodes.map(() => []);
  for (let id = graph.nodes.length - 1; id >= 0; id -= 1) {
    const node = nodeAt(graph, id);
    const found = new Set<NodeId>();
    for (const user of users[id] ?? []) {
      if (stored.has(user) || products.has(user)) found.add(user);
      else for (const sink of sinks[user] ?? []) found.add(sink);
      if (found.size > 8) break;
    }
    sinks[id] = [...found];
    const kind = role(node);
    if (stored.has(id) || products.has(id) || (kind !== 'elementwise' && kind !== 'gather' && kind !== 'pad')) continue;
    const cost = costs[id] as Cost;
    const large = [...cost.loads].filter((load) => 4 * count(nodeAt(graph, load).shape) >= count(node.shape)).length;
    const repeated = repeats(graph, users, id) >= manyRepeats;
    if ((found.size > 1 && (large > 1 || cost.operations > dearOperations)) || (repeated && cost.operations >= dearBroadcast))
      stored.add(id);
  }
}

/** How often the users of a value repeat it at most, looking through reshapes. */
function repeats(graph: Graph, users: readonly (readonly NodeId[])[], id: NodeId): number {
  let most = 1;
  for (const user of users[id] ?? []) {
    const node = nodeAt(graph, user);
    if (node.op === 'broadcast') most = Math.max(most, count(node.shape) / count(nodeAt(graph, id).shape));
    else if (role(node) === 'same') most = Math.max(most, repeats(graph, users, user));
  }
  return most;
}
