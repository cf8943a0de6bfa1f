/**
 * @file Files of a repository on the Hugging Face Hub, from the cache that Python shares where they are there.
 *
 * Layout of the cache: `models--OWNER--NAME/refs/REVISION` holds a commit, `snapshots/COMMIT/FILE` the files. What is in
 * the cache is used without asking the network; the rest is downloaded at one commit, optional files first, so that a
 * snapshot with all required files is complete. The network library is loaded only when it is needed.
 */
import { mkdir, readFile, readdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { readJsonObject, isJsonObject } from './data/json-file.js';
import { fail, ok, type Result } from './data/result.js';
import { writeFileAtomically } from './weights/writer.js';

/** A file that is wanted; an optional one may be missing in the repository. */
export interface HubFile {
  readonly path: string;
  readonly optional?: boolean;
}

/** How the Hub is reached. */
export interface HubOptions {
  readonly fetch?: typeof fetch;
  /** Never ask the network. Default: what the environment variable HF_HUB_OFFLINE says. */
  readonly offline?: boolean;
  /** Access token for gated or private repositories. */
  readonly token?: string;
  /** Told of each file before it is downloaded. */
  readonly onDownload?: (path: string) => void;
}

/** A snapshot in the cache. */
export interface HubSnapshot {
  readonly folder: string;
  /** The commit the files belong to. */
  readonly commit: string;
  /** The wanted files that are there. */
  readonly files: readonly string[];
}

const commitPattern = /^[0-9a-f]{40}$/;
const shortCommitPattern = /^[0-9a-f]{7,39}$/;

/** The cache folder that the environment names, as in the Python library. */
export function hubCacheFolder(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const home = environment['HF_HOME'] ?? join(environment['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'huggingface');
  return environment['HF_HUB_CACHE'] ?? environment['HUGGINGFACE_HUB_CACHE'] ?? join(home, 'hub');
}

/** Fetches files of a model repository into the cache. */
export async function fetchFromHub(
  repo: string,
  revision: string,
  files: readonly (string | HubFile)[],
  cacheDir: string = hubCacheFolder(),
  options: HubOptions = {},
): Promise<Result<HubSnapshot>> {
  const named = checkNames(repo, revision, files);
  if (!named.ok) return named;
  const wanted = named.value;
  const storage = join(cacheDir, ['models', ...repo.split('/')].join('--'));
  const cached = await cachedSnapshot(storage, revision, wanted);
  if (cached !== undefined && wanted.every((file) => file.optional === true || cached.files.includes(file.path))) return ok(cached);
  if (options.offline ?? ['1', 'true', 'yes', 'on'].includes((process.env['HF_HUB_OFFLINE'] ?? '').toLowerCase())) {
    const missing = wanted.find((file) => file.optional !== true && !(cached?.files.includes(file.path) ?? false));
    return fail(
      repo,
      `${missing?.path ?? 'a file'} of ${at(repo, revision)} is not in the cache ${cacheDir}, and the network may not be used`,
      'allow the network once, or name a local folder',
    );
  }
  return download({ repo, revision, wanted, cacheDir, storage, options });
}

/** Fetches what a base consists of: configuration, tokenizer and weights, sharded or not. */
export async function fetchBaseFromHub(
  repo: string,
  revision: string,
  cacheDir: string = hubCacheFolder(),
  options: HubOptions = {},
): Promise<Result<HubSnapshot>> {
  const small = await fetchFromHub(
    repo,
    revision,
    [
      'config.json',
      'tokenizer.json',
      { path: 'tokenizer_config.json', optional: true },
      { path: 'special_tokens_map.json', optional: true },
      { path: 'generation_config.json', optional: true },
    ],
    cacheDir,
    options,
  );
  if (!small.ok) return small;
  // From here on the commit is known, so that a branch that moves meanwhile does not mix two states.
  const { commit, files } = small.value;
  const whole = await fetchFromHub(repo, commit, ['model.safetensors'], cacheDir, options);
  if (whole.ok) return ok({ ...whole.value, files: [...files, ...whole.value.files] });
  const index = await fetchFromHub(repo, commit, ['model.safetensors.index.json'], cacheDir, options);
  if (!index.ok) return whole;
  const map = await readJsonObject(join(index.value.folder, 'model.safetensors.index.json'), 'weights index');
  if (!map.ok) return map;
  const shardOf = map.value['weight_map'];
  const shards = isJsonObject(shardOf) ? [...new Set(Object.values(shardOf))].filter((shard) => typeof shard === 'string').sort() : [];
  const all = await fetchFromHub(repo, commit, shards, cacheDir, options);
  return all.ok ? ok({ ...all.value, files: [...files, ...index.value.files, ...all.value.files] }) : all;
}

function checkNames(repo: string, revision: string, files: readonly (string | HubFile)[]): Result<readonly HubFile[]> {
  if (!/^[\w.-]+(\/[\w.-]+)?$/.test(repo) || repo.split('/').some((part) => /^\.+$/.test(part)))
    return fail(repo, `${repo} is not the name of a repository`, 'write it as "owner/name"');
  if (revision === '' || /(^|\/)\.\.?(\/|$)|^\/|[\s\\]/.test(revision))
    return fail(repo, `"${revision}" is not a revision of ${repo}`, 'name a branch, a tag or a commit');
  const wanted = files.map((file) => (typeof file === 'string' ? { path: file } : file));
  const escaping = wanted.find(({ path }) => path === '' || /(^|\/)\.\.?(\/|$)|^\/|\\|:/.test(path));
  return escaping === undefined ? ok(wanted) : fail(repo, `"${escaping.path}" is not the name of a file in ${repo}`);
}

async function cachedSnapshot(storage: string, revision: string, wanted: readonly HubFile[]): Promise<HubSnapshot | undefined> {
  const commit = await cachedCommit(storage, revision);
  if (commit === undefined) return undefined;
  const folder = join(storage, 'snapshots', commit);
  const files: string[] = [];
  for (const { path } of wanted) if (await isFile(join(folder, path))) files.push(path);
  return { folder, commit, files };
}

async function cachedCommit(storage: string, revision: string): Promise<string | undefined> {
  if (commitPattern.test(revision)) return revision;
  const reference = await readFile(join(storage, 'refs', revision), 'utf8').catch(() => undefined);
  if (reference !== undefined && commitPattern.test(reference.trim())) return reference.trim();
  if (!shortCommitPattern.test(revision)) return undefined;
  const snapshots = await readdir(join(storage, 'snapshots')).catch(() => []);
  const matching = snapshots.filter((name) => name.startsWith(revision));
  return matching.length === 1 ? matching[0] : undefined;
}

async function isFile(path: string): Promise<boolean> {
  // `stat` follows the link into `blobs`, so a link without its blob counts as missing.
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

interface Download {
  readonly repo: string;
  readonly revision: string;
  readonly wanted: readonly HubFile[];
  readonly cacheDir: string;
  readonly storage: string;
  readonly options: HubOptions;
}

async function download({ repo, revision, wanted, cacheDir, storage, options }: Download): Promise<Result<HubSnapshot>> {
  const hub = await import('@huggingface/hub');
  const access = { ...(options.fetch && { fetch: options.fetch }), ...(options.token !== undefined && { accessToken: options.token }) };
  let commit = revision;
  try {
    if (!commitPattern.test(revision)) {
      commit = (await hub.modelInfo({ name: repo, revision, additionalFields: ['sha'], ...access })).sha;
      if (!commitPattern.test(commit)) return fail(repo, `the hub gave no commit for ${at(repo, revision)}`);
    }
  } catch (error) {
    return hubFailure(error, repo, revision, undefined);
  }
  const present: string[] = [];
  for (const file of [...wanted].sort((a, b) => Number(b.optional ?? false) - Number(a.optional ?? false))) {
    const cached = join(storage, 'snapshots', commit, file.path);
    try {
      if (!(await isFile(cached))) {
        options.onDownload?.(file.path);
        await mkdir(dirname(cached), { recursive: true });
        await quietly(() =>
          hub.downloadFileToCacheDir({ repo: { type: 'model', name: repo }, path: file.path, revision: commit, cacheDir, ...access }),
        );
      }
      present.push(file.path);
    } catch (error) {
      if (file.optional === true && isAbsent(error)) continue;
      return hubFailure(error, repo, revision, file.path);
    }
  }
  if (commit !== revision && !shortCommitPattern.test(revision)) {
    const noted = await writeFileAtomically(join(storage, 'refs', revision), commit);
    if (!noted.ok) return noted;
  }
  return ok({
    folder: join(storage, 'snapshots', commit),
    commit,
    files: wanted.map(({ path }) => path).filter((path) => present.includes(path)),
  });
}

/** The library reports each download on standard output, which belongs to results. */
async function quietly<T>(work: () => Promise<T>): Promise<T> {
  const { debug } = console;
  console.debug = () => undefined;
  try {
    return await work();
  } finally {
    console.debug = debug;
  }
}

function statusOf(error: unknown): number | undefined {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : undefined;
}

function isAbsent(error: unknown): boolean {
  return statusOf(error) === 404 || (error instanceof Error && /^(cannot get path info|invalid response) for /.test(error.message));
}

function hubFailure(error: unknown, repo: string, revision: string, file: string | undefined): Result<never> {
  const what = file === undefined ? at(repo, revision) : `${file} of ${at(repo, revision)}`;
  const status = statusOf(error);
  if (status === 401 || status === 403)
    return fail(
      repo,
      `${what} may not be read: the repository is private or gated, or does not exist`,
      'check its name, accept its terms on the hub and set HF_TOKEN',
    );
  if (status === 429)
    return fail(repo, `the hub refuses more requests for now, so ${what} was not fetched`, 'wait some minutes and try again');
  if (isAbsent(error))
    return fail(repo, `${what} does not exist on the hub`, file === undefined ? 'check the name and the revision' : undefined);
  if (status !== undefined) return fail(repo, `the hub answered ${what} with status ${status}`, 'try again later');
  const code = networkCode(error);
  if (code !== undefined)
    return fail(
      repo,
      `${what} is not in the cache and the hub cannot be reached (${code})`,
      'check the network, or name a local folder with the base',
    );
  return fail(repo, `${what} cannot be fetched: ${error instanceof Error ? error.message : String(error)}`);
}

/** The system's code behind a failed request; undefined when the error is no network error. */
function networkCode(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (
      'code' in cause &&
      typeof cause.code === 'string' &&
      /^(E(NOTFOUND|AI_AGAIN|CONN|TIMEDOUT|HOST|NET|PIPE)|UND_ERR|CERT|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/.test(cause.code)
    )
      return cause.code;
  }
  return error instanceof TypeError && error.message === 'fetch failed' ? 'no connection' : undefined;
}

function at(repo: string, revision: string): string {
  return revision === 'main' ? repo : `${repo} at ${revision}`;
}
