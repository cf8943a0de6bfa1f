/**
 * @file What every matmul loop shares: the uniform block, the tile's place in the grid, operand addresses and the epilogue.
 *
 * A loop computes a tile of `rows` x `columns`. Rows are the axis m and columns n, or the other way round (`transposed`): with
 * strided operands C^T = B^T A^T costs nothing, so one loop serves NN, NT, TN and TT. Sizes, strides and offsets are words of the
 * uniform block, so the text depends on the structure of the kernel and on the tile only.
 *
 * Tiles are numbered rows first, then columns, then batch, and laid out on a grid of two dimensions, of at most 65535 groups each.
 */
import type { Matmul, MatrixOperand } from '../kernels/kernel.js';
import { closeModule, groupSize, loaded, openModule, scalars, storeLines, word, type HostSlots, type Module } from './expression.js';

/** A tile of the output; a workgroup computes one. */
export interface Tile {
  readonly rows: number;
  readonly columns: number;
  /** Rows run over n and columns over m. */
  readonly transposed: boolean;
}

/** What a loop knows of the kernel while it is written. */
export interface Context {
  readonly kernel: Matmul;
  readonly tile: Tile;
  readonly uniforms: Module;
  /** Names of the output's extents along rows and columns. */
  readonly extent: { readonly rows: string; readonly columns: string };
}

/** One operand of a term as a loop reads it: element (i, k) is `read(base + i · outer + k · inner)`. */
export interface Operand {
  readonly read: (index: string) => string;
  readonly base: string;
  readonly outer: string;
  readonly inner: string;
  /** Whether neighbours along k, or along the outer axis, are neighbours in memory. */
  readonly contiguous: 'k' | 'outer' | 'none';
  /** Neighbours along the contiguous axis worked out together, from a multiple of `size` on: an array of so many. */
  readonly group?: { readonly size: number; readonly read: (index: string) => string };
}

/** One term: `left` runs over rows, `right` over columns. */
export interface Term {
  readonly left: Operand;
  readonly right: Operand;
  readonly k: string;
  readonly lines: readonly string[];
  /** WGSL expression of the scale, or undefined where it is 1. */
  readonly scale: string | undefined;
}

const largestGrid = 65535;

/** Appends a real number and names it. */
export function realWord(uniforms: Module, value: number): string {
  const bits = new Uint32Array(new Float32Array([value]).buffer)[0] as number;
  return `bitcast<f32>(${word(uniforms, bits)})`;
}

/** Starts a kernel: its context, and the lines that place a workgroup's tile (`row0`, `column0` and the batch indices). */
export function openTile(
  kernel: Matmul,
  tile: Tile,
  hosts: HostSlots,
): { readonly context: Context; readonly lines: readonly string[]; readonly workgroups: [number, number, number] } {
  const uniforms = openModule(kernel, hosts);
  const batch = kernel.axes.slice(0, -2);
  const [m, n] = kernel.axes.slice(-2) as [number, number];
  const [rows, columns] = tile.transposed ? [n, m] : [m, n];
  const rowTiles = Math.ceil(rows / tile.rows);
  const columnTiles = Math.ceil(columns / tile.columns);
  const tiles = rowTiles * columnTiles * batch.reduce((p, size) => p * size, 1);
  const lines = [
    `let rows = ${word(uniforms, rows)};`,
    `let columns = ${word(uniforms, columns)};`,
    `let row_tiles = ${word(uniforms, rowTiles)};`,
    `let column_tiles = ${word(uniforms, columnTiles)};`,
    'let number = group.x + group.y * groups.x;',
    `if (number >= ${word(uniforms, tiles)}) { return; }`,
    `let row0 = (number % row_tiles) * ${tile.rows}u;`,
    `let column0 = ((number / row_tiles) % column_tiles) * ${tile.columns}u;`,
  ];
  let rest = 'number / (row_tiles * column_tiles)';
  for (let b = batch.length - 1; b >= 0; b -= 1) {
    lines.push(`let rest${b} = ${rest};`);
    if (b === 0) lines.push('let i0 = rest0;');
    else {
      const size = word(uniforms, batch[b] as number);
      lines.push(`let i${b} = rest${b} % ${size};`);
      rest = `rest${b} / ${size}`;
    }
  }
  const across = Math.min(tiles, largestGrid);
  return {
    context: { kernel, tile, uniforms, extent: { rows: 'rows', columns: 'columns' } },
    lines,
    workgroups: [across, Math.ceil(tiles / across), 1],
  };
}

/** The operands of every term, with the lines that compute their bases. */
export function terms({ kernel, tile, uniforms }: Context): readonly Term[] {
  return kernel.terms.map((term, t) => {
    const lines: string[] = [];
    const operand = (name: string, { source, view }: MatrixOperand, outerAxis: number, innerAxis: number): Operand => {
      const at = `${name}${t}`;
      const batch = view.strides.slice(0, -2).map((stride, b) => ` + i${b} * ${word(uniforms, stride)}`);
      const [outer, inner] = [view.strides.at(outerAxis) as number, view.strides.at(innerAxis) as number];
      lines.push(`let ${at}_base = ${word(uniforms, view.offset)}${batch.join('')};`);
      lines.push(`let ${at}_outer = ${word(uniforms, outer)};`, `let ${at}_inner = ${word(uniforms, inner)};`);
      const read =
        source.kind === 'arg'
          ? (index: string): string => loaded(kernel, source.arg, index)
          : (index: string): string => `f${source.function}(${index})`;
      const contiguous = inner === 1 ? 'k' : outer === 1 ? 'outer' : 'none';
      const size = groupOf(kernel, { source, view }, contiguous, term.k, kernel.axes.at(outerAxis === -2 ? -2 : -1) as number);
      return {
        read,
        base: `${at}_base`,
        outer: `${at}_outer`,
        inner: `${at}_inner`,
        contiguous,
        ...(size === 1 || source.kind === 'arg'
          ? {}
          : {
              group: {
                size,
                read: (index: string): string => {
                  uniforms.groups.set(source.function, size);
                  return `f${source.function}_group(${index})`;
                },
              },
            }),
      };
    };
    const a = operand('a', term.a, -2, -1);
    const b = operand('b', term.b, -1, -2);
    const k = `k${t}`;
    lines.push(`let ${k} = ${word(uniforms, term.k)};`);
    const [left, right] = tile.transposed ? [b, a] : [a, b];
    return { left, right, k, lines, scale: term.scale === 1 ? undefined : realWord(uniforms, term.scale) };
  });
}

/** How many neighbours of an operand are worked out together: 1 where it stands in memory as it is, or groups would not end with rows. */
export function groupOf(
  kernel: Matmul,
  { source, view }: MatrixOperand,
  contiguous: Operand['contiguous'],
  k: number,
  outer: number,
): number {
  if (source.kind === 'arg' || contiguous === 'none') return 1;
  const size = groupSize(kernel, source.function);
  const others = [...view.strides.slice(0, -2), ...view.strides.slice(-2).filter((stride) => stride !== 1), view.offset];
  const extent = contiguous === 'k' ? k : outer;
  return [extent, ...others].every((n) => n % size === 0) ? size : 1;
}

/** Call that stores one output, guarded against the ragged edge. */
export function storeCall({ kernel, tile }: Context, row: string, column: string, accumulator: string): string {
  const batch = kernel.axes.slice(0, -2).map((_, b) => `i${b}`);
  const [m, n] = tile.transposed ? [column, row] : [row, column];
  return `if (${row} < rows && ${column} < columns) { finish(${[...batch, m, n, accumulator].join(', ')}); }`;
}

/** The function that computes the body and stores it: the epilogue. */
function finish({ kernel, uniforms }: Context): string {
  const place = { index: kernel.axes.map((_, axis) => `i${axis}`), accumulator: 'product' };
  const { lines, name } = scalars(
    uniforms,
    kernel.stores.map((s) => s.value),
    place,
  );
  const stores = storeLines(uniforms, kernel.stores, place, name);
  return `fn finish(${[...place.index.map((i) => `${i}: u32`), 'product: f32'].join(', ')}) {\n  ${[...lines, ...stores].join('\n  ')}\n}`;
}

/** The whole module around a `main` function, and the content of its uniform block. */
export function closeTile(
  context: Context,
  access: readonly ('read' | 'read_write')[],
  extra: { readonly enable?: string; readonly globals?: string; readonly main: string },
): { readonly code: string; readonly uniforms: Uint32Array; readonly scalars: boolean } {
  const text = finish(context);
  return closeModule(context.uniforms, access, {
    ...(extra.enable === undefined ? {} : { enable: [extra.enable] }),
    ...(extra.globals === undefined ? {} : { globals: [extra.globals] }),
    functions: [text],
    main: extra.main,
  });
}
