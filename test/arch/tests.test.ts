/**
 * @file What tests may not do: be skipped without a printed reason, leave others out, or assert what cannot fail.
 */
import { describe, expect, test } from 'vitest';
import ts from 'typescript';
import { at, filesOf, nodesOf, treeOf, type Finding, type SourceFile } from './source-files.js';

const runners = /^(it|test|describe|suite)$/;

/** Whether a call's callee begins with one of the test runners: `test.skip`, `describe.each(…).only`. */
function isRunner(node: ts.Expression): boolean {
  if (ts.isIdentifier(node)) return runners.test(node.text);
  if (ts.isPropertyAccessExpression(node) || ts.isCallExpression(node)) return isRunner(node.expression);
  return false;
}

function checkSkips(files: readonly SourceFile[]): readonly Finding[] {
  return files.flatMap((file) =>
    [...nodesOf(treeOf(file))].flatMap((node) => {
      if (ts.isPropertyAccessExpression(node) && /^(skip|only|todo|fails)$/.test(node.name.text) && isRunner(node.expression))
        return [at(file, node, `${node.name.text} on a test`)];
      if (
        ts.isCallExpression(node) &&
        ts.isIdentifier(node.expression) &&
        /^(xit|xtest|xdescribe|fit|fdescribe)$/.test(node.expression.text)
      )
        return [at(file, node, `${node.expression.text} of a test`)];
      if (
        ts.isPropertyAccessExpression(node) &&
        /^(skipIf|runIf)$/.test(node.name.text) &&
        isRunner(node.expression) &&
        !printsReason(node, file)
      )
        return [at(file, node, `${node.name.text} without a reason`)];
      // `context.skip('reason')` prints its reason; without one it does not.
      if (
        ts.isCallExpression(node) &&
        ts.isPropertyAccessExpression(node.expression) &&
        node.expression.name.text === 'skip' &&
        !isRunner(node.expression.expression) &&
        !givesReason(node)
      )
        return [at(file, node, 'a skip without a reason')];
      return [];
    }),
  );
}

/** A test for some machines only says which in its title, `test.runIf(linux)('… (Linux only)', …)`, or its file prints why. */
function printsReason(condition: ts.PropertyAccessExpression, file: SourceFile): boolean {
  if (/\bconsole\.(warn|error)\(/.test(file.text)) return true;
  const call = condition.parent.parent;
  const title = ts.isCallExpression(call) ? call.arguments[0] : undefined;
  return title !== undefined && ts.isStringLiteralLike(title) && /\(.{4,}\)/.test(title.text);
}

/** `skip('reason')`, `skip(condition, 'reason')`; a reason that is worked out counts too. */
function givesReason(call: ts.CallExpression): boolean {
  const reason = call.arguments.at(-1);
  if (reason === undefined) return false;
  if (ts.isStringLiteralLike(reason)) return reason.text.trim().length > 3;
  return ts.isTemplateExpression(reason) || call.arguments.length === 2 || ts.isIdentifier(reason) || ts.isPropertyAccessExpression(reason);
}

/** Assertions that hold for nearly everything, or for everything. */
function checkAssertions(files: readonly SourceFile[]): readonly Finding[] {
  return files.flatMap((file) =>
    [...nodesOf(treeOf(file))].flatMap((node) => {
      if (!ts.isCallExpression(node)) return [];
      const callee = node.expression;
      if (ts.isPropertyAccessExpression(callee) && /^(toBeTruthy|toBeFalsy)$/.test(callee.name.text))
        return [at(file, node, `${callee.name.text} says too little: name the value`)];
      const [argument] = node.arguments;
      const constant =
        argument !== undefined &&
        (argument.kind === ts.SyntaxKind.TrueKeyword || argument.kind === ts.SyntaxKind.FalseKeyword || ts.isNumericLiteral(argument));
      return ts.isIdentifier(callee) && callee.text === 'expect' && constant ? [at(file, node, 'expect of a constant cannot fail')] : [];
    }),
  );
}

/** A test file without a test, or a test without an assertion, passes whatever happens. */
function checkEmptiness(files: readonly SourceFile[]): readonly Finding[] {
  return files
    .filter((file) => file.path.endsWith('.test.ts') && !/\bexpect\b|\bassert\b|\bcheck\w*\(/.test(file.text))
    .map((file) => `${file.path}:1: asserts nothing`);
}

const files = filesOf(['test', 'examples', 'editor', 'bench'], ['.ts']);
const sample = (text: string): readonly SourceFile[] => [{ path: 'test/sample.test.ts', text }];

describe('skipped tests', () => {
  test('there are none without a reason', () => {
    expect(files.some((file) => file.path === 'test/arch/tests.test.ts')).toBe(true);
    expect(checkSkips(files)).toEqual([]);
  });
  test.each([
    "test.skip('a', () => {});",
    "describe.only('a', () => {});",
    "it.todo('a');",
    "test.each([1]).skip('a', () => {});",
    "test.skipIf(slow)('a', () => {});",
    "xit('a', () => {});",
    "test('a', (context) => context.skip());",
    "test('a', ({ skip }) => { c.skip(''); });",
  ])('finds: %s', (text) => expect(checkSkips(sample(text))).toHaveLength(1));
  test('takes a skip that says why', () =>
    expect(
      checkSkips(
        sample(
          "test.runIf(linux)('opens (Linux only)', () => {}); test('a', (context) => { context.skip('no device: install a driver'); context.skip(device === undefined, reason); });",
        ),
      ),
    ).toEqual([]));
});

describe('assertions', () => {
  test('every one can fail', () => expect(checkAssertions(files)).toEqual([]));
  test.each(['expect(true).toBe(true);', 'expect(1).toBe(1);', 'expect(x).toBeTruthy();', 'expect(x).not.toBeFalsy();'])(
    'finds: %s',
    (text) => expect(checkAssertions(sample(text))).toHaveLength(1),
  );
  test('takes one that names its value', () => expect(checkAssertions(sample('expect(ok).toBe(true);'))).toEqual([]));

  test('every test file has one', () => expect(checkEmptiness(files)).toEqual([]));
  test('finds a file without', () => expect(checkEmptiness(sample("test('a', () => { run(); });"))).toHaveLength(1));
});
