/**
 * @file Row reductions: sums and maxima along the last axis, in order, each with the body it needs, then what is stored for each
 * row and for each element. One template: on a software adapter a thread walks along a row of its own; on a GPU a workgroup
 * shares a row and joins its parts by a tree in workgroup memory.
 */
import type { RowReduce, Scalar } from '../kernels/kernel.js';
import { usedBy } from '../kernels/verify.js';
import type { Target } from '../plan/program.js';
import { collapse } from './collapse.js';
import { closeModule, grid, openModule, scalars, split, storeLines, word, type Emitted, type HostSlots, type Module, type Place } from './expression.js';

/** Threads of a workgroup on a software adapter, each with a row. */
const rowsTogether = 16;
/** Threads that share a row on a GPU. */
const sharing = 64;
const lowest = '-0x1.fffffep+127f';

/** The shader of a row reduction. */
export function emitRowReduce(source: RowReduce, target: Target, access: readonly ('read' | 'read_write')[], hosts: HostSlots): Emitted {
  const kernel = collapse(source, 1);
  const outer = kernel.axes.slice(0, -1);
  const rows = outer.reduce((a, b) => a * b, 1);
  const shared = target.kind === 'gpu';
  const workgroups = grid(shared ? rows : Math.ceil(rows / rowsTogether));
  const m = openModule(kernel, hosts);
  const bound = word(m, rows);
  const width = word(m, kernel.axes[kernel.axes.length - 1] as number);
  const outerPlace = split(m, 'row', outer, 'i');
  const place = (column: string): Place => ({ index: [...outerPlace.index, column], reduced: (r) => `r${r}` });
  const perRow = kernel.stores.filter((s) => s.view.strides[s.view.strides.length - 1] === 0 && !dependsOnColumn(kernel, s.value));
  const perElement = kernel.stores.filter((s) => !perRow.includes(s));
  const body: string[] = [...outerPlace.lines];
  const [from, step] = shared ? ['lane', `${sharing}u`] : ['0u', '1u'];
  kernel.reductions.forEach((reduction, r) => body.push(...reduce(m, reduction, r, place('j'), width, from, step, shared)));
  if (perRow.length > 0) {
    const { lines, name } = scalars(m, perRow.map((s) => s.value), place('0u'));
    const inside = [...lines, ...storeLines(m, perRow, place('0u'), name)];
    body.push(...(shared ? ['if (lane == 0u) {', ...inside, '}'] : ['{', ...inside, '}']));
  }
  if (perElement.length > 0) {
    const { lines, name } = scalars(m, perElement.map((s) => s.value), place('j'));
    body.push(`for (var j = ${from}; j < ${width}; j += ${step}) {`, ...lines, ...storeLines(m, perElement, place('j'), name), '}');
  }
  const size = shared ? sharing : rowsTogether;
  const number = '(group.x + group.y * groups.x)';
  const main = `@compute @workgroup_size(${size})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = ${shared ? number : `${number} * ${rowsTogether}u + lane`};
  if (row >= ${bound}) { return; }
  ${body.join('\n  ')}
}`;
  const globals = shared ? [`var<workgroup> part: array<f32, ${sharing}>;`, ...(kernel.reductions.some((r) => r.op === 'argmax') ? [`var<workgroup> place: array<i32, ${sharing}>;`] : [])] : [];
  return { ...closeModule(m, access, { globals, main }), workgroups };
}

/** Whether a scalar changes along the row. */
function dependsOnColumn(kernel: RowReduce, id: number): boolean {
  const s = kernel.body[id] as Scalar;
  if ('view' in s && s.view.strides[s.view.strides.length - 1] !== 0) return true;
  return usedBy(s).some((used) => dependsOnColumn(kernel, used));
}

function reduce(m: Module, reduction: RowReduce['reductions'][number], r: number, place: Place, width: string, from: string, step: string, shared: boolean): string[] {
  const { lines, name } = scalars(m, [reduction.value], place);
  const x = name(reduction.value);
  const loop = (take: string): string[] => [`for (var j = ${from}; j < ${width}; j += ${step}) {`, ...lines, take, '}'];
  const tree = (join: string): string[] => ['workgroupBarrier();', `for (var half = ${sharing / 2}u; half > 0u; half /= 2u) {`, `if (lane < half) { ${join} }`, 'workgroupBarrier();', '}'];
  switch (reduction.op) {
    case 'sum':
    case 'max': {
      const max = reduction.op === 'max';
      const start = `var a${r} = ${max ? lowest : '0.0'};`;
      const take = max ? `a${r} = max(a${r}, ${x});` : `a${r} += ${x};`;
      if (!shared) return [start, ...loop(take), `let r${r} = a${r};`];
      const join = max ? 'part[lane] = max(part[lane], part[lane + half]);' : 'part[lane] += part[lane + half];';
      return [start, ...loop(take), `part[lane] = a${r};`, ...tree(join), `let r${r} = part[0];`, 'workgroupBarrier();'];
    }
    case 'argmax': {
      const start = [`var a${r} = ${lowest};`, `var p${r} = 0x7fffffffi;`];
      const take = `if (${x} > a${r} || p${r} == 0x7fffffffi) { a${r} = ${x}; p${r} = i32(j); }`;
      if (!shared) return [...start, ...loop(take), `let r${r} = p${r};`];
      const join = 'if (part[lane + half] > part[lane] || (part[lane + half] == part[lane] && place[lane + half] < place[lane])) { part[lane] = part[lane + half]; place[lane] = place[lane + half]; }';
      return [...start, ...loop(take), `part[lane] = a${r};`, `place[lane] = p${r};`, ...tree(join), `let r${r} = place[0];`, 'workgroupBarrier();'];
    }
    default:
      return reduction.op satisfies never;
  }
}
