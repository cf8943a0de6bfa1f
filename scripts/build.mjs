/**
 * @file Builds `dist/`: the command line as ESM for Node 20, split so that each verb loads only what it needs, the parity and
 * bench programs beside it, the standard library parsed ahead of time (`dist/stdlib.packed`), and once more the verbs that must
 * start quickly, as one script (`dist/quick.js`) with the code that V8 made of it (`dist/quick.code`).
 *
 * Every output file lies directly in `dist/`, one level below the package's root just as the sources' folders are, so that
 * `new URL('../stdlib/', import.meta.url)` means the same in both. What is big or native stays a package.
 */
import { build } from 'esbuild';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, relative, sep } from 'node:path';
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

/** What runs from `dist/`, where its sources exist; `cli.js` loads the command line. */
const programs = { 'command-line': 'cli/command-line.ts', parity: 'test/parity/parity.ts', bench: 'bench/bench.ts' };

/** The verbs that editors and hooks call all the time. */
const quickVerbs = ['check', 'fmt'];

/** Every verb of the command line. */
const verbs = readdirSync(join(root, 'cli', 'verbs'))
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.slice(0, -3))
  .sort();

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
  minifySyntax: true,
  minifyWhitespace: true,
  define: { PEFT_VERBS: JSON.stringify(verbs) },
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

/** Leaves the verbs out of `quick.js` that it is not used for. */
const onlyQuickVerbs = {
  name: 'only quick verbs',
  setup(bundler) {
    bundler.onLoad({ filter: /[\\/]cli[\\/]verbs[\\/][^\\/]*\.ts$/ }, ({ path }) =>
      quickVerbs.includes(basename(path, '.ts')) ? undefined : { contents: 'export {};', loader: 'ts' },
    );
  },
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

/** Parses the standard library with the project's own parser and packs it; answers the lookahead that this needed. */
async function parseStdlib(out) {
  const bundle = join(out, 'parse.mjs');
  const exported = {
    parseFile: 'grammar/parse',
    sharedParser: 'grammar/parser',
    describeLookahead: 'grammar/lookahead',
    packStdlib: 'cli/packed-stdlib',
  };
  const contents = Object.entries(exported).map(([name, file]) => `export { ${name} } from './${file}.js';`);
  await build({ ...options, outfile: bundle, stdin: { contents: contents.join('\n'), resolveDir: root } });
  const { parseFile, sharedParser, describeLookahead, packStdlib } = await import(pathToFileURL(bundle).href);
  rmSync(bundle);
  const problems = [];
  const files = peftFiles(join(root, 'stdlib')).map((path) => {
    const name = relative(join(root, 'stdlib'), path).split(sep).join('/');
    const { value, diagnostics } = parseFile(readFileSync(path, 'utf8'), `std/${name}`);
    for (const d of diagnostics) if (d.severity === 'error') problems.push(`stdlib/${name}:${d.span.start}: ${d.code}: ${d.message}`);
    return [name.replace(/\.peft$/, ''), value];
  });
  if (problems.length > 0) throw new Error(`the standard library does not parse:\n${problems.join('\n')}`);
  writeFileSync(join(out, 'stdlib.packed'), packStdlib(new Map(files)));
  for (const path of peftFiles(join(root, 'examples'))) parseFile(readFileSync(path, 'utf8'), path);
  return describeLookahead(sharedParser());
}

/** Bundles the quick verbs as one script; see `cli/quick.ts`. */
async function buildQuick(out, define) {
  // A script has no chunks: what is loaded later stands in it whole, so the parser's package is cut to what it uses before.
  const chevrotain = join(out, 'chevrotain.mjs');
  await build({ ...options, outfile: chevrotain, stdin: { contents: "export * from 'chevrotain';", resolveDir: root }, banner: {} });
  const { outputFiles, metafile } = await build({
    ...options,
    alias: { chevrotain },
    outfile: join(out, 'quick.js'),
    entryPoints: ['cli/command-line.ts'],
    format: 'cjs',
    charset: 'ascii',
    define: { ...define, 'import.meta.url': 'importMetaUrl' },
    banner: { js: '(function(exports,require,module,importMetaUrl,importPackage){' },
    footer: { js: '})' },
    plugins: [...options.plugins, onlyQuickVerbs],
    metafile: true,
    write: false,
  });
  rmSync(chevrotain);
  const packages = Object.values(metafile.outputs).flatMap(({ imports }) => imports.filter((i) => i.kind === 'dynamic-import'));
  const script = packages.reduce((text, { path }) => text.replaceAll(`import("${path}")`, `importPackage("${path}")`), outputFiles[0].text);
  if (/\bimport\(/.test(script)) throw new Error('quick.js imports something that is no package of which the build knows');
  writeFileSync(join(out, 'quick.js'), script);
}

/** Runs the quick verbs over an example, and keeps the code that V8 made for that. */
async function compileQuick(dist) {
  const example = join(root, 'examples', 'quickstart', 'quickstart.peft');
  const bundle = join(dist, 'compile.mjs');
  await build({ ...options, outfile: bundle, entryPoints: ['cli/quick.ts'] });
  const { openQuick, runQuick } = await import(pathToFileURL(bundle).href);
  rmSync(bundle);
  const { href } = pathToFileURL(bundle);
  const script = openQuick(href);
  const { runCommandLine } = runQuick(script, href);
  const nothing = () => undefined;
  const io = { cwd: root, env: {}, out: nothing, err: nothing, terminal: { out: false, err: false } };
  for (const args of [
    ['check', example],
    ['fmt', '--check', example],
  ])
    await runCommandLine(args, io);
  writeFileSync(join(dist, 'quick.code'), script.createCachedData());
}

async function main() {
  const started = performance.now();
  const hash = sourcesHash();
  // A build is put together beside `dist/` and moved into place, so that a command which runs meanwhile never sees half of it.
  mkdirSync(join(root, '.cache'), { recursive: true });
  const out = mkdtempSync(join(root, '.cache', 'build-'));
  try {
    const entryPoints = Object.fromEntries(Object.entries(programs).filter(([, source]) => existsSync(join(root, source))));
    const define = { ...options.define, PEFT_LOOKAHEAD: JSON.stringify(JSON.stringify(await parseStdlib(out))) };
    await build({
      ...options,
      outfile: join(out, 'cli.js'),
      entryPoints: ['cli/main.ts'],
      external: ['./command-line.js'],
      define: { PEFT_QUICK_VERBS: JSON.stringify(quickVerbs) },
      banner: {},
    });
    await build({ ...options, define, outdir: out, entryPoints, splitting: true, chunkNames: '[name]-[hash]' });
    await buildQuick(out, define);
    // By itself: what formats may be installed without the rest.
    await build({ ...options, define, outfile: join(out, 'prettier-plugin.js'), entryPoints: ['editor/prettier/plugin.ts'] });

    const dist = join(root, 'dist');
    const old = `${out}-old`;
    if (existsSync(dist)) renameSync(dist, old);
    renameSync(out, dist);
    rmSync(old, { recursive: true, force: true });
    await compileQuick(dist);
    // Last, so that a build which was cut off is made again.
    writeFileSync(buildStamp, hash);
  } catch (error) {
    rmSync(out, { recursive: true, force: true });
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
  process.stderr.write(`built ${relative(root, buildStamp).split(sep)[0]}/ in ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
  return 0;
}

process.exitCode = await main();
