/**
 * @file Bars: one chart a quantity, one bar a method, with the standard deviation over seeds and a dot for each seed.
 */
import type { Cell, Quantity } from '../comparison.js';
import { across, bottomAxis, figureOf, px, svgOf, type Box } from './chart.js';
import { html, nothing, tableOf, type Markup } from './markup.js';
import { inBytes, labelOf, showMean, showTick, showValue } from './numbers.js';
import { linearScale, logScale, spansFar, type Scale } from './scale.js';
import { indexOf, type Report } from './report.js';

const width = 480;
const rowHeight = 34;

/** What a bar stands for. */
interface Bar {
  readonly method: number;
  readonly name: string;
  readonly seeds: readonly number[];
  readonly cell: Cell;
}

/** Bars for every quantity of a report. */
export function barsSection(report: Report): Markup {
  return html`<div class="charts">
    ${report.comparison.quantities.map((q, i) => {
      const bars = report.comparison.rows.map((row): Bar => ({
        method: indexOf(report, row.method),
        name: row.method.name,
        seeds: row.seeds,
        cell: row.cells[i] as Cell,
      }));
      return drawBars(
        q,
        bars.filter((b) => b.cell.summary !== null),
      );
    })}
  </div>`;
}

function drawBars(q: Quantity, bars: readonly Bar[]): Markup {
  const id = `bars-${q.name.replace(/[^A-Za-z0-9_-]/g, (c) => `_${c.charCodeAt(0).toString(16)}`)}`;
  const label = labelOf(q);
  const longest = Math.max(...bars.map((b) => b.name.length));
  const left = Math.min(168, Math.max(64, 12 + 7 * longest));
  const box: Box = { left, top: 8, width: width - left - 152, height: rowHeight * bars.length };
  const x = barScale(q, bars);
  const several = bars.some((b) => (b.cell.summary?.sd ?? 0) > 0);
  const body = [
    bottomAxis(box, x, label, (v) => showTick(v, inBytes(q)), true),
    bars.map((bar, i) => drawBar(q, bar, i, box, x, Math.floor((left - 12) / 7))),
  ];
  const said = bars.map((b) => `${b.name} ${showMean(q, b.cell)}`).join('; ');
  const better = q.better === undefined ? '' : `${q.better} is better`;
  return figureOf(
    id,
    label,
    [better, several ? 'line: ± standard deviation over seeds; dots: seeds' : ''].filter((t) => t !== '').join('; '),
    svgOf({
      id: `${id}-svg`,
      width,
      height: box.top + box.height + 44,
      title: `${label} by method`,
      description: `${said}. The numbers stand in the table below.`,
      body,
    }),
    tableOf({
      id: `${id}-table`,
      caption: `${label} of each seed`,
      head: [{ text: 'method' }, { text: 'seed', number: true }, { text: label, number: true }],
      rows: bars.flatMap((b) =>
        b.seeds.map((seed, i) => {
          const value = b.cell.values[i] ?? null;
          return { className: `m m${b.method}`, cells: [b.name, seed, value === null ? 'not known' : showValue(q, value)] };
        }),
      ),
    }),
  );
}

/** Bars begin at nought, on a logarithmic axis at a round number below the least. */
function barScale(q: Quantity, bars: readonly Bar[]): Scale {
  const ends = bars.flatMap(({ cell: { summary: s } }) => (s === null ? [] : [s.low, s.high, s.mean + (s.sd ?? 0)]));
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  // Half the least, so that its bar has a length as well.
  return spansFar(ends) ? logScale(low / 2, high, inBytes(q)) : linearScale(Math.min(0, low), Math.max(0, high), 4, inBytes(q));
}

function drawBar(q: Quantity, { method, name, seeds, cell }: Bar, row: number, box: Box, x: Scale, letters: number): Markup {
  const { summary: s } = cell;
  if (s === null) return nothing;
  const middle = box.top + rowHeight * (row + 0.5);
  const zero = across(box, x, x.kind === 'log' ? x.low : 0);
  const end = across(box, x, s.mean);
  const [from, to] = [Math.min(zero, end), Math.max(zero, end)];
  const short = name.length > letters ? `${name.slice(0, letters - 1)}…` : name;
  const spread = (s.sd ?? 0) > 0 ? (s.sd as number) : undefined;
  return html`<g class="m m${method}"
    ><text x="${px(box.left - 8)}" y="${px(middle)}" dy="0.32em" text-anchor="end"
      >${short}${short === name ? nothing : html`<title>${name}</title>`}</text
    ><rect class="bar" x="${px(from)}" y="${px(middle - 11)}" width="${px(Math.max(to - from, 1))}" height="22"
      ><title>${name}: ${showMean(q, cell)}</title></rect
    >${spread === undefined ? nothing : whisker(across(box, x, s.mean - spread), across(box, x, s.mean + spread), middle - 3)}${
      seeds.length < 2 || spread === undefined
        ? nothing
        : cell.values.map((v, i) =>
            v === null
              ? nothing
              : html`<circle class="seed" cx="${px(across(box, x, v))}" cy="${px(middle + 5)}" r="2.4"
                  ><title>${name}, seed ${seeds[i]}: ${showValue(q, v)}</title></circle
                >`,
          )
    }<text class="value" x="${width - 2}" y="${px(middle)}" dy="0.32em" text-anchor="end">${showMean(q, cell)}</text></g
  >`;
}

const whisker = (low: number, high: number, y: number): Markup =>
  html`<path
    class="whisker"
    d="M${px(low)} ${px(y - 5)}V${px(y + 5)}M${px(low)} ${px(y)}H${px(high)}M${px(high)} ${px(y - 5)}V${px(y + 5)}"
  />`;
