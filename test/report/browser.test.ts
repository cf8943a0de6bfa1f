/**
 * @file The report in a real browser: what is drawn, that nothing is loaded and nothing complains, both colours, every switch by the keyboard, without
 * a script, on a narrow screen, and a live report that is updated in place.
 */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quantitiesOf } from '../../cli/comparison.js';
import { serveLive } from '../../cli/report/live.js';
import { reportHtml } from '../../cli/report/page.js';
import { reportOn } from '../../cli/report/report.js';
import { openBrowser } from './browser.js';
import { logText, sampleRun, sampleRuns, writeRun } from './sample-runs.js';

const found = await openBrowser();
if ('reason' in found) console.warn(`the report is not tested in a browser: ${found.reason}`);
const none = 'reason' in found;

/** Where pictures are kept: looked at by a person, compared by nobody. */
const pictures = join(tmpdir(), 'peft-report-pictures');

let folder = '';
let file = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'peft-browser-'));
  mkdirSync(pictures, { recursive: true });
  const runs = sampleRuns();
  const report = reportOn(
    runs,
    quantitiesOf(runs),
    { baseline: 'small', confidence: 0.95, threshold: 0 },
    { title: '감성 분석 <small> & large' },
  );
  file = join(folder, 'report.html');
  writeFileSync(file, reportHtml(report));
});

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  if ('browser' in found) await found.browser.close();
});

interface Seen {
  readonly page: Page;
  /** What the console and the network said. */
  readonly complaints: string[];
  readonly loaded: string[];
}

/** A page in a context of its own, closed afterwards. */
async function inPage(options: BrowserContextOptions, url: string, body: (seen: Seen) => Promise<void>): Promise<void> {
  const context = await ('browser' in found ? found.browser : (undefined as unknown as Browser)).newContext({
    viewport: { width: 1280, height: 900 },
    reducedMotion: 'reduce',
    ...options,
  });
  try {
    const page = await context.newPage();
    const [complaints, loaded]: [string[], string[]] = [[], []];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => loaded.push(request.url()));
    await page.goto(url);
    await body({ page, complaints, loaded });
  } finally {
    await context.close();
  }
}

const local = (): string => pathToFileURL(file).href;
const groundOf = (page: Page): Promise<string> => page.evaluate('getComputedStyle(document.body).backgroundColor');
const visible = (page: Page, selector: string): Promise<number> => page.locator(selector).filter({ visible: true }).count();

describe.skipIf(none)('the report in a browser', () => {
  it('draws every chart, and neither loads anything nor complains', () =>
    inPage({}, local(), async ({ page, complaints, loaded }) => {
      expect(await page.title()).toBe('감성 분석 <small> & large');
      expect(await page.locator('h1').textContent()).toBe('감성 분석 <small> & large');
      const curves = page.locator('.by-steps .curve').filter({ visible: true });
      // Training loss, evaluation loss and accuracy, of two methods.
      expect(await curves.count()).toBe(6);
      for (const curve of await curves.all()) {
        const box = (await curve.boundingBox()) as { width: number; height: number };
        expect(box.width).toBeGreaterThan(300);
        expect(box.height).toBeGreaterThan(20);
      }
      expect(await visible(page, '.bar')).toBeGreaterThan(10);
      expect(await visible(page, '.front')).toBe(3);
      // No text of a chart leaves its picture, and none lies on another.
      expect(await page.evaluate(overlaps)).toEqual([]);
      await page.evaluate("document.querySelector('.bar').closest('svg').querySelector('.value').setAttribute('x', '40')");
      expect(await page.evaluate(overlaps)).not.toEqual([]);
      await page.reload();
      await page.screenshot({ path: join(pictures, 'light.png'), fullPage: true });
      expect(complaints).toEqual([]);
      expect(loaded.filter((url) => url !== local() && url !== 'data:,')).toEqual([]);
    }));

  it('has the names and landmarks that a screen reader needs', () =>
    inPage({}, local(), async ({ page }) => {
      for (const role of ['banner', 'main', 'contentinfo', 'navigation'] as const) expect(await page.getByRole(role).count()).toBe(1);
      expect(await page.getByRole('img', { name: 'accuracy over steps' }).count()).toBe(1);
      expect(await page.getByRole('table', { name: 'What the methods measure' }).count()).toBe(1);
      expect(await page.getByRole('group', { name: 'Methods' }).getByRole('checkbox').count()).toBe(2);
      expect(await page.getByRole('radio', { name: 'seconds' }).isChecked()).toBe(false);
      const levels = await page.evaluate<number[]>('[...document.querySelectorAll("h1,h2,h3")].map((h) => Number(h.tagName[1]))');
      expect(levels.filter((level, i) => i > 0 && level > (levels[i - 1] as number) + 1)).toEqual([]);
      expect(levels.filter((level) => level === 1)).toHaveLength(1);
    }));

  it('is light or dark as the system is, and as is chosen, and remembers that', () =>
    inPage({ colorScheme: 'dark' }, local(), async ({ page, complaints }) => {
      expect(await groundOf(page)).toBe('rgb(20, 23, 28)');
      await page.screenshot({ path: join(pictures, 'dark.png'), fullPage: true });
      await page.getByRole('radio', { name: 'light' }).check();
      expect(await groundOf(page)).toBe('rgb(255, 255, 255)');
      await page.emulateMedia({ colorScheme: 'light' });
      await page.getByRole('radio', { name: 'dark' }).check();
      expect(await groundOf(page)).toBe('rgb(20, 23, 28)');
      await page.reload();
      expect(await groundOf(page)).toBe('rgb(20, 23, 28)');
      expect(complaints).toEqual([]);
    }));

  it('can be walked through and switched by the keyboard alone', () =>
    inPage({}, local(), async ({ page }) => {
      const focused = (): Promise<string> => page.evaluate('document.activeElement.id || document.activeElement.textContent');
      const walk = async (until: (name: string) => boolean): Promise<string[]> => {
        const passed: string[] = [];
        for (let i = 0; i < 60; i += 1) {
          await page.keyboard.press('Tab');
          const name = await focused();
          expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle'), name).not.toBe('none');
          passed.push(name);
          if (until(name)) return passed;
        }
        throw new Error(`not reached: ${passed.join(', ')}`);
      };
      const passed = await walk((name) => name === 'show-m0');
      expect(passed[0]).toBe('Skip to the report');
      expect(passed).toContain('theme-system');
      expect(await visible(page, '.by-steps .m0 .curve')).toBe(3);
      await page.keyboard.press('Space');
      expect(await visible(page, '.by-steps .m0 .curve')).toBe(0);
      expect(await visible(page, '.by-steps .m1 .curve')).toBe(3);
      await page.keyboard.press('Space');
      expect(await visible(page, '.by-steps .m0 .curve')).toBe(3);
      await walk((name) => name === 'axis-steps');
      await page.keyboard.press('ArrowRight');
      expect([await visible(page, '.by-steps'), await visible(page, '.by-tokens'), await visible(page, '.by-seconds')]).toEqual([0, 3, 0]);
      await page.keyboard.press('ArrowRight');
      expect([await visible(page, '.by-steps'), await visible(page, '.by-tokens'), await visible(page, '.by-seconds')]).toEqual([0, 0, 3]);
      // The numbers of a chart: unfolded by Enter, then a table that the keyboard scrolls.
      await walk((name) => name === 'Numbers');
      await page.keyboard.press('Enter');
      await page.keyboard.press('Tab');
      expect(await focused()).toBe('curve-step-loss-table');
      await page.keyboard.press('End');
      await expect.poll(() => page.evaluate('document.activeElement.scrollTop')).toBeGreaterThan(100);
    }));

  it('can be read and switched without a script', () =>
    inPage({ javaScriptEnabled: false }, local(), async ({ page }) => {
      expect(await page.locator('.by-steps').filter({ visible: true }).count()).toBe(3);
      await page.getByRole('radio', { name: 'tokens' }).check();
      expect(await page.locator('.by-tokens').filter({ visible: true }).count()).toBe(3);
      await page.getByRole('checkbox', { name: 'large' }).uncheck();
      expect(await page.locator('.by-tokens .m0').filter({ visible: true }).count()).toBe(0);
      expect(await page.locator('.download').filter({ visible: true }).count()).toBe(0);
    }));

  it('saves an experiment as a file', () =>
    inPage({ acceptDownloads: true }, local(), async ({ page }) => {
      await page.locator('#spec-0 summary').click();
      const [saved] = await Promise.all([page.waitForEvent('download'), page.locator('#spec-0 .download').click()]);
      expect(saved.suggestedFilename()).toBe('large_0-0.spec.json');
    }));

  it('fits a narrow screen', () =>
    inPage({ viewport: { width: 375, height: 800 } }, local(), async ({ page }) => {
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(375);
      await page.screenshot({ path: join(pictures, 'narrow.png') });
    }));

  it('follows a run in place, and leaves what the reader has opened and chosen', async () => {
    const run = sampleRun('small', 1);
    const place = writeRun(folder, run, run.log.slice(0, 61), false);
    const live = await serveLive({ folders: ['runs'], cwd: folder, port: 0, every: 20 });
    try {
      await inPage({}, live.url, async ({ page, complaints }) => {
        await expect.poll(() => page.locator('#connection').textContent()).toBe('connected');
        const length = async (): Promise<number> =>
          ((await page.locator('#curve-step-loss-steps .curve').getAttribute('d')) as string).length;
        const before = await length();
        await page.locator('#curve-step-loss-numbers summary').click();
        await page.getByRole('radio', { name: 'tokens' }).check();
        await page.locator('#curve-step-loss-numbers summary').focus();
        appendFileSync(join(place, 'metrics.jsonl'), logText(run.log.slice(61, 122)));
        await expect.poll(() => page.locator('[data-part=progress]').textContent()).toContain('step 120 of 240');
        expect(await length()).toBeGreaterThan(before);
        expect(await page.locator('#curve-step-loss-numbers').getAttribute('open')).toBe('');
        expect(await page.evaluate('document.activeElement.parentElement.id')).toBe('curve-step-loss-numbers');
        expect(await visible(page, '#curve-step-loss-tokens')).toBe(1);
        await page.screenshot({ path: join(pictures, 'live.png') });
        await live.close();
        await expect.poll(() => page.locator('#connection').textContent()).toContain('the run has ended');
        expect(complaints).toEqual([]);
      });
    } finally {
      await live.close();
    }
  });
});

/** Texts of charts that leave their picture or lie on each other, as a function of the page. */
const overlaps = `(() => {
  const found = [];
  for (const svg of document.querySelectorAll('main svg[role=img]')) {
    const frame = svg.getBoundingClientRect();
    if (frame.width === 0) continue;
    const texts = [...svg.querySelectorAll('text')].map((t) => ({ text: t.textContent, box: t.getBoundingClientRect() }));
    for (const { text, box } of texts)
      if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1) found.push(svg.id + ': ' + text + ' leaves the picture');
    for (const [i, a] of texts.entries())
      for (const b of texts.slice(i + 1))
        if (a.box.left < b.box.right - 1 && b.box.left < a.box.right - 1 && a.box.top < b.box.bottom - 2 && b.box.top < a.box.bottom - 2)
          found.push(svg.id + ': ' + a.text + ' and ' + b.text);
  }
  return found;
})()`;
