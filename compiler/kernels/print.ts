/**
 * @file Kernels as text: one line a kernel in a table, and the whole of one kernel for debugging.
 */
import type { Kernel, MatrixOperand, Scalar, View } from './kernel.js';
import { refKey } from './partition.js';

/** A table: number, kind, axes, arrays in and out, operations, what it does. */
export function printKernels(kernels: readonly Kernel[]): string {
  const rows = kernels.map((kernel, i) => [
    String(i),
    kernel.kind,
    kernel.axes.join('x'),
    sizes(kernel),
    kernel.flops.toLocaleString('en-US'),
    kernel.label,
    names(kernel),
  ]);
  const head = ['#', 'kind', 'axes', 'terms', 'flops', 'label', 'arrays'];
  const widths = head.map((title, c) => Math.max(title.length, ...rows.map((row) => (row[c] as string).length)));
  return (
    [head, ...rows]
      .map((row) =>
        row
          .map((cell, c) => (c === row.length - 1 ? cell : cell.padEnd(widths[c] as number)))
          .join('  ')
          .trimEnd(),
      )
      .join('\n') + '\n'
  );
}

function sizes(kernel: Kernel): string {
  if (kernel.kind === 'matmul') return kernel.terms.map((t) => `k${t.k}`).join('+');
  return kernel.kind === 'row-reduce' ? kernel.reductions.map((r) => r.op).join(',') : '';
}

function names(kernel: Kernel): string {
  const list = (access: (a: string) => boolean): string =>
    kernel.args
      .filter((arg) => access(arg.access))
      .map((arg) => refKey(arg.ref))
      .join(' ');
  const both = list((a) => a === 'read_write');
  return `${list((a) => a === 'read')} -> ${list((a) => a === 'write')}${both === '' ? '' : ` ~ ${both}`}`;
}

/** All of one kernel. */
export function printKernel(kernel: Kernel): string {
  const lines = [`${kernel.kind} [${kernel.axes.join(', ')}] ${kernel.label}`];
  kernel.args.forEach((arg, i) =>
    lines.push(
      `  a${i}: ${arg.access} ${refKey(arg.ref)} ${arg.storage === undefined ? arg.dtype : `${arg.dtype} as ${arg.storage}`} x ${arg.elements}${arg.flags ? ', flags' : ''}`,
    ),
  );
  if (kernel.kind === 'matmul')
    for (const t of kernel.terms) lines.push(`  acc = ${t.scale} * (acc + ${showOperand(t.a)} @ ${showOperand(t.b)}, k = ${t.k})`);
  if (kernel.kind === 'scatter-add')
    lines.push(
      `  acc = sum of a${kernel.values}[i] where a${kernel.ids}[i] is the row, i < ${kernel.count}${kernel.lists === undefined ? '' : `, chained by a${kernel.lists.head} and a${kernel.lists.next}`}${kernel.sorted ? ', ascending' : ''}`,
    );
  kernel.functions.forEach((f, i) => {
    lines.push(`  f${i}(e), e over [${f.axes.join(', ')}], below ${f.elements}:`);
    f.body.forEach((s, j) => lines.push(`    s${j} = ${showScalar(s)}`));
    lines.push(`    s${f.value}`);
  });
  kernel.body.forEach((s, i) => lines.push(`  s${i} = ${showScalar(s)}`));
  if (kernel.kind === 'row-reduce') kernel.reductions.forEach((r, i) => lines.push(`  r${i} = ${r.op}(s${r.value})`));
  for (const s of kernel.stores)
    lines.push(
      `  a${s.arg}[${showView(s.view)}] ${s.accumulate ? '+=' : '='} s${s.value}${s.overflow === undefined ? '' : `, a${s.overflow.arg}[${s.overflow.flag}] raised above f16`}`,
    );
  return lines.join('\n') + '\n';
}

const showOperand = ({ source, view }: MatrixOperand): string =>
  `${source.kind === 'arg' ? `a${source.arg}` : `f${source.function}`}[${showView(view)}]`;

function showView(view: View): string {
  const terms = view.strides.flatMap((s, a) => (s === 0 ? [] : [s === 1 ? `i${a}` : `${s} i${a}`]));
  if (view.offset !== 0 || terms.length === 0) terms.push(String(view.offset));
  return terms.join(' + ');
}

function showScalar(s: Scalar): string {
  switch (s.kind) {
    case 'const':
      return `${s.value}: ${s.dtype}`;
    case 'host':
      return `host ${s.name}: ${s.dtype}`;
    case 'load':
      return `a${s.arg}[${showView(s.view)}]`;
    case 'load-indirect':
      return `a${s.arg}[${s.stride} s${s.index} + ${showView(s.view)}], row below ${s.rows}`;
    case 'call':
      return `f${s.function}(${s.index === undefined ? '' : `${s.stride} s${s.index} + `}${showView(s.view)})${s.index === undefined ? '' : `, row below ${s.rows}`}`;
    case 'lookup':
      return `[${s.values.join(', ')}][s${s.index}]: ${s.dtype}`;
    case 'iota':
      return `index ${showView(s.view)}: ${s.dtype}`;
    case 'random':
      return `random stream ${s.stream} seed s${s.seed} at ${showView(s.view)}`;
    case 'op':
      return `${s.op}(${s.args.map((a) => `s${a}`).join(', ')}): ${s.dtype}`;
    case 'guard':
      return `s${s.value} where ${s.low} <= ${showView(s.view)} < ${s.high}, else 0`;
    case 'accumulator':
      return 'accumulator';
    case 'reduced':
      return `r${s.reduction}`;
    default:
      return s satisfies never;
  }
}
