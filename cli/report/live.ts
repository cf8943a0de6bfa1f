/**
 * @file A report that follows runs: the page over HTTP, and each section that changes as a server-sent event.
 *
 * It listens on this machine alone unless it is told otherwise, and answers only requests that name this machine: a page from elsewhere whose name was
 * made to lead here (DNS rebinding) is refused.
 */
import { statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIP, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { methodsOf, quantitiesOf, type CompareOptions } from '../comparison.js';
import { UserError } from '../exit.js';
import { reasonOf } from '../source.js';
import { html } from './markup.js';
import { pageOf, partsOf, policy, type Section } from './page.js';
import { reportOn, type Progress } from './report.js';
import { readWatched, watchedFolders, type Watched } from './underway.js';

/** What is served, and where. */
export interface LiveOptions {
  /** Folders of runs, done or not, or folders that hold such folders. */
  readonly folders: readonly string[];
  readonly cwd: string;
  /** 0 takes one that is free. */
  readonly port: number;
  /** The address to listen on; this machine alone by default. */
  readonly host?: string;
  readonly title?: string | undefined;
  readonly compare?: CompareOptions;
  readonly by?: readonly string[] | undefined;
  /** Milliseconds between two looks at the folders. */
  readonly every?: number;
}

/** A report that is served. */
export interface LiveReport {
  readonly url: string;
  /** Looks at the folders now. */
  readonly refresh: () => void;
  /** Sends what changed last, says goodbye, and frees the port. */
  readonly close: () => Promise<void>;
}

/** A part with the version at which it changed last. */
interface Kept extends Section {
  readonly version: number;
}

/** What is shown. */
interface State {
  readonly version: number;
  readonly title: string;
  readonly methods: number;
  readonly parts: readonly Kept[];
}

/** Serves the report on runs while they are written. */
export async function serveLive(options: LiveOptions): Promise<LiveReport> {
  const host = options.host ?? '127.0.0.1';
  let state: State = { version: 0, title: '', methods: 0, parts: [] };
  let seen = '';
  const listeners = new Set<ServerResponse>();
  const refresh = (): void => {
    const folders = watchedFolders(options.folders, options.cwd);
    const now = folders.map(stampOf).join('\n');
    if (now === seen) return;
    const before = state;
    state = renew(state, folders, options);
    seen = now;
    if (state !== before) for (const listener of listeners) listener.write(sectionsEvent(state, before.version));
  };
  refresh();

  const server = createServer((request, response) => answer(request, response, { host, server, listeners, state: () => state }));
  await listen(server, options.port, host);
  const look = setInterval(() => {
    try {
      refresh();
    } catch {
      // A file is half there: the next look finds it whole.
    }
  }, options.every ?? 1000);
  // A connection on which nothing comes is given up by what lies between.
  const beat = setInterval(() => {
    for (const listener of listeners) listener.write(':\n\n');
  }, 15_000);
  look.unref();
  beat.unref();

  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${portOf(server)}/`,
    refresh,
    close: async () => {
      clearInterval(look);
      clearInterval(beat);
      try {
        refresh();
      } catch {
        // What was shown last stands.
      }
      for (const listener of listeners) listener.end('event: end\ndata: {}\n\n');
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        // A reader that does not take its last words does not keep the port.
        setTimeout(() => server.closeAllConnections(), 200).unref();
      });
    },
  };
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new UserError(`port ${port} of ${host} is taken`, 'choose another one, or 0 for any that is free')
          : new UserError(`port ${port} of ${host} cannot be listened on: ${reasonOf(error)}`),
      ),
    );
    server.listen(port, host, () => resolve());
  });
}

/** What tells that a folder has changed. */
function stampOf(folder: string): string {
  const files = ['spec.lock.json', 'metrics.jsonl', 'result.json'].map((name) => statSync(join(folder, name), { throwIfNoEntry: false }));
  return `${folder}:${files.map((file) => (file === undefined ? '' : `${file.size}/${file.mtimeMs}`)).join(':')}`;
}

/** The next state; the same one where nothing that is shown has changed. */
function renew(before: State, folders: readonly string[], options: LiveOptions): State {
  const watched = folders.map((folder) => readWatched(folder, options.cwd));
  const { title, methods, parts } = render(watched, options);
  const version = before.version + 1;
  let changed = false;
  const kept = parts.map((part): Kept => {
    const known = before.parts.find((p) => p.name === part.name);
    if (known !== undefined && known.body.markup === part.body.markup) return known;
    changed = true;
    return { ...part, version };
  });
  return changed ? { version, title, methods, parts: kept } : before;
}

function render(watched: readonly Watched[], options: LiveOptions): { title: string; methods: number; parts: Section[] } {
  const runs = watched.flatMap((w) => w.run ?? []);
  const progress: readonly Progress[] = watched.map((w) => w.progress);
  if (runs.length === 0) {
    const title = options.title ?? progress.map((p) => p.name).join(', ');
    const waiting = html`<p>The run has not begun yet.</p>`;
    return {
      title,
      methods: 0,
      parts: [
        ...partNames.map((name) => ({ name, body: waiting })),
        {
          name: 'lead',
          body: html`<h1>${title}</h1>
            <p class="lead">waiting for the run to begin</p>`,
        },
        { name: 'legend', body: html`` },
        { name: 'progress', body: html`` },
      ],
    };
  }
  const all = quantitiesOf(runs);
  // What is asked for may not be known yet.
  const quantities = options.by === undefined ? all : all.filter((q) => options.by?.includes(q.name));
  const given = options.compare ?? { confidence: 0.95, threshold: 0 };
  // Nor may the baseline have begun.
  const begun = methodsOf(runs).some((method) => method.name === given.baseline);
  const settings = begun ? given : { ...given, baseline: undefined };
  const report = reportOn(runs, quantities, settings, { title: options.title, progress });
  return { title: report.title, methods: report.methods.length, parts: partsOf(report) };
}

const partNames = ['verdicts', 'comparison', 'curves', 'bars', 'fronts', 'differences', 'layers', 'data', 'provenance', 'reproduction'];

/** The parts that changed after a version, as an event. */
function sectionsEvent(state: State, since: number): string {
  const sections = Object.fromEntries(state.parts.filter((p) => p.version > since).map((p) => [p.name, p.body.markup]));
  return `event: sections\nid: ${state.version}\ndata: ${JSON.stringify({ version: state.version, sections })}\n\n`;
}

interface Served {
  readonly host: string;
  readonly server: Server;
  readonly listeners: Set<ServerResponse>;
  readonly state: () => State;
}

function answer(request: IncomingMessage, response: ServerResponse, { host, server, listeners, state }: Served): void {
  const end = (code: number, text: string, headers: Readonly<Record<string, string>> = {}): void => {
    response.writeHead(code, { ...common, 'content-type': 'text/plain; charset=utf-8', ...headers });
    response.end(request.method === 'HEAD' ? '' : text);
  };
  const port = portOf(server);
  if (!namesThisMachine(request.headers.host, host, port)) return end(403, 'this report is served under its own address alone\n');
  const { origin } = request.headers;
  if (origin !== undefined && origin !== `http://${request.headers.host}`) return end(403, 'this report is read by its own page alone\n');
  if (request.method !== 'GET' && request.method !== 'HEAD') return end(405, 'this report can only be read\n', { allow: 'GET, HEAD' });
  const url = new URL(request.url ?? '/', 'http://localhost');
  switch (url.pathname) {
    case '/': {
      const { title, parts, methods, version } = state();
      return end(200, pageOf(title, parts, methods, { version }), {
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': `${policy(true)}; frame-ancestors 'none'`,
      });
    }
    case '/events': {
      response.writeHead(200, { ...common, 'content-type': 'text/event-stream; charset=utf-8', connection: 'close' });
      if (request.method === 'HEAD') return void response.end();
      // A browser that comes back says what it had last.
      const since = Number(request.headers['last-event-id'] ?? url.searchParams.get('since') ?? 0);
      const now = state();
      response.write('retry: 2000\n\n');
      if (now.version > since) response.write(sectionsEvent(now, since));
      listeners.add(response);
      response.on('close', () => listeners.delete(response));
      return;
    }
    default:
      return end(404, 'there is nothing here\n');
  }
}

const common = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' } as const;

/** Whether the host of a request is this machine under the address that is listened on; a name that anybody could register is not. */
export function namesThisMachine(given: string | undefined, host: string, port: number): boolean {
  if (given === undefined) return false;
  const [, name = '', at] = /^(\[[0-9a-fA-F:.]+\]|[^:]*)(?::(\d+))?$/.exec(given) ?? [];
  if (Number(at ?? 80) !== port) return false;
  const plain = name.replace(/^\[|\]$/g, '').toLowerCase();
  if (plain === 'localhost' || plain === host.toLowerCase()) return true;
  // Who listens on all addresses is reached under each of them, and an address cannot be made to lead elsewhere.
  return ['127.0.0.1', '::1'].includes(host) ? ['127.0.0.1', '::1'].includes(plain) : isIP(plain) !== 0;
}
