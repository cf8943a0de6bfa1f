/**
 * @file The standard library is text in its own language, and every definition in it says what it is.
 */
import { describe, expect, test } from 'vitest';
import { parseFile } from '../../grammar/parse.js';
import { filesOf, type Finding, type SourceFile } from './source-files.js';

function checkEndings(files: readonly SourceFile[]): readonly Finding[] {
  return files.filter((file) => !file.path.endsWith('.peft')).map((file) => `${file.path}:1: is not in the language`);
}

function checkDefinitions(files: readonly SourceFile[]): readonly Finding[] {
  return files.flatMap((file) => {
    const { value, diagnostics } = parseFile(file.text, file.path);
    const line = (offset: number): number => file.text.slice(0, offset).split('\n').length;
    const problems = diagnostics.map((d) => `${file.path}:${line(d.span.start)}: ${d.code} ${d.message}`);
    const undocumented = value.items
      .filter((item) => item.kind === 'definition' && !/\w.*[.:]/.test(item.doc))
      .map((item) => `${file.path}:${line(item.span.start)}: ${item.kind === 'definition' ? item.name.text : ''} has no doc comment`);
    return [...problems, ...undocumented];
  });
}

const all = filesOf(['stdlib'], ['']);
const sample = (text: string, path = 'stdlib/sample.peft'): readonly SourceFile[] => [{ path, text }];

describe('the standard library', () => {
  test('is written in the language alone', () => {
    expect(all.length).toBeGreaterThan(0);
    expect(checkEndings(all)).toEqual([]);
  });
  test('finds a file in another language', () => expect(checkEndings(sample('', 'stdlib/adapters/lora.ts'))).toHaveLength(1));

  test('parses, and every definition is documented', () => expect(checkDefinitions(all)).toEqual([]));
  test.each(['def f(x) = x\n', '// A comment.\ndef f(x) = x\n', '///\ndef f(x) = x\n', '/// Doc.\ndef f(x) =\n'])('finds: %j', (text) =>
    expect(checkDefinitions(sample(text))).toHaveLength(1),
  );
  test('takes a documented definition', () => expect(checkDefinitions(sample('/// Identity.\ndef f(x) = x\n'))).toEqual([]));
});
