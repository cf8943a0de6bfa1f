/**
 * @file The numbers of a report and its HTML: scales, curves, fronts, layers; that the same runs give the same bytes, that nothing is loaded, and that
 * nothing of a run becomes markup.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { quantitiesOf } from '../../cli/comparison.js';
import { commandOf } from '../../cli/report/command.js';
import { layerRows, ranges } from '../../cli/report/layers.js';
import { html, trusted } from '../../cli/report/markup.js';
import { reportMarkdown } from '../../cli/report/markdown.js';
import { shareOf, showTick } from '../../cli/report/numbers.js';
import { reportHtml } from '../../cli/report/page.js';
import { paretoFront } from '../../cli/report/pareto.js';
import { reportOn, type Report } from '../../cli/report/report.js';
import { linearScale, logScale, spansFar } from '../../cli/report/scale.js';
import { condense, overSeeds, trackOf, windowOf } from '../../cli/report/series.js';
import { palettes } from '../../cli/report/style.js';
import { findingsOf, sentenceOf } from '../../cli/report/verdicts.js';
import type { LogLine, Run } from '../../cli/runs.js';
import { inFolder } from '../cli/surroundings.js';
import { sampleRun, sampleRuns, writeRun } from './sample-runs.js';

const reportOf = (runs: readonly Run[], title?: string): Report =>
  reportOn(runs, quantitiesOf(runs), { baseline: undefined, confidence: 0.95, threshold: 0 }, { title });

describe('scales', () => {
  it('have round ticks that hold the range', () => {
    expect(linearScale(0, 300, 6).ticks).toEqual([0, 50, 100, 150, 200, 250, 300]);
    expect(linearScale(0.13, 0.71, 5).ticks).toEqual([0, 0.2, 0.4, 0.6, 0.8]);
    expect(linearScale(0.3, 0.3, 4).high).toBeGreaterThan(0.3);
    expect(linearScale(0, 7 * 2 ** 20, 4, true).ticks.map((t) => t / 2 ** 20)).toEqual([0, 2, 4, 6, 8]);
    const scale = linearScale(-0.5, 1, 3);
    expect([scale.at(scale.low), scale.at(scale.high), scale.at(99)]).toEqual([0, 1, 1]);
  });

  it('are logarithmic over powers of ten', () => {
    const scale = logScale(130, 28_802);
    expect(scale.ticks).toEqual([100, 1000, 10_000, 100_000]);
    expect(scale.at(10_000)).toBeCloseTo(2 / 3, 12);
    expect(spansFar([130, 28_802])).toBe(true);
    expect(spansFar([130, 13_000])).toBe(false);
    expect(spansFar([0, 1e6])).toBe(false);
  });

  it('say numbers shortly', () => {
    expect([0, 0.25, 1500, 2e6, -3, 1e-5].map((v) => showTick(v))).toEqual(['0', '0.25', '1.5k', '2M', '−3', '1e-5']);
    expect(showTick(3 * 2 ** 19, true)).toBe('1.5 MiB');
    expect([shareOf(100, 50), shareOf(100, 359), shareOf(0, 1), shareOf(null, 1)]).toEqual(['−50 %', '+259 %', '', '']);
  });
});

describe('curves', () => {
  const step = (at: number, loss: number, tokens: number, seconds: number): LogLine => ({ kind: 'step', step: at, loss, tokens, seconds });

  it('put an evaluation where the last step lies', () => {
    const log: LogLine[] = [
      { kind: 'eval', step: 0, loss: 1, seconds: 9 },
      step(1, 0.9, 10, 1),
      { kind: 'eval', step: 1, loss: 0.8, seconds: 9 },
    ];
    expect(trackOf(log, 'eval', 'loss')).toEqual([
      { step: 0, tokens: 0, seconds: 0, value: 1 },
      { step: 1, tokens: 10, seconds: 1, value: 0.8 },
    ]);
  });

  it('go on where a resumed run repeats steps and counts anew', () => {
    const log = [step(1, 1, 10, 1), step(2, 0.9, 20, 2), step(3, 0.8, 30, 3), step(3, 0.7, 10, 1), step(4, 0.6, 20, 2)];
    expect(trackOf(log, 'step', 'loss')).toEqual([
      { step: 1, tokens: 10, seconds: 1, value: 1 },
      { step: 2, tokens: 20, seconds: 2, value: 0.9 },
      { step: 3, tokens: 30, seconds: 3, value: 0.7 },
      { step: 4, tokens: 40, seconds: 4, value: 0.6 },
    ]);
  });

  it('are condensed by means, and leave out what is no number', () => {
    const log = [1, 2, 3, 4, 5].map((at) => step(at, at, 10 * at, at));
    const track = trackOf([...log, step(6, NaN, 60, 6)], 'step', 'loss');
    expect(track).toHaveLength(5);
    expect(windowOf([track], 3)).toBe(2);
    expect(condense(track, 2).map((p) => [p.step, p.value, p.tokens])).toEqual([
      [1.5, 1.5, 15],
      [3.5, 3.5, 35],
      [5, 5, 50],
    ]);
  });

  it('over seeds are means with their range at the same step', () => {
    const tracks = [
      [{ step: 1, tokens: 10, seconds: 1, value: 2 }],
      [
        { step: 1, tokens: 10, seconds: 3, value: 4 },
        { step: 2, tokens: 20, seconds: 4, value: 5 },
      ],
    ];
    expect(overSeeds(tracks)).toEqual([
      { step: 1, tokens: 10, seconds: 2, mean: 3, low: 2, high: 4, seeds: 2 },
      { step: 2, tokens: 20, seconds: 4, mean: 5, low: 5, high: 5, seeds: 1 },
    ]);
  });
});

describe('fronts', () => {
  const points = [
    { cost: 1, quality: 0.5 },
    { cost: 2, quality: 0.4 },
    { cost: 3, quality: 0.9 },
    { cost: 3, quality: 0.8 },
  ];
  it('hold what no other point beats', () => {
    expect(paretoFront(points, 'higher')).toEqual([points[0], points[2]]);
    expect(paretoFront(points, 'lower')).toEqual([points[0], points[1]]);
  });
  it('hold equal points both', () =>
    expect(paretoFront([points[0], { cost: 1, quality: 0.5 }] as typeof points, 'higher')).toHaveLength(2));
});

describe('layers', () => {
  it('are grouped where they are alike', () => {
    expect(ranges([2, 0, 1, 5, 7, 8])).toBe('0–2, 5, 7–8');
    const rows = layerRows([sampleRun('large', 0).spec, sampleRun('small', 0).spec]);
    expect(rows.find((r) => /self\.query$/.test(r.modules))?.cells.map((c) => c.replace(/, alpha.*/, ')'))).toEqual([
      'lora(rank: 8)',
      'lora(rank: 2)',
    ]);
    expect(rows.find((r) => /intermediate\.dense$/.test(r.modules))?.cells[1]).toBe('');
    expect(rows.find((r) => r.modules === 'classifier')?.cells).toEqual(['trained in full', 'trained in full']);
  });
});

describe('verdicts', () => {
  it('are said in words', () => {
    const { comparison } = reportOf(sampleRuns());
    const said = findingsOf(comparison).map((f) => sentenceOf(f, comparison.baseline));
    expect(said).toContain('small is better than large in training time, s: −8.5 [−9.7, −7.3], 3 seeds');
    expect(said.find((s) => s.includes('in accuracy'))).toMatch(/^small is worse than large in accuracy: −0\.\d+ \[/);
  });
  it('are not given for one run', () => {
    const page = reportHtml(reportOf([sampleRun('large', 0)]));
    expect(page).toContain('nothing to compare it with');
    expect(page).toMatch(/<li>large has accuracy: 0\.8\d+ over 1 seed<\/li>/);
  });
});

describe('the page', () => {
  const page = reportHtml(reportOf(sampleRuns()));

  it('is the same for the same runs, whatever the time', () => expect(reportHtml(reportOf(sampleRuns()))).toBe(page));

  it('closes what it opens', () => expect(unbalanced(page)).toEqual([]));
  it.each(['<p><b></p></b>', '<div>', '</div>', '<svg><path></svg>'])('(the check finds %s)', (text) =>
    expect(unbalanced(text)).not.toEqual([]),
  );

  it('has every id once, and every reference leads to one', () => {
    const ids = [...page.matchAll(/\sid="([^"]+)"/g)].map((m) => m[1] as string);
    expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
    const referred = [...page.matchAll(/\s(?:aria-labelledby|for|href|data-of)="#?([^"]+)"/g)].flatMap((m) => (m[1] as string).split(' '));
    expect(referred.filter((id) => id !== 'data:,' && !ids.includes(id))).toEqual([]);
    expect(referred.length).toBeGreaterThan(50);
  });

  it('loads nothing from elsewhere', () => {
    expect(page.match(/https?:|\/\/[a-z]|@import|\burl\(/g)).toBe(null);
    expect(page.match(/\s(?:src|srcset|action|poster|data)=/g)).toBe(null);
    expect(page).toContain('default-src &#39;none&#39;');
  });

  it('has a picture, words and numbers for every chart', () => {
    const figures = [...page.matchAll(/<figure[\s\S]*?<\/figure>/g)].map((m) => m[0]);
    expect(figures.length).toBeGreaterThan(8);
    for (const figure of figures) {
      expect(figure).toMatch(/<svg[^>]*role="img"[^>]*>\s*<title id="[^"]+">[^<]{5,}<\/title>\s*<desc id="[^"]+">[^<]{20,}<\/desc>/);
      expect(figure).toMatch(/<caption[^>]*>[^<]+<\/caption>/);
      expect(figure).toMatch(/<th scope="row"/);
    }
    for (const path of page.matchAll(/<path class="curve" d="([^"]*)"/g)) expect(path[1]).toMatch(/^M[\d. ]+(L[\d. ]+)+$/);
  });

  it('has numbers only', () => expect(page.replace(/<script>[\s\S]*/, '').match(/NaN|undefined|Infinity|\[object/g)).toBe(null));

  it('keeps what a run says from becoming markup', () => {
    const evil = `</title><script>alert(1)</script>"'<img src=x onerror=alert(1)>`;
    const runs = sampleRuns(evil).map((run) => ({ ...run, folder: `${run.folder}${evil}` }));
    const marked = reportHtml(reportOf(runs, `한국어 ${evil}`));
    expect(marked).toContain('한국어 &#60;/title&#62;');
    expect(marked.match(/<script/g)).toHaveLength(1);
    expect(marked).not.toContain('<img');
    expect(unbalanced(marked)).toEqual([]);
    expect(html`<p title="${`"<&'`}">${trusted('<b>')}</p>`.markup).toBe('<p title="&#34;&#60;&#38;&#39;"><b></p>');
  });

  it.each(Object.entries(palettes))('can be read in its %s colours', (_, p) => {
    for (const colour of [p.text, p.muted, p.accent, p.better, p.worse])
      for (const ground of [p.ground, p.raised]) expect(contrast(colour, ground)).toBeGreaterThanOrEqual(4.5);
    for (const colour of p.methods) expect(contrast(colour, p.ground)).toBeGreaterThanOrEqual(4.5);
  });
});

describe('peft report', () => {
  const files = (folder: string): void => {
    for (const run of sampleRuns()) writeRun(folder, run);
  };

  it('writes a page', () =>
    inFolder({}, async (folder, peft) => {
      files(folder);
      const told = await peft(['report', 'runs', '--title', '첫 보고서 <1>']);
      expect(told).toMatchObject({ code: 0, out: '', err: 'written report.html: 2 methods, 6 runs\n' });
      const page = readFileSync(join(folder, 'report.html'), 'utf8');
      expect(page).toContain('<h1>첫 보고서 &#60;1&#62;</h1>');
      expect(page).toContain('is not there');
      expect(unbalanced(page)).toEqual([]);
      rmSync(join(folder, 'report.html'));
      await peft(['report', 'runs', '--title', '첫 보고서 <1>', '-o', 'again.html']);
      expect(readFileSync(join(folder, 'again.html'), 'utf8')).toBe(page);
    }));

  it('writes the other formats to standard output', () =>
    inFolder({}, async (folder, peft) => {
      files(folder);
      const md = await peft(['report', 'runs', '--format', 'md', '--by', 'accuracy,trainable', '--baseline', 'small']);
      expect(md.code).toBe(0);
      expect(md.out).toMatch(/^## large and small\n/);
      expect(md.out).toContain('- large is better than small in accuracy');
      expect(md.out).toMatch(/^\| `adapters\.rank`<br>.* \| `2` \| `8` \|/m);
      expect(md.out).toContain('| trainable parameters | 300 | 40,000 |');
      expect(md.out).not.toContain('training time');
      expect((await peft(['report', 'runs', '--format', 'csv', '--by', 'accuracy'])).out).toMatch(/^method,seed,folder,accuracy\nlarge,0,/);
      expect(JSON.parse((await peft(['report', 'runs', '--format', 'json'])).out)).toMatchObject({ baseline: 'large' });
    }));

  it('says what is wrong with what it was given', () =>
    inFolder({ 'empty/x': '' }, async (_, peft) => {
      expect(await peft(['report', 'empty'])).toMatchObject({
        code: 2,
        err: expect.stringContaining('holds no run that is done') as string,
      });
      expect(await peft(['report', 'empty', '--live', 'x'])).toMatchObject({
        code: 2,
        err: expect.stringContaining('must be a port') as string,
      });
    }));

  it('names the command that runs an experiment again', () => {
    expect(commandOf({ ...sampleRun('small', 1), folder: 'a b' })).toMatch(/^peft run \S+ -e small_1 --out 'a b'$/);
    expect(reportMarkdown(reportOf(sampleRuns()))).toContain('-e small_2 --out runs/small_2');
  });
});

const voids = /^(meta|link|input|br|hr|img)$/;

/** Tags that are closed in the wrong order, or not at all. */
function unbalanced(page: string): string[] {
  const body = page.replace(/<(script|style)>[\s\S]*?<\/\1>/g, '').replace(/^<!doctype html>/, '');
  const open: string[] = [];
  const found: string[] = [];
  for (const [, closing, name, empty] of body.matchAll(/<(\/?)([A-Za-z][\w-]*)(?:\s(?:"[^"]*"|[^">])*?)?(\/?)>/g) as Iterable<
    [string, string, string, string]
  >) {
    if (closing === '/') {
      const last = open.pop();
      if (last !== name) found.push(`</${name}> closes <${last}>`);
    } else if (empty !== '/' && !voids.test(name)) open.push(name);
  }
  return [...found, ...open.map((name) => `<${name}> is not closed`)];
}

/** Contrast of two colours, as WCAG has it. */
function contrast(a: string, b: string): number {
  const luminance = (colour: string): number => {
    const parts = [1, 3, 5]
      .map((i) => parseInt(colour.slice(i, i + 2), 16) / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * (parts[0] as number) + 0.7152 * (parts[1] as number) + 0.0722 * (parts[2] as number);
  };
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}
