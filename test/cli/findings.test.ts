/**
 * @file Findings as JSON and as SARIF: their places, their shape by the SARIF 2.1.0 schema (the parts we use, closed to others),
 * and fingerprints that survive lines added above.
 */
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { renderFindings } from '../../cli/render.js';
import { sarifLog } from '../../cli/sarif.js';
import type { Diagnostic } from '../../grammar/diagnostics.js';

const file = 'dir a/b.peft';
const text = 'experiment a {\n  base x\n  trian head\n}\n';
const place = (words: string, from = text): { readonly file: string; readonly start: number; readonly end: number } => ({
  file,
  start: from.indexOf(words),
  end: from.indexOf(words) + words.length,
});

const findings: readonly Diagnostic[] = [
  {
    code: 'PEFT0010',
    severity: 'error',
    message: 'there is no statement `trian`',
    span: place('trian'),
    notes: [{ message: 'the experiment begins here', span: place('experiment') }, { message: 'statements begin with a word' }],
    help: 'did you mean train?',
    fix: {
      title: 'write train',
      edits: [
        { span: place('trian'), text: 'train' },
        { span: { file, start: 0, end: 0 }, text: '' },
      ],
    },
  },
  { code: 'PEFT0500', severity: 'info', message: 'a remark', span: { file: 'unknown.peft', start: 3, end: 4 } },
  { code: 'PEFT0400', severity: 'warning', message: 'a warning', span: place('base x') },
];
const texts = new Map([[file, text]]);

/** The parts of the SARIF 2.1.0 schema that we write; `additionalProperties: false` as in the original. */
const object = (required: readonly string[], properties: Readonly<Record<string, object>>): object => ({
  type: 'object',
  additionalProperties: false,
  required,
  properties,
});
const list = (items: object): object => ({ type: 'array', items });
const string = { type: 'string' };
const index = { type: 'integer', minimum: 0 };
const position = { type: 'integer', minimum: 1 };
const message = object(['text'], { text: string });
const artifactLocation = object(['uri'], { uri: { type: 'string', pattern: '^[^ ]+$' } });
const region = object([], {
  startLine: position,
  startColumn: position,
  endLine: position,
  endColumn: position,
  charOffset: index,
  charLength: index,
});
const location = object([], { physicalLocation: object(['artifactLocation'], { artifactLocation, region }), message });
const level = { enum: ['none', 'note', 'warning', 'error'] };
const replacement = object(['deletedRegion'], { deletedRegion: region, insertedContent: object([], { text: string }) });
const artifactChange = object(['artifactLocation', 'replacements'], {
  artifactLocation,
  replacements: { ...list(replacement), minItems: 1 },
});
const result = object(['message'], {
  ruleId: string,
  ruleIndex: index,
  level,
  message,
  locations: list(location),
  relatedLocations: list(location),
  partialFingerprints: { type: 'object', additionalProperties: string },
  fixes: list(object(['artifactChanges'], { description: message, artifactChanges: { ...list(artifactChange), minItems: 1 } })),
});
const rule = object(['id'], { id: string, defaultConfiguration: object([], { level }), help: message });
const driver = object(['name'], { name: string, version: string, rules: { ...list(rule), uniqueItems: true } });
const run = object(['tool'], {
  tool: object(['driver'], { driver }),
  columnKind: { enum: ['utf16CodeUnits', 'unicodeCodePoints'] },
  results: list(result),
});
const isSarif = new Ajv().compile(object(['version', 'runs'], { $schema: string, version: { const: '2.1.0' }, runs: list(run) }));

interface SarifResult {
  readonly ruleId: string;
  readonly partialFingerprints: Readonly<Record<string, string>>;
}
const resultsOf = (diagnostics: readonly Diagnostic[], source: string): readonly SarifResult[] =>
  (JSON.parse(renderFindings(diagnostics, new Map([[file, source]]), 'sarif', false)) as { runs: [{ results: SarifResult[] }] }).runs[0]
    .results;

describe('JSON', () => {
  test('carries 0-based offsets and 1-based lines and columns', () => {
    expect(JSON.parse(renderFindings(findings, texts, 'json', false))).toMatchObject({
      formatVersion: 1,
      summary: { error: 1, warning: 1, info: 1 },
      diagnostics: [
        {
          code: 'PEFT0010',
          place: { file, start: 26, end: 31, startLine: 3, startColumn: 3, endLine: 3, endColumn: 8 },
          notes: [{ place: { startLine: 1, startColumn: 1, endColumn: 11 } }, { message: 'statements begin with a word' }],
          fix: { edits: [{ text: 'train', place: { start: 26, end: 31 } }, { text: '' }] },
        },
        { code: 'PEFT0500', place: { file: 'unknown.peft', start: 3, end: 4 }, notes: [] },
        { code: 'PEFT0400' },
      ],
    });
  });

  test('says nothing where there is nothing', () => {
    expect(JSON.parse(renderFindings([], texts, 'json', false))).toMatchObject({ formatVersion: 1, diagnostics: [] });
    expect(renderFindings([], texts, 'text', true)).toBe('');
  });
});

describe('SARIF', () => {
  test('has the shape of version 2.1.0', () => {
    for (const diagnostics of [findings, []]) {
      const log = JSON.parse(renderFindings(diagnostics, texts, 'sarif', false)) as unknown;
      isSarif(log);
      expect(isSarif.errors ?? []).toEqual([]);
    }
  });

  test('the shape test finds a field that is not of SARIF, and a missing one', () => {
    expect(isSarif({ version: '2.1.0', runs: [{ tool: { driver: { name: 'x' } }, findings: [] }] })).toBe(false);
    expect(isSarif({ version: '2.1.0', runs: [{ results: [] }] })).toBe(false);
  });

  test('gives every finding its rule, its level, its place and its fix', () => {
    const [run] = sarifLog(findings, texts, '1.2.3').runs;
    expect(run?.tool.driver.rules?.map((r) => [r.id, r.defaultConfiguration?.level])).toEqual([
      ['PEFT0010', 'error'],
      ['PEFT0400', 'warning'],
      ['PEFT0500', 'note'],
    ]);
    expect(run?.results?.map((r) => [r.ruleId, r.ruleIndex, r.level])).toEqual([
      ['PEFT0010', 0, 'error'],
      ['PEFT0500', 2, 'note'],
      ['PEFT0400', 1, 'warning'],
    ]);
    expect(run?.results?.[0]).toMatchObject({
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: 'dir%20a/b.peft' },
            region: { startLine: 3, startColumn: 3, endLine: 3, endColumn: 8, charOffset: 26, charLength: 5 },
          },
        },
      ],
      relatedLocations: [
        { message: { text: 'the experiment begins here' }, physicalLocation: { region: { startLine: 1 } } },
        { message: { text: 'statements begin with a word' } },
      ],
      fixes: [
        {
          artifactChanges: [
            {
              artifactLocation: { uri: 'dir%20a/b.peft' },
              replacements: [
                { deletedRegion: { charOffset: 26 }, insertedContent: { text: 'train' } },
                { deletedRegion: { charLength: 0 } },
              ],
            },
          ],
        },
      ],
    });
  });

  test('a fingerprint survives lines above it, and tells equal lines apart', () => {
    const moved = `// a comment\n\n${text}`;
    const shift = moved.length - text.length;
    const later = findings.map((d) => ({ ...d, span: { ...d.span, start: d.span.start + shift, end: d.span.end + shift } }));
    const prints = (results: readonly SarifResult[]): readonly (string | undefined)[] =>
      results.map((r) => r.partialFingerprints['peftFinding/v1']);
    const before = prints(resultsOf(findings, text));
    expect(prints(resultsOf(later, moved))).toEqual(before);
    expect(new Set(before).size).toBe(before.length);

    const twice = 'train head\ntrain head\n';
    const both = [0, 11].map((start) => ({ ...findings[2], span: { file, start, end: start + 5 } }) as Diagnostic);
    expect(new Set(prints(resultsOf(both, twice))).size).toBe(2);
    // Negative control: another line is another finding.
    expect(prints(resultsOf([{ ...findings[0], span: place('trian', 'trian tail\n') } as Diagnostic], 'trian tail\n'))[0]).not.toBe(
      before[0],
    );
  });
});
