/**
 * @file `peft fmt` and `peft init` on real files: what they write, what they leave alone, and what they say.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fits } from '../../cli/source.js';
import { parseFile } from '../../grammar/parse.js';
import { printFile } from '../../grammar/print.js';
import { inFolder } from './surroundings.js';

const ugly = '/// Identity.\ndef   f( x )=x // as it is\n';
const pretty = printFile(parseFile(ugly, 'ugly.peft').value);
const broken = '/// Identity.\ndef f(x) =\n';

describe('peft fmt', () => {
  test('the sample changes, keeps its comments, and is then left alone', () => {
    expect(pretty).not.toBe(ugly);
    expect(pretty).toContain('// as it is');
    expect(printFile(parseFile(pretty, 'pretty.peft').value)).toBe(pretty);
  });

  test('formats files, folders and patterns, each file once', async () => {
    await inFolder(
      { 'a.peft': ugly, 'in/b.peft': ugly, 'in/deep/c.peft': ugly, 'in/d.txt': ugly, 'node_modules/e.peft': ugly, '.hidden/f.peft': ugly },
      async (folder, peft) => {
        expect(await peft(['fmt', 'in/**/*.peft', 'in/b.peft', 'in'])).toEqual({
          code: 0,
          out: '',
          err: 'formatted in/b.peft\nformatted in/deep/c.peft\n',
        });
        expect(readFileSync(join(folder, 'in/b.peft'), 'utf8')).toBe(pretty);
        expect(readFileSync(join(folder, 'a.peft'), 'utf8')).toBe(ugly);
        expect(await peft(['fmt', '.'])).toEqual({ code: 0, out: '', err: 'formatted a.peft\n' });
        for (const untouched of ['in/d.txt', 'node_modules/e.peft', '.hidden/f.peft'])
          expect(readFileSync(join(folder, untouched), 'utf8'), untouched).toBe(ugly);
        expect(await peft(['fmt', '.'])).toEqual({ code: 0, out: '', err: '' });
        expect(readdirSync(folder).sort()).toEqual(['.hidden', 'a.peft', 'in', 'node_modules']);
      },
    );
  });

  test('--check writes nothing and names what is not formatted', async () => {
    await inFolder({ 'a.peft': ugly, 'b.peft': pretty }, async (folder, peft) => {
      expect(await peft(['fmt', '--check', '.'])).toEqual({ code: 1, out: 'a.peft is not formatted\n', err: '' });
      expect(readFileSync(join(folder, 'a.peft'), 'utf8')).toBe(ugly);
      expect(await peft(['fmt', '--check', 'b.peft'])).toEqual({ code: 0, out: '', err: '' });
      const { code, out } = await peft(['fmt', '--check', '--format', 'json', '.']);
      expect(code).toBe(1);
      expect(JSON.parse(out)).toMatchObject({ diagnostics: [{ code: 'PEFT0901', place: { file: 'a.peft' } }] });
    });
  });

  test('reads standard input and writes standard output', async () => {
    await inFolder({}, async (_folder, peft) => {
      expect(await peft(['fmt', '-'], { stdin: ugly })).toEqual({ code: 0, out: pretty, err: '' });
      expect(await peft(['fmt', '-'], { stdin: pretty })).toEqual({ code: 0, out: pretty, err: '' });
      expect(await peft(['fmt', '--check', '-'], { stdin: ugly })).toEqual({ code: 1, out: '<stdin> is not formatted\n', err: '' });
    });
  });

  test('a file with a syntax error is reported and kept, and the others are formatted', async () => {
    await inFolder({ 'a.peft': broken, 'b.peft': ugly }, async (folder, peft) => {
      const { code, out, err } = await peft(['fmt', '.']);
      expect([code, out]).toEqual([1, '']);
      expect(err).toMatch(/PEFT0\d\d\d[^]*a\.peft:2:[^]*formatted b\.peft\n$/);
      expect(readFileSync(join(folder, 'a.peft'), 'utf8')).toBe(broken);
      expect(readFileSync(join(folder, 'b.peft'), 'utf8')).toBe(pretty);
    });
  });

  test('keeps permissions and links', async () => {
    await inFolder({ 'a.peft': ugly }, async (folder, peft) => {
      chmodSync(join(folder, 'a.peft'), 0o640);
      symlinkSync('a.peft', join(folder, 'link.peft'));
      expect((await peft(['fmt', 'link.peft'])).code).toBe(0);
      expect(lstatSync(join(folder, 'link.peft')).isSymbolicLink()).toBe(true);
      expect(statSync(join(folder, 'a.peft')).mode & 0o777).toBe(0o640);
      expect(readFileSync(join(folder, 'a.peft'), 'utf8')).toBe(pretty);
    });
  });

  test.each([
    ['bytes that are no UTF-8', [...Buffer.from('// é\n// '), 0xff, 0x0a], 'byte 0xff at offset 9 of the file', 'a.peft:2:4'],
    ['a character cut off at the end', [...Buffer.from('// \u{fffd} '), 0xe2, 0x82], 'byte 0xe2 at offset 7 of the file', 'a.peft:1:6'],
    [
      'an overlong form after a byte-order mark',
      [0xef, 0xbb, 0xbf, 0x2f, 0x2f, 0xc0, 0xaf],
      'byte 0xc0 at offset 5 of the file',
      'a.peft:1:3',
    ],
  ] as const)('%s are an error with their place', async (_name, bytes, message, place) => {
    await inFolder({ 'a.peft': Uint8Array.from(bytes) }, async (folder, peft) => {
      const { code, out, err } = await peft(['fmt', 'a.peft']);
      expect([code, out]).toEqual([1, '']);
      expect(err).toContain(message);
      expect(err).toContain(place);
      expect([...readFileSync(join(folder, 'a.peft'))]).toEqual([...bytes]);
    });
  });

  test.each([
    [['gone.peft'], 'error: gone.peft does not exist\n'],
    [['*.nothing'], 'error: no file fits the pattern "*.nothing"\n'],
    [['empty'], 'error: empty has no .peft file in it\n'],
    [[], 'error: no file is named\n'],
  ])('fmt %j is a wrong use', async (args, message) => {
    await inFolder({}, async (folder, peft) => {
      mkdirSync(join(folder, 'empty'));
      const answer = await peft(['fmt', ...args]);
      expect([answer.code, answer.out]).toEqual([2, '']);
      expect(answer.err).toContain(message);
    });
  });

  test.each([
    ['*.peft', 'a.peft', true],
    ['*.peft', 'x/a.peft', false],
    ['**/*.peft', 'a.peft', true],
    ['**/*.peft', 'x/y/a.peft', true],
    ['x/**', 'x/y/a.peft', true],
    ['{a,b*}.peft', 'bc.peft', true],
    ['{a,b*}.peft', 'c.peft', false],
    ['a?.peft', 'ab.peft', true],
    ['a?.peft', 'a/.peft', false],
    ['a.peft', 'aXpeft', false],
    ['a+(b).peft', 'a+(b).peft', true],
  ])('pattern %s and %s: %s', (pattern, path, expected) => expect(fits(pattern, path)).toBe(expected));
});

describe('peft init', () => {
  test.each(['classify', 'causal'])('writes a file that parses and is in canonical form: %s', async (template) => {
    await inFolder({}, async (folder, peft) => {
      const { code, err } = await peft(['init', 'my first-try.peft', '--template', template]);
      expect([code, err]).toEqual([0, expect.stringContaining('wrote my first-try.peft\n')]);
      const text = readFileSync(join(folder, 'my first-try.peft'), 'utf8');
      const { value, diagnostics } = parseFile(text, 'my first-try.peft');
      expect(diagnostics).toEqual([]);
      expect(printFile(value)).toBe(text);
      expect(value.items.map((item) => (item.kind === 'experiment' ? [item.name.text, item.doc !== ''] : item.kind))).toEqual([
        ['my_first_try', true],
      ]);
      expect(text.match(/^ *\/\/ /gm)?.length).toBeGreaterThanOrEqual(5);
    });
  });

  test('overwrites nothing', async () => {
    await inFolder({ 'a.peft': 'mine\n' }, async (folder, peft) => {
      expect(await peft(['init', 'a.peft'])).toEqual({
        code: 2,
        out: '',
        err: 'error: a.peft exists already and is left as it is\n  help: name another file, or remove this one first\n',
      });
      expect(readFileSync(join(folder, 'a.peft'), 'utf8')).toBe('mine\n');
    });
  });

  test('says where it cannot write, and leaves nothing behind', async () => {
    await inFolder({}, async (folder, peft) => {
      expect(await peft(['init', 'no/such/folder.peft'])).toEqual({
        code: 2,
        out: '',
        err: 'error: no/such/folder.peft cannot be written: there is no such file or folder\n',
      });
      expect(await peft(['init', 'notes.txt'])).toEqual({
        code: 2,
        out: '',
        err: 'error: notes.txt does not end in .peft\n  help: peft init notes.txt.peft\n',
      });
      expect(readdirSync(folder)).toEqual([]);
      expect(existsSync(join(folder, 'experiment.peft'))).toBe(false);
    });
  });

  test('writes to standard output when asked', async () => {
    await inFolder({}, async (folder, peft) => {
      const { code, out, err } = await peft(['init', '-']);
      expect([code, err]).toEqual([0, '']);
      expect(parseFile(out, '-').diagnostics).toEqual([]);
      expect(readdirSync(folder)).toEqual([]);
    });
  });
});
