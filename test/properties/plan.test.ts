/**
 * @file Plans of random graphs: verified with their kernels, no two values that live together overlap, the same input gives the
 * same bytes, and a damaged Program is found out.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Kernel } from '../../compiler/kernels/kernel.js';
import { aligned, pack, type Life } from '../../compiler/plan/memory.js';
import { plan, TooLarge } from '../../compiler/plan/plan.js';
import type { Program, Target } from '../../compiler/plan/program.js';
import { verifyProgram } from '../../compiler/plan/verify.js';
import { entryOfGraph } from '../gpu/kernels-device.js';
import { randomGraph } from '../kernels/random-graph.js';
import { gpuTarget, softwareTarget } from '../kernels/targets.js';

const seeds = fc.tuple(fc.integer({ min: 0, max: 2 ** 31 - 1 }), fc.integer({ min: 1, max: 30 }));

/** A Program of two entries over one random graph, with its kernels. */
function planned(
  [seed, size]: readonly [number, number],
  target: Target,
): { readonly program: Program; readonly kernels: (readonly Kernel[])[] } {
  const { graph, feeds } = randomGraph(seed, size);
  const one = entryOfGraph('one', graph, feeds);
  const two = entryOfGraph('two', graph, feeds);
  const kernels: (readonly Kernel[])[] = [];
  return { program: plan([one.entry, two.entry], one.persistent, target, { watch: (_, of) => kernels.push(of) }), kernels };
}

describe('plans of random graphs', () => {
  it.each([softwareTarget, gpuTarget])('verify ($kind)', (target) => {
    fc.assert(
      fc.property(seeds, (which) => {
        const { program, kernels } = planned(which, target);
        expect(verifyProgram(program, kernels)).toEqual([]);
        expect(verifyProgram(JSON.parse(JSON.stringify(program)) as Program)).toEqual([]);
      }),
      { seed: 7, numRuns: 60 },
    );
  });

  it('are the same bytes for the same input', () => {
    fc.assert(
      fc.property(
        seeds,
        (which) =>
          void expect(JSON.stringify(planned(which, softwareTarget).program)).toBe(JSON.stringify(planned(which, softwareTarget).program)),
      ),
      { seed: 8, numRuns: 20 },
    );
  });

  it('share steps that do the same: two equal entries have one set of shaders', () => {
    const { program } = planned([3, 20], softwareTarget);
    const [one, two] = program.entries;
    expect(two?.steps.map((s) => [s.shader, s.uniforms])).toEqual(one?.steps.map((s) => [s.shader, s.uniforms]));
  });

  it('say what does not fit', () => {
    const tiny: Target = { ...softwareTarget, maxBindingBytes: 256, maxBufferBytes: 256 };
    const g = randomGraph(1, 1);
    const { entry, persistent } = entryOfGraph('run', g.graph, g.feeds);
    const large = { name: 'large', shape: [65], dtype: 'f32', kind: 'weights', source: { kind: 'zeros' } } as const;
    expect(() => plan([entry], [...persistent, large], tiny)).toThrow(TooLarge);
  });
});

describe('memory of values', () => {
  const lives = fc
    .array(fc.tuple(fc.integer({ min: 1, max: 5000 }), fc.nat(40), fc.nat(12)), { maxLength: 60 })
    .map((list) => list.map(([bytes, from, span], i): Life => ({ key: `v${i}`, bytes, from, to: from + span })));
  /** Pairs that live together and overlap, and places that are misplaced. */
  const faults = (list: readonly Life[], { places, arenas }: ReturnType<typeof pack>, limit: number): string[] =>
    list.flatMap((a, i) => {
      const p = places.get(a.key);
      if (p === undefined) return [`${a.key} has no place`];
      const own =
        p.offset % 256 !== 0 || p.offset + aligned(a.bytes) > (arenas[p.arena] ?? 0) || (arenas[p.arena] ?? 0) > limit
          ? [`${a.key} is misplaced`]
          : [];
      return [
        ...own,
        ...list.slice(i + 1).flatMap((b) => {
          const q = places.get(b.key);
          const together = a.from <= b.to && b.from <= a.to;
          return q !== undefined && together && p.arena === q.arena && p.offset < q.offset + b.bytes && q.offset < p.offset + a.bytes
            ? [`${a.key} and ${b.key} overlap`]
            : [];
        }),
      ];
    });

  it('is never shared by two that live together, and is aligned', () => {
    fc.assert(
      fc.property(
        lives,
        fc.integer({ min: 20, max: 200 }),
        (list, blocks) => void expect(faults(list, pack(list, blocks * 256), blocks * 256)).toEqual([]),
      ),
      { seed: 9, numRuns: 300 },
    );
  });

  it('is at least what lives at once, and reused', () => {
    const chain = Array.from({ length: 50 }, (_, i): Life => ({ key: `v${i}`, bytes: 1024, from: i, to: i + 1 }));
    expect(pack(chain, 2 ** 30).arenas).toEqual([2048]);
    expect(faults(chain, { places: new Map(chain.map((l) => [l.key, { arena: 0, offset: 0 }])), arenas: [1024] }, 2048)).toHaveLength(49);
  });
});

describe('a damaged Program', () => {
  const { program, kernels } = planned([11, 25], softwareTarget);
  type Mutable<T> = { -readonly [K in keyof T]: Mutable<T[K]> };
  const damaged = (change: (p: Mutable<Program>) => void): string[] => {
    const copy = structuredClone(program) as Mutable<Program>;
    change(copy);
    return verifyProgram(copy as Program, kernels);
  };
  const step = (
    p: Mutable<Program>,
    which: (binding: { buffer: number }) => boolean = () => true,
  ): Mutable<Program['entries'][number]['steps'][number]> =>
    p.entries.flatMap((e) => e.steps).find((s) => s.bindings.some(which)) as Mutable<Program['entries'][number]['steps'][number]>;
  const activations = program.buffers.findIndex((b) => b.kind === 'activations');
  const first = <T>(list: T[]): T => list[0] as T;

  const damages: readonly (readonly [string, (p: Mutable<Program>) => void, RegExp])[] = [
    ['a buffer one block short', (p) => void ((p.buffers[activations] as { bytes: number }).bytes -= 256), /ends at byte/],
    ['a binding off by four', (p) => void (first(step(p).bindings).offset += 4), /starts at byte/],
    ['a binding that is too large for the device', (p) => void (p.target.maxBindingBytes = 4), /of at most 4/],
    ['a binding left out', (p) => void step(p).bindings.pop(), /its shader has/],
    ['steps in another order', (p) => void p.entries[0]?.steps.reverse(), /no step before has written|does not stand/],
    [
      'a value at the place of another',
      (p) => {
        const used = p.entries[0]?.steps.flatMap((s) => s.bindings.filter((b) => b.buffer === activations)) ?? [];
        const low = Math.min(...used.map((b) => b.offset));
        for (const b of used) b.offset = low;
      },
      /overlap|no step before has written|under different access/,
    ],
    [
      'two tensors at one place',
      (p) => {
        const [a, b] = p.tensors.filter((t) => t.buffer === p.tensors[0]?.buffer);
        if (a && b) b.offset = a.offset;
        if (a && b) b.bytes = a.bytes;
      },
      /./,
    ],
    ['no shader', (p) => void (step(p).shader = 999), /has no shader/],
    ['an empty grid', (p) => void (step(p).workgroups = [0, 1, 1]), /workgroups/],
    ['a uniform block off by four', (p) => void (step(p).uniforms.offset += 4), /uniform block/],
    ['uniforms cut short', (p) => void (p.uniforms = p.uniforms.slice(0, -4)), /the uniforms have/],
    ['a tensor twice', (p) => void p.tensors.push(first(p.tensors)), /two tensors are called/],
    [
      'an input that the host does not write',
      (p) => void (p.entries[0] as { inputs: string[] }).inputs.push('nothing'),
      /no tensor that the host writes/,
    ],
    [
      'write access where another binding of the buffer is read only',
      (p) => {
        const shared = p.entries.flatMap((e) => e.steps).find((s) => s.bindings.filter((b) => b.buffer === activations).length > 1);
        const at = shared?.bindings.findIndex((b) => b.buffer === activations) ?? 0;
        const access = p.shaders[shared?.shader ?? 0]?.access as ('read' | 'read_write')[];
        access[at] = access[at] === 'read' ? 'read_write' : 'read';
      },
      /different access/,
    ],
  ];
  it('is right before', () => expect(damaged(() => undefined)).toEqual([]));
  it.each(damages)('%s', (_, change, message) => expect(damaged(change).join('\n')).toMatch(message));
});
