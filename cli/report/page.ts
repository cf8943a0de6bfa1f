/**
 * @file The page of a report: one file that loads nothing. Its sections are parts with names, so that a live report can replace those that changed.
 */
import { createHash } from 'node:crypto';
import { barsSection } from './bars.js';
import { swatchOf } from './chart.js';
import { curvesSection } from './curves.js';
import { differencesSection } from './differences-section.js';
import { healthSection } from './health-section.js';
import { layersSection } from './layers.js';
import { html, nothing, trusted, type Markup } from './markup.js';
import { grouped } from './numbers.js';
import { paretoSection } from './pareto.js';
import { finished, provenanceSection, reproductionSection } from './provenance.js';
import { count, type Report } from './report.js';
import { script } from './script.js';
import { styleOf } from './style.js';
import { comparisonSection, verdictsSection } from './verdicts.js';

/** A part of the page. */
export interface Section {
  readonly name: string;
  readonly body: Markup;
}

const sections: readonly { readonly name: string; readonly heading: string; readonly of: (report: Report) => Markup }[] = [
  { name: 'verdicts', heading: 'Verdicts', of: verdictsSection },
  { name: 'comparison', heading: 'Comparison', of: comparisonSection },
  { name: 'curves', heading: 'Curves', of: curvesSection },
  { name: 'bars', heading: 'Methods', of: barsSection },
  { name: 'fronts', heading: 'Quality against cost', of: paretoSection },
  { name: 'differences', heading: 'Differences', of: differencesSection },
  { name: 'layers', heading: 'Layers', of: layersSection },
  { name: 'data', heading: 'Data', of: healthSection },
  { name: 'provenance', heading: 'Provenance', of: provenanceSection },
  { name: 'reproduction', heading: 'Reproduction', of: reproductionSection },
];

/** The parts of the page that follow from a report, by name. */
export function partsOf(report: Report): Section[] {
  return [
    { name: 'lead', body: leadOf(report) },
    { name: 'progress', body: progressOf(report) },
    { name: 'legend', body: legendOf(report) },
    ...sections.map(({ name, of }) => ({ name, body: of(report) })),
  ];
}

function leadOf(report: Report): Markup {
  const seeds = [...new Set(report.runs.map((run) => run.result.seed))].sort((a, b) => a - b);
  const bases = [...new Set(report.runs.map(({ spec }) => `${spec.base.model} for ${spec.base.task.name}`))];
  const last = [...report.runs].sort((a, b) => (a.result.finished < b.result.finished ? -1 : 1)).at(-1);
  const words = [
    count(report.methods.length, 'method'),
    `${count(report.runs.length, 'run')} (${seeds.length === 1 ? 'seed' : 'seeds'} ${seeds.join(', ')})`,
    bases.join('; '),
    ...(last === undefined || last.result.finished === '' ? [] : [`finished ${finished(last)}`]),
  ];
  return html`<h1>${report.title}</h1>
    <p class="lead">${words.join(' · ')}</p>`;
}

function progressOf({ progress }: Report): Markup {
  if (progress.length === 0) return nothing;
  return html`${progress.map(
    (p, i) =>
      html`<div class="run">
        <label for="progress-${i}">${p.name}</label
        ><progress id="progress-${i}" max="${p.total ?? 1}" value="${p.done ? (p.total ?? 1) : p.total === null ? 0 : p.step}"></progress
        ><span
          >${
            p.done
              ? 'done'
              : `step ${grouped(p.step)}${p.total === null ? '' : ` of ${grouped(p.total)}`}, ${p.seconds.toFixed(0)} s${p.loss === null ? '' : `, loss ${p.loss.toFixed(4)}`}`
          }</span
        >
      </div>`,
  )}`;
}

function legendOf({ methods }: Report): Markup {
  return html`<legend>Methods</legend>
    ${methods.map(
      (m, i) =>
        html`<label
          ><input
            type="checkbox"
            id="show-m${i}"
            name="method"
            value="${m.name}"
            checked
            autocomplete="off"
          />${swatchOf(i)}${m.name}</label
        >`,
    )}`;
}

const choice = (group: string, name: string, chosen: boolean, label: string): Markup =>
  html`<label
    ><input
      type="radio"
      name="${group}"
      id="${group}-${name}"
      value="${name}"
      ${chosen ? trusted(' checked') : nothing}
      autocomplete="off"
    />${label}</label
  >`;

/** How the page is served. */
export interface PageOptions {
  /** Of a live report: the version that its parts are at. */
  readonly version?: number;
}

/** The whole page. */
export function pageOf(title: string, parts: readonly Section[], methods: number, { version }: PageOptions = {}): string {
  const live = version !== undefined;
  const body = (name: string): Markup => parts.find((p) => p.name === name)?.body ?? nothing;
  const page = html`<!doctype html>
    <html lang="en" ${live ? html` data-version="${version}"` : nothing}>
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy(live)}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="generator" content="peft report" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <link rel="icon" href="data:," />
        ${trusted(`<style>${styleOf(live ? Math.max(methods, 64) : methods)}</style>`)}
      </head>
      <body>
        <a class="skip" href="#main">Skip to the report</a>
        <header>
          <form class="theme">
            <fieldset>
              <legend>Colours</legend>
              ${choice('theme', 'system', true, 'system')}${choice('theme', 'light', false, 'light')}${choice('theme', 'dark', false, 'dark')}
            </fieldset>
          </form>
          <div data-part="lead">${body('lead')}</div>
          ${
            live
              ? html`<p id="connection" role="status">not connected: without a script the page must be loaded again to follow the run</p>
                  <div data-part="progress">${body('progress')}</div> `
              : nothing
          }
          <nav aria-label="Contents">
            <ul>
              ${sections.map((s) => html`<li><a href="#${s.name}">${s.heading}</a></li>`)}
            </ul>
          </nav>
        </header>
        <section class="controls" aria-label="Switches">
          <form>
            <fieldset data-part="legend">${body('legend')}</fieldset>
            <fieldset class="push">
              <legend>Axis</legend>
              ${choice('axis', 'steps', true, 'steps')}${choice('axis', 'tokens', false, 'tokens')}${choice('axis', 'seconds', false, 'seconds')}
            </fieldset>
          </form>
        </section>
        <main id="main" tabindex="-1">
          ${sections.map(
            (s) =>
              html`<section id="${s.name}" aria-labelledby="${s.name}-heading">
                <h2 id="${s.name}-heading">${s.heading}</h2>
                <div data-part="${s.name}">${body(s.name)}</div>
              </section> `,
          )}
        </main>
        <footer>
          <p>Written by <code>peft report</code>. Nothing is loaded from elsewhere.</p>
        </footer>
        ${trusted(`<script>${script}</script>`)}
      </body>
    </html> `;
  return page.markup;
}

/** Nothing may be loaded; of scripts, ours alone may run. */
export const policy = (live: boolean): string =>
  `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${createHash('sha256').update(script).digest('base64')}'; img-src data:; ${live ? "connect-src 'self'; " : ''}base-uri 'none'; form-action 'none'`;

/** A report as one HTML file. */
export const reportHtml = (report: Report): string => pageOf(report.title, partsOf(report), report.methods.length);
