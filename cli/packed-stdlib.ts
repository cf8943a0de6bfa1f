/**
 * @file The standard library in one file, of which a command parses only the definitions it uses. The first line is an index: every
 * file of the library, of its definitions only what says their names. Each further line is the whole of one definition.
 */
import type { Definition, File, Item } from '../grammar/ast.js';

/** A definition in the index: what is asked of definitions that are not used, the line of the whole, and what else that line has. */
interface Entry extends Pick<Definition, 'kind' | 'what' | 'name' | 'foreign' | 'span'> {
  readonly line: number;
  readonly rest: readonly (keyof Definition)[];
}

/** A file in the index. */
type Indexed = Omit<File, 'items'> & { readonly items: readonly (Exclude<Item, Definition> | Entry)[] };

const newline = 10;

/** Packs parsed files; `unpackStdlib` undoes it. */
export function packStdlib(files: ReadonlyMap<string, File>): string {
  const lines: string[] = [];
  const enter = (definition: Definition): Entry => {
    const { kind, what, name, foreign, span, ...rest } = definition;
    lines.push(JSON.stringify(rest));
    return { kind, what, name, foreign, span, line: lines.length, rest: Object.keys(rest) as (keyof Definition)[] };
  };
  const index = [...files].map(([path, file]): [string, Indexed] => [
    path,
    { ...file, items: file.items.map((item) => (item.kind === 'definition' ? enter(item) : item)) },
  ]);
  return [JSON.stringify(index), ...lines, ''].join('\n');
}

/** The files that were packed. */
export function unpackStdlib(bytes: Uint8Array): Map<string, File> {
  const starts = [0];
  for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, at + 1)) starts.push(at + 1);
  const decoder = new TextDecoder();
  const read = (line: number): unknown => JSON.parse(decoder.decode(bytes.subarray(starts[line], starts[line + 1])));
  const index = read(0) as readonly [string, Indexed][];
  return new Map(
    index.map(([path, file]) => [
      path,
      { ...file, items: file.items.map((item) => (item.kind === 'definition' ? open(item, read) : item)) },
    ]),
  );
}

/** A definition whose line is parsed when something in it is first asked for. */
function open({ line, rest, ...head }: Entry, read: (line: number) => unknown): Definition {
  let body: Definition | undefined;
  const parts = rest.map((key) => [key, { enumerable: true, get: () => (body ??= read(line) as Definition)[key] }] as const);
  return Object.defineProperties(head, Object.fromEntries(parts)) as Definition;
}
