/**
 * @file What is measured of predictions: the table of metrics that a task may name, and how each is computed. Labels below 0
 * do not count.
 */

/** What an evaluation gathered. */
export interface Measured {
  /** Sum of the losses that count, and how many they are. */
  readonly lossSum: number;
  readonly count: number;
  /** What was predicted, and what is true, in the same order. */
  readonly predictions: ArrayLike<number>;
  readonly truths: ArrayLike<number>;
  /** What is predicted: classes, tags (classes of words, of which 0 is nothing in particular), numbers, or nothing. */
  readonly kind: 'class' | 'tags' | 'number' | undefined;
  /** Number of classes; 0 where none are predicted. */
  readonly classes: number;
}

/** A metric: whether more of it is better, and its value; undefined where it means nothing for what is predicted. */
export interface Metric {
  readonly better: 'higher' | 'lower';
  readonly measure: (measured: Measured) => number | undefined;
}

const ofClasses =
  (measure: (confusion: Confusion, kind: 'class' | 'tags') => number) =>
  ({ kind, predictions, truths, classes }: Measured): number | undefined =>
    kind === 'class' || kind === 'tags' ? measure(confusionOf(predictions, truths, classes), kind) : undefined;

const ofNumbers =
  (measure: (predictions: ArrayLike<number>, truths: ArrayLike<number>) => number) =>
  ({ kind, predictions, truths }: Measured): number | undefined =>
    kind === 'number' ? measure(predictions, truths) : undefined;

/** Every metric that a task may name. */
export const metrics: ReadonlyMap<string, Metric> = new Map<string, Metric>([
  ['loss', { better: 'lower', measure: ({ lossSum, count }) => lossSum / count }],
  ['perplexity', { better: 'lower', measure: ({ lossSum, count }) => perplexityOf(lossSum, count) }],
  ['accuracy', { better: 'higher', measure: ofClasses(accuracyOf) }],
  [
    'f1',
    {
      better: 'higher',
      measure: ofClasses((confusion, kind) => (confusion.classes === 2 ? f1Of(confusion) : macroF1Of(confusion, kind === 'tags' ? 1 : 0))),
    },
  ],
  ['mse', { better: 'lower', measure: ofNumbers(meanSquaredErrorOf) }],
  ['pearson', { better: 'higher', measure: ofNumbers(pearsonOf) }],
  ['spearman', { better: 'higher', measure: ofNumbers(spearmanOf) }],
]);

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

/** The mean F1 of the classes from `first` on that were there or were predicted: 0 when there are none, NaN when nothing was measured. */
export function macroF1Of(confusion: Confusion, first = 0): number {
  let sum = 0;
  let present = 0;
  if (confusion.total === 0) return NaN;
  for (let c = first; c < confusion.classes; c++) {
    const { truths, guesses } = classCounts(confusion, c);
    if (truths + guesses === 0) continue;
    sum += f1Of(confusion, c);
    present++;
  }
  return present === 0 ? 0 : sum / present;
}

/** e to the mean loss of a token; NaN when no token counted. */
export function perplexityOf(lossSum: number, count: number): number {
  return Math.exp(lossSum / count);
}

/** The mean of the squared differences; NaN when there are none. */
export function meanSquaredErrorOf(predictions: ArrayLike<number>, truths: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < truths.length; i++) sum += (predictions[i]! - truths[i]!) ** 2;
  return sum / truths.length;
}

/** Pearson's correlation; NaN where either side is always the same. */
export function pearsonOf(x: ArrayLike<number>, y: ArrayLike<number>): number {
  const meanX = meanOf(x);
  const meanY = meanOf(y);
  let xx = 0;
  let yy = 0;
  let xy = 0;
  for (let i = 0; i < x.length; i++) {
    const dx = x[i]! - meanX;
    const dy = y[i]! - meanY;
    xx += dx * dx;
    yy += dy * dy;
    xy += dx * dy;
  }
  return Math.max(-1, Math.min(1, xy / (Math.sqrt(xx) * Math.sqrt(yy))));
}

/** Spearman's correlation: Pearson's of the ranks, equal values sharing the mean of theirs. */
export function spearmanOf(x: ArrayLike<number>, y: ArrayLike<number>): number {
  // A value that is no number has no rank.
  const ranked = [...Array.from(x), ...Array.from(y)].every((value) => !Number.isNaN(value));
  return ranked ? pearsonOf(ranksOf(x), ranksOf(y)) : NaN;
}

/** The rank of each value from 1 on; equal values share the mean of their ranks. */
function ranksOf(values: ArrayLike<number>): Float64Array {
  const order = Array.from(values, (_, i) => i).sort((a, b) => values[a]! - values[b]!);
  const ranks = new Float64Array(values.length);
  for (let from = 0, to = 0; from < order.length; from = to) {
    while (to < order.length && values[order[to]!] === values[order[from]!]) to++;
    for (let i = from; i < to; i++) ranks[order[i]!] = (from + 1 + to) / 2;
  }
  return ranks;
}

function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
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
