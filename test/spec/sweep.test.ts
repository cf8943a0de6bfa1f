/**
 * @file Sweeps: one statement → points. The values of each, in order; what each becomes as text; what is wrong, and where.
 */
import { describe, expect, it } from 'vitest';
import { checkExperiment } from '../../compiler/spec/check.js';
import { pointsOf, sweepsOf, type Point } from '../../compiler/spec/sweep.js';
import type { Sweep } from '../../grammar/ast.js';
import type { Diagnostic } from '../../grammar/diagnostics.js';
import { parseFile } from '../../grammar/parse.js';
import { printFile, printItem } from '../../grammar/print.js';
import { factsOf, libraryOf } from './world.js';

const library = libraryOf();
const file = (sweep: string): string => `import std.adapters.{dora, lora}

experiment small {
  base bert from "models/bert" for classify(labels: 2)
  adapt attention with lora(rank: 2, alpha: 4)
  train head
  data { train: tsv("train.tsv") text: "text" label: "label" }
  tune { optimizer: adamw(lr: 1e-3) schedule: linear(warmup: 6%) }
}

experiment other = small { adapt attention with dora(rank: 2) }

${sweep}
`;

function opened(sweep: string): { readonly points: readonly Point[]; readonly diagnostics: readonly Diagnostic[]; readonly text: string } {
  const text = file(sweep);
  const parsed = parseFile(text, 'test.peft');
  const diagnostics: Diagnostic[] = [...parsed.diagnostics];
  const found = sweepsOf(parsed.value)[0] as Sweep;
  return { points: pointsOf(parsed.value, found, library, diagnostics), diagnostics, text };
}
const labels = (sweep: string): string[] => {
  const { points, diagnostics } = opened(sweep);
  expect(diagnostics.map((d) => d.message)).toEqual([]);
  return points.map((p) => p.label);
};

describe('the points of a sweep', () => {
  it.each([
    [
      'a grid, the first axis slowest',
      'rank in [2, 4] seed in [0, 1]',
      ['rank=2 seed=0', 'rank=2 seed=1', 'rank=4 seed=0', 'rank=4 seed=1'],
    ],
    ['computed values', 'rank in [1, 2] alpha = 4 * rank', ['rank=1 alpha=4', 'rank=2 alpha=8']],
    ['pairs', 'lr, batch in [[1e-4, 8], [2e-4, 16]]', ['lr=0.0001 batch=8', 'lr=0.0002 batch=16']],
    ['conditions', 'rank in [1, 2] dropout in [0%, 10%] when rank > 1', ['rank=1', 'rank=2 dropout=0%', 'rank=2 dropout=10%']],
    ['conditional computed values', 'rank in [1, 2] alpha = 9 when rank == 2', ['rank=1', 'rank=2 alpha=9']],
    [
      'what does not hold is left out',
      'rank in [1, 2] batch in [8, 16] require rank * batch < 20',
      ['rank=1 batch=8', 'rank=1 batch=16', 'rank=2 batch=8'],
    ],
    ['points that are alike are one', 'rank in [1, 2, 1]', ['rank=1', 'rank=2']],
    ['a value that never varies is not named', 'epochs in [7] rank in [1, 2]', ['rank=1', 'rank=2']],
    ['some of them', 'rank in [1, 2] seed in range(6) take 3 seed 1', ['rank=1 seed=1', 'rank=1 seed=3', 'rank=2 seed=0']],
  ])('%s', (_, members, expected) =>
    expect(labels(`sweep s over small { ${members.replace(/(?<=[\])%\d]) (?=[a-z]+( in|,| =| \w+ \w+$|\.))/g, '\n')} }`)).toEqual(expected),
  );

  it('are drawn from a seed', () => {
    const drawn = (seed: number): string[] =>
      labels(`sweep s over small {\n lr in log_uniform(1e-5, 1e-2)\n rank in [1, 2]\n take 6 seed ${seed}\n}`);
    expect(drawn(1)).toHaveLength(6);
    expect(drawn(1)).toEqual(drawn(1));
    expect(drawn(1)).not.toEqual(drawn(2));
    for (const label of drawn(3)) {
      const lr = Number(/lr=(\S+)/.exec(label)?.[1]);
      expect(lr).toBeGreaterThanOrEqual(1e-5);
      expect(lr).toBeLessThanOrEqual(1e-2);
    }
  });

  it('are over several experiments, and plain text that is checked like any other', () => {
    const { points, diagnostics } = opened(
      'sweep s over small, other {\n rank in [1, 2]\n base.hidden_dropout_prob in [0%, 5%]\n tune.schedule.warmup = 1\n}'.replace(
        ' tune.schedule.warmup = 1\n',
        '',
      ),
    );
    expect(diagnostics).toEqual([]);
    expect(points).toHaveLength(8);
    expect(points[7]?.label).toBe('other rank=2 base.hidden_dropout_prob=5%');
    const text = printItem((points[7] as Point).experiment);
    expect(text).toContain('with (hidden_dropout_prob: 5%)');
    expect(text).toContain('with lora(alpha: 4, rank: 2)');
    expect(text).toContain('with dora(rank: 2)');
    for (const { experiment } of points) {
      const whole = `import std.adapters.{dora, lora}\n\n${printItem(experiment)}`;
      const again = parseFile(whole, 'point.peft');
      expect(again.diagnostics).toEqual([]);
      const [item] = again.value.items;
      if (item?.kind !== 'experiment') throw new Error('a point is an experiment');
      expect(checkExperiment(again.value, item, library, factsOf()).diagnostics).toEqual([]);
    }
  });

  it.each([
    ['over', 'sweep s over smal { rank in [1] }', 'smal', 'there is no experiment smal in this file'],
    ['knob', 'sweep s over small { rnak in [1] }', 'rnak', 'nothing in small is called rnak'],
    ['list', 'sweep s over small { rank in 3 }', '3', 'an axis is a list of values, not Int 3'],
    [
      'pair',
      'sweep s over small { rank, seed in [[1, 2], [3]] }',
      '[[1, 2], [3]]',
      '2 values go together here, and [3] is not a list of so many',
    ],
    ['condition', 'sweep s over small { rank in [1] when 3 }', '3', 'a condition must be true or false, not Int 3'],
    ['nothing left', 'sweep s over small { rank in [] }', 's', 'sweep s has no points'],
    [
      'draw without take',
      'sweep s over small { lr in uniform(1e-4, 1e-3) }',
      's',
      'sweep s draws values, but does not say how many points to take',
    ],
    [
      'bounds',
      'sweep s over small { lr in log_uniform(0, 1) take 3 }',
      'log_uniform(0, 1)',
      'values are drawn between two numbers, the smaller first, both above 0',
    ],
    ['too many', 'sweep s over small { seed in range(101) epochs in range(100) }', 's', 'sweep s has more than 10,000 points'],
  ])('%s is told at its place', (_, sweep, place, message) => {
    const { diagnostics, text, points } = opened(sweep.replace(/(?<=[\])]) (?=\w)/g, '\n'));
    const [first] = diagnostics;
    expect(diagnostics.map((d) => d.message)).toEqual([message]);
    expect(text.slice(first?.span.start, first?.span.end)).toBe(place);
    expect(points).toEqual([]);
  });
});

describe('a sweep as text', () => {
  it('has one style, with its comments', () => {
    const crooked = file(
      '// why\n/// Ranks.\nsweep s over small , other {\n rank in [1,2]   when true // two\n a.b=3\n\n // rest\n take 3 seed 1\n require   1<2\n // tail\n}',
    );
    const printed = printFile(parseFile(crooked, 'a.peft').value);
    expect(printed).toContain(`// why
/// Ranks.
sweep s over small, other {
  rank in [1, 2] when true // two
  a.b = 3

  // rest
  take 3 seed 1
  require 1 < 2
  // tail
}
`);
    expect(printFile(parseFile(printed, 'a.peft').value)).toBe(printed);
  });

  it('goes on behind a broken member', () => {
    const { value, diagnostics } = parseFile(
      file('sweep s over small {\n  rank on [1]\n  seed in [0, 1]\n}\nexperiment last = small { }'),
      'a.peft',
    );
    expect(diagnostics).toHaveLength(1);
    expect(sweepsOf(value)[0]?.members.map((m) => m.kind)).toEqual(['error', 'axis']);
    expect(value.items.at(-1)?.kind).toBe('experiment');
  });
});
