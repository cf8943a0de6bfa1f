/**
 * @file Row reductions: sums and maxima along the last axis, in order, each with the body it needs, then what is stored for each
 * row and for each element. One template: on a software adapter a thread walks along a row of its own; on a GPU a workgroup
 * shares a row and joins its parts in workgroup memory, eight at a time and then the eight, with two barriers: a reduction
 * writes `part` again only after everyone has passed the barrier behind its reading, and `top` likewise.
 */
import type { RowReduce, Scalar } from '../kernels/kernel.js';
import { usedBy } from '../kernels/verify.js';
import type { Target } from '../plan/program.js';
import { collapse } from './collapse.js';
import {
  closeModule,
  grid,
  openModule,
  scalars,
  split,
  storeLines,
  word,
  type Emitted,
  type HostSlots,
  type Module,
  type Place,
} from './expression.js';

/** Threads of a workgroup on a software adapter, each with a row. */
const rowsTogether = 16;
/** Threads that share a row on a GPU, a square number. */
const sharing = 64;
const root = 8;
/** Elements that a thread by itself sums at a time. */
const summed = 16;
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
    const { lines, name } = scalars(
      m,
      perRow.map((s) => s.value),
      place('0u'),
    );
    const inside = [...lines, ...storeLines(m, perRow, place('0u'), name)];
    body.push(...(shared ? ['if (lane == 0u) {', ...inside, '}'] : ['{', ...inside, '}']));
  }
  if (perElement.length > 0) {
    const { lines, name } = scalars(
      m,
      perElement.map((s) => s.value),
      place('j'),
    );
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
  const argmax = kernel.reductions.some((r) => r.op === 'argmax');
  const globals = shared
    ? [
        `var<workgroup> part: array<f32, ${sharing}>;`,
        `var<workgroup> top: array<f32, ${root}>;`,
        ...(argmax ? [`var<workgroup> part_at: array<i32, ${sharing}>;`, `var<workgroup> top_at: array<i32, ${root}>;`] : []),
      ]
    : [];
  return { ...closeModule(m, access, { globals, main }), workgroups };
}

/** Whether a scalar changes along the row. */
function dependsOnColumn(kernel: RowReduce, id: number): boolean {
  const s = kernel.body[id] as Scalar;
  if ('view' in s && s.view.strides[s.view.strides.length - 1] !== 0) return true;
  return usedBy(s).some((used) => dependsOnColumn(kernel, used));
}

function reduce(
  m: Module,
  reduction: RowReduce['reductions'][number],
  r: number,
  place: Place,
  width: string,
  from: string,
  step: string,
  shared: boolean,
): string[] {
  const { lines, name } = scalars(m, [reduction.value], place);
  const x = name(reduction.value);
  const loop = (take: string): string[] => [`for (var j = ${from}; j < ${width}; j += ${step}) {`, ...lines, take, '}'];
  /** Joins what lanes have put into `part`: the first lanes join `root` parts each, then everyone joins those. */
  const joined = (start: (from: string, first: string) => string, take: (from: string, at: string) => string, finish: string): string[] => [
    'workgroupBarrier();',
    `if (lane < ${root}u) { ${start('part', `lane * ${root}u`)} for (var i = 1u; i < ${root}u; i += 1u) { ${take('part', `lane * ${root}u + i`)} } ${finish} }`,
    'workgroupBarrier();',
    start('top', '0u'),
    `for (var i = 1u; i < ${root}u; i += 1u) { ${take('top', 'i')} }`,
  ];
  switch (reduction.op) {
    case 'sum':
    case 'max': {
      const max = reduction.op === 'max';
      const join = (x: string): string => (max ? `a${r} = max(a${r}, ${x});` : `a${r} += ${x};`);
      // A sum in one go loses what is small beside it; so a thread by itself sums a few at a time, and then those sums.
      if (!shared && !max)
        return [
          `var a${r} = 0.0;`,
          `for (var k = 0u; k < ${width}; k += ${summed}u) {`,
          'var few = 0.0;',
          `for (var j = k; j < min(k + ${summed}u, ${width}); j += 1u) {`,
          ...lines,
          `few += ${x};`,
          '}',
          `a${r} += few;`,
          '}',
          `let r${r} = a${r};`,
        ];
      const own = [`var a${r} = ${max ? lowest : '0.0'};`, ...loop(join(x))];
      if (!shared) return [...own, `let r${r} = a${r};`];
      return [
        ...own,
        `part[lane] = a${r};`,
        ...joined(
          (from, first) => `a${r} = ${from}[${first}];`,
          (from, at) => join(`${from}[${at}]`),
          `top[lane] = a${r};`,
        ),
        `let r${r} = a${r};`,
      ];
    }
    case 'argmax': {
      const own = [
        `var a${r} = ${lowest};`,
        `var p${r} = 0x7fffffffi;`,
        ...loop(`if (${x} > a${r} || p${r} == 0x7fffffffi) { a${r} = ${x}; p${r} = i32(j); }`),
      ];
      if (!shared) return [...own, `let r${r} = p${r};`];
      // Of equal largest elements the first counts, wherever its lane stands; a lane without elements has the largest index.
      const join = (from: string, at: string): string =>
        `if (${from}[${at}] > a${r} || (${from}[${at}] == a${r} && ${from}_at[${at}] < p${r})) { a${r} = ${from}[${at}]; p${r} = ${from}_at[${at}]; }`;
      return [
        ...own,
        `part[lane] = a${r};`,
        `part_at[lane] = p${r};`,
        ...joined(
          (from, first) => `a${r} = ${from}[${first}]; p${r} = ${from}_at[${first}];`,
          join,
          `top[lane] = a${r}; top_at[lane] = p${r};`,
        ),
        `let r${r} = p${r};`,
      ];
    }
    default:
      return reduction.op satisfies never;
  }
}
