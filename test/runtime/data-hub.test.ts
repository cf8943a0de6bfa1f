/**
 * @file The Hub: the cache first, then a download at one commit, against a fake server.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { must, words } from './data-results.js';
import { fetchBaseFromHub, fetchFromHub, hubCacheFolder, type HubOptions } from '../../runtime/hub.js';

const root = mkdtempSync(join(tmpdir(), 'peft-hub-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const commit = '0123456789abcdef0123456789abcdef01234567';
const moved = 'fedcba9876543210fedcba9876543210fedcba98';
let caches = 0;

function cacheOf(files: Readonly<Record<string, string>> = {}): string {
  const cache = join(root, String(caches++));
  mkdirSync(cache);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(cache, path)), { recursive: true });
    writeFileSync(join(cache, path), content);
  }
  return cache;
}

const repository = 'models--owner--tiny';
const cached = (files: readonly string[]): Record<string, string> => ({
  [`${repository}/refs/main`]: commit,
  ...Object.fromEntries(files.map((file) => [`${repository}/snapshots/${commit}/${file}`, `cached ${file}`])),
});

/** A server that has some files of owner/tiny, and the list of what was asked of it. */
function server(files: Readonly<Record<string, string>>, head = commit): { readonly fetch: typeof fetch; readonly asked: string[] } {
  const asked: string[] = [];
  const answer = (body: unknown, status = 200, headers: Record<string, string> = {}): Response =>
    new Response(typeof body === 'string' ? body : JSON.stringify(body), {
      status,
      headers: { 'Content-Type': typeof body === 'string' ? 'text/plain' : 'application/json', ...headers },
    });
  const fake = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const url = new URL(input instanceof Request ? input.url : input);
    asked.push(url.pathname);
    const [, revision] = /^\/api\/models\/owner\/tiny\/revision\/(.+)$/.exec(url.pathname) ?? [];
    if (revision !== undefined)
      return ['main', head].includes(decodeURIComponent(revision))
        ? answer({ _id: 'x', id: 'owner/tiny', sha: head, lastModified: 0 })
        : answer({ error: 'Invalid rev id' }, 404);
    if (/^\/api\/models\/owner\/tiny\/paths-info\//.test(url.pathname)) {
      const { paths } = JSON.parse(String(init?.body)) as { paths: string[] };
      return answer(
        paths
          .filter((path) => path in files)
          .map((path) => ({
            type: 'file',
            path,
            oid: `oid-${path}`,
            size: files[path]!.length,
            lastCommit: { id: moved, title: '', date: 0 },
          })),
      );
    }
    const [, at, path] = /^\/owner\/tiny\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname) ?? [];
    if (path !== undefined && path in files && at === head) {
      const range = /bytes=(\d+)-(\d+)?/.exec(new Headers(init?.headers).get('Range') ?? '');
      const content =
        range === null ? files[path]! : files[path]!.slice(Number(range[1]), range[2] === undefined ? undefined : Number(range[2]) + 1);
      return answer(content, range === null ? 200 : 206, { ETag: `"${path}"`, 'Content-Range': `bytes 0-0/${files[path]!.length}` });
    }
    return answer(
      { error: url.pathname.includes('secret') ? 'Access restricted' : 'Not found' },
      url.pathname.includes('secret') ? 403 : 404,
    );
  };
  return { fetch: fake as typeof fetch, asked };
}

const unreachable = (async () => {
  throw Object.assign(new TypeError('fetch failed'), {
    cause: Object.assign(new Error('getaddrinfo ENOTFOUND huggingface.co'), { code: 'ENOTFOUND' }),
  });
}) as typeof fetch;
const forbidden: HubOptions = {
  fetch: (async () => {
    throw new Error('the network was asked');
  }) as typeof fetch,
};

describe('from the cache', () => {
  test.each(['main', commit, commit.slice(0, 7)])('revision %s', async (revision) => {
    const cache = cacheOf(cached(['config.json', 'sub/a.json']));
    const snapshot = must(
      await fetchFromHub('owner/tiny', revision, ['config.json', 'sub/a.json', { path: 'none.json', optional: true }], cache, forbidden),
    );
    expect(snapshot).toEqual({ folder: join(cache, repository, 'snapshots', commit), commit, files: ['config.json', 'sub/a.json'] });
  });

  test('offline, what is not there is named', async () => {
    const cache = cacheOf(cached(['config.json']));
    expect(
      words(await fetchFromHub('owner/tiny', 'main', ['config.json', 'model.safetensors'], cache, { offline: true }), cache),
    ).toContain('model.safetensors of owner/tiny is not in the cache FILE, and the network may not be used');
    vi.stubEnv('HF_HUB_OFFLINE', '1');
    expect(words(await fetchFromHub('owner/tiny', 'v2', ['config.json'], cache, forbidden))).toContain(
      'config.json of owner/tiny at v2 is not in the cache',
    );
    vi.unstubAllEnvs();
  });

  test('where the cache is', () => {
    expect(hubCacheFolder({ HF_HUB_CACHE: '/a', HF_HOME: '/b' })).toBe('/a');
    expect(hubCacheFolder({ HF_HOME: '/b' })).toBe(join('/b', 'hub'));
    expect(hubCacheFolder({ XDG_CACHE_HOME: '/c' })).toBe(join('/c', 'huggingface', 'hub'));
  });

  test('a base, in shards', async () => {
    const index = JSON.stringify({ weight_map: { a: 's-1.safetensors', b: 's-2.safetensors', c: 's-1.safetensors' } });
    const files = cached(['config.json', 'tokenizer.json', 's-1.safetensors', 's-2.safetensors']);
    const cache = cacheOf({ ...files, [`${repository}/snapshots/${commit}/model.safetensors.index.json`]: index });
    const snapshot = must(await fetchBaseFromHub('owner/tiny', 'main', cache, { offline: true }));
    expect(snapshot.files).toEqual(['config.json', 'tokenizer.json', 'model.safetensors.index.json', 's-1.safetensors', 's-2.safetensors']);
  });
});

describe('from the network', () => {
  test('files come to one commit, silently, and the next time from the cache', async () => {
    const cache = cacheOf();
    const { fetch, asked } = server({ 'config.json': '{"a":1}', 'sub/b.txt': 'text' });
    const debug = vi.spyOn(console, 'debug').mockImplementation(() => undefined);
    const told: string[] = [];
    const wanted = ['config.json', 'sub/b.txt', { path: 'extra.json', optional: true }];
    const snapshot = must(
      await fetchFromHub('owner/tiny', 'main', wanted, cache, { fetch, offline: false, onDownload: (path) => told.push(path) }),
    );
    expect(debug).not.toHaveBeenCalled();
    debug.mockRestore();
    expect(snapshot).toEqual({ folder: join(cache, repository, 'snapshots', commit), commit, files: ['config.json', 'sub/b.txt'] });
    expect(readFileSync(join(snapshot.folder, 'config.json'), 'utf8')).toBe('{"a":1}');
    expect(readFileSync(join(cache, repository, 'refs/main'), 'utf8')).toBe(commit);
    expect(existsSync(join(cache, repository, 'snapshots', moved))).toBe(false);
    expect(told).toEqual(['extra.json', 'config.json', 'sub/b.txt']);
    expect(asked.filter((path) => path.includes('/resolve/')).every((path) => path.includes(commit))).toBe(true);
    expect(must(await fetchFromHub('owner/tiny', 'main', wanted, cache, forbidden))).toEqual(snapshot);
  });

  test('a base in one file', async () => {
    const { fetch } = server({ 'config.json': '{}', 'tokenizer.json': '{}', 'model.safetensors': 'weights' });
    const snapshot = must(await fetchBaseFromHub('owner/tiny', 'main', cacheOf(), { fetch, offline: false }));
    expect(snapshot.files).toEqual(['config.json', 'tokenizer.json', 'model.safetensors']);
  });

  const cases: readonly (readonly [string, string, string, readonly string[], typeof fetch, string])[] = [
    [
      'no network',
      'owner/tiny',
      'main',
      ['config.json'],
      unreachable,
      'owner/tiny is not in the cache and the hub cannot be reached (ENOTFOUND) | check the network',
    ],
    [
      'no network, a commit',
      'owner/tiny',
      commit,
      ['config.json'],
      unreachable,
      `config.json of owner/tiny at ${commit} is not in the cache and the hub cannot be reached (ENOTFOUND)`,
    ],
    ['no such file', 'owner/tiny', 'main', ['nothing.json'], server({}).fetch, 'nothing.json of owner/tiny does not exist on the hub'],
    [
      'no such revision',
      'owner/tiny',
      'v9',
      ['config.json'],
      server({}).fetch,
      'owner/tiny at v9 does not exist on the hub | check the name and the revision',
    ],
    ['no such repository', 'owner/other', 'main', ['config.json'], server({}).fetch, 'owner/other does not exist on the hub'],
    [
      'gated',
      'owner/secret',
      'main',
      ['config.json'],
      server({}).fetch,
      'owner/secret may not be read: the repository is private or gated',
    ],
    [
      'no name',
      'owner/tiny/more',
      'main',
      ['config.json'],
      unreachable,
      'owner/tiny/more is not the name of a repository | write it as "owner/name"',
    ],
    ['a name that leaves the cache', '..', 'main', ['config.json'], unreachable, '.. is not the name of a repository'],
    [
      'a revision that leaves the cache',
      'owner/tiny',
      '../../x',
      ['config.json'],
      unreachable,
      '"../../x" is not a revision of owner/tiny',
    ],
    ['a file that leaves the snapshot', 'owner/tiny', 'main', ['../x'], unreachable, '"../x" is not the name of a file in owner/tiny'],
  ];
  test.each(cases)('%s', async (_, repo, revision, files, fetch, expected) => {
    expect(words(await fetchFromHub(repo, revision, files, cacheOf(), { fetch, offline: false }))).toContain(expected);
  });
});
