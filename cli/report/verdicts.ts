/**
 * @file What the numbers say, in sentences, and the table they come from.
 */
import { legend } from '../comparison-text.js';
import type { Cell, Comparison, Quantity } from '../comparison.js';
import type { Verdict } from '../statistics.js';
import { swatchOf } from './chart.js';
import { html, nothing, tableOf, type Markup } from './markup.js';
import { isMetric, labelOf, showDifference, showMean, shareOf } from './numbers.js';
import { count, indexOf, type Report } from './report.js';

/** What sets a method apart from the baseline in one quantity. */
export interface Finding {
  readonly method: string;
  readonly quantity: Quantity;
  readonly cell: Cell;
  readonly verdict: Verdict;
}

/** Every difference with a verdict, by method. */
export function findingsOf(c: Comparison): Finding[] {
  return c.rows.flatMap((row) =>
    row.cells.flatMap((cell, i): Finding[] =>
      cell.difference === null
        ? []
        : [{ method: row.method.name, quantity: c.quantities[i] as Quantity, cell, verdict: cell.difference.verdict }],
    ),
  );
}

/** A finding as a sentence without its stop. */
export function sentenceOf({ method, quantity, cell, verdict }: Finding, baseline: string): string {
  const seeds = count(cell.difference?.seeds.length ?? 0, 'seed');
  const numbers = `${showDifference(quantity, cell)}, ${seeds}`;
  const what = labelOf(quantity);
  switch (verdict) {
    case 'better':
      return `${method} is better than ${baseline} in ${what}: ${numbers}`;
    case 'worse':
      return `${method} is worse than ${baseline} in ${what}: ${numbers}`;
    case 'within noise':
      return `${method} and ${baseline} are not told apart in ${what}: ${numbers}`;
    case 'too few seeds':
      return `${method} and ${baseline} have too few seeds in common for a verdict on ${what}: ${numbers}`;
    default:
      return verdict satisfies never;
  }
}

/** The best mean of each metric, as sentences without their stops. */
export function leaders(report: Report): string[] {
  return report.comparison.quantities.flatMap((q, i) => {
    if (!isMetric(q) || q.better === undefined) return [];
    const sign = q.better === 'higher' ? 1 : -1;
    const known = report.comparison.rows.flatMap((row) => {
      const cell = row.cells[i] as Cell;
      return cell.summary === null ? [] : [{ row, cell, value: sign * cell.summary.mean }];
    });
    const best = known.reduce<(typeof known)[number] | undefined>((a, b) => (a === undefined || b.value > a.value ? b : a), undefined);
    if (best === undefined) return [];
    const which = known.length < 2 ? '' : q.better === 'higher' ? 'the highest ' : 'the lowest ';
    return [`${best.row.method.name} has ${which}${labelOf(q)}: ${showMean(q, best.cell)} over ${count(best.row.seeds.length, 'seed')}`];
  });
}

/** What a method costs beside the baseline, in words; empty where nothing is known. */
export function costWords(report: Report, name: string): string {
  const found = report.differences
    .find((d) => d.method.name === name)
    ?.consequences.filter((c) => ['trainable', 'peakBytes', 'flopsPerStep'].includes(c.name));
  const names: Readonly<Record<string, string>> = {
    trainable: 'trainable parameters',
    peakBytes: 'planned memory',
    flopsPerStep: 'operations a batch',
  };
  return (found ?? [])
    .flatMap((c) => (shareOf(c.before, c.after) === '' ? [] : [`${names[c.name]} ${shareOf(c.before, c.after)}`]))
    .join(', ');
}

const signs: Readonly<Record<Verdict, string>> = { better: '\u25b2', worse: '\u25bc', 'within noise': '\u2248', 'too few seeds': '?' };

/** A verdict as a badge; the sign is there for the eye only. */
export const badge = (verdict: Verdict): Markup =>
  html`<span class="badge ${verdict.replaceAll(' ', '-')}"><span aria-hidden="true">${signs[verdict]} </span>${verdict}</span>`;

/** The verdicts in words. */
export function verdictsSection(report: Report): Markup {
  const c = report.comparison;
  const findings = findingsOf(c);
  const others = report.methods.filter((m) => m !== report.baseline);
  const best = leaders(report);
  return html`${
    best.length === 0
      ? nothing
      : html`<ul class="leaders">
          ${best.map((line) => html`<li>${line}</li>`)}
        </ul>`
  }${
    others.length === 0
      ? html`<p>There is one method only, so there is nothing to compare it with.</p>`
      : html`<div class="cards">
            ${others.map((method) => {
              const own = findings.filter((f) => f.method === method.name);
              const [metrics, costs] = [own.filter((f) => isMetric(f.quantity)), own.filter((f) => !isMetric(f.quantity))];
              const cost = costWords(report, method.name);
              return html`<article class="card" aria-labelledby="verdict-${indexOf(report, method)}">
                <h3 id="verdict-${indexOf(report, method)}">
                  ${swatchOf(indexOf(report, method))} ${method.name} <span class="against">against ${report.baseline.name}</span>
                </h3>
                <ul>
                  ${[...metrics, ...costs].map(
                    (f) =>
                      html`<li>
                        ${badge(f.verdict)}
                        <span>${labelOf(f.quantity)} <span class="numbers">${showDifference(f.quantity, f.cell)}</span></span>
                      </li>`,
                  )}
                </ul>
                ${own.length === 0 ? html`<p class="note">No seed in common.</p>` : nothing}${cost === '' ? nothing : html`<p class="note">${cost}</p>`}
              </article>`;
            })}
          </div>
          <p class="note">${sentence(legend(c))}</p>`
  }`;
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

/** Methods by quantities: metrics first, then what they cost. */
export function comparisonSection(report: Report): Markup {
  const { quantities } = report.comparison;
  const [metrics, costs] = [quantities.filter(isMetric), quantities.filter((q) => !isMetric(q))];
  return html`${metrics.length === 0 ? nothing : comparisonTable(report, 'metrics', 'What the methods measure: mean ± standard deviation over seeds', metrics)}${
    costs.length === 0 ? nothing : comparisonTable(report, 'costs', 'What they cost', costs)
  }`;
}

function comparisonTable(report: Report, id: string, caption: string, quantities: readonly Quantity[]): Markup {
  const { comparison } = report;
  const at = quantities.map((q) => comparison.quantities.indexOf(q));
  return tableOf({
    id: `comparison-${id}`,
    caption,
    head: [{ text: 'method' }, { text: 'seeds' }, ...quantities.map((q) => ({ text: labelOf(q), number: true }))],
    rows: comparison.rows.map((row) => ({
      className: `m m${indexOf(report, row.method)}`,
      cells: [
        html`${swatchOf(indexOf(report, row.method))}
        ${row.method.name}${row.method.name === comparison.baseline ? html` <span class="tag">baseline</span>` : nothing}`,
        row.seeds.join(', '),
        ...at.map((i) => cellOf(comparison.quantities[i] as Quantity, row.cells[i] as Cell)),
      ],
    })),
  });
}

const cellOf = (q: Quantity, cell: Cell): Markup =>
  html`${showMean(q, cell)}${cell.difference === null ? nothing : html`<span class="numbers">${showDifference(q, cell)}</span>${badge(cell.difference.verdict)}`}`;
