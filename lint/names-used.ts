/**
 * @file Names that a part of a tree uses. No scopes are followed: a name that is used anywhere counts as used, so that what is called unused
 * is certainly so.
 */
import type { File } from '../grammar/ast.js';

type Tree = { readonly [key: string]: unknown };

/** Every name that a part of a tree looks up: in expressions, types, messages with `{names}`, and examples of doc comments. */
export function namesUsed(part: unknown, except?: unknown): Set<string> {
  const found = new Set<string>();
  visit(part, (node) => {
    if (node === except) return false;
    switch (node['kind']) {
      case 'name':
        found.add(node['name'] as string);
        break;
      case 'type-name':
      case 'nested':
        found.add((node['name'] as { readonly text: string }).text);
        break;
      case 'base':
        found.add((node['model'] as { readonly text: string }).text);
        break;
      case 'require':
        for (const [, inside = ''] of (node['message'] as { readonly value: string }).value.matchAll(/\{([^{}]+)\}/g)) words(inside, found);
        break;
      case 'definition': {
        const on = node['on'] as { readonly name: { readonly text: string } } | undefined;
        if (on !== undefined) found.add(on.name.text);
        break;
      }
      default:
    }
    if (typeof node['doc'] === 'string') for (const [, example = ''] of node['doc'].matchAll(/^\s*example:(.*)$/gm)) words(example, found);
    return true;
  });
  return found;
}

/** The parts of a tree that are of one kind. */
export function partsOfKind(part: unknown, kind: string): readonly unknown[] {
  const found: unknown[] = [];
  visit(part, (node) => {
    if (node['kind'] === kind) found.push(node);
    return true;
  });
  return found;
}

/** Whether a file has parts that could not be read: nothing is certain about its names then. */
export const isBroken = (file: File): boolean => partsOfKind(file, 'error').length > 0;

function words(text: string, into: Set<string>): void {
  for (const [name] of text.matchAll(/[A-Za-z_]\w*/g)) into.add(name);
}

/** Every object of a tree, parents first; not what is inside one for which `enter` says no. */
function visit(part: unknown, enter: (node: Tree) => boolean): void {
  if (Array.isArray(part)) {
    for (const one of part as readonly unknown[]) visit(one, enter);
  } else if (typeof part === 'object' && part !== null) {
    const node = part as Tree;
    if (enter(node)) for (const [key, value] of Object.entries(node)) if (key !== 'span' && key !== 'trivia') visit(value, enter);
  }
}
