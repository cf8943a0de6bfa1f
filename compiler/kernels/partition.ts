/**
 * @file Partition: the stored values of a graph in clusters, one kernel each, and the merging that makes them few.
 *
 * It starts with one cluster a value. A cluster is merged into the one that produces what it reads (an epilogue), a row reduction
 * with the pointwise values it reads, and clusters that read the same arrays with each other. A merge stands when no other
 * cluster has to run in between, when one kernel can be constructed for both, and when it touches no more arrays than allowed.
 * A tensor that is assigned is written after every other cluster that reads it, which counts as an order between clusters.
 */
import type { NodeId } from '../graph/graph.js';
import { phasesOf } from '../graph/recompute.js';
import { Bug } from '../bug.js';
import { count } from './affine.js';
import { referenceOf, reducedRun } from './body.js';
import { construct, isFailure, type Cluster, type Context, type Destination } from './construct.js';
import type { Arg, Kernel } from './kernel.js';
import { isReduction, nodeAt, role } from './structure.js';

/** A cluster with its kernel as built last. */
interface Part {
  readonly id: number;
  readonly cluster: Cluster;
  readonly kernel: Kernel;
}

/** Where results of the graph go: transient values wanted by the caller, and persistent tensors. */
export interface Wanted {
  readonly values: ReadonlySet<NodeId>;
  readonly tensors: ReadonlyMap<NodeId, readonly Destination[]>;
}

/** Clusters under merging. */
export interface Partition {
  readonly context: Omit<Context, 'destinations'>;
  readonly wanted: Wanted;
  readonly parts: Map<number, Part>;
  readonly owner: Map<NodeId, number>;
  /** Parts that read an array, by the array's key. */
  readonly readers: Map<string, Set<number>>;
  /** Members that write a tensor, by the array's key. */
  readonly writers: ReadonlyMap<string, readonly NodeId[]>;
  /** Whether a cluster reads a tensor that another one replaces: an order that node ids do not show. */
  readonly assigned: boolean;
}

/** Key of what an argument refers to. */
export function refKey(ref: Arg['ref']): string {
  return ref.kind === 'value' ? `%${ref.node}` : ref.name;
}

/** The kind of the cluster that computes a stored value alone. */
export function kindOf(context: Omit<Context, 'destinations'>, member: NodeId): Cluster['kind'] {
  const { op } = nodeAt(context.graph, member);
  if (context.sums.has(member)) return 'matmul';
  if (isReduction(op)) return 'row-reduce';
  return op === 'scatter_add' ? 'scatter-add' : 'pointwise';
}

/** One cluster for each value that the results need. `stored` grows by what construction finds in the way. */
export function partition(context: Omit<Context, 'destinations'> & { readonly stored: Set<NodeId> }, wanted: Wanted): Partition {
  const roots = [...wanted.values, ...wanted.tensors.keys()];
  const writers = new Map<string, NodeId[]>();
  for (const [member, list] of wanted.tensors)
    for (const { ref } of list) writers.set(refKey(ref), [...(writers.get(refKey(ref)) ?? []), member]);
  for (;;) {
    const before = context.stored.size;
    const built = new Map<NodeId, Kernel>();
    const work = [...roots];
    for (let member = work.pop(); member !== undefined; member = work.pop()) {
      if (built.has(member)) continue;
      const kernel = single(context, wanted, member);
      built.set(member, kernel);
      for (const arg of kernel.args) {
        if (arg.access === 'write' || arg.ref.kind !== 'value' || built.has(arg.ref.node)) continue;
        if (nodeAt(context.graph, arg.ref.node).op !== 'table') work.push(arg.ref.node);
      }
    }
    if (context.stored.size > before) continue;
    const parts = new Map(
      [...built]
        .sort(([a], [b]) => a - b)
        .map(([member, kernel]) => [member, { id: member, cluster: { kind: kindOf(context, member), members: [member] }, kernel }]),
    );
    const out: Partition = {
      context,
      wanted,
      parts,
      owner: new Map([...parts.keys()].map((m) => [m, m])),
      readers: new Map(),
      writers,
      assigned: false,
    };
    for (const part of parts.values()) note(out, part);
    return {
      ...out,
      assigned: [...writers].some(([key, members]) => [...(out.readers.get(key) ?? [])].some((id) => !members.includes(id))),
    };
  }
}

function single(context: Omit<Context, 'destinations'> & { readonly stored: Set<NodeId> }, wanted: Wanted, member: NodeId): Kernel {
  const destinations = (m: NodeId): readonly Destination[] => [
    { ref: referenceOf(context.graph, m), accumulate: false },
    ...(wanted.tensors.get(m) ?? []),
  ];
  for (;;) {
    const made = construct({ ...context, destinations }, { kind: kindOf(context, member), members: [member] });
    if (!isFailure(made)) return made;
    const inTheWay = made.kind === 'store' ? made.node : relief(context, member);
    if (inTheWay === undefined || context.stored.has(inTheWay)) throw new Bug(`value ${member} has no kernel: ${made.kind} ${made.node}`);
    context.stored.add(inTheWay);
  }
}

/** The computed value that, stored, saves the kernel of a member most loads. */
function relief(context: Omit<Context, 'destinations'>, member: NodeId): NodeId | undefined {
  const loads = new Map<NodeId, ReadonlySet<NodeId>>();
  const visit = (id: NodeId): ReadonlySet<NodeId> => {
    const known = loads.get(id);
    if (known !== undefined) return known;
    const node = nodeAt(context.graph, id);
    const found =
      id !== member && (context.stored.has(id) || role(node) === 'memory' || role(node) === 'decoded')
        ? new Set([id])
        : new Set((context.sums.get(id)?.rest.map((r) => r.node) ?? node.inputs).flatMap((input) => [...visit(input)]));
    loads.set(id, found);
    return found;
  };
  visit(member);
  let best: NodeId | undefined;
  for (const [id, set] of loads) {
    const kind = role(nodeAt(context.graph, id));
    if (id === member || set.size < 2 || (kind !== 'elementwise' && kind !== 'gather' && kind !== 'pad')) continue;
    if (best === undefined || set.size > (loads.get(best)?.size ?? 0)) best = id;
  }
  return best;
}

/** Arrays that a kernel reads (accumulation is no order of its own, but its tensor counts). */
function reads(kernel: Kernel): string[] {
  return kernel.args.filter((arg) => arg.access !== 'write').map((arg) => refKey(arg.ref));
}

function note(p: Partition, part: Part): void {
  for (const key of reads(part.kernel)) {
    const set = p.readers.get(key) ?? new Set();
    set.add(part.id);
    p.readers.set(key, set);
  }
}

function forget(p: Partition, part: Part): void {
  for (const key of reads(part.kernel)) p.readers.get(key)?.delete(part.id);
}

/** Parts that must run after a part. */
function successors(p: Partition, part: Part): Set<number> {
  const out = new Set<number>();
  for (const member of part.cluster.members) for (const reader of p.readers.get(`%${member}`) ?? []) out.add(reader);
  if (p.assigned) {
    for (const key of reads(part.kernel)) for (const writer of p.writers.get(key) ?? []) out.add(p.owner.get(writer) as number);
  }
  out.delete(part.id);
  return out;
}

/** Whether `b` must run after `a` because of a third part between them, or `b` before `a`. */
function between(p: Partition, a: Part, b: Part): boolean {
  const last = b.cluster.members[b.cluster.members.length - 1] as NodeId;
  const reaches = (from: Part, to: Part, direct: boolean): boolean => {
    const seen = new Set<number>([from.id]);
    const work = [...successors(p, from)].filter((id) => direct || id !== to.id);
    for (let id = work.pop(); id !== undefined; id = work.pop()) {
      if (id === to.id) return true;
      if (seen.has(id)) continue;
      seen.add(id);
      const part = p.parts.get(id) as Part;
      if (
        !p.assigned &&
        (part.cluster.members[0] as NodeId) > last &&
        (part.cluster.members[0] as NodeId) > (to.cluster.members.at(-1) as NodeId)
      )
        continue;
      work.push(...successors(p, part));
    }
    return false;
  };
  return reaches(a, b, false) || reaches(b, a, true);
}

/** Where a member goes, given that `inside` parts see it without memory. */
function destinationsOf(p: Partition, member: NodeId, inside: ReadonlySet<number>): readonly Destination[] {
  const tensors = p.wanted.tensors.get(member) ?? [];
  const outside = p.wanted.values.has(member) || [...(p.readers.get(`%${member}`) ?? [])].some((id) => !inside.has(id));
  return outside ? [{ ref: { kind: 'value', node: member }, accumulate: false }, ...tensors] : tensors;
}

/** The kernel of several parts as one, where there is one. */
function joined(p: Partition, list: readonly Part[], kind: Cluster['kind']): Part | undefined {
  const members = list.flatMap((part) => part.cluster.members).sort((a, b) => a - b);
  const inside = new Set(list.map((part) => part.id));
  const kernel = construct({ ...p.context, destinations: (m) => destinationsOf(p, m, inside) }, { kind, members });
  if (isFailure(kernel) || hazard(kernel)) return undefined;
  return { id: (list[0] as Part).id, cluster: { kind, members }, kernel };
}

/** Whether a kernel reads a tensor at another index than the one at which it writes it. */
export function hazard(kernel: Kernel): boolean {
  return kernel.args.some((arg, i) => {
    if (arg.access !== 'read_write') return false;
    const stores = kernel.stores.filter((s) => s.arg === i);
    const same = kernel.body.every((s) =>
      s.kind === 'load'
        ? s.arg !== i || stores.every((t) => JSON.stringify(t.view) === JSON.stringify(s.view))
        : s.kind !== 'load-indirect' || s.arg !== i,
    );
    const operands =
      kernel.kind === 'matmul'
        ? kernel.terms.flatMap(({ a, b }) => [a.source, b.source].flatMap((s) => (s.kind === 'arg' ? [s.arg] : [])))
        : kernel.kind === 'scatter-add'
          ? [kernel.ids, kernel.values, ...(kernel.lists === undefined ? [] : [kernel.lists.head, kernel.lists.next])]
          : [];
    const worked = kernel.functions.some((f) => f.body.some((s) => (s.kind === 'load' || s.kind === 'load-indirect') && s.arg === i));
    return !same || worked || operands.includes(i);
  });
}

function commit(p: Partition, list: readonly Part[], part: Part): void {
  for (const old of list) {
    forget(p, old);
    p.parts.delete(old.id);
  }
  p.parts.set(part.id, part);
  for (const member of part.cluster.members) p.owner.set(member, part.id);
  note(p, part);
}

/** The kind of two clusters as one, or undefined where no kernel does both. `a` produces what `b` reads, or neither. */
function jointKind(p: Partition, a: Part, b: Part): Cluster['kind'] | undefined {
  const kinds = [a.cluster.kind, b.cluster.kind];
  if (b.cluster.kind === 'pointwise') return a.cluster.kind;
  if (b.cluster.kind !== 'row-reduce' || (a.cluster.kind !== 'row-reduce' && a.cluster.kind !== 'pointwise')) return undefined;
  if (kinds[0] === 'pointwise') {
    const { rows, width } = rowSpace(p, b);
    return a.cluster.members.every((m) => [rows, rows * width].includes(count(nodeAt(p.context.graph, m).shape)))
      ? 'row-reduce'
      : undefined;
  }
  const [x, y] = [rowSpace(p, a), rowSpace(p, b)];
  return x.rows === y.rows && x.width === y.width ? 'row-reduce' : undefined;
}

function rowSpace(p: Partition, part: Part): { readonly rows: number; readonly width: number } {
  const lead = part.cluster.members.find((m) => isReduction(nodeAt(p.context.graph, m).op)) as NodeId;
  return { rows: count(nodeAt(p.context.graph, lead).shape), width: reducedRun(p.context.graph, lead).width };
}

function tryMerge(p: Partition, a: Part, b: Part): boolean {
  const kind = jointKind(p, a, b);
  if (kind === undefined || phaseOf(p, a) !== phaseOf(p, b) || between(p, a, b)) return false;
  const part = joined(p, [a, b], kind);
  if (part === undefined) return false;
  commit(p, [a, b], part);
  return true;
}

/** What is computed again for the gradient waits until it is needed: it goes into no kernel that runs before. */
const phaseOf = (p: Partition, part: Part): number => Math.max(...part.cluster.members.map((m) => phasesOf(p.context.graph)[m] as number));

const preference: { readonly [K in Cluster['kind']]: number } = { matmul: 0, 'scatter-add': 1, 'row-reduce': 2, pointwise: 3 };

/** Merges every cluster into a producer of what it reads where that is possible. */
export function mergeProducers(p: Partition): void {
  for (const id of [...p.parts.keys()].sort((a, b) => a - b)) {
    for (let again = true; again;) {
      again = false;
      const part = p.parts.get(p.owner.get(id) as number) as Part;
      const producers = new Set(
        part.kernel.args.flatMap((arg) =>
          arg.access === 'read' && arg.ref.kind === 'value' && p.owner.has(arg.ref.node) ? [p.owner.get(arg.ref.node) as number] : [],
        ),
      );
      producers.delete(part.id);
      const sorted = [...producers]
        .map((x) => p.parts.get(x) as Part)
        .sort(
          (a, b) =>
            preference[a.cluster.kind] - preference[b.cluster.kind] ||
            (b.cluster.members.at(-1) as NodeId) - (a.cluster.members.at(-1) as NodeId),
        );
      again = sorted.some((producer) => tryMerge(p, producer, part)) && part.cluster.kind !== 'matmul';
    }
  }
}

/** Merges clusters of one kind that read the same large arrays or write what the other reads. */
export function mergeSiblings(p: Partition): void {
  const keys = [...new Set([...p.readers.keys(), ...p.writers.keys()])];
  for (const key of keys) {
    for (;;) {
      const writing = (p.writers.get(key) ?? []).map((m) => p.owner.get(m) as number);
      const around = [...new Set([...(p.readers.get(key) ?? []), ...writing])].sort((a, b) => a - b).map((id) => p.parts.get(id) as Part);
      if (!around.some((a, i) => around.slice(i + 1, i + 9).some((b) => alike(a, b, key) && tryMerge(p, a, b)))) break;
    }
  }
}

/** Whether the array is as large as what both clusters compute, and both compute as much. */
function alike(a: Part, b: Part, key: string): boolean {
  if (a.cluster.kind !== b.cluster.kind || (a.cluster.kind !== 'pointwise' && a.cluster.kind !== 'row-reduce')) return false;
  const size = count(a.kernel.axes);
  const array = a.kernel.args.find((arg) => refKey(arg.ref) === key) ?? b.kernel.args.find((arg) => refKey(arg.ref) === key);
  return size === count(b.kernel.axes) && array !== undefined && array.elements * 2 >= size;
}

/** The kernels in an order in which every value is written before it is read and every assigned tensor after. Where
 * assignments contradict each other, `culprits` are members of which some must be copied. */
export function ordered(p: Partition): { readonly kernels: readonly Kernel[] } | { readonly culprits: readonly NodeId[] } {
  const rebuilt = new Map<number, Part>();
  for (const part of p.parts.values()) {
    const made = joined(p, [part], part.cluster.kind);
    if (made === undefined) return { culprits: contested(p, [part]) };
    rebuilt.set(part.id, made);
  }
  const waiting = new Map<number, number>([...p.parts.keys()].map((id) => [id, 0]));
  for (const part of p.parts.values()) for (const next of successors(p, part)) waiting.set(next, (waiting.get(next) as number) + 1);
  const ready = [...waiting].filter(([, n]) => n === 0).map(([id]) => id);
  const kernels: Kernel[] = [];
  const key = (id: number): NodeId => (p.parts.get(id) as Part).cluster.members.at(-1) as NodeId;
  while (ready.length > 0) {
    let best = 0;
    ready.forEach((id, i) => {
      if (key(id) < key(ready[best] as number)) best = i;
    });
    const id = ready.splice(best, 1)[0] as number;
    kernels.push((rebuilt.get(id) as Part).kernel);
    waiting.delete(id);
    for (const next of successors(p, p.parts.get(id) as Part)) {
      const left = (waiting.get(next) as number) - 1;
      waiting.set(next, left);
      if (left === 0) ready.push(next);
    }
  }
  if (waiting.size === 0) return { kernels };
  return {
    culprits: contested(
      p,
      [...waiting.keys()].map((id) => p.parts.get(id) as Part),
    ),
  };
}

/** Members that replace a tensor which some cluster reads. */
function contested(p: Partition, parts: readonly Part[]): NodeId[] {
  const members = parts.flatMap((part) => part.cluster.members);
  return members.filter((m) => p.wanted.tensors.get(m)?.some(({ ref }) => (p.readers.get(refKey(ref))?.size ?? 0) > 0));
}
