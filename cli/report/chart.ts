/**
 * @file What the charts have in common: SVG with a title and a description, axes, markers, and the figure around them with the same numbers as a table.
 */
import { html, nothing, unfold, type Markup, type Part } from './markup.js';
import type { Scale } from './scale.js';

/** The rectangle that values are drawn in, in the coordinates of the SVG. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** A coordinate as it is written. */
export const px = (value: number): string => String(Number(value.toFixed(1)));

/** Where a value lies across, and from the top. */
export const across = (box: Box, scale: Scale, value: number): number => box.left + box.width * scale.at(value);
/** Where a value lies from the top. */
export const down = (box: Box, scale: Scale, value: number): number => box.top + box.height * (1 - scale.at(value));

/** How many methods have a colour of their own; further ones are told apart by their dashes. */
export const colours = 6;

const dashes = ['', '8 3', '2.5 2.5', '10 3 2.5 3'];

/** The dashes of a method's line. */
export function dashOf(method: number): Markup {
  const dash = dashes[(method + Math.floor(method / colours)) % dashes.length] as string;
  return dash === '' ? nothing : html` stroke-dasharray="${dash}"`;
}

/** What an SVG says to those who do not see it, and draws for those who do. */
export interface Drawing {
  readonly id: string;
  readonly className?: string;
  readonly width: number;
  readonly height: number;
  readonly title: string;
  readonly description: string;
  readonly body: Part;
}

/** An SVG. */
export function svgOf(d: Drawing): Markup {
  return html`<svg
    id="${d.id}"
    class="${d.className ?? 'drawn'}"
    viewBox="0 0 ${d.width} ${d.height}"
    role="img"
    aria-labelledby="${d.id}-t ${d.id}-d"
  >
    <title id="${d.id}-t">${d.title}</title>
    <desc id="${d.id}-d">${d.description}</desc>
    ${d.body}
  </svg>`;
}

/** A horizontal axis below a box. */
export function bottomAxis(box: Box, scale: Scale, label: string, show: (value: number) => string, grid = false): Markup {
  const bottom = box.top + box.height;
  return html`<g class="axis"
    >${scale.ticks.map((tick) => {
      const x = px(across(box, scale, tick));
      return html`<line x1="${x}" x2="${x}" y1="${px(grid ? box.top : bottom)}" y2="${px(bottom + 4)}" /><text
          x="${x}"
          y="${px(bottom + 17)}"
          text-anchor="middle"
          >${show(tick)}</text
        >`;
    })}<line class="base" x1="${px(box.left)}" x2="${px(box.left + box.width)}" y1="${px(bottom)}" y2="${px(bottom)}" /><text
      class="label"
      x="${px(box.left + box.width / 2)}"
      y="${px(bottom + 35)}"
      text-anchor="middle"
      >${label}${scale.kind === 'log' ? ' (log scale)' : ''}</text
    ></g
  >`;
}

/** A vertical axis left of a box, with lines across it; its label stands above it. */
export function leftAxis(box: Box, scale: Scale, label: string, show: (value: number) => string): Markup {
  return html`<g class="axis"
    >${scale.ticks.map((tick) => {
      const y = px(down(box, scale, tick));
      return html`<line x1="${px(box.left)}" x2="${px(box.left + box.width)}" y1="${y}" y2="${y}" /><text
          x="${px(box.left - 8)}"
          y="${y}"
          dy="0.32em"
          text-anchor="end"
          >${show(tick)}</text
        >`;
    })}<text class="label" x="4" y="11">${label}${scale.kind === 'log' ? ' (log scale)' : ''}</text></g
  >`;
}

/** The marker of a method at a place: each method has a shape of its own. A title is what a pointer over it is told. */
export function markerOf(method: number, x: number, y: number, size: number, title?: string, className = 'marker'): Markup {
  const shape = [circle, square, triangle, diamond, turned, cross][method % colours] as (x: number, y: number, r: number) => string;
  return html`<path class="${className}" d="${shape(x, y, size)}">${title === undefined ? nothing : html`<title>${title}</title>`}</path>`;
}

const path = (points: readonly (readonly [number, number])[]): string => `M${points.map(([x, y]) => `${px(x)} ${px(y)}`).join('L')}Z`;
const circle = (x: number, y: number, r: number): string =>
  `M${px(x - r)} ${px(y)}a${px(r)} ${px(r)} 0 1 0 ${px(2 * r)} 0a${px(r)} ${px(r)} 0 1 0 ${px(-2 * r)} 0Z`;
const square = (x: number, y: number, r: number): string =>
  path([
    [x - 0.9 * r, y - 0.9 * r],
    [x + 0.9 * r, y - 0.9 * r],
    [x + 0.9 * r, y + 0.9 * r],
    [x - 0.9 * r, y + 0.9 * r],
  ]);
const triangle = (x: number, y: number, r: number): string =>
  path([
    [x, y - 1.2 * r],
    [x + 1.15 * r, y + 0.8 * r],
    [x - 1.15 * r, y + 0.8 * r],
  ]);
const turned = (x: number, y: number, r: number): string =>
  path([
    [x, y + 1.2 * r],
    [x + 1.15 * r, y - 0.8 * r],
    [x - 1.15 * r, y - 0.8 * r],
  ]);
const diamond = (x: number, y: number, r: number): string =>
  path([
    [x, y - 1.3 * r],
    [x + 1.3 * r, y],
    [x, y + 1.3 * r],
    [x - 1.3 * r, y],
  ]);
function cross(x: number, y: number, r: number): string {
  const [a, b] = [0.45 * r, 1.2 * r];
  return path([
    [x - a, y - b],
    [x + a, y - b],
    [x + a, y - a],
    [x + b, y - a],
    [x + b, y + a],
    [x + a, y + a],
    [x + a, y + b],
    [x - a, y + b],
    [x - a, y + a],
    [x - b, y + a],
    [x - b, y - a],
    [x - a, y - a],
  ]);
}

/** A line and a marker, as a legend shows a method. */
export const swatchOf = (method: number): Markup =>
  html`<svg class="swatch m${method}" viewBox="0 0 34 12" width="34" height="12" aria-hidden="true" focusable="false">
    <path class="curve" d="M0 6L34 6" ${dashOf(method)} />
    ${markerOf(method, 17, 6, 4)}
  </svg>`;

/** A chart with its heading, a line on what is drawn, and its numbers. */
export function figureOf(id: string, heading: string, note: string, drawn: Part, table: Markup, className = 'chart'): Markup {
  return html`<figure class="${className}" id="${id}" aria-labelledby="${id}-h">
    <figcaption>
      <h3 id="${id}-h">${heading}</h3>
      ${note === '' ? nothing : html`<p>${note}</p>`}
    </figcaption>
    ${drawn} ${unfold(`${id}-numbers`, 'Numbers', table)}
  </figure>`;
}
