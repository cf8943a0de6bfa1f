/**
 * @file Loss and metrics over steps, tokens and seconds: a line for the mean of a method's seeds, a band for their least and greatest value.
 */
import type { LogLine } from '../runs.js';
import { across, bottomAxis, dashOf, down, figureOf, leftAxis, markerOf, px, svgOf, type Box } from './chart.js';
import { html, nothing, tableOf, unfold, type Markup } from './markup.js';
import { grouped, showPoint, showTick } from './numbers.js';
import { linearScale, logScale, spansFar, type Scale } from './scale.js';
import { axes, condense, namesIn, overSeeds, placeOf, trackOf, windowOf, type Axis, type MeanPoint } from './series.js';
import type { Report } from './report.js';

/** The most points of one curve. */
const most = 120;

/** A curve of one method. */
interface Curve {
  readonly method: number;
  readonly name: string;
  readonly seeds: number;
  readonly points: readonly MeanPoint[];
}

/** What one chart shows. */
interface Chart {
  readonly id: string;
  readonly heading: string;
  /** Steps that one point is the mean of. */
  readonly window: number;
  readonly curves: readonly Curve[];
}

const size = { width: 480, height: 270 };
const box: Box = { left: 52, top: 24, width: 414, height: 196 };
const axisLabels: Readonly<Record<Axis, string>> = { steps: 'step', tokens: 'tokens trained on', seconds: 'seconds since the start' };

/** The curves of a report: losses and metrics, and folded, what else the log has. */
export function curvesSection(report: Report): Markup {
  const logs = report.runs.map((run) => run.log);
  const measured = namesIn(logs, 'eval');
  const steps = namesIn(logs, 'step');
  const main = [
    ...(steps.includes('loss') ? [chartOf(report, 'step', 'loss', 'training loss')] : []),
    ...(measured.includes('loss') ? [chartOf(report, 'eval', 'loss', 'evaluation loss')] : []),
    ...measured.filter((name) => name !== 'loss').map((name) => chartOf(report, 'eval', name, name)),
  ];
  if (main.length === 0) return html`<p>Nothing has been logged yet.</p>`;
  const more = steps.filter((name) => name !== 'loss').map((name) => chartOf(report, 'step', name, headings[name] ?? name));
  return html`<div class="charts">${main.map(drawChart)}</div>
    ${more.length === 0 ? nothing : unfold('more-curves', 'More curves', html`<div class="charts">${more.map(drawChart)}</div>`)}`;
}

const headings: Readonly<Record<string, string>> = {
  lr: 'learning rate',
  grad_norm: 'gradient norm',
  loss_scale: 'loss scale',
  activations_cut: 'activations cut',
};

function chartOf(report: Report, kind: LogLine['kind'], name: string, heading: string): Chart {
  const tracks = report.methods.map((method) => method.runs.map((run) => trackOf(run.log, kind, name)));
  const window = kind === 'eval' ? 1 : windowOf(tracks.flat(), most);
  const curves = report.methods.map((method, i): Curve => ({
    method: i,
    name: method.name,
    seeds: method.runs.length,
    points: overSeeds((tracks[i] ?? []).map((track) => condense(track, window))),
  }));
  return { id: `curve-${kind}-${idOf(name)}`, heading, window, curves: curves.filter((c) => c.points.length > 0) };
}

/** A name as part of an id. */
const idOf = (name: string): string => name.replace(/[^A-Za-z0-9_-]/g, (c) => `_${c.charCodeAt(0).toString(16)}`);

function drawChart(chart: Chart): Markup {
  const several = chart.curves.some((c) => c.seeds > 1);
  const note = [
    several ? 'line: mean over seeds; band: least to greatest' : '',
    chart.window > 1 ? `each point is the mean of ${chart.window} steps` : '',
  ];
  return figureOf(
    chart.id,
    chart.heading,
    note.filter((n) => n !== '').join('; '),
    axes.map((axis) => drawCurves(chart, axis)),
    numbersOf(chart),
  );
}

function drawCurves(chart: Chart, axis: Axis): Markup {
  const points = chart.curves.flatMap((c) => c.points);
  const values = points.flatMap((p) => [p.low, p.high]);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const y = spansFar(values) ? logScale(low, high) : linearScale(low, high, 5);
  const x = linearScale(0, Math.max(...points.map((p) => placeOf(p, axis))), 6);
  return svgOf({
    ...size,
    id: `${chart.id}-${axis}`,
    className: `by-axis by-${axis}`,
    title: `${chart.heading} over ${axis}`,
    description: describe(chart, axis),
    body: [
      leftAxis(box, y, chart.heading, (v) => showTick(v)),
      bottomAxis(box, x, axisLabels[axis], (v) => showTick(v)),
      chart.curves.map((curve) => drawCurve(curve, axis, x, y)),
    ],
  });
}

function drawCurve({ method, name, points }: Curve, axis: Axis, x: Scale, y: Scale): Markup {
  const place = (p: MeanPoint, value: number): string => `${px(across(box, x, placeOf(p, axis)))} ${px(down(box, y, value))}`;
  const line = (list: readonly MeanPoint[], of: (p: MeanPoint) => number): string => list.map((p) => place(p, of(p))).join('L');
  const band = points.some((p) => p.high > p.low);
  const marked = points.length <= 24;
  return html`<g class="m m${method}"
    >${band ? html`<path class="band" d="M${line(points, (p) => p.high)}L${line([...points].reverse(), (p) => p.low)}Z" />` : nothing}<path
      class="curve"
      d="M${line(points, (p) => p.mean)}"
      ${dashOf(method)}
    />${
      marked
        ? points.map((p) =>
            markerOf(
              method,
              across(box, x, placeOf(p, axis)),
              down(box, y, p.mean),
              3.5,
              `${name}, step ${p.step}: ${showPoint(p.mean)}${p.seeds > 1 ? ` (${showPoint(p.low)} to ${showPoint(p.high)})` : ''}`,
            ),
          )
        : nothing
    }</g
  >`;
}

/** In words: where each curve begins and ends. */
function describe(chart: Chart, axis: Axis): string {
  const said = chart.curves.map(({ name, points }) => {
    const [first, last] = [points[0], points.at(-1)] as [MeanPoint, MeanPoint];
    return `${name} goes from ${showPoint(first.mean)} to ${showPoint(last.mean)} at ${showTick(placeOf(last, axis))} ${axis}`;
  });
  return `${said.join('; ')}. The numbers stand in the table below.`;
}

function numbersOf(chart: Chart): Markup {
  return tableOf({
    id: `${chart.id}-table`,
    caption: `${chart.heading}: mean, least and greatest over seeds`,
    head: [
      { text: 'method' },
      ...['step', 'tokens', 'seconds', 'mean', 'least', 'greatest', 'seeds'].map((text) => ({ text, number: true })),
    ],
    rows: chart.curves.flatMap(({ method, name, points }) =>
      points.map((p) => ({
        className: `m m${method}`,
        cells: [
          name,
          grouped(p.step),
          grouped(Math.round(p.tokens)),
          p.seconds.toFixed(1),
          showPoint(p.mean),
          showPoint(p.low),
          showPoint(p.high),
          p.seeds,
        ],
      })),
    ),
  });
}
