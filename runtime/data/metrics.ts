/**
 * @file What is measured of predictions. Rows with a negative label do not count.
 */

/** counts[truth * classes + predicted]. */
export interface Confusion {
  readonly classes: number;
  readonly counts: Int32Array;
  readonly total: number;
}

/** How often each class was predicted for each true class. A prediction outside the classes counts as wrong. */
export function confusionOf(predictions: ArrayLike<number>, labels: ArrayLike<number>, classes: number): Confusion {
  // The last row and column are kept for what is outside the classes.
  const side = classes + 1;
  const counts = new Int32Array(side * side);
  let total = 0;
  for (let i = 0; i < labels.length; i++) {
    const truth = labels[i]!;
    if (truth < 0) continue;
    const predicted = predictions[i]!;
    const column = predicted >= 0 && predicted < classes ? predicted : classes;
    counts[Math.min(truth, classes) * side + column]!++;
    total++;
  }
  return { classes, counts, total };
}

/** The share of right predictions; NaN when there are none. */
export function accuracyOf({ classes, counts, total }: Confusion): number {
  let right = 0;
  for (let c = 0; c < classes; c++) right += counts[c * (classes + 1) + c]!;
  return right / total;
}

/** 2 TP / (2 TP + FP + FN) of one class; 0 when it was neither there nor predicted. */
export function f1Of(confusion: Confusion, positive = 1): number {
  const { hits, truths, guesses } = classCounts(confusion, positive);
  return truths + guesses === 0 ? 0 : (2 * hits) / (truths + guesses);
}

/** The mean F1 of the classes that were there or were predicted; NaN when there are none. */
export function macroF1Of(confusion: Confusion): number {
  let sum = 0;
  let present = 0;
  for (let c = 0; c < confusion.classes; c++) {
    const { truths, guesses } = classCounts(confusion, c);
    if (truths + guesses === 0) continue;
    sum += f1Of(confusion, c);
    present++;
  }
  return sum / present;
}

/** e to the mean loss of a token; NaN when no token counted. */
export function perplexityOf(lossSum: number, count: number): number {
  return Math.exp(lossSum / count);
}

function classCounts({ classes, counts }: Confusion, c: number): { hits: number; truths: number; guesses: number } {
  const side = classes + 1;
  let truths = 0;
  let guesses = 0;
  for (let other = 0; other < side; other++) {
    truths += counts[c * side + other]!;
    guesses += counts[other * side + c]!;
  }
  return { hits: counts[c * side + c]!, truths, guesses };
}
