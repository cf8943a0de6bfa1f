/**
 * @file The source tree as data for the rules of this folder: every rule is a function of `SourceFile`s that answers findings,
 * so that it can be applied to the tree and, as its negative control, to a small bad sample.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** A file of the tree; `path` is relative to the root, with `/`. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** What a rule has to say about a place: `path:line: message`. */
export type Finding = string;

/** The root of the repository. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

/** Folders whose TypeScript is part of what is shipped. */
export const shipped = ['grammar', 'compiler', 'lint', 'runtime', 'cli', 'editor', 'bench'] as const;

/** Every file of the given folders with one of the endings, in alphabetical order. */
export function filesOf(folders: readonly string[], endings: readonly string[]): readonly SourceFile[] {
  return folders
    .flatMap((folder) => pathsBelow(folder))
    .filter((path) => endings.some((ending) => path.endsWith(ending)))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

function pathsBelow(folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      if (entry.name === 'node_modules' || entry.name === 'dist') return [];
      const path = posix.join(folder, entry.name);
      return entry.isDirectory() ? pathsBelow(path) : [path];
    });
}

const trees = new Map<string, ts.SourceFile>();

/** The syntax tree of a TypeScript file. */
export function treeOf(file: SourceFile): ts.SourceFile {
  const key = `${file.path}\0${file.text}`;
  const tree = trees.get(key) ?? ts.createSourceFile(file.path, file.text, ts.ScriptTarget.ES2022, true);
  trees.set(key, tree);
  return tree;
}

/** Every node of a tree, parents first. */
export function* nodesOf(node: ts.Node): Generator<ts.Node> {
  yield node;
  const children: ts.Node[] = [];
  ts.forEachChild(node, (child) => void children.push(child));
  for (const child of children) yield* nodesOf(child);
}

/** `path:line: message` for a node. */
export function at(file: SourceFile, node: ts.Node, message: string): Finding {
  const tree = treeOf(file);
  return `${file.path}:${tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1}: ${message}`;
}

/** One import or re-export of a file. */
export interface Import {
  /** A path below the root for what is ours (`grammar/ast.ts`), else the module's name (`node:fs`, `webgpu`). */
  readonly target: string;
  readonly ours: boolean;
  /** Erased by the compiler: types only. */
  readonly typeOnly: boolean;
  readonly node: ts.Node;
}

/** All imports of a file: static ones, re-exports, `import()` and `import('…')` types. */
export function importsOf(file: SourceFile): readonly Import[] {
  const found: Import[] = [];
  const add = (specifier: ts.Node | undefined, typeOnly: boolean, node: ts.Node): void => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
    const ours = specifier.text.startsWith('.');
    const target = ours ? posix.join(dirname(file.path), specifier.text).replace(/\.js$/, '.ts') : specifier.text;
    found.push({ target, ours, typeOnly, node });
  };
  for (const node of nodesOf(treeOf(file))) {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isErased(node.importClause), node);
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly, node);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0], false, node);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true, node);
  }
  return found;
}

/** `import type …`, or named imports that all are types. */
function isErased(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const named = clause.namedBindings;
  return (
    clause.name === undefined &&
    named !== undefined &&
    ts.isNamedImports(named) &&
    named.elements.length > 0 &&
    named.elements.every((e) => e.isTypeOnly)
  );
}
