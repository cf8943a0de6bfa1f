/**
 * @file A comparison as text, Markdown, CSV or JSON.
 */
import { showBytes } from '../compiler/elaborate/value.js';
import type { Cell, Comparison, Quantity } from './comparison.js';

/** A number of a quantity as it is read. */
export function showQuantity(q: Quantity, value: number): string {
  if (/bytes$/.test(q.title)) return showBytes(value);
  if (Number.isInteger(value) && Math.abs(value) >= 1000) return value.toLocaleString('en');
  return Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(4);
}

const mean = (q: Quantity, { summary: s }: Cell): string =>
  s === null ? '' : `${showQuantity(q, s.mean)}${s.sd === null || s.sd === 0 ? '' : ` ± ${showQuantity(q, s.sd)}`}`;

const signed = (q: Quantity, value: number): string => `${value > 0 ? '+' : value < 0 ? '-' : ''}${showQuantity(q, Math.abs(value))}`;

function difference(q: Quantity, { difference: d }: Cell): string {
  if (d === null) return '';
  const range = d.interval === null ? '' : ` [${signed(q, d.interval.low)}, ${signed(q, d.interval.high)}]`;
  return `${signed(q, d.mean)}${range} ${d.verdict}`;
}

/** What the verdicts mean. */
export function legend(c: Comparison): string {
  const share = `${Number((100 * c.confidence).toPrecision(6))} %`;
  return `differences are to ${c.baseline}, paired by seed, with the ${share} interval of Student's t; better or worse: the interval is on one side of zero${c.threshold > 0 ? ` and the mean at least ${c.threshold} away from it` : ''}; within noise: it is not; too few seeds: fewer than two in common`;
}

/** The comparison in a terminal. */
export function comparisonText(c: Comparison): string {
  const head = ['method', 'seeds', ...c.quantities.map((q) => q.title)];
  const rows = c.rows.map((r) => [r.method.name, r.seeds.join(' '), ...r.cells.map((cell, i) => mean(c.quantities[i] as Quantity, cell))]);
  const lines = table([head, ...rows]);
  const differing = c.quantities.map((q, i) => ({ q, i })).filter(({ i }) => c.rows.some((r) => (r.cells[i] as Cell).difference !== null));
  if (differing.length > 0) {
    const others = c.rows.filter((r) => r.method.name !== c.baseline);
    lines.push(
      '',
      ...table([
        [`against ${c.baseline}`, ...differing.map(({ q }) => q.title)],
        ...others.map((r) => [r.method.name, ...differing.map(({ q, i }) => difference(q, r.cells[i] as Cell))]),
      ]),
      '',
      legend(c),
    );
  }
  return `${lines.join('\n')}\n`;
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => (row[i] ?? '').length)));
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] as number))
      .join('  ')
      .trimEnd(),
  );
}

/** The comparison for a pull request. */
export function comparisonMarkdown(c: Comparison): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const row = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  const lines = [
    row(['method', 'seeds', ...c.quantities.map((q) => q.title)]),
    row(['---', '---', ...c.quantities.map(() => '---:')]),
    ...c.rows.map((r) =>
      row([
        r.method.name === c.baseline ? `**${r.method.name}**` : r.method.name,
        r.seeds.join(', '),
        ...r.cells.map((one, i) => {
          const q = c.quantities[i] as Quantity;
          const d = difference(q, one);
          return d === '' ? mean(q, one) : `${mean(q, one)}<br>${d}`;
        }),
      ]),
    ),
    '',
    `${legend(c)}.`,
  ];
  return `${lines.join('\n')}\n`;
}

/** One line a run: for spreadsheets. */
export function comparisonCsv(c: Comparison): string {
  const field = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = [
    ['method', 'seed', 'folder', ...c.quantities.map((q) => q.name)],
    ...c.rows.flatMap((r) =>
      r.method.runs.map((run, i) => [
        r.method.name,
        String(run.result.seed),
        run.folder,
        ...r.cells.map((cell) => (cell.values[i] === null ? '' : String(cell.values[i]))),
      ]),
    ),
  ];
  return `${lines.map((line) => line.map(field).join(',')).join('\n')}\n`;
}

/** The comparison as data. */
export function comparisonJson(c: Comparison): unknown {
  return {
    formatVersion: 1,
    baseline: c.baseline,
    confidence: c.confidence,
    threshold: c.threshold,
    methods: c.rows.map((r) => ({
      name: r.method.name,
      seeds: r.seeds,
      folders: r.method.runs.map((run) => run.folder),
      quantities: Object.fromEntries(
        r.cells.map((cell, i) => [
          (c.quantities[i] as Quantity).name,
          { values: cell.values, ...cell.summary, difference: cell.difference },
        ]),
      ),
    })),
  };
}
