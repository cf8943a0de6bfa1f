/**
 * @file Hover: what stands at a place. Names with their documentation; selectors with what they match; statements with what they come to.
 */
import type { Hover } from 'vscode-languageserver/node';
import { showBytes } from '../../compiler/elaborate/value.js';
import type { Span } from '../../grammar/diagnostics.js';
import { endOf } from '../../grammar/tokens.js';
import type { Checker } from './checker.js';
import { touches, type Document } from './document.js';
import { effectOf, matched, selectorAt, targetingAt, type Effect, type Targeting } from './experiments.js';
import { counted, describeModules, grouped } from './modules.js';
import { occurrenceAt } from './occurrences.js';
import { describeSymbol, wordDocs } from './prose.js';
import type { Workspace } from './workspace.js';

/** What is known of a place; undefined where nothing is. */
export async function hover(document: Document, offset: number, workspace: Workspace, checker: Checker): Promise<Hover | undefined> {
  const say = (value: string, span: Pick<Span, 'start' | 'end'>): Hover => ({
    contents: { kind: 'markdown', value },
    range: document.rangeOf(span),
  });
  const occurrence = occurrenceAt(document, workspace, offset);
  if (occurrence !== undefined) return say(describeSymbol(occurrence.symbol), occurrence.span);
  const token = document.tokens.find((t) => t.startOffset <= offset && offset < endOf(t));
  if (token === undefined) return undefined;
  const place = { start: token.startOffset, end: endOf(token) };
  const found = targetingAt(document.ast, offset);
  if (found !== undefined) {
    const { experiment, statement } = found;
    if (statement.span.start === place.start) {
      const checked = await checker.check(document);
      const effect = checked && effectOf(checked, experiment, statement);
      return say(
        [wordDocs[statement.kind] ?? '', effect === undefined ? '' : describeEffect(statement, effect)]
          .filter((x) => x !== '')
          .join('\n\n'),
        place,
      );
    }
    const part = selectorAt(statement.selector, offset);
    if (part !== undefined && touches(part.span, offset)) {
      const modules = await matched(document, checker, experiment.name.text, part);
      return modules === undefined ? undefined : say(describeModules(modules), part.span);
    }
  }
  const meaning = wordDocs[token.image];
  return meaning === undefined || !/^[a-z]/.test(token.image) ? undefined : say(meaning, place);
}

/** What a statement comes to, in words. */
export function describeEffect(statement: Targeting, { modules, elements, bytes, of }: Effect): string {
  if (statement.kind === 'quantize') {
    const bits = elements === 0 ? '' : `, ${((8 * bytes) / elements).toFixed(3)} bits each`;
    return `${counted(modules, 'weight')} with ${counted(elements, 'element')} in ${showBytes(bytes)} (${grouped(bytes)} bytes${bits})`;
  }
  return `${counted(elements, 'trainable parameter')} on ${counted(modules, 'module')}: ${showBytes(bytes)} (${grouped(bytes)} bytes), ${((100 * elements) / of).toFixed(4)} % of all ${grouped(of)}`;
}
