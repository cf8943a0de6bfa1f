/**
 * @file The nearest valid choice to a misspelt word.
 */
import { distance } from 'fastest-levenshtein';

/** The candidate closest to `word`, if it is close enough to be meant: at most a third of the letters differ, ignoring case.
 * Qualified names (`schedule linear`) are no candidates. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const candidate of candidates) {
    if (candidate.includes(' ')) continue;
    const d = distance(word.toLowerCase(), candidate.toLowerCase());
    if (d < bestDistance || (d === bestDistance && best !== undefined && candidate < best)) {
      best = candidate;
      bestDistance = d;
    }
  }
  return best !== undefined && bestDistance <= Math.max(1, Math.floor(Math.max(word.length, best.length) / 3)) ? best : undefined;
}
