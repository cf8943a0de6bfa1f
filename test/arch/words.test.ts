/**
 * @file No name of a method, model, format or optimiser stands in `grammar/`, `compiler/` or `runtime/` (design.md, invariant 2),
 * except where a foreign format itself has the word (`runtime/weights/`, `runtime/export*`). What lint rules do names none either;
 * their examples, which stand in `lint/`, may.
 *
 * The names are those that the standard library defines, so a new definition is covered as soon as it is written, and those of
 * design.md that it does not define yet.
 */
import { describe, expect, test } from 'vitest';
import { parseFile } from '../../grammar/parse.js';
import type { DefinitionKind, File } from '../../grammar/ast.js';
import { filesOf, type Finding, type SourceFile } from './source-files.js';

/** Kinds of definition whose names are words of their field. */
const named: readonly DefinitionKind[] = ['adapter', 'model', 'optimizer', 'format'];

/** Names that design.md gives as examples, and their nearest relatives. */
const known = [
  'lora',
  'dora',
  'qlora',
  'vblora',
  'waveft',
  'ia3',
  'adalora',
  'loha',
  'lokr',
  'bert',
  'roberta',
  'distilbert',
  'llama',
  'qwen',
  'gpt2',
  'mistral',
  'gemma',
  'nf4',
  'fp4',
  'gptq',
  'awq',
  'adamw',
  'adafactor',
];

/** Formats that are named after what every device and file format calls an element type. */
const elementTypes = ['f16', 'bf16'];

/** Where foreign formats are read and written. */
const isForeign = (path: string): boolean => path.startsWith('runtime/weights/') || path.startsWith('runtime/export');

/** A lint rule explains itself with examples, which name methods; what it does may not. */
function withoutExamples({ path, text }: SourceFile): string {
  if (path === 'lint/example.ts') return '';
  if (!path.startsWith('lint/rules/')) return text;
  const [from, to] = [text.indexOf('\n  summary:'), text.indexOf('\n  check:')];
  return from < 0 || to < from ? text : text.slice(0, from) + text.slice(from, to).replace(/[^\n]/g, '') + text.slice(to);
}

/** Names a parsed file defines, and the foreign names it gives them, in lower case. */
function namesIn(file: File): readonly string[] {
  return file.items
    .flatMap((item) =>
      item.kind === 'definition' && named.includes(item.what) ? [item.name.text, ...item.foreign.map((f) => f.value)] : [],
    )
    .map((name) => name.toLowerCase());
}

function forbiddenWords(files: readonly SourceFile[]): readonly string[] {
  return [...new Set([...known, ...files.flatMap((file) => namesIn(parseFile(file.text, file.path).value))])]
    .filter((word) => !elementTypes.includes(word))
    .sort();
}

/**
 * Where a word stands by itself or as a part of a name: `lora`, `LORA_SCALE`, `loraScale`, `isLoRA`, `bert_layer`; not in
 * `exploration` or `Albertina`. A part begins after a non-letter or with a capital, and ends before a non-letter, a number or a capital that begins the next part.
 */
function checkWords(files: readonly SourceFile[], words: readonly string[]): readonly Finding[] {
  return files
    .filter((file) => !isForeign(file.path))
    .flatMap((file) =>
      withoutExamples(file)
        .split('\n')
        .flatMap((line, i) =>
          words.flatMap((word) => {
            const hits = [...line.matchAll(new RegExp(word.replace(/[^a-z0-9]/g, '\\$&'), 'gi'))];
            return hits.some((hit) => isPart(line, hit.index, hit.index + word.length)) ? [`${file.path}:${i + 1}: ${word}`] : [];
          }),
        ),
    );
}

function isPart(line: string, start: number, end: number): boolean {
  const before = line[start - 1] ?? ' ';
  const first = line[start] ?? ' ';
  const last = line[end - 1] ?? ' ';
  const after = line[end] ?? ' ';
  const begins = !/[A-Za-z0-9]/.test(before) || (/[A-Z]/.test(first) && /[a-z0-9]/.test(before));
  const ends =
    !/[A-Za-z0-9]/.test(after) ||
    (/[A-Z]/.test(after) && (/[a-z0-9]/.test(last) || /[a-z]/.test(line[end + 1] ?? ' '))) ||
    (/[0-9]/.test(after) && /[A-Za-z]/.test(last));
  return begins && ends;
}

const stdlib = filesOf(['stdlib'], ['.peft']);
const words = forbiddenWords(stdlib);
const sample = (text: string, path = 'compiler/sample.ts'): readonly SourceFile[] => [{ path, text }];

describe('names of methods, models, formats and optimisers', () => {
  test('stand in no code of a lint rule', () => {
    expect(checkWords(filesOf(['lint'], ['.ts']), words)).toEqual([]);
    const rule = `export const rule = {\n  summary: 'lora',\n  check: () => 'lora',\n};`;
    expect(checkWords(sample(rule, 'lint/rules/a.ts'), words)).toEqual(['lint/rules/a.ts:3: lora']);
  });

  test('stand in the standard library alone', () => {
    expect(checkWords(filesOf(['grammar', 'compiler', 'runtime'], ['.ts']), words)).toEqual([]);
  });

  test('are taken from the standard library', () => {
    const text =
      '/// A.\nadapter brandnew(rank: Int = 8) on linear(in, out) for "BRAND_NEW" {\n  delta = none\n}\n\n/// B.\ndef harmless(x) = x\n';
    expect(forbiddenWords(sample(text, 'stdlib/adapters/brandnew.peft'))).toEqual([...known, 'brand_new', 'brandnew'].sort());
  });

  test.each([
    'const lora = 1;',
    '// as LoRA does',
    'const loraScale = 1;',
    'const isLora = true;',
    'const LORA_RANK = 8;',
    "if (name === 'bert') {}",
    'function bertLayer() {}',
    'const bert_layer = 1;',
    'type AdamWState = 1;',
    'const gpt2Layers = 1;',
    'const llama2 = 1;',
  ])('finds: %s', (text) => expect(checkWords(sample(text), words)).not.toEqual([]));

  test.each(['const exploration = 1;', 'const Albertina = 1;', 'const floral = 1;', 'const liberty = 1;', '// gpt3 is not known'])(
    'lets through: %s',
    (text) => expect(checkWords(sample(text), words)).toEqual([]),
  );

  test('may stand where foreign formats are read and written, and in the command line', () => {
    expect(
      checkWords(
        [...sample('const lora = 1;', 'runtime/weights/adapter-folder.ts'), ...sample('const lora = 1;', 'runtime/export-adapter.ts')],
        words,
      ),
    ).toEqual([]);
    expect(checkWords(sample('const lora = 1;', 'runtime/train.ts'), words)).toHaveLength(1);
  });
});
