/**
 * @file The matmul loop for software adapters: no workgroup memory, no barriers; a workgroup is one subgroup.
 *
 * There a load is a gather of one address a lane and costs as much as ten multiplications, even where all lanes want one address.
 * So a lane owns `across` columns, every element of both operands is loaded once a tile: the left operand by all lanes together,
 * (lanes / chunk) rows x chunk steps of k in one gather, handed round by subgroupBroadcast; the right one by the lane that owns
 * the column. `chunk` is small, because the driver's compiler takes milliseconds for each gather of the text; a right operand that
 * lies along k takes 4 steps of k at once, so that a line of the cache is read while it is there.
 *
 * An operand that is worked out where it is read (a weight in a few bits) is the right one wherever that is possible, and its
 * neighbours are worked out together, so that a word of 8 weights is loaded once: along k 8 steps at once, along the columns each lane
 * owns 8 neighbouring ones.
 *
 * Without subgroups the left operand is loaded by every lane.
 */
import { closeTile, groupOf, openTile, storeCall, terms, type Context, type Term } from './matmul-module.js';
import type { Matmul, MatrixOperand } from '../kernels/kernel.js';
import type { Emitted, HostSlots } from './expression.js';
import type { Target } from '../plan/program.js';

/** A tile of a subgroup: rows, and columns for each lane, which are neighbours or `lanes` apart. */
interface Shape {
  readonly rows: number;
  readonly across: number;
  readonly neighbours?: true;
}

/** Small shapes compile in a tenth of a second, the large one in half a second: it must earn that. */
const smallShapes: readonly Shape[] = [
  { rows: 8, across: 1 },
  { rows: 8, across: 2 },
];
const largeShapes: readonly Shape[] = [...smallShapes, { rows: 16, across: 4 }];
const largeFlops = 2 ** 24;
/** Shapes whose lanes own neighbouring columns. */
const neighbourShapes: readonly Shape[] = [
  { rows: 4, across: 8, neighbours: true },
  { rows: 8, across: 8, neighbours: true },
];
/** Cost of a gather, a broadcast, a multiply-add and of working out one element, in cycles, measured on lavapipe. */
const cost = { gather: 30, broadcast: 3, multiply: 2, decode: 20 };
/** Fewer tiles than this leave cores idle. */
const fewTiles = 8;
/** Lanes of a workgroup where subgroups are not to be had. */
const plainLanes = 16;

/** The shader of a product for a software adapter. */
export function emitLanes(kernel: Matmul, target: Target, access: readonly ('read' | 'read_write')[], hosts: HostSlots): Emitted {
  const lanes = target.subgroup > 0 ? target.subgroup : plainLanes;
  const subgroups = target.subgroup > 0;
  const { shape, transposed } = choose(kernel, lanes);
  const { context, lines, workgroups } = openTile(kernel, { rows: shape.rows, columns: shape.across * lanes, transposed }, hosts);
  const body = [...lines, `let column = column0 + lane${shape.neighbours ? ` * ${shape.across}u` : ''};`];
  const each = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));
  const accumulators = each(shape.rows, (r) => each(shape.across, (c) => `x${r}_${c}`)).flat();
  body.push(...accumulators.map((x) => `var ${x} = 0.0;`));
  for (const term of terms(context))
    body.push(
      ...loop(term, shape, lanes, subgroups),
      ...(term.scale === undefined ? [] : ['{', `let scale = ${term.scale};`, ...accumulators.map((x) => `${x} *= scale;`), '}']),
    );
  body.push(...stores(context, shape, lanes));
  const lane = subgroups ? '@builtin(subgroup_invocation_id)' : '@builtin(local_invocation_index)';
  const main = `@compute @workgroup_size(${lanes})\nfn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, ${lane} lane: u32) {\n  ${body.join('\n  ')}\n}`;
  return { ...closeTile(context, access, { ...(subgroups ? { enable: 'enable subgroups;' } : {}), main }), workgroups };
}

/** The shape and orientation of least cost. */
function choose(kernel: Matmul, lanes: number): { readonly shape: Shape; readonly transposed: boolean } {
  const [m, n] = kernel.axes.slice(-2) as [number, number];
  const batch = kernel.axes.slice(0, -2).reduce((p, size) => p * size, 1);
  const k = kernel.terms.reduce((sum, term) => sum + term.k, 0);
  const large = 2 * batch * m * n * k >= largeFlops;
  let best = { shape: smallShapes[0] as Shape, transposed: false };
  let least = Infinity;
  for (const transposed of [false, true]) {
    const [rows, columns] = transposed ? [n, m] : [m, n];
    for (const shape of [...(large ? largeShapes : smallShapes), ...(kernel.functions.length > 0 ? neighbourShapes : [])]) {
      const tiles = batch * Math.ceil(rows / shape.rows) * Math.ceil(columns / (shape.across * lanes));
      const step = kernel.terms.reduce((sum, term) => sum + (term.k / k) * stepCost(kernel, term, transposed, shape, lanes), 0);
      const total = Math.max(tiles, fewTiles) * step;
      if (total < least) {
        least = total;
        best = { shape, transposed };
      }
    }
  }
  return best;
}

/** Cycles of a tile for one step of k. */
function stepCost(kernel: Matmul, term: Matmul['terms'][number], transposed: boolean, shape: Shape, lanes: number): number {
  const [left, right] = transposed ? [term.b, term.a] : [term.a, term.b];
  const [leftAxes, rightAxes] = transposed
    ? ([
        [-1, -2],
        [-2, -1],
      ] as const)
    : ([
        [-2, -1],
        [-1, -2],
      ] as const);
  /** Cost of one element by itself, and how many neighbours can be worked out together along which axis. */
  const reading = (operand: MatrixOperand, [outer, inner]: readonly [number, number]) => {
    const contiguous = operand.view.strides.at(inner) === 1 ? 'k' : operand.view.strides.at(outer) === 1 ? 'outer' : 'none';
    if (operand.source.kind === 'arg') return { arrays: 1, decode: 0, size: 1, contiguous } as const;
    const f = kernel.functions[operand.source.function];
    const arrays = f?.body.filter((s) => s.kind === 'load' || s.kind === 'load-indirect').length ?? 1;
    const size = groupOf(kernel, operand, contiguous, term.k, kernel.axes.at(outer) as number);
    return { arrays, decode: cost.decode, size, contiguous } as const;
  };
  const a = reading(left, leftAxes);
  const b = reading(right, rightAxes);
  const together = b.contiguous === 'k' ? b.size : b.contiguous === 'outer' && shape.neighbours ? Math.min(b.size, shape.across) : 1;
  return (
    ((cost.gather * a.arrays + a.decode) * shape.rows) / lanes +
    shape.across * ((cost.gather * b.arrays) / together + b.decode) +
    shape.rows * (cost.broadcast + cost.multiply * shape.across)
  );
}

/** How a term's right operand is worked out: so many neighbours together, along k or along the columns of a lane; 1 where one by one. */
function grouped(term: Term, shape: Shape): { readonly along: 'k' | 'columns'; readonly size: number } {
  const { group, contiguous } = term.right;
  if (group !== undefined && contiguous === 'k') return { along: 'k', size: group.size };
  if (group !== undefined && shape.neighbours && shape.across % group.size === 0) return { along: 'columns', size: group.size };
  return { along: 'k', size: 1 };
}

/** Steps of k in one turn of the loop. */
function chunkOf(term: Term, shape: Shape, lanes: number): number {
  const { along, size } = grouped(term, shape);
  const wished = Math.max(term.right.contiguous === 'k' ? 4 : 2, along === 'k' ? size : 1);
  return Math.max(Math.min(wished, lanes), Math.ceil(lanes / shape.rows), along === 'k' ? size : 1);
}

/** Adds a term's products to the accumulators. */
function loop(term: Term, shape: Shape, lanes: number, subgroups: boolean): string[] {
  const { left, right, k } = term;
  const chunk = chunkOf(term, shape, lanes);
  const { along, size } = grouped(term, shape);
  // A gather of all lanes serves so many rows and steps of k.
  const steps = Math.min(chunk, lanes);
  const rowsAtOnce = subgroups ? lanes / steps : 1;
  const groups = Math.ceil(shape.rows / rowsAtOnce);
  const rounds = chunk / steps;
  const apart = shape.neighbours ? 1 : lanes;
  const each = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
  const out = ['{', ...term.lines];
  if (subgroups) out.push(`let lane_row = lane / ${steps}u;`, `let lane_k = lane % ${steps}u;`);
  for (const g of each(groups))
    out.push(`let l${g} = ${left.base} + min(row0 + ${g * rowsAtOnce}u${subgroups ? ' + lane_row' : ''}, rows - 1u) * ${left.outer};`);
  // Columns that are worked out together end where the matrix ends, so a group is inside or outside as a whole.
  for (const c of each(shape.across))
    out.push(
      along === 'columns' && size > 1
        ? `let r${c} = ${right.base} + min(column + ${c}u, columns - ${size - (c % size)}u) * ${right.outer};`
        : `let r${c} = ${right.base} + min(column + ${c * apart}u, columns - 1u) * ${right.outer};`,
    );
  out.push(`for (var k = 0u; k < ${k}; k += ${chunk}u) {`);
  for (const j of each(chunk)) out.push(`let kr${j} = min(k + ${j}u, ${k} - 1u) * ${right.inner};`);
  if (subgroups) {
    for (const q of each(rounds)) {
      out.push(
        `let inside${q} = k + ${q * steps}u + lane_k < ${k};`,
        `let kl${q} = min(k + ${q * steps}u + lane_k, ${k} - 1u) * ${left.inner};`,
      );
      for (const g of each(groups)) out.push(`let a${g}_${q} = select(0.0, ${left.read(`l${g} + kl${q}`)}, inside${q});`);
    }
  } else {
    for (const j of each(chunk)) out.push(`let kl${j} = min(k + ${j}u, ${k} - 1u) * ${left.inner};`);
  }
  if (size > 1 && right.group !== undefined) {
    const { read } = right.group;
    if (along === 'k') {
      for (const c of each(shape.across))
        for (const j of each(chunk / size)) {
          out.push(`let g${c}_${j} = ${read(`r${c} + min(k + ${j * size}u, ${k} - ${size}u) * ${right.inner}`)};`);
          for (const i of each(size)) out.push(`let b${j * size + i}_${c} = g${c}_${j}[${i}];`);
        }
    } else {
      for (const j of each(chunk))
        for (const c of each(shape.across / size)) {
          out.push(`let g${j}_${c} = ${read(`r${c * size} + kr${j}`)};`);
          for (const i of each(size)) out.push(`let b${j}_${c * size + i} = g${j}_${c}[${i}];`);
        }
    }
  } else {
    for (const c of each(shape.across)) for (const j of each(chunk)) out.push(`let b${j}_${c} = ${right.read(`r${c} + kr${j}`)};`);
  }
  for (const r of each(shape.rows)) {
    for (const j of each(chunk)) {
      const value = subgroups
        ? `subgroupBroadcast(a${Math.floor(r / rowsAtOnce)}_${Math.floor(j / steps)}, ${(r % rowsAtOnce) * steps + (j % steps)}u)`
        : `select(0.0, ${left.read(`l${r} + kl${j}`)}, k + ${j}u < ${k})`;
      out.push(`let s${r}_${j} = ${value};`);
    }
    for (const c of each(shape.across)) {
      let sum = `x${r}_${c}`;
      for (const j of each(chunk)) sum = `(${sum} + s${r}_${j} * b${j}_${c})`;
      out.push(`x${r}_${c} = ${sum};`);
    }
  }
  out.push('}', '}');
  return out;
}

/** Stores row by row in a loop that moves the next row's accumulators to the first: the epilogue stands in the text once a column. */
function stores(context: Context, shape: Shape, lanes: number): string[] {
  const out = [`for (var r = 0u; r < ${shape.rows}u; r += 1u) {`, 'let row = row0 + r;'];
  const apart = shape.neighbours ? 1 : lanes;
  for (let c = 0; c < shape.across; c += 1) out.push(`{ let at = column + ${c * apart}u; ${storeCall(context, 'row', 'at', `x0_${c}`)} }`);
  for (let r = 1; r < shape.rows; r += 1) {
    for (let c = 0; c < shape.across; c += 1) out.push(`x${r - 1}_${c} = x${r}_${c};`);
  }
  out.push('}');
  return out;
}
