/** @file Did you mean: the nearest of a set of words. */
import { distance } from 'fastest-levenshtein';

/** The choice nearest to a word, if it is near enough to be what was meant: at most a third of its letters differ. */
export function closest(word: string, choices: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Infinity;
  const limit = Math.max(1, Math.floor(Math.max(word.length, 3) / 3));
  for (const choice of choices) {
    if (Math.abs(choice.length - word.length) > limit) continue;
    // Letters that changed places are one slip, not two.
    const apart =
      letters(word) === letters(choice) ? Math.min(1, distance(word, choice)) : distance(word.toLowerCase(), choice.toLowerCase());
    if (apart < least) {
      least = apart;
      best = choice;
    }
  }
  return least <= limit ? best : undefined;
}

function letters(word: string): string {
  return [...word.toLowerCase()].sort().join('');
}
