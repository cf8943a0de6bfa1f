/**
 * @file What a reviewer uses: `diff` between files, revisions and runs, `hash`, `lint` with fixes and formats of continuous integration, `fmt --diff`,
 * and the plugin of prettier. Bases are configurations alone, so nothing is loaded.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as prettier from 'prettier';
import { describe, expect, it } from 'vitest';
import * as plugin from '../../editor/prettier/plugin.js';
import { configs } from '../spec/world.js';
import { inFolder } from './surroundings.js';

const base = JSON.stringify(configs.get('bert'));
const rows = `text\tlabel\n${Array.from({ length: 200 }, (_, i) => `row ${i}\t${i % 2}`).join('\n')}\n`;
const text = (adapt: string, tune: string): string => `import std.adapters.lora

experiment review {
  base bert from "base" for classify(labels: 2)
  adapt ${adapt}
  train head
  data { train: tsv("train.tsv")  eval: tsv("test.tsv")  text: "text"  label: "label"  max_length: 8 tokens }
  tune { optimizer: adamw(lr: 2e-4)  ${tune} }
}
`;
const plain = text('attention with lora(rank: 2, alpha: 4)', 'schedule: linear(warmup: 6%)  epochs: 3');
const files = { 'base/config.json': base, 'train.tsv': rows, 'test.tsv': rows, 'a.peft': plain };

describe('peft diff', () => {
  it('sees meaning, not text, and says where and what it comes to', () =>
    inFolder(
      {
        ...files,
        'same.peft': plain
          .replace('experiment review', '// a comment\nexperiment other')
          .replace('  train head\n', '')
          .replace('  data', '  train head\n  data'),
        'b.peft': text('attention with lora(rank: 1, alpha: 4)', 'epochs: 4  schedule: linear(warmup: 6%)'),
      },
      async (_, peft) => {
        expect(await peft(['diff', 'a.peft', 'same.peft', '--exit-code'])).toEqual({ code: 0, out: 'no difference in meaning\n', err: '' });
        const told = await peft(['diff', 'a.peft', 'b.peft']);
        expect(told.code).toBe(0);
        expect(told.out).toMatch(/^adapters\.rank of \d+ modules {2}2 -> 1 {2}\(b\.peft:5\)$/m);
        expect(told.out).toMatch(/^tune\.epochs +3 -> 4 {2}\(b\.peft:8\)$/m);
        expect(told.out).toMatch(/bert\.encoder\.layer\.\*\.attention\.self\.query \(\d+\)/);
        expect(told.out).toMatch(/^trainable parameters +[\d,]+ -> [\d,]+ \(-/m);
        expect(told.out).toMatch(/^optimiser steps +39 -> 52/m);
        expect(told.out).not.toContain('alpha');
        expect((await peft(['diff', 'a.peft', 'b.peft', '--exit-code'])).code).toBe(1);
        const json = JSON.parse((await peft(['diff', 'a.peft', 'b.peft', '--no-plan', '--format', 'json'])).out) as {
          differences: { path: string; before: number }[];
          consequences: unknown[];
        };
        expect(json.differences.map((d) => [d.path, d.before])).toEqual([
          ['adapters.rank', 2],
          ['tune.epochs', 3],
        ]);
        expect(json.consequences).toEqual([]);
        const md = await peft(['diff', 'a.peft', 'b.peft', '--format', 'md']);
        expect(md.out).toContain('| `tune.epochs` | 3 | 4 | b.peft:8 |');
      },
    ));

  it('compares with a revision of git', () =>
    inFolder(files, async (folder, peft) => {
      const git = (...args: string[]): void =>
        void execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b.c', ...args], { cwd: folder });
      git('init', '-q');
      git('add', '.');
      git('commit', '-qm', 'first');
      writeFileSync(join(folder, 'a.peft'), plain.replace('epochs: 3', 'epochs: 5'));
      const told = await peft(['diff', 'HEAD:a.peft', 'a.peft', '--no-plan']);
      expect(told.out).toMatch(/^tune\.epochs {2}3 -> 5/);
      expect((await peft(['diff', 'nowhere:a.peft', 'a.peft'])).err).toMatch(/nowhere:a\.peft cannot be read: .*nowhere/);
      expect((await peft(['diff', 'gone.peft', 'a.peft'])).code).toBe(2);
      expect((await peft(['diff', 'base', 'a.peft'])).err).toContain('no folder of a run');
    }));
});

describe('peft hash', () => {
  it('is that of the meaning', () =>
    inFolder(
      { ...files, 'b.peft': plain.replace('review', 'other').replaceAll('  ', ' '), 'c.peft': plain.replace('2e-4', '3e-4') },
      async (_, peft) => {
        const [a, b, c] = (await peft(['hash', 'a.peft', 'b.peft', 'c.peft'])).out.split('\n').map((line) => line.slice(0, 64));
        expect(a).toMatch(/^[0-9a-f]{64}$/);
        expect(b).toBe(a);
        expect(c).not.toBe(a);
        const lines = (await peft(['hash', '--lines', 'a.peft'])).out;
        expect(lines).toContain('  tune.optimizer.args.lr = 0.0002\n');
      },
    ));
});

describe('peft lint', () => {
  const bad = plain.replace('warmup: 6%', 'warmup: 100 steps').replace('lora\n', '{dora, lora}\n');

  it('warns, mends what is certain, and counts', () =>
    inFolder({ ...files, 'a.peft': bad }, async (folder, peft) => {
      const told = await peft(['lint', 'a.peft']);
      expect(told.code).toBe(0);
      expect(told.out).toContain('warning[PEFT1101]: the warm-up takes 100 of 39 steps');
      expect((await peft(['lint', '--max-warnings', '0', 'a.peft'])).code).toBe(1);
      expect((await peft(['lint', '--deny', 'PEFT1101', 'a.peft'])).code).toBe(1);
      expect((await peft(['lint', '--max-warnings', 'x', 'a.peft'])).err).toContain('--max-warnings must be');
      expect((await peft(['lint', '--deny', 'nonsense', 'a.peft'])).err).toContain('there is no rule nonsense');
      await peft(['lint', '--fix', 'a.peft']);
      expect(readFileSync(join(folder, 'a.peft'), 'utf8')).toContain('import std.adapters.{lora}');
    }));

  it('is silenced by a comment with a reason', () =>
    inFolder(
      {
        ...files,
        'a.peft': bad.replace('  tune {', '  // peft-allow PEFT1101: the run is cut short on purpose\n  tune {'),
        'b.peft': bad.replace('  tune {', '  // peft-allow PEFT1101\n  tune {'),
        'c.peft': plain.replace('  tune {', '  // peft-allow PEFT1101: nothing is wrong\n  tune {'),
        'd.peft': plain.replace('  tune {', '  // peft-allow PEFT1999: no such rule\n  tune {'),
      },
      async (_, peft) => {
        const codes = async (file: string): Promise<string[]> =>
          (JSON.parse((await peft(['lint', '--format', 'json', file])).out) as { diagnostics: { code: string }[] }).diagnostics.map(
            (d) => d.code,
          );
        expect(await codes('a.peft')).not.toContain('PEFT1101');
        expect(await codes('b.peft')).toEqual(expect.arrayContaining(['PEFT1101', 'PEFT1901']));
        expect(await codes('c.peft')).toContain('PEFT1902');
        expect(await codes('d.peft')).toContain('PEFT1903');
      },
    ));

  it('writes what continuous integration reads', () =>
    inFolder({ ...files, 'a.peft': bad }, async (_, peft) => {
      const github = (await peft(['lint', '--format', 'github', 'a.peft'])).out;
      expect(github).toMatch(
        /^::warning file=a\.peft,line=8,endLine=8,col=\d+,endColumn=\d+,title=PEFT1101::the warm-up takes 100 of 39 steps%0Ahelp: /m,
      );
      const junit = (await peft(['lint', '--format', 'junit', 'a.peft'])).out;
      expect(junit).toMatch(/^<\?xml version="1\.0" encoding="UTF-8"\?>\n<testsuites name="peft">/);
      expect(junit).toMatch(
        /<testcase classname="a\.peft" name="PEFT1101:8:\d+"><failure type="warning" message="the warm-up takes 100 of 39 steps">/,
      );
      const sarif = JSON.parse((await peft(['lint', '--format', 'sarif', 'a.peft'])).out) as { runs: { results: { ruleId: string }[] }[] };
      expect(sarif.runs[0]?.results.map((r) => r.ruleId)).toContain('PEFT1101');
      expect((await peft(['lint', '--format', 'junit', 'a.peft', '--no-data'])).code).toBe(0);
    }));
});

describe('the one style', () => {
  const crooked = plain.replace('  adapt', '      adapt').replace('rank: 2, alpha', 'rank: 2 ,alpha');

  it('is shown as a patch', () =>
    inFolder({ ...files, 'a.peft': crooked }, async (folder, peft) => {
      const told = await peft(['fmt', '--diff', 'a.peft']);
      expect(told.code).toBe(1);
      expect(told.out).toContain('-      adapt attention with lora(rank: 2 ,alpha: 4)\n+  adapt attention with lora(rank: 2, alpha: 4)\n');
      expect(readFileSync(join(folder, 'a.peft'), 'utf8')).toBe(crooked);
    }));

  it('is the same through prettier, which says where a text is wrong', () =>
    inFolder({ ...files, 'a.peft': crooked }, async (folder, peft) => {
      const format = (source: string): Promise<string> => prettier.format(source, { parser: 'peft', plugins: [plugin] });
      const formatted = await format(crooked);
      await peft(['fmt', 'a.peft']);
      expect(readFileSync(join(folder, 'a.peft'), 'utf8')).toBe(formatted);
      expect(await format(formatted)).toBe(formatted);
      const error: unknown = await format('experiment {').catch((e: unknown) => e);
      expect(error).toMatchObject({ name: 'SyntaxError', loc: { start: { line: 1, column: 12 } } });
    }));
});
