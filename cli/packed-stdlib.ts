/**
 * @file The standard library in one file, of which a command reads only the definitions it uses. It begins with an index: every file
 * of the library, of its definitions only what says their names. Behind it stand the wholes of the definitions, as JSON each.
 */
import type { Definition, File, Item } from '../grammar/ast.js';

/** A definition in the index: what is asked of definitions that are not used, where the whole stands behind the index, and its keys. */
interface Entry extends Pick<Definition, 'kind' | 'what' | 'name' | 'foreign' | 'span'> {
  readonly start: number;
  readonly length: number;
  readonly rest: readonly (keyof Definition)[];
}

/** A file in the index. */
type Indexed = Omit<File, 'items'> & { readonly items: readonly (Exclude<Item, Definition> | Entry)[] };

/** Reads some bytes of the packed file as text. */
export type Read = (start: number, length: number) => string;

/** Characters at the beginning that say how long the index is. */
const header = 12;

/** Packs parsed files; `unpackStdlib` undoes it. */
export function packStdlib(files: ReadonlyMap<string, File>): Uint8Array {
  const wholes: string[] = [];
  let start = 0;
  const enter = (definition: Definition): Entry => {
    const { kind, what, name, foreign, span, ...rest } = definition;
    const whole = JSON.stringify(rest);
    const length = Buffer.byteLength(whole);
    wholes.push(whole);
    start += length;
    return { kind, what, name, foreign, span, start: start - length, length, rest: Object.keys(rest) as (keyof Definition)[] };
  };
  const indexed = [...files].map(([path, file]): [string, Indexed] => [
    path,
    { ...file, items: file.items.map((item) => (item.kind === 'definition' ? enter(item) : item)) },
  ]);
  const index = JSON.stringify(indexed);
  return Buffer.from([String(Buffer.byteLength(index)).padEnd(header), index, ...wholes].join(''));
}

/** The files that were packed. */
export function unpackStdlib(read: Read): Map<string, File> {
  const length = Number(read(0, header));
  const whole = (entry: Entry): Definition => JSON.parse(read(header + length + entry.start, entry.length)) as Definition;
  const indexed = JSON.parse(read(header, length)) as readonly [string, Indexed][];
  return new Map(
    indexed.map(([path, file]) => [
      path,
      { ...file, items: file.items.map((item) => (item.kind === 'definition' ? definitionOf(item, whole) : item)) },
    ]),
  );
}

/** A definition whose whole is read when something in it is first asked for. */
function definitionOf(entry: Entry, whole: (entry: Entry) => Definition): Definition {
  const { kind, what, name, foreign, span, rest } = entry;
  let known: Definition | undefined;
  const parts = rest.map((key) => [key, { enumerable: true, get: () => (known ??= whole(entry))[key] }] as const);
  return Object.defineProperties({ kind, what, name, foreign, span }, Object.fromEntries(parts)) as Definition;
}
