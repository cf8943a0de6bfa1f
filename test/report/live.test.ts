/**
 * @file A report that follows runs, over HTTP: the page, an event with what changed and nothing else, the end, and who is refused.
 */
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { namesThisMachine, serveLive, type LiveReport } from '../../cli/report/live.js';
import type { Run } from '../../cli/runs.js';
import { logText, sampleRun, writeRun } from './sample-runs.js';

let root = '';
let live: LiveReport | undefined;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'peft-live-'));
});
afterEach(async () => {
  await live?.close();
  live = undefined;
  rmSync(root, { recursive: true, force: true });
});

const serve = async (folders: readonly string[], every = 20): Promise<LiveReport> =>
  (live = await serveLive({ folders, cwd: root, port: 0, every }));

interface Told {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Asks with headers that `fetch` would not let through. */
function ask(path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET'): Promise<Told> {
  return new Promise((resolve, reject) => {
    const asked = request(new URL(path, (live as LiveReport).url), { method, headers, agent: false }, (answer) => {
      let body = '';
      answer.setEncoding('utf8');
      answer.on('data', (part: string) => (body += part));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }));
    });
    asked.on('error', reject);
    asked.end();
  });
}

interface Sections {
  readonly version: number;
  readonly sections: Readonly<Record<string, string>>;
}

/** Listens to events; `next` waits for one of a name. */
function listen(since: number): { readonly next: (name: string) => Promise<Sections>; readonly ended: Promise<void> } {
  let text = '';
  let wake = (): void => undefined;
  const asked = request(new URL(`events?since=${since}`, (live as LiveReport).url));
  const ended = new Promise<void>((resolve, reject) => {
    asked.on('error', reject);
    asked.on('response', (answer) => {
      answer.setEncoding('utf8');
      answer.on('data', (part: string) => {
        text += part;
        wake();
      });
      answer.on('end', () => {
        wake();
        resolve();
      });
    });
  });
  asked.end();
  const next = async (name: string): Promise<Sections> => {
    for (;;) {
      const blocks = text.split('\n\n');
      const at = blocks.findIndex((block, i) => i < blocks.length - 1 && block.startsWith(`event: ${name}\n`));
      if (at >= 0) {
        text = blocks.slice(at + 1).join('\n\n');
        return JSON.parse(/^data: (.*)$/m.exec(blocks[at] as string)?.[1] ?? '{}') as Sections;
      }
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
  return { next, ended };
}

const versionOf = (page: string): number => Number(/<html[^>]*data-version="(\d+)"/.exec(page)?.[1]);

/** Writes the first steps of a run. */
function begin(run: Run, lines: number): string {
  return writeRun(root, run, run.log.slice(0, lines), false);
}

describe('a live report', () => {
  it('shows a run under way, then each change in the sections that it changes', async () => {
    const run = sampleRun('small', 1);
    const folder = begin(run, 61);
    await serve(['runs']);
    expect((live as LiveReport).url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
    const page = await ask('/');
    expect(page.status).toBe(200);
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'.*connect-src 'self'.*frame-ancestors 'none'$/);
    expect(page.body).toContain('step 60 of 240');
    expect(page.body).toContain('id="curve-step-loss-steps"');

    const events = listen(versionOf(page.body));
    const log = logText(run.log.slice(61));
    // Half a line is not read.
    appendFileSync(join(folder, 'metrics.jsonl'), log.slice(0, 40));
    appendFileSync(join(folder, 'metrics.jsonl'), log.slice(40));
    let told = await events.next('sections');
    // Appending is not atomic: a look may have come in between.
    while (!(told.sections['progress'] ?? '').includes('step 240 of 240')) told = await events.next('sections');
    expect(told.sections['curves']).toContain('<svg');
    expect(Object.keys(told.sections)).not.toContain('layers');
    expect(Object.keys(told.sections)).not.toContain('reproduction');
    expect((await ask('/')).body).toContain('step 240 of 240');

    writeFileSync(join(folder, 'result.json'), JSON.stringify(run.result));
    const last = await events.next('sections');
    expect(last.sections['progress']).toContain('done');
    expect(last.version).toBeGreaterThan(told.version);

    await (live as LiveReport).close();
    await events.next('end');
    await events.ended;
    await expect(ask('/')).rejects.toThrow('ECONNREFUSED');
    live = undefined;
  });

  it('waits for a run that has not begun', async () => {
    await serve(['runs/small_1']);
    const page = await ask('/');
    expect(page.body).toContain('waiting for the run to begin');
    const events = listen(versionOf(page.body));
    begin(sampleRun('small', 1), 5);
    let told = await events.next('sections');
    while (!(told.sections['curves'] ?? '').includes('<svg')) told = await events.next('sections');
    expect(told.sections['lead']).toContain('<h1>small</h1>');
  });

  it('sends a reader who comes late what was missed, and nothing twice', async () => {
    const run = sampleRun('small', 1);
    const folder = begin(run, 61);
    await serve(['runs'], 60_000);
    const version = versionOf((await ask('/')).body);
    appendFileSync(join(folder, 'metrics.jsonl'), logText(run.log.slice(61, 100)));
    (live as LiveReport).refresh();
    const told = await listen(version).next('sections');
    expect(told.version).toBe(version + 1);
    // Nothing has changed: there is no version after this one.
    (live as LiveReport).refresh();
    expect(versionOf((await ask('/')).body)).toBe(version + 1);
  });

  it('stands beside runs that are done, and need not have their baseline yet', async () => {
    begin(sampleRun('small', 2), 130);
    writeRun(root, sampleRun('large', 1));
    live = await serveLive({
      folders: ['runs'],
      cwd: root,
      port: 0,
      by: ['accuracy', 'time'],
      compare: { baseline: 'not_yet', confidence: 0.95, threshold: 0 },
    });
    const page = (await ask('/')).body;
    expect(page).toContain('under way');
    expect(page).toContain('large_1');
    expect(page).not.toContain('bars-memory');
  });

  it('refuses requests for another host, from another page, and those that would change something', async () => {
    begin(sampleRun('small', 1), 5);
    await serve(['runs']);
    const port = Number(new URL((live as LiveReport).url).port);
    for (const host of ['evil.example', `evil.example:${port}`, '127.0.0.1:1', `127.0.0.1.evil.example:${port}`, `192.168.0.1:${port}`])
      for (const path of ['/', '/events']) expect((await ask(path, { host })).status, `${path} of ${host}`).toBe(403);
    expect((await ask('/', { host: `localhost:${port}` })).status).toBe(200);
    expect((await ask('/events', { origin: 'http://evil.example' })).status).toBe(403);
    expect((await ask('/', { origin: `http://127.0.0.1:${port}` })).status).toBe(200);
    expect((await ask('/', {}, 'POST')).status).toBe(405);
    expect(await ask('/', {}, 'HEAD')).toMatchObject({ status: 200, body: '' });
    expect((await ask('/runs/small_1/metrics.jsonl')).status).toBe(404);
    expect((await ask('/../package.json')).status).toBe(404);
  });

  it.each([
    [undefined, '127.0.0.1', 80, false],
    ['', '127.0.0.1', 80, false],
    ['127.0.0.1:80', '127.0.0.1', 80, true],
    ['localhost', '127.0.0.1', 80, true],
    ['[::1]:8080', '::1', 8080, true],
    ['[::1]:8080', '127.0.0.1', 8080, true],
    ['10.0.0.7:8080', '0.0.0.0', 8080, true],
    ['box.example:8080', '0.0.0.0', 8080, false],
    ['box.example:8080', 'box.example', 8080, true],
    ['10.0.0.7:8080', '127.0.0.1', 8080, false],
    ['localhost:8081', '127.0.0.1', 8080, false],
    ['localhost:8080@evil', '127.0.0.1', 8080, false],
  ])('host %s on %s:%d is ours: %s', (given, host, port, ours) => expect(namesThisMachine(given, host, port)).toBe(ours));

  it('says that a port is taken', async () => {
    begin(sampleRun('small', 1), 5);
    await serve(['runs']);
    const port = Number(new URL((live as LiveReport).url).port);
    await expect(serveLive({ folders: ['runs'], cwd: root, port })).rejects.toThrow(`port ${port} of 127.0.0.1 is taken`);
  });
});
