/**
 * @file The differences of experiments as tables: what was written differently, and beside it what that comes to.
 */
import { showModules } from '../../compiler/spec/diff.js';
import { consequenceNames } from '../consequences.js';
import { showField, type ConsequenceChange, type FieldDifference } from './differences.js';
import { html, nothing, tableOf, type Markup } from './markup.js';
import { shareOf, showTick } from './numbers.js';
import { count, indexOf, type Report } from './report.js';

/** How every method differs from the baseline. */
export function differencesSection(report: Report): Markup {
  if (report.differences.length === 0) return html`<p>There is one method only.</p>`;
  return html`${report.differences.map((d) => {
    const i = indexOf(report, d.method);
    return html`<section class="difference" aria-labelledby="difference-${i}">
      <h3 id="difference-${i}">${report.baseline.name} → ${d.method.name}</h3>
      <div class="beside">
        ${d.fields.length === 0 ? html`<p>The experiments mean the same but for the seed.</p>` : fieldsTable(`difference-${i}-fields`, d.fields)}${
          d.consequences.length === 0 ? nothing : consequencesTable(`difference-${i}-consequences`, d.consequences)
        }
      </div>
      <p class="note">
        ${count(d.unchanged, 'field')} that ${d.unchanged === 1 ? 'is' : 'are'} the same in both ${d.unchanged === 1 ? 'is' : 'are'} left
        out.
      </p>
    </section>`;
  })}`;
}

function fieldsTable(id: string, fields: readonly FieldDifference[]): Markup {
  return tableOf({
    id,
    caption: 'What is written differently',
    head: [{ text: 'field' }, { text: 'modules' }, { text: 'before' }, { text: 'after' }, { text: 'where' }],
    rows: fields.map((d) => ({
      cells: [
        html`<code>${d.path}</code>`,
        html`<ul class="modules">
          ${showModules(d.modules).map((m) => html`<li>${m}</li>`)}
        </ul>`,
        fieldOf(d.before),
        fieldOf(d.after),
        d.origin ?? '',
      ],
    })),
  });
}

/** A value; that of an object with a line for each of its fields. */
function fieldOf(value: FieldDifference['before']): Markup {
  if (value === undefined) return html`<span class="absent">absent</span>`;
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return html`<code>${showField(value)}</code>`;
  return html`<code class="lines">${Object.entries(value).map(([name, field]) => html`<span>${name}: ${showField(field)}</span>`)}</code>`;
}

function consequencesTable(id: string, changes: readonly ConsequenceChange[]): Markup {
  const number = (n: number | null, bytes: boolean): string => (n === null ? 'not known' : showTick(n, bytes));
  return tableOf({
    id,
    caption: 'What that comes to',
    head: [{ text: 'consequence' }, { text: 'before', number: true }, { text: 'after', number: true }, { text: 'change', number: true }],
    rows: changes.map((c) => ({
      cells: [
        consequenceNames[c.name],
        number(c.before, c.name === 'peakBytes'),
        number(c.after, c.name === 'peakBytes'),
        shareOf(c.before, c.after),
      ],
    })),
  });
}
