/**
 * @file What every file must be: at most 500 lines, a header that says what it is, a name that says more than "utils", every
 * export documented, no `any`, and no output past the command line.
 */
import { describe, expect, test } from 'vitest';
import ts from 'typescript';
import { at, filesOf, nodesOf, shipped, treeOf, type Finding, type SourceFile } from './source-files.js';

const maxLines = 500;

function checkLength(files: readonly SourceFile[]): readonly Finding[] {
  return files.flatMap((file) => {
    const lines = file.text.replace(/\n$/, '').split('\n').length;
    return lines > maxLines ? [`${file.path}:${maxLines + 1}: ${lines} lines are more than ${maxLines}`] : [];
  });
}

function checkHeader(files: readonly SourceFile[]): readonly Finding[] {
  return files.flatMap((file) =>
    /^(#!.*\n)?(\/\/ @ts-check\n)?\/\*\*\s*(\*\s*)?@file[ \t]+[^\s*]/.test(file.text)
      ? []
      : [`${file.path}:1: does not start with /** @file … */`],
  );
}

const vague = /(^|-)(utils?|helpers?|manager|common|misc|stuff)$/;

function checkNames(files: readonly SourceFile[]): readonly Finding[] {
  return files.flatMap((file) => {
    const name =
      file.path
        .split('/')
        .at(-1)
        ?.replace(/(\.test|\.d|\.golden|\.config)?\.(ts|mjs)$/, '') ?? '';
    if (vague.test(name)) return [`${file.path}:1: the name says nothing`];
    return /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) ? [] : [`${file.path}:1: the name is not in lower-case kebab`];
  });
}

function checkAny(files: readonly SourceFile[]): readonly Finding[] {
  return files.flatMap((file) =>
    [...nodesOf(treeOf(file))].filter((node) => node.kind === ts.SyntaxKind.AnyKeyword).map((node) => at(file, node, 'any')),
  );
}

/** Exported statements without a doc comment; re-exports are documented where they are declared, overloads once. */
function checkDocs(files: readonly SourceFile[]): readonly Finding[] {
  return files.flatMap((file) => {
    const documented = new Set<string>();
    return treeOf(file).statements.flatMap((statement) => {
      if (!ts.canHaveModifiers(statement) || ts.getModifiers(statement)?.some((m) => m.kind === ts.SyntaxKind.ExportKeyword) !== true)
        return [];
      const names = ts.isVariableStatement(statement)
        ? statement.declarationList.declarations.map((d) => d.name.getText())
        : [(statement as ts.DeclarationStatement).name?.getText() ?? 'default'];
      const name = names.join(', ');
      const docs = ts
        .getJSDocCommentsAndTags(statement)
        .filter((doc) => ts.isJSDoc(doc) && doc.tags?.some((tag) => tag.tagName.text === 'file') !== true);
      if (docs.length > 0) documented.add(name);
      return documented.has(name) ? [] : [at(file, statement, `the export ${name} has no doc comment`)];
    });
  });
}

/** Writing past the command line; a test may say on standard error why it does not run here. */
function checkConsole(files: readonly SourceFile[]): readonly Finding[] {
  return files
    .filter((file) => !/^(cli|bench|scripts)\//.test(file.path))
    .flatMap((file) =>
      [...nodesOf(treeOf(file))]
        .filter(
          (node) =>
            ts.isCallExpression(node) &&
            (file.path.startsWith('test/') ? /^console\.log$/ : /^console\.\w+$/).test(node.expression.getText()),
        )
        .map((node) => at(file, node, `${(node as ts.CallExpression).expression.getText()} outside of cli, bench and scripts`)),
    );
}

const code = filesOf([...shipped, 'test', 'scripts', 'examples'], ['.ts', '.mjs']);
const ours = code.filter((file) => !file.path.endsWith('.d.ts'));
const exported = filesOf(shipped, ['.ts']).filter((file) => !file.path.endsWith('.d.ts'));
const sample = (text: string, path = 'compiler/sample.ts'): readonly SourceFile[] => [{ path, text }];
const header = '/**\n * @file A sample.\n */\n';

describe('length', () => {
  test(`no file is over ${maxLines} lines`, () => expect(checkLength(ours)).toEqual([]));
  test('finds one that is', () => expect(checkLength(sample('x;\n'.repeat(maxLines + 1)))).toHaveLength(1));
  test('a file of the full length is fine', () => expect(checkLength(sample('x;\n'.repeat(maxLines)))).toEqual([]));
});

describe('header', () => {
  test('every file says what it is', () => expect(checkHeader(ours)).toEqual([]));
  test.each(['import x from "x";\n', '/** A sample. */\n', '/** @file */\n', `import x from "x";\n${header}`])(
    'finds a file without one: %j',
    (text) => expect(checkHeader(sample(text))).toHaveLength(1),
  );
  test('takes every usual form', () =>
    expect(checkHeader([...sample(header), ...sample('/** @file A sample. */\n'), ...sample(`#!/usr/bin/env node\n${header}`)])).toEqual(
      [],
    ));
});

describe('names', () => {
  test('every name is a noun in lower-case kebab', () => expect(checkNames(code)).toEqual([]));
  test.each([
    'grammar/utils.ts',
    'compiler/string-helpers.ts',
    'runtime/BufferPool.ts',
    'cli/bufferPool.ts',
    'runtime/device_manager.ts',
    'runtime/device-manager.ts',
  ])('finds %s', (path) => expect(checkNames(sample('', path))).toHaveLength(1));
  test('takes the usual ones', () =>
    expect(checkNames([...sample('', 'cli/main.ts'), ...sample('', 'grammar/cst.d.ts'), ...sample('', 'test/arch/files.test.ts')])).toEqual(
      [],
    ));
});

describe('any', () => {
  test('there is none', () => expect(checkAny(code)).toEqual([]));
  test.each(['let x: any;', 'f(x as any);', 'type A = Record<string, any>;', 'function f(...a: any[]) {}'])('finds %s', (text) =>
    expect(checkAny(sample(text))).toHaveLength(1),
  );
  test('a word in a comment or a string is none', () => expect(checkAny(sample('// any\nconst any = "any";'))).toEqual([]));
});

describe('documentation of exports', () => {
  test('every export has a doc comment', () => expect(checkDocs(exported)).toEqual([]));
  test.each([
    'export const a = 1;',
    'export function f() {}',
    'export interface I {}',
    'export type T = 1;',
    'export class C {}',
    '// no doc comment\nexport const a = 1;',
    'export default function () {}',
  ])('finds %j', (text) => expect(checkDocs(sample(header + text))).toHaveLength(1));
  test('the header of the file documents no export', () => expect(checkDocs(sample(`${header}export const a = 1;`))).toHaveLength(1));
  test('takes what is documented, private or declared elsewhere', () =>
    expect(
      checkDocs(
        sample(
          `${header}/** A. */\nexport const a = 1;\nconst b = 1;\nexport { c } from './c.js';\n/** F. */\nexport function f(x: 1): 1;\nexport function f(x: 2): 2;\nexport function f(x: 1 | 2) { return x; }\n`,
        ),
      ),
    ).toEqual([]));
});

describe('console', () => {
  test('only the command line writes', () => expect(checkConsole(code)).toEqual([]));
  test('finds console.log in a compiler', () => expect(checkConsole(sample('console.log(1);'))).toHaveLength(1));
  test('silencing what a package writes is not writing', () =>
    expect(checkConsole(sample('console.debug = () => undefined;'))).toEqual([]));
  test('a test may say why it does not run', () =>
    expect([
      checkConsole(sample('console.warn("no device");', 'test/a.test.ts')),
      checkConsole(sample('console.log(1);', 'test/a.test.ts')),
    ]).toEqual([[], [expect.any(String)]]));
  test('the benchmarks may', () => expect(checkConsole(sample('console.log(1);', 'bench/sample.ts'))).toEqual([]));
});
