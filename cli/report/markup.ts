/**
 * @file HTML as values: text that goes into the template is escaped, markup that was made by it is not, so that nothing of a run can become markup.
 */

/** Text that is HTML. */
export interface Markup {
  readonly markup: string;
}

/** What may stand in a template; null and undefined are nothing. */
export type Part = Markup | string | number | null | undefined | readonly Part[];

/** HTML with parts in it. Lines of the template are indented for who reads the source; in HTML a line's end and its indentation are one space. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return { markup: texts.map((text, i) => (i === 0 ? '' : markupOf(parts[i - 1])) + text.replace(/\s*\n\s*/g, '\n')).join('') };
}

/** Text that is trusted to be HTML: style sheets and scripts of ours. */
export const trusted = (markup: string): Markup => ({ markup });

/** Nothing. */
export const nothing: Markup = trusted('');

/** Text as it is written in HTML, in quoted attributes too. */
export function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`).replace(unprintable, '\ufffd');
}

// What XML has no place for, and directions that would turn the text around.
const unprintable = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u202a-\u202e\u2066-\u2069]/g;

function markupOf(part: Part): string {
  if (part === null || part === undefined) return '';
  if (typeof part === 'string') return escapeText(part);
  if (typeof part === 'number') return String(part);
  return 'markup' in part ? part.markup : part.map(markupOf).join('');
}

/** A table as rows of cells; the first cell of a row is its heading. */
export interface TableParts {
  /** Unique in the document; the table can be scrolled by the keyboard under it. */
  readonly id: string;
  readonly caption: string;
  readonly head: readonly { readonly text: string; readonly number?: boolean }[];
  readonly rows: readonly { readonly className?: string; readonly cells: readonly Part[] }[];
}

/** A table with a caption, scopes, and a frame that the keyboard can scroll. */
export function tableOf({ id, caption, head, rows }: TableParts): Markup {
  const numeric = (i: number): Markup => trusted(head[i]?.number === true ? ' class="n"' : '');
  return html`<div class="scroll" id="${id}" tabindex="0" role="region" aria-labelledby="${id}-c">
    <table>
      <caption id="${id}-c">
        ${caption}
      </caption>
      <thead>
        <tr>
          ${head.map((h, i) => html`<th scope="col" ${numeric(i)}>${h.text}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ({ className, cells }) => html`
<tr${className === undefined ? nothing : html` class="${className}"`}>${cells.map((cell, i) =>
            i === 0 ? html`<th scope="row" ${numeric(i)}>${cell}</th>` : html`<td${numeric(i)}>${cell}</td>`,
          )}</tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** Something that can be unfolded. */
export const unfold = (id: string, summary: string, body: Markup): Markup =>
  html`<details id="${id}">
    <summary>${summary}</summary>
    ${body}
  </details>`;
