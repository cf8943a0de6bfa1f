/**
 * @file Every registered override against what it replaces, on its own samples: the kernels it leads to give what the graph
 * gives, they are not the kernels that selection would build, and a wrong preparation is noticed. Nothing here names an override.
 */
import { describe, expect, it } from 'vitest';
import { overrides } from '../../compiler/kernels/overrides.js';
import { printKernel } from '../../compiler/kernels/print.js';
import { arrayLimit, select } from '../../compiler/kernels/select.js';
import { verifySelection } from '../../compiler/kernels/verify.js';
import { difference, expected, runSelection } from './run-selection.js';
import { gpuTarget, softwareTarget } from './targets.js';

describe.each(overrides.map((o) => [o.name, o] as const))('override %s', (_, override) => {
  const text = (graph: (typeof override.samples)[number]['graph'], list: typeof overrides): string =>
    select(graph, softwareTarget, { list, everywhere: true }).kernels.map(printKernel).join('');

  it('has a sentence and samples in which it is possible', () => {
    expect(override.doc).toMatch(/\.$/);
    expect(override.samples.length).toBeGreaterThan(1);
    for (const { graph } of override.samples)
      expect(graph.nodes.some((node) => node.op === override.root && override.possible(graph, node))).toBe(true);
  });

  it.each([softwareTarget, gpuTarget])('computes what it replaces ($kind)', (target) => {
    for (const { graph, feeds } of override.samples) {
      const selection = select(graph, target, { list: [override], everywhere: true });
      expect(verifySelection(selection, arrayLimit(target))).toEqual([]);
      expect(difference(runSelection(graph, selection, feeds), expected(graph, feeds))).toBeLessThan(1e-12);
      expect(text(graph, [override])).not.toBe(text(graph, []));
    }
  });

  it('is noticed when what it prepares is wrong', () => {
    const spoiled = { ...override, prepare: (...args: Parameters<typeof override.prepare>) => [...override.prepare(...args)].reverse() };
    const noticed = override.samples.filter(({ graph, feeds }) => {
      try {
        return (
          difference(
            runSelection(graph, select(graph, softwareTarget, { list: [spoiled], everywhere: true }), feeds),
            expected(graph, feeds),
          ) > 1e-6
        );
      } catch {
        return true;
      }
    });
    expect(noticed.length).toBeGreaterThan(0);
  });
});
