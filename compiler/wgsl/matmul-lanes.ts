/**
 * @file The matmul loop for software adapters: no workgroup memory, no barriers; a workgroup is one subgroup.
 *
 * There a load is a gather of one address a lane and costs as much as ten multiplications, even where all lanes want one address.
 * So a lane owns `across` columns, every element of both operands is loaded once a tile: the left operand by all lanes together,
 * (lanes / chunk) rows x chunk steps of k in one gather, handed round by subgroupBroadcast; the right one by the lane that owns
 * the column. `chunk` is small, because the driver's compiler takes milliseconds for each gather of the text; a right operand that
 * lies along k takes 4 steps of k at once, so that a line of the cache is read while it is there.
 *
 * Without subgroups the left operand is loaded by every lane.
 */
import { closeTile, openTile, storeCall, terms, type Context, type Term } from './matmul-module.js';
import type { Matmul } from '../kernels/kernel.js';
import type { Emitted, HostSlots } from './expression.js';
import type { Target } from '../plan/program.js';

/** A tile of a subgroup: rows, and columns for each lane. */
interface Shape {
  readonly rows: number;
  readonly across: number;
}

/** Small shapes compile in a tenth of a second, the large one in half a second: it must earn that. */
const smallShapes: readonly Shape[] = [
  { rows: 8, across: 1 },
  { rows: 8, across: 2 },
];
const largeShapes: readonly Shape[] = [...smallShapes, { rows: 16, across: 4 }];
const largeFlops = 2 ** 24;
/** Cost of a gather, a broadcast and a multiply-add, in cycles, measured on lavapipe. */
const cost = { gather: 30, broadcast: 3, multiply: 2 };
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
  const body = [...lines, `let column = column0 + lane;`];
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
  const shapes = 2 * batch * m * n * k >= largeFlops ? largeShapes : smallShapes;
  let best = { shape: shapes[0] as Shape, transposed: false };
  let least = Infinity;
  for (const transposed of [false, true]) {
    const [rows, columns] = transposed ? [n, m] : [m, n];
    for (const shape of shapes) {
      const tiles = batch * Math.ceil(rows / shape.rows) * Math.ceil(columns / (shape.across * lanes));
      const step = cost.gather * (shape.across + shape.rows / lanes) + shape.rows * (cost.broadcast + cost.multiply * shape.across);
      const total = Math.max(tiles, fewTiles) * step;
      if (total < least) {
        least = total;
        best = { shape, transposed };
      }
    }
  }
  return best;
}

/** Steps of k in one turn of the loop. */
function chunkOf(term: Term, shape: Shape, lanes: number): number {
  const wished = term.right.contiguous === 'k' ? 4 : 2;
  return Math.max(Math.min(wished, lanes), Math.ceil(lanes / shape.rows));
}

/** Adds a term's products to the accumulators. */
function loop(term: Term, shape: Shape, lanes: number, subgroups: boolean): string[] {
  const { left, right, k } = term;
  const chunk = chunkOf(term, shape, lanes);
  const rowsAtOnce = subgroups ? lanes / chunk : 1;
  const groups = Math.ceil(shape.rows / rowsAtOnce);
  const out = ['{', ...term.lines];
  if (subgroups) out.push(`let lane_row = lane / ${chunk}u;`, `let lane_k = lane % ${chunk}u;`);
  for (let g = 0; g < groups; g += 1) {
    out.push(`let l${g} = ${left.base} + min(row0 + ${g * rowsAtOnce}u${subgroups ? ' + lane_row' : ''}, rows - 1u) * ${left.outer};`);
  }
  for (let c = 0; c < shape.across; c += 1)
    out.push(`let r${c} = ${right.base} + min(column + ${c * lanes}u, columns - 1u) * ${right.outer};`);
  out.push(`for (var k = 0u; k < ${k}; k += ${chunk}u) {`);
  for (let j = 0; j < chunk; j += 1) out.push(`let kr${j} = min(k + ${j}u, ${k} - 1u) * ${right.inner};`);
  if (subgroups) {
    out.push(`let inside = k + lane_k < ${k};`, `let kl = min(k + lane_k, ${k} - 1u) * ${left.inner};`);
    for (let g = 0; g < groups; g += 1) out.push(`let a${g} = select(0.0, ${left.read(`l${g} + kl`)}, inside);`);
  } else {
    for (let j = 0; j < chunk; j += 1) out.push(`let kl${j} = min(k + ${j}u, ${k} - 1u) * ${left.inner};`);
  }
  for (let c = 0; c < shape.across; c += 1) {
    for (let j = 0; j < chunk; j += 1) out.push(`let b${j}_${c} = ${right.read(`r${c} + kr${j}`)};`);
  }
  for (let r = 0; r < shape.rows; r += 1) {
    for (let j = 0; j < chunk; j += 1) {
      const value = subgroups
        ? `subgroupBroadcast(a${Math.floor(r / rowsAtOnce)}, ${(r % rowsAtOnce) * chunk + j}u)`
        : `select(0.0, ${left.read(`l${r} + kl${j}`)}, k + ${j}u < ${k})`;
      out.push(`let s${r}_${j} = ${value};`);
    }
    for (let c = 0; c < shape.across; c += 1) {
      let sum = `x${r}_${c}`;
      for (let j = 0; j < chunk; j += 1) sum = `(${sum} + s${r}_${j} * b${j}_${c})`;
      out.push(`x${r}_${c} = ${sum};`);
    }
  }
  out.push('}', '}');
  return out;
}

/** Stores row by row in a loop that moves the next row's accumulators to the first: the epilogue stands in the text once a column. */
function stores(context: Context, shape: Shape, lanes: number): string[] {
  const out = [`for (var r = 0u; r < ${shape.rows}u; r += 1u) {`, 'let row = row0 + r;'];
  for (let c = 0; c < shape.across; c += 1) out.push(`{ let at = column + ${c * lanes}u; ${storeCall(context, 'row', 'at', `x0_${c}`)} }`);
  for (let r = 1; r < shape.rows; r += 1) {
    for (let c = 0; c < shape.across; c += 1) out.push(`x${r - 1}_${c} = x${r}_${c};`);
  }
  out.push('}');
  return out;
}
