/**
 * @file The nearest valid choice to a misspelt word, and how it is offered.
 */
import type { Fix, Span } from '../../grammar/diagnostics.js';

/** The candidate closest to `word`, if it is close enough to be meant: at most a third of the letters differ (none of two),
 * ignoring case, two letters swapped counting as one; else one that the word begins with, or the only one that begins with it. Of two equally
 * close the one of the same letters is meant, then the first. Qualified names (`schedule linear`) are no candidates. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Infinity;
  const lower = word.toLowerCase();
  for (const candidate of candidates) {
    if (candidate.includes(' ')) continue;
    const length = Math.max(word.length, candidate.length);
    const limit = length <= 2 ? 0 : Math.max(1, Math.floor(length / 3));
    if (Math.abs(word.length - candidate.length) > limit) continue;
    const d = distance(lower, candidate.toLowerCase());
    if (d > limit) continue;
    if (d < least || (d === least && best !== undefined && letters(candidate) === letters(word) && letters(best) !== letters(word))) {
      best = candidate;
      least = d;
    }
  }
  if (best !== undefined) return best;
  const longer = candidates.filter((c) => !c.includes(' ') && word.length >= 3 && c.toLowerCase().startsWith(lower));
  if (longer.length === 1 || (longer.length > 0 && word.length >= 4)) return longer[0];
  return candidates.find((c) => !c.includes(' ') && c.length >= 4 && lower.startsWith(c.toLowerCase()));
}

const letters = (word: string): string => [...word.toLowerCase()].sort().join('');

/** Letters to insert, remove, replace or swap with their neighbour to make one word the other. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let d = Math.min((row[j - 1] as number) + (same ? 0 : 1), (row[j] as number) + 1, (next[j - 1] as number) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) d = Math.min(d, (before[j - 2] as number) + 1);
      next.push(d);
    }
    before = row;
    row = next;
  }
  return row[b.length] as number;
}

/** More choices than these are not all listed. */
export const mostListed = 12;

/** What to say about a misspelt word: the nearest choice with the edit that writes it, or after `list` the choices there are, where they
 * are many those that look most like it. */
export function suggest(
  word: string,
  span: Span,
  choices: readonly string[],
  list: string,
): { readonly help?: string; readonly fix?: Fix } {
  const near = nearest(word, choices);
  if (near !== undefined) return { help: `did you mean ${near}?`, fix: { title: `write ${near}`, edits: [{ span, text: near }] } };
  const plain = choices.filter((c) => !c.includes(' '));
  if (plain.length <= mostListed) return plain.length === 0 ? {} : { help: `${list} ${plain.join(', ')}` };
  const like = [...plain].sort(
    (a, b) => distance(word.toLowerCase(), a.toLowerCase()) - distance(word.toLowerCase(), b.toLowerCase()) || (a < b ? -1 : 1),
  );
  return { help: `${list} ${like.slice(0, mostListed / 2).join(', ')} and others` };
}
