/**
 * @file Layout: documents that know where they may break, and the text of given width that they become.
 *
 * After Wadler's "A prettier printer": a group is set on one line if it fits, otherwise its lines break. Linear in the
 * size of the document except for the look ahead, which ends at the width.
 */

/** A text that may break. `hard` says that it breaks for certain. */
export type Layout =
  | string
  | { readonly kind: 'concat'; readonly parts: readonly Layout[]; readonly hard: boolean }
  | { readonly kind: 'line'; readonly flat: string; readonly hard: boolean }
  | { readonly kind: 'blank'; readonly hard: true }
  | { readonly kind: 'indent'; readonly body: Layout; readonly hard: boolean }
  | { readonly kind: 'group'; readonly body: Layout; readonly hard: boolean }
  /** On the same line if it fits there; else on the next line, if it fits there in one or `always`; else on the same. */
  | { readonly kind: 'hang'; readonly body: Layout; readonly always: boolean; readonly hard: boolean };

const isHard = (layout: Layout): boolean => typeof layout !== 'string' && layout.hard;

/** Layouts one after another. */
export function concat(...parts: readonly Layout[]): Layout {
  return { kind: 'concat', parts, hard: parts.some(isHard) };
}
/** A space, or a new line where its group breaks. */
export const line: Layout = { kind: 'line', flat: ' ', hard: false };
/** Nothing, or a new line where its group breaks. */
export const softLine: Layout = { kind: 'line', flat: '', hard: false };
/** Two spaces, or a new line where its group breaks. */
export const wideLine: Layout = { kind: 'line', flat: '  ', hard: false };
/** A new line. */
export const hardLine: Layout = { kind: 'line', flat: '', hard: true };
/** An empty line before the current one, of which nothing is written yet. */
export const blankLine: Layout = { kind: 'blank', hard: true };
/** Two spaces more before each new line inside. */
export function indent(...parts: readonly Layout[]): Layout {
  const body = concat(...parts);
  return { kind: 'indent', body, hard: isHard(body) };
}
/** What stands on one line if it fits there. */
export function group(...parts: readonly Layout[]): Layout {
  const body = concat(...parts);
  return { kind: 'group', body, hard: isHard(body) };
}
/** A value behind `=`. */
export function hang(body: Layout, always: boolean): Layout {
  return { kind: 'hang', body, always, hard: isHard(body) };
}
/** Layouts with something between each two. */
export function join(between: Layout, parts: readonly Layout[]): Layout {
  return concat(...parts.flatMap((part, index) => (index === 0 ? [part] : [between, part])));
}

interface Command {
  readonly indent: number;
  readonly flat: boolean;
  readonly layout: Layout;
}

/** The text of a document, no line wider than `width` where that can be. */
export function render(layout: Layout, width: number): string {
  const lines: string[] = [];
  let current = '';
  const stack: Command[] = [{ indent: 0, flat: false, layout }];
  const newLine = (indent: number): void => {
    lines.push(current.trimEnd());
    current = ' '.repeat(indent);
  };
  for (let command = stack.pop(); command; command = stack.pop()) {
    const { layout: part, indent: depth, flat } = command;
    if (typeof part === 'string') {
      current += part;
      continue;
    }
    switch (part.kind) {
      case 'concat':
        for (let index = part.parts.length - 1; index >= 0; index--) stack.push({ indent: depth, flat, layout: part.parts[index] ?? '' });
        break;
      case 'line':
        if (flat && !part.hard) current += part.flat;
        else newLine(depth);
        break;
      case 'blank':
        lines.push('');
        break;
      case 'indent':
        stack.push({ indent: depth + 2, flat, layout: part.body });
        break;
      case 'group':
        stack.push({ indent: depth, flat: flat || (!part.hard && fits(part.body, width - current.length, stack)), layout: part.body });
        break;
      case 'hang': {
        const here = flat || (!part.hard && fits(part.body, width - current.length - 1, stack));
        const next = !here && (part.always || (!part.hard && fits(part.body, width - depth - 2, stack)));
        if (next) newLine(depth + 2);
        else current += ' ';
        const fitsFlat = here || (next && !part.hard && fits(part.body, width - depth - 2, stack));
        stack.push({ indent: next ? depth + 2 : depth, flat: fitsFlat, layout: part.body });
        break;
      }
      default:
        part satisfies never;
    }
  }
  lines.push(current.trimEnd());
  return lines.join('\n');
}

/** Whether a layout fits on the line, with what follows it up to the next place where the line may end. */
function fits(layout: Layout, room: number, after: readonly Command[]): boolean {
  let left = room;
  let rest = after.length;
  const stack: { readonly flat: boolean; readonly layout: Layout }[] = [{ flat: true, layout }];
  while (left >= 0) {
    let command = stack.pop();
    if (!command) {
      rest--;
      command = after[rest];
      if (!command) return true;
    }
    const { layout: part, flat } = command;
    if (typeof part === 'string') {
      left -= part.length;
      continue;
    }
    switch (part.kind) {
      case 'concat':
        for (let index = part.parts.length - 1; index >= 0; index--) stack.push({ flat, layout: part.parts[index] ?? '' });
        break;
      case 'line':
        if (!flat || part.hard) return true;
        left -= part.flat.length;
        break;
      case 'blank':
        return true;
      case 'indent':
        stack.push({ flat, layout: part.body });
        break;
      case 'group':
        stack.push({ flat: flat || !part.hard, layout: part.body });
        break;
      case 'hang':
        if (!flat) return true;
        left -= 1;
        stack.push({ flat, layout: part.body });
        break;
      default:
        part satisfies never;
    }
  }
  return false;
}
