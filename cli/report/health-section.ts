/**
 * @file The health of the data as a table.
 */
import type { TableFacts } from '../../lint/data-facts.js';
import type { DataHealth } from './health.js';
import { html, tableOf, type Markup } from './markup.js';
import { grouped } from './numbers.js';
import type { Report } from './report.js';

/** What is known of the data of every run. */
export function healthSection(report: Report): Markup {
  if (report.health.length === 0) return html`<p>It was not looked at.</p>`;
  return html`${report.health.map((h, i) =>
    h.known.ok
      ? tableOf({
          id: `health-${i}`,
          caption: `${h.tables.join(' and ')}, used by ${h.experiments.join(', ')}`,
          head: [{ text: 'what' }, { text: 'training', number: true }, { text: 'evaluation', number: true }],
          rows: healthRows(h.known).map((row) => ({ cells: row })),
        })
      : html`<p>${h.tables.join(' and ')}, used by ${h.experiments.join(', ')}: not known, ${h.known.why}.</p>`,
  )}`;
}

/** What is known of two tables, as rows: name, training, evaluation. */
export function healthRows({ facts, maxTokens }: Extract<DataHealth['known'], { ok: true }>): (readonly [string, string, string])[] {
  const row = (name: string, of: (t: TableFacts) => string): readonly [string, string, string] => [
    name,
    of(facts.train),
    facts.eval === undefined ? '\u2013' : of(facts.eval),
  ];
  return [
    row('rows', (t) => grouped(t.rows)),
    row('tokens', (t) => grouped(t.tokens)),
    row('longest row, tokens', (t) => grouped(t.longest)),
    row(`rows cut at ${maxTokens} tokens`, (t) => part(t.cut, t.rows)),
    row('tokens lost by cutting', (t) => part(t.lost, t.tokens + t.lost)),
    row('padding in the batches of an epoch', (t) => part(t.padded - t.tokens, t.padded)),
    row('rows without text', (t) => part(t.empty, t.rows)),
    row('rows that an earlier one is equal to', (t) => part(t.duplicates, t.rows)),
    ...(facts.train.classes === undefined ? [] : [row('rows of each class', (t) => t.classes?.map(grouped).join(', ') ?? '\u2013')]),
    ['rows that the training table has too', '\u2013', facts.eval === undefined ? '\u2013' : part(facts.overlap, facts.eval.rows)],
    ['unknown tokens', `${(100 * facts.tokenizer.unknown).toFixed(2)} %`, '\u2013'],
  ];
}

const part = (n: number, of: number): string => (n === 0 || of === 0 ? '0' : `${grouped(n)} (${((100 * n) / of).toFixed(1)} %)`);
