/**
 * @file Selection preserves meaning: kernels run one after another on the CPU give what the graph gives, on random graphs of
 * every op; every selection verifies; and a changed kernel is noticed.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printKernels } from '../../compiler/kernels/print.js';
import { arrayLimit, select } from '../../compiler/kernels/select.js';
import { verifySelection } from '../../compiler/kernels/verify.js';
import { randomGraph } from './random-graph.js';
import { difference, expected, runSelection } from './run-selection.js';
import { softwareTarget, gpuTarget } from './targets.js';

describe('selection on random graphs', () => {
  for (const target of [softwareTarget, gpuTarget]) {
    it(`computes what the graph computes (${target.kind})`, () => {
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 2 ** 31 }), fc.integer({ min: 1, max: 25 }), (seed, size) => {
          const { graph, feeds } = randomGraph(seed, size);
          const selection = select(graph, target);
          expect(verifySelection(selection, arrayLimit(target))).toEqual([]);
          expect(difference(runSelection(graph, selection, feeds), expected(graph, feeds))).toBeLessThan(1e-9);
        }),
        { seed: 20, numRuns: 300 },
      );
    });
  }

  it('is deterministic', () => {
    for (let seed = 0; seed < 20; seed += 1) {
      const { graph } = randomGraph(seed, 20);
      expect(printKernels(select(graph, softwareTarget).kernels)).toBe(printKernels(select(graph, softwareTarget).kernels));
    }
  });

  it('notices a changed kernel', () => {
    let noticed = 0;
    for (let seed = 0; seed < 20; seed += 1) {
      const { graph, feeds } = randomGraph(seed, 12);
      const selection = select(graph, softwareTarget);
      const kernels = selection.kernels.map((k) => ({
        ...k,
        body: k.body.map((s) => (s.kind === 'op' && s.op === 'add' ? { ...s, op: 'sub' as const } : s)),
      }));
      if (!kernels.some((k, i) => JSON.stringify(k.body) !== JSON.stringify(selection.kernels[i]?.body))) continue;
      if (difference(runSelection(graph, { ...selection, kernels }, feeds), expected(graph, feeds)) > 1e-9) noticed += 1;
    }
    expect(noticed).toBeGreaterThan(3);
  });
});
