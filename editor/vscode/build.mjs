/**
 * @file Builds the extension as a `.vsix`: `node editor/vscode/build.mjs [FOLDER]` writes `peft-lang-VERSION.vsix` into the folder, by default
 * `editor/vscode/dist/`. A `.vsix` is a zip: the extension with everything bundled, the language server with the standard library beside it, and two
 * files that describe them. The same sources give the same bytes.
 */
import { build } from 'esbuild';
import { strToU8, zipSync } from 'fflate';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../../', import.meta.url));

/** Packages that the server never comes to load: devices, downloads, progress bars. */
const unused = ['webgpu', '@huggingface/*', '@sparticuz/chromium', 'cli-progress'];

const options = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20',
  logLevel: 'error',
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  charset: 'utf8',
};

/** The extension's own code; `vscode` is given by the editor. */
const bundleExtension = (outfile) =>
  build({ ...options, format: 'cjs', external: ['vscode'], entryPoints: [join(here, 'src', 'extension.ts')], outfile });

/** The server. It lies one level below the folder of its package, as it does in the repository. */
const bundleServer = (outfile) =>
  build({
    ...options,
    format: 'esm',
    external: unused,
    banner: { js: 'const require = process.getBuiltinModule;' },
    outfile,
    stdin: {
      resolveDir: root,
      loader: 'ts',
      contents: `import { processIo } from './cli/io.js';\nimport { serve } from './cli/lsp/server.js';\nserve(process.stdin, process.stdout, processIo());`,
    },
  });

/** Files below a folder that pass, by their path with `/`. */
function filesBelow(folder, passes, prefix = '') {
  return readdirSync(join(folder, prefix), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
      if (entry.isDirectory()) return filesBelow(folder, passes, path);
      return passes(path) ? [path] : [];
    });
}

const escaped = (text) => text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]);

const contentTypes = `<?xml version="1.0" encoding="utf-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension=".json" ContentType="application/json"/><Default Extension=".vsixmanifest" ContentType="text/xml"/><Default Extension=".md" ContentType="text/markdown"/><Default Extension=".cjs" ContentType="application/javascript"/><Default Extension=".mjs" ContentType="application/javascript"/><Default Extension=".peft" ContentType="text/plain"/></Types>
`;

/** What the gallery and the editor read of the extension. */
const vsixManifest = (m) => `<?xml version="1.0" encoding="utf-8"?>
<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011" xmlns:d="http://schemas.microsoft.com/developer/vsx-schema-design/2011">
  <Metadata>
    <Identity Language="en-US" Id="${escaped(m.name)}" Version="${escaped(m.version)}" Publisher="${escaped(m.publisher)}"/>
    <DisplayName>${escaped(m.displayName)}</DisplayName>
    <Description xml:space="preserve">${escaped(m.description)}</Description>
    <Tags>${escaped([...m.keywords, '__ext_peft'].join(','))}</Tags>
    <Categories>${escaped(m.categories.join(','))}</Categories>
    <GalleryFlags>Public</GalleryFlags>
    <Properties>
      <Property Id="Microsoft.VisualStudio.Code.Engine" Value="${escaped(m.engines.vscode)}"/>
      <Property Id="Microsoft.VisualStudio.Code.ExtensionDependencies" Value=""/>
      <Property Id="Microsoft.VisualStudio.Code.ExtensionPack" Value=""/>
      <Property Id="Microsoft.VisualStudio.Code.ExtensionKind" Value="workspace"/>
      <Property Id="Microsoft.VisualStudio.Code.LocalizedLanguages" Value=""/>
    </Properties>
  </Metadata>
  <Installation><InstallationTarget Id="Microsoft.VisualStudio.Code"/></Installation>
  <Dependencies/>
  <Assets>
    <Asset Type="Microsoft.VisualStudio.Code.Manifest" Path="extension/package.json" Addressable="true"/>
    <Asset Type="Microsoft.VisualStudio.Services.Content.Details" Path="extension/README.md" Addressable="true"/>
  </Assets>
</PackageManifest>
`;

/** Builds the archive in a folder; gives its path. */
export async function buildVsix(folder) {
  const work = mkdtempSync(join(tmpdir(), 'peft-vsix-'));
  try {
    const [extension, server] = [join(work, 'extension.cjs'), join(work, 'server.mjs')];
    await Promise.all([bundleExtension(extension), bundleServer(server)]);
    const { private: _private, ...manifest } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'));
    const { name, version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const files = {
      '[Content_Types].xml': strToU8(contentTypes),
      'extension.vsixmanifest': strToU8(vsixManifest(manifest)),
      'extension/package.json': strToU8(`${JSON.stringify(manifest, null, 2)}\n`),
      'extension/README.md': readFileSync(join(here, 'README.md')),
      'extension/language-configuration.json': readFileSync(join(here, 'language-configuration.json')),
      'extension/syntaxes/peft.tmLanguage.json': readFileSync(join(here, 'syntaxes', 'peft.tmLanguage.json')),
      'extension/dist/extension.cjs': readFileSync(extension),
      'extension/server/package.json': strToU8(`${JSON.stringify({ name, version, license, type: 'module', private: true }, null, 2)}\n`),
      'extension/server/bin/server.mjs': readFileSync(server),
      ...Object.fromEntries(
        filesBelow(join(root, 'stdlib'), (path) => path.endsWith('.peft')).map((path) => [
          `extension/server/stdlib/${path}`,
          readFileSync(join(root, 'stdlib', path)),
        ]),
      ),
    };
    // A zip has no dates before 1980; this one has none of its own.
    const archive = zipSync(
      Object.fromEntries(Object.entries(files).map(([path, bytes]) => [path, [bytes, { level: 9, mtime: new Date(1980, 0, 2) }]])),
    );
    mkdirSync(folder, { recursive: true });
    const path = join(folder, `${manifest.name}-${manifest.version}.vsix`);
    writeFileSync(path, archive);
    return path;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  process.stdout.write(`${await buildVsix(process.argv[2] ?? join(here, 'dist'))}\n`);
