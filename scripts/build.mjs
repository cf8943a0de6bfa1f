/**
 * @file Builds `dist/`: the command line as ESM for Node 20, split so that each verb loads only what it needs, the parity and
 * bench programs beside it, and the standard library parsed ahead of time (`dist/stdlib.json`).
 *
 * Every output file lies directly in `dist/`, one level below the package's root just as the sources' folders are, so that
 * `new URL('../stdlib/', import.meta.url)` means the same in both. What is big or native stays a package.
 */
import { build } from 'esbuild';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildStamp, root, sourcesHash } from './project.mjs';

/** Packages that are loaded at run time instead of being bundled: native ones, and those that only some verbs need. */
const external = [
  'webgpu',
  '@huggingface/*',
  '@sparticuz/chromium',
  'hyparquet',
  'hyparquet-compressors',
  'csv-parse',
  'csv-parse/*',
  'cli-progress',
];

/** Programs besides the command line that run from `dist/`, where their sources exist. */
const programs = { cli: 'cli/main.ts', parity: 'test/parity/parity.ts', bench: 'bench/bench.ts' };

const options = {
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  external,
  charset: 'utf8',
  legalComments: 'none',
  logLevel: 'warning',
  // Bundled CommonJS packages require Node's own modules, and nothing else; `createRequire` in every file would delay the start.
  banner: { js: 'const require = process.getBuiltinModule;' },
  plugins: [
    {
      // Commander can start programs as subcommands; no verb is one, and loading what that needs would delay the start.
      name: 'no child processes in commander',
      setup(bundler) {
        bundler.onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
          /[\\/]commander[\\/]/.test(importer) ? { path: 'none', namespace: 'none' } : undefined,
        );
        bundler.onLoad({ filter: /.*/, namespace: 'none' }, () => ({ contents: 'module.exports = {};' }));
      },
    },
  ],
};

/** The `.peft` files below a folder. */
function peftFiles(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return peftFiles(path);
      return entry.name.endsWith('.peft') ? [path] : [];
    });
}

/** Parses the standard library with the project's own parser: path without ending → Ast. */
async function parseStdlib(parserFile) {
  const { parseFile } = await import(pathToFileURL(parserFile).href);
  const files = {};
  const problems = [];
  for (const path of peftFiles(join(root, 'stdlib'))) {
    const name = relative(join(root, 'stdlib'), path).split(sep).join('/');
    const { value, diagnostics } = parseFile(readFileSync(path, 'utf8'), `std/${name}`);
    for (const d of diagnostics) if (d.severity === 'error') problems.push(`stdlib/${name}:${d.span.start}: ${d.code}: ${d.message}`);
    files[name.replace(/\.peft$/, '')] = value;
  }
  return { files, problems };
}

async function main() {
  const started = performance.now();
  const hash = sourcesHash();
  // A build is put together beside `dist/` and moved into place, so that a command which runs meanwhile never sees half of it.
  mkdirSync(join(root, '.cache'), { recursive: true });
  const out = mkdtempSync(join(root, '.cache', 'build-'));
  try {
    const entryPoints = Object.fromEntries(Object.entries(programs).filter(([, source]) => existsSync(join(root, source))));
    const verbs = readdirSync(join(root, 'cli', 'verbs'))
      .filter((name) => name.endsWith('.ts'))
      .map((name) => name.slice(0, -3))
      .sort();
    await build({
      ...options,
      outdir: out,
      entryPoints,
      splitting: true,
      chunkNames: '[name]-[hash]',
      minifySyntax: true,
      minifyWhitespace: true,
      define: { PEFT_VERBS: JSON.stringify(verbs) },
    });

    if (existsSync(join(root, 'grammar', 'parse.ts'))) {
      const parser = join(out, 'parse.mjs');
      await build({ ...options, outfile: parser, entryPoints: ['grammar/parse.ts'] });
      const { files, problems } = await parseStdlib(parser);
      rmSync(parser);
      if (problems.length > 0) throw new Error(`the standard library does not parse:\n${problems.join('\n')}`);
      writeFileSync(join(out, 'stdlib.json'), JSON.stringify(files));
    } else {
      process.stderr.write('grammar/parse.ts is not there: dist/stdlib.json is left out\n');
    }
    writeFileSync(join(out, 'sources.sha256'), hash);

    const dist = join(root, 'dist');
    const old = `${out}-old`;
    if (existsSync(dist)) renameSync(dist, old);
    renameSync(out, dist);
    rmSync(old, { recursive: true, force: true });
  } catch (error) {
    rmSync(out, { recursive: true, force: true });
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
  process.stderr.write(`built ${relative(root, buildStamp).split(sep)[0]}/ in ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
  return 0;
}

process.exitCode = await main();
