/**
 * @file Who may import whom (design.md section 4): `grammar` nothing of ours; `compiler` the grammar, and neither the machine
 * nor the clock; `runtime` the Program type; no import circles.
 */
import { describe, expect, test } from 'vitest';
import ts from 'typescript';
import { at, filesOf, importsOf, nodesOf, shipped, treeOf, type Finding, type SourceFile } from './source-files.js';

/** The one contract that the runtime shares with the compiler. */
const programType = 'compiler/plan/program.ts';

/** Packages that the pure folders may use. Everything else that is not ours (Node, the GPU) is out of their reach. */
const purePackages: Readonly<Record<string, readonly string[]>> = {
  grammar: ['chevrotain', 'fastest-levenshtein'],
  compiler: ['fastest-levenshtein'],
  lint: [],
};

/** Which folders of ours a folder may import, besides itself; the folders that are not named may import everything. */
const allowed: Readonly<Record<string, (target: string, typeOnly: boolean) => boolean>> = {
  grammar: () => false,
  compiler: (target) => target.startsWith('grammar/'),
  lint: (target) => /^(grammar|compiler)\//.test(target),
  runtime: (target, typeOnly) => target === programType && typeOnly,
};

const folderOf = (path: string): string => path.split('/')[0] ?? '';

/** A hash is a function of its input like any other; the rest of `node:crypto` is chance. */
const isHash = (node: ts.Node): boolean => /^import \{ createHash \} from 'node:crypto';?$/.test(node.getText());

function checkBorders(files: readonly SourceFile[]): readonly Finding[] {
  return files.flatMap((file) => {
    const folder = folderOf(file.path);
    return importsOf(file).flatMap(({ target, ours, typeOnly, node }) => {
      if (!ours) {
        const packages = purePackages[folder];
        return packages === undefined || packages.includes(target) || isHash(node)
          ? []
          : [at(file, node, `${folder} may not import the package ${target}`)];
      }
      if (folderOf(target) === folder) return [];
      const rule = allowed[folder];
      if (rule !== undefined && !rule(target, typeOnly)) return [at(file, node, `${folder} may not import ${target}`)];
      return folderOf(target) === 'test' ? [at(file, node, `what is shipped may not import tests: ${target}`)] : [];
    });
  });
}

/** Clocks and chance, which would make two compilations of one text differ; and the surroundings. */
const impure = /^(Date|performance|process|fetch|setTimeout|setInterval|setImmediate|navigator|crypto)$/;

function checkPurity(files: readonly SourceFile[]): readonly Finding[] {
  return files
    .filter((file) => folderOf(file.path) in purePackages)
    .flatMap((file) =>
      [...nodesOf(treeOf(file))].flatMap((node) => {
        if (!ts.isIdentifier(node)) return [];
        if (node.text === 'random' && ts.isPropertyAccessExpression(node.parent) && node.parent.expression.getText() === 'Math')
          return [at(file, node, 'Math.random in a pure folder')];
        return impure.test(node.text) && isFreeUse(node) ? [at(file, node, `${node.text} in a pure folder`)] : [];
      }),
    );
}

/** Whether an identifier is used as a value of its own, not as the name of a property, a field or a declaration. */
function isFreeUse(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isNewExpression(parent) || ts.isCallExpression(parent)) return parent.expression === node && !isDeclaredIn(node);
  return false;
}

function isDeclaredIn(node: ts.Identifier): boolean {
  return [...nodesOf(node.getSourceFile())].some(
    (n) =>
      (ts.isFunctionDeclaration(n) || ts.isVariableDeclaration(n) || ts.isParameter(n) || ts.isImportSpecifier(n)) &&
      n.name !== undefined &&
      ts.isIdentifier(n.name) &&
      n.name.text === node.text,
  );
}

/** Circles of imports; those that are erased do not count, since they put nothing in an order. */
function checkCircles(files: readonly SourceFile[]): readonly Finding[] {
  const targets = new Map(
    files.map((file) => [
      file.path,
      importsOf(file)
        .filter((i) => i.ours && !i.typeOnly)
        .map((i) => i.target),
    ]),
  );
  const done = new Set<string>();
  const findings: Finding[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const seenAt = trail.indexOf(path);
    if (seenAt >= 0) {
      findings.push(`${path}:1: import circle ${[...trail.slice(seenAt), path].join(' → ')}`);
      return;
    }
    if (done.has(path)) return;
    for (const target of targets.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of targets.keys()) visit(path, []);
  return findings;
}

const files = filesOf(shipped, ['.ts']);
const sample = (path: string, text: string): SourceFile => ({ path, text });

describe('borders between folders', () => {
  test('the tree keeps them', () => {
    expect(files.length).toBeGreaterThan(0);
    expect(checkBorders(files)).toEqual([]);
  });
  test.each([
    ['grammar imports the compiler', 'grammar/a.ts', `import { x } from '../compiler/graph/graph.js';`],
    ['grammar imports Node', 'grammar/a.ts', `import { readFileSync } from 'node:fs';`],
    ['compiler imports the runtime', 'compiler/plan/a.ts', `import type { Device } from '../../runtime/device.js';`],
    ['compiler imports lint', 'compiler/a.ts', `import { lint } from '../lint/lint.js';`],
    ['lint imports the runtime', 'lint/a.ts', `import type { Device } from '../runtime/device.js';`],
    ['lint imports Node', 'lint/rules/a.ts', `import { readFileSync } from 'node:fs';`],
    ['compiler imports Node', 'compiler/a.ts', `const fs = await import('node:fs');`],
    ['compiler imports chance', 'compiler/a.ts', `import { createHash, randomBytes } from 'node:crypto';`],
    ['compiler imports the GPU', 'compiler/a.ts', `export { create } from 'webgpu';`],
    ['runtime imports the grammar', 'runtime/a.ts', `import type { Span } from '../grammar/diagnostics.js';`],
    ['runtime imports a compiler pass', 'runtime/a.ts', `import { plan } from '../compiler/plan/plan.js';`],
    ['runtime imports more than the type', 'runtime/a.ts', `import { size } from '../compiler/plan/program.js';`],
    ['runtime imports by a type expression', 'runtime/a.ts', `export type G = import('../compiler/graph/graph.js').Graph;`],
    ['cli imports a test', 'cli/a.ts', `import { at } from '../test/arch/source-files.js';`],
  ])('finds: %s', (_name, path, text) => {
    expect(checkBorders([sample(path, text)])).toHaveLength(1);
  });
  test('lets through what is allowed', () => {
    expect(
      checkBorders([
        sample(
          'runtime/a.ts',
          `import type { Program } from '../compiler/plan/program.js';\nimport { create } from 'webgpu';\nimport { readFileSync } from 'node:fs';`,
        ),
        sample(
          'compiler/spec/a.ts',
          `import type { Ast } from '../../grammar/ast.js';\nimport { distance } from 'fastest-levenshtein';\nimport { y } from '../graph/graph.js';\nimport { createHash } from 'node:crypto';`,
        ),
        sample('cli/a.ts', `import { x } from '../compiler/driver/driver.js';\nimport { openDevice } from '../runtime/device.js';`),
      ]),
    ).toEqual([]);
  });
});

describe('pure folders', () => {
  test('the grammar and the compiler know no clock, no chance and no process', () => {
    expect(checkPurity(files)).toEqual([]);
  });
  test.each([
    `export const a = Date.now();`,
    `export const a = new Date();`,
    `export const a = Math.random();`,
    `export const a = process.env['X'];`,
    `export const a = () => performance.now();`,
  ])('finds: %s', (text) => {
    expect(checkPurity([sample('compiler/a.ts', text)])).toHaveLength(1);
  });
  test('lets fields of those names through', () => {
    expect(
      checkPurity([
        sample(
          'compiler/a.ts',
          `interface P { process: number }\nexport const f = (p: P) => p.process + table.random;\nexport const g = { random: 1 };`,
        ),
      ]),
    ).toEqual([]);
  });
});

describe('import circles', () => {
  test('there are none', () => {
    expect(checkCircles(files)).toEqual([]);
  });
  test('finds a circle of three', () => {
    const circle = [
      sample('cli/a.ts', `import { b } from './b.js';`),
      sample('cli/b.ts', `import { c } from './c.js';`),
      sample('cli/c.ts', `export * from './a.js';`),
    ];
    expect(checkCircles(circle)).toEqual(['cli/a.ts:1: import circle cli/a.ts → cli/b.ts → cli/c.ts → cli/a.ts']);
  });
  test('a circle of types alone is none', () => {
    expect(
      checkCircles([sample('cli/a.ts', `import type { B } from './b.js';`), sample('cli/b.ts', `import { type A } from './a.js';`)]),
    ).toEqual([]);
  });
});
