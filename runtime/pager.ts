/**
 * @file Pages of optimiser state: the host keeps them, and each is on the device only while it is updated. Room on the device: one page.
 */
import type { Package } from '../compiler/plan/program.js';
import type { Session, TensorData } from './execute.js';
import type { Variables } from './scalars.js';

/** State that the host keeps, under names of its own: `ENTRY/TENSOR`. */
export interface Pager {
  /** Updates every page; follows the entry `update`. */
  readonly update: (variables: Variables) => Promise<void>;
  /** What the host keeps now, by name. */
  readonly state: () => ReadonlyMap<string, TensorData>;
  /** Puts back what a checkpoint kept. */
  readonly restore: (name: string, data: TensorData) => void;
}

/** Opens the pages of a package after its tensors have their first values; undefined where it has none. */
export async function openPager(session: Session, pages: Package['pages']): Promise<Pager | undefined> {
  if (pages.length === 0) return undefined;
  const kept = new Map<string, TensorData>();
  const keyOf = (entry: string, tensor: string): string => `${entry}/${tensor}`;
  const first = new Map<string, TensorData>();
  for (const { entry, tensors } of pages)
    for (const tensor of tensors) {
      // Pages of one size share their room, and so their first values.
      const initial = first.get(tensor) ?? (await session.read(tensor));
      first.set(tensor, initial);
      kept.set(keyOf(entry, tensor), initial.slice());
    }
  return {
    update: async (variables) => {
      for (const { entry, tensors } of pages) {
        for (const tensor of tensors) session.write(tensor, kept.get(keyOf(entry, tensor)) as TensorData);
        session.run(entry, variables);
        for (const tensor of tensors) kept.set(keyOf(entry, tensor), await session.read(tensor));
      }
      session.run('update.end', variables);
    },
    state: () => kept,
    restore: (name, data) => void kept.set(name, data),
  };
}
