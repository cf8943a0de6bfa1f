/**
 * @file Quality against cost: which methods no other one beats in both.
 */
import type { Cell, Method, Quantity } from '../comparison.js';
import { across, bottomAxis, down, figureOf, leftAxis, markerOf, px, svgOf, type Box } from './chart.js';
import { html, nothing, tableOf, type Markup } from './markup.js';
import { inBytes, labelOf, showMean, showTick } from './numbers.js';
import { linearScale, logScale, spansFar } from './scale.js';
import { indexOf, type Report } from './report.js';

/** What quality is held against. */
const costs = ['trainable', 'time', 'memory', 'energy'];

/** A method as a point: lower cost is better, and quality as its direction says. */
export interface Candidate {
  readonly cost: number;
  readonly quality: number;
}

/** Which of some points are on the front: no other is at least as good in both and better in one. */
export function paretoFront<T extends Candidate>(points: readonly T[], better: 'higher' | 'lower'): T[] {
  const sign = better === 'higher' ? 1 : -1;
  const beats = (a: T, b: T): boolean =>
    a.cost <= b.cost && sign * a.quality >= sign * b.quality && (a.cost < b.cost || sign * a.quality > sign * b.quality);
  return points.filter((p) => !points.some((other) => beats(other, p))).sort((a, b) => a.cost - b.cost || a.quality - b.quality);
}

interface Placed extends Candidate {
  readonly method: Method;
  readonly index: number;
  readonly qualityCell: Cell;
  readonly costCell: Cell;
}

/** Quality against each cost that is known. */
export function paretoSection(report: Report): Markup {
  const { quality, comparison } = report;
  const found = costs.flatMap((name) => comparison.quantities.filter((q) => q.name === name));
  if (quality === undefined || report.methods.length < 2 || found.length === 0)
    return html`<p>
      ${quality === undefined ? 'No run has been measured by an evaluation.' : 'This takes two methods and a cost that is known.'}
    </p>`;
  return html`<div class="charts">${found.map((cost) => drawFront(report, quality, cost))}</div>`;
}

/** The methods as points of quality and one cost. */
function candidatesOf(report: Report, quality: Quantity, cost: Quantity): Placed[] {
  const { quantities, rows } = report.comparison;
  const [at, against] = [quantities.indexOf(quality), quantities.indexOf(cost)];
  return rows.flatMap((row): Placed[] => {
    const [qualityCell, costCell] = [row.cells[at] as Cell, row.cells[against] as Cell];
    if (qualityCell.summary === null || costCell.summary === null) return [];
    return [
      {
        method: row.method,
        index: indexOf(report, row.method),
        qualityCell,
        costCell,
        quality: qualityCell.summary.mean,
        cost: costCell.summary.mean,
      },
    ];
  });
}

const size = { width: 480, height: 280 };
const box: Box = { left: 56, top: 24, width: 404, height: 206 };

function drawFront(report: Report, quality: Quantity, cost: Quantity): Markup {
  const points = candidatesOf(report, quality, cost);
  const better = quality.better ?? 'higher';
  const front = paretoFront(points, better);
  const id = `front-${cost.name}`;
  const spreads = points.flatMap(({ qualityCell: { summary: s } }) => (s === null ? [] : [s.mean - (s.sd ?? 0), s.mean + (s.sd ?? 0)]));
  const y = linearScale(Math.min(...spreads), Math.max(...spreads), 5);
  const dear = points.map((p) => p.cost);
  const x = spansFar(dear)
    ? logScale(Math.min(...dear), Math.max(...dear), inBytes(cost))
    : linearScale(0, Math.max(...dear), 5, inBytes(cost));
  const place = (p: Placed): readonly [number, number] => [across(box, x, p.cost), down(box, y, p.quality)];
  const steps = front.map((p, i) => {
    const [h, v] = place(p).map(px) as [string, string];
    return i === 0 ? `M${h} ${v}` : `H${h}V${v}`;
  });
  const names = front.map((p) => p.method.name).join(', ');
  return figureOf(
    id,
    `${labelOf(quality)} against ${labelOf(cost)}`,
    `filled and joined: no other method is at least as good in both; ${quality.better === 'lower' ? 'lower' : 'upper'} left is better`,
    svgOf({
      ...size,
      id: `${id}-svg`,
      title: `${labelOf(quality)} against ${labelOf(cost)}`,
      description: `On the front: ${names}. ${points.map((p) => `${p.method.name}: ${showMean(quality, p.qualityCell)} at ${showMean(cost, p.costCell)}`).join('; ')}.`,
      body: [
        leftAxis(box, y, labelOf(quality), (v) => showTick(v)),
        bottomAxis(box, x, labelOf(cost), (v) => showTick(v, inBytes(cost))),
        html`<path class="front" d="${steps.join('')}" />`,
        labelled(points.map((p) => ({ ...p, at: place(p) }))).map(({ at: [h, v], label, ...p }) => {
          const s = p.qualityCell.summary;
          const range =
            s === null || s.sd === null || s.sd === 0
              ? nothing
              : html`<path class="whisker" d="M${px(h)} ${px(down(box, y, s.mean - s.sd))}V${px(down(box, y, s.mean + s.sd))}" />`;
          const title = `${p.method.name}: ${showMean(quality, p.qualityCell)} at ${showMean(cost, p.costCell)}`;
          return html`<g class="m m${p.index}"
            >${range}${markerOf(p.index, h, v, 5.5, title, front.some((f) => f.index === p.index) ? 'marker' : 'marker hollow')}<text
              class="name"
              x="${px(label.x)}"
              y="${px(label.y)}"
              dy="0.32em"
              text-anchor="${label.anchor}"
              >${p.method.name}</text
            ></g
          >`;
        }),
      ],
    }),
    tableOf({
      id: `${id}-table`,
      caption: `${labelOf(quality)} against ${labelOf(cost)}`,
      head: [{ text: 'method' }, { text: labelOf(cost), number: true }, { text: labelOf(quality), number: true }, { text: 'on the front' }],
      rows: [...points]
        .sort((a, b) => a.cost - b.cost)
        .map((p) => ({
          className: `m m${p.index}`,
          cells: [
            p.method.name,
            showMean(cost, p.costCell),
            showMean(quality, p.qualityCell),
            front.some((f) => f.index === p.index) ? 'yes' : 'no',
          ],
        })),
    }),
  );
}

interface Label {
  readonly x: number;
  readonly y: number;
  readonly anchor: 'start' | 'end';
}

/** Names beside their points, on the side that has room, moved down where one would cover another. */
function labelled<T extends { readonly at: readonly [number, number]; readonly method: Method }>(
  points: readonly T[],
): (T & { readonly label: Label })[] {
  const taken: { readonly from: number; readonly to: number; readonly y: number }[] = [];
  return [...points]
    .sort((a, b) => a.at[1] - b.at[1])
    .map((p) => {
      const [h, v] = p.at;
      const wide = 6.6 * p.method.name.length;
      const anchor = h + 12 + wide > size.width ? 'end' : 'start';
      const x = anchor === 'start' ? h + 9 : h - 9;
      const [from, to] = anchor === 'start' ? [x, x + wide] : [x - wide, x];
      let y = Math.max(v - 11, box.top + 2);
      for (let tries = 0; tries < 20 && taken.some((t) => t.from < to && from < t.to && Math.abs(t.y - y) < 13); tries += 1) y += 3;
      taken.push({ from, to, y });
      return { ...p, label: { x, y, anchor } };
    });
}
