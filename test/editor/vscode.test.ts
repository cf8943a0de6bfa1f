/**
 * @file The extension for Visual Studio Code: what its archive holds, that the server in it serves, and which scopes its grammar gives.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { strFromU8, unzipSync } from 'fflate';
import oniguruma from 'vscode-oniguruma';
import textmate from 'vscode-textmate';
import {
  createMessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
  type PublishDiagnosticsParams,
} from 'vscode-languageserver/node';
import { packageRoot } from '../../cli/package.js';
import { contextual, reserved } from '../../grammar/tokens.js';
import { definitionKinds } from '../../grammar/ast.js';

const extension = join(packageRoot, 'editor', 'vscode');
const json = (path: string): Record<string, unknown> => JSON.parse(readFileSync(join(extension, path), 'utf8')) as Record<string, unknown>;

describe('the archive', () => {
  let folder: string;
  let files: Record<string, Uint8Array>;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'peft-vsix-test-'));
    const { buildVsix } = (await import(pathToFileURL(join(extension, 'build.mjs')).href)) as {
      readonly buildVsix: (folder: string) => Promise<string>;
    };
    files = unzipSync(readFileSync(await buildVsix(folder)));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('holds the extension, the server and the whole standard library', () => {
    const library = (below: string): string[] =>
      readdirSync(join(packageRoot, 'stdlib', below), { withFileTypes: true }).flatMap((e) =>
        e.isDirectory() ? library(`${below}${e.name}/`) : [`extension/server/stdlib/${below}${e.name}`],
      );
    expect(Object.keys(files).sort()).toEqual(
      [
        '[Content_Types].xml',
        'extension.vsixmanifest',
        'extension/README.md',
        'extension/dist/extension.cjs',
        'extension/language-configuration.json',
        'extension/package.json',
        'extension/server/bin/server.mjs',
        'extension/server/package.json',
        'extension/syntaxes/peft.tmLanguage.json',
        ...library(''),
      ].sort(),
    );
  });

  test('its manifest names files that are there, and types for all of them', () => {
    const manifest = JSON.parse(strFromU8(files['extension/package.json'] as Uint8Array)) as {
      readonly main: string;
      readonly version: string;
      readonly contributes: {
        readonly grammars: readonly { readonly path: string }[];
        readonly languages: readonly { readonly configuration: string; readonly extensions: readonly string[] }[];
      };
    };
    const named = [
      manifest.main,
      ...manifest.contributes.grammars.map((g) => g.path),
      ...manifest.contributes.languages.map((l) => l.configuration),
    ];
    for (const path of named) expect(Object.keys(files)).toContain(join('extension', path));
    expect(manifest.contributes.languages.flatMap((l) => l.extensions)).toEqual(['.peft']);
    const xml = strFromU8(files['extension.vsixmanifest'] as Uint8Array);
    expect(xml).toContain(`<Identity Language="en-US" Id="peft-lang" Version="${manifest.version}" Publisher="peft-lang"/>`);
    const types = [...strFromU8(files['[Content_Types].xml'] as Uint8Array).matchAll(/Extension="([^"]+)"/g)].map((m) => m[1]);
    const endings = new Set(Object.keys(files).flatMap((f) => (f.startsWith('[') ? [] : [/\.\w+$/.exec(f)?.[0]])));
    expect(types.sort()).toEqual([...endings].sort());
  });

  test('the extension asks for nothing but the editor and Node', () => {
    const code = strFromU8(files['extension/dist/extension.cjs'] as Uint8Array);
    const asked = new Set([...code.matchAll(/\brequire\("([^"]+)"\)/g)].map((m) => (m[1] as string).replace(/^node:/, '')));
    const builtin = createRequire(import.meta.url)('node:module').builtinModules as readonly string[];
    expect([...asked].filter((name) => !builtin.includes(name))).toEqual(['vscode']);
  });

  test('the server in it serves, with no package around it', async () => {
    for (const [path, bytes] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, 'x', path)), { recursive: true });
      writeFileSync(join(folder, 'x', path), bytes);
    }
    const example = join(packageRoot, 'examples', 'quickstart');
    for (const name of ['base', 'train.tsv', 'test.tsv', 'quickstart.peft'])
      cpSync(join(example, name), join(folder, name), { recursive: true });
    const child = spawn(process.execPath, [join(folder, 'x', 'extension', 'server', 'bin', 'server.mjs'), '--stdio'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    const connection = createMessageConnection(new StreamMessageReader(child.stdout), new StreamMessageWriter(child.stdin));
    const found = new Promise<PublishDiagnosticsParams>(
      (resolve) => void connection.onNotification('textDocument/publishDiagnostics', resolve),
    );
    connection.listen();
    await connection.sendRequest('initialize', { processId: process.pid, rootUri: null, capabilities: {} });
    await connection.sendNotification('initialized', {});
    const uri = pathToFileURL(join(folder, 'quickstart.peft')).href;
    const text = readFileSync(join(folder, 'quickstart.peft'), 'utf8').replace('attention', 'atention');
    await connection.sendNotification('textDocument/didOpen', { textDocument: { uri, languageId: 'peft', version: 1, text } });
    expect((await found).diagnostics.filter((d) => d.severity === 1).map((d) => d.code)).toEqual(['PEFT0401']);
    await connection.sendRequest('shutdown');
    await connection.sendNotification('exit');
    expect(await ended).toBe(0);
  });
});

describe('the grammar', () => {
  let tokenized: (text: string) => readonly (readonly [text: string, scope: string])[];
  beforeAll(async () => {
    const wasm = createRequire(import.meta.url).resolve('vscode-oniguruma/release/onig.wasm');
    await oniguruma.loadWASM(readFileSync(wasm).buffer as ArrayBuffer);
    const registry = new textmate.Registry({
      onigLib: Promise.resolve({
        createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
        createOnigString: (text) => new oniguruma.OnigString(text),
      }),
      loadGrammar: () =>
        Promise.resolve(textmate.parseRawGrammar(readFileSync(join(extension, 'syntaxes', 'peft.tmLanguage.json'), 'utf8'), 'peft.json')),
    });
    const grammar = await registry.loadGrammar('source.peft');
    tokenized = (text) => {
      let state = textmate.INITIAL;
      return text.split('\n').flatMap((line) => {
        const { tokens, ruleStack } = (grammar as textmate.IGrammar).tokenizeLine(line, state);
        state = ruleStack;
        return tokens.flatMap((t): (readonly [string, string])[] => {
          const word = line.slice(t.startIndex, t.endIndex).trim();
          return word === '' ? [] : [[word, (t.scopes.at(-1) as string).replace(/\.peft$/, '')]];
        });
      });
    };
  });

  /** A line, and the scope of each part of it. */
  const samples: readonly (readonly [line: string, scopes: string])[] = [
    [
      'import std.adapters.lora',
      'import=keyword.control.import std=support.module .=punctuation.separator adapters=entity.name.import .=punctuation.separator lora=entity.name.import',
    ],
    [
      'experiment small = large {',
      'experiment=storage.type.experiment small=entity.name.type.experiment ==keyword.operator.assignment large=entity.other.inherited-class {=source',
    ],
    [
      '  base bert from "base" for classify(labels: 2)',
      'base=keyword.control.statement bert=variable.other from=keyword.control "=punctuation.definition.string.begin base=string.quoted.double "=punctuation.definition.string.end for=keyword.control classify=entity.name.function.call (=source labels=variable.parameter :=punctuation.separator.key-value 2=constant.numeric )=source',
    ],
    [
      '  adapt attention + mlp except head with lora(rank: 8)',
      'adapt=keyword.control.statement attention=variable.other +=keyword.operator mlp=variable.other except=keyword.operator.word head=variable.other with=keyword.control lora=entity.name.function.call (=source rank=variable.parameter :=punctuation.separator.key-value 8=constant.numeric )=source',
    ],
    [
      '    train: tsv("a")',
      'train=variable.parameter :=punctuation.separator.key-value tsv=entity.name.function.call (=source "=punctuation.definition.string.begin a=string.quoted.double "=punctuation.definition.string.end )=source',
    ],
    ['  train head', 'train=keyword.control.statement head=variable.other'],
    [
      '  train A: [rank, in]',
      'train=storage.type.tensor A=variable.other.member :=punctuation.separator [=source rank=variable.other ,=punctuation.separator in=keyword.operator.word ]=source',
    ],
    ['    warmup: 6%', 'warmup=variable.parameter :=punctuation.separator.key-value 6=constant.numeric %=keyword.other.unit'],
    ['  let y = a % b', 'let=storage.type y=variable.other.member ==keyword.operator a=variable.other %=keyword.operator b=variable.other'],
    ['    gpu_memory: 8 GiB', 'gpu_memory=variable.parameter :=punctuation.separator.key-value 8=constant.numeric GiB=keyword.other.unit'],
    ['/// example: f(1) == 1', '///=punctuation.definition.comment example=keyword.other.example : f(1) == 1=comment.line.documentation'],
    [
      '// peft-allow PEFT1101: why',
      '//=punctuation.definition.comment peft-allow=keyword.other.suppression PEFT1101=constant.other.code : why=comment.line.double-slash',
    ],
    [
      '  x = "a\\n{b}\\q"',
      'x=variable.other ==keyword.operator "=punctuation.definition.string.begin a=string.quoted.double \\n=constant.character.escape {b}=constant.other.placeholder \\q=invalid.illegal.escape "=punctuation.definition.string.end',
    ],
    [
      'adapter halved(rank: Int = 8)',
      'adapter=storage.type.definition halved=entity.name.function (=source rank=variable.parameter :=punctuation.separator.key-value Int=support.type ==keyword.operator 8=constant.numeric )=source',
    ],
  ];

  test.each(samples)('%s', (line, scopes) => {
    expect(
      tokenized(line)
        .map(([word, scope]) => `${word}=${scope}`)
        .join(' ')
        .replace(/\s+/g, ' '),
    ).toBe(scopes);
  });

  test('every keyword of the language is one', () => {
    const words = [...Object.values(reserved), ...Object.values(contextual)].map((type) => type.LABEL ?? type.name);
    const kinds: readonly string[] = definitionKinds;
    const scopeOf = (word: string): string => {
      const line = kinds.includes(word)
        ? `${word} a(`
        : word === 'shared'
          ? 'shared train a: '
          : word === 'param' || word === 'frozen' || word === 'state' || word === 'save'
            ? `${word} a: `
            : `${word} a`;
      return tokenized(line).find(([text]) => text === word)?.[1] ?? 'nothing';
    };
    expect(words.filter((word) => !/^(keyword|storage|constant\.language)/.test(scopeOf(word)))).toEqual([]);
  });

  test('a keyword behind a dot, and before a colon, is a name', () => {
    expect(tokenized('site.in').at(-1)).toEqual(['in', 'variable.other']);
    expect(tokenized('base: 1')[0]).toEqual(['base', 'variable.parameter']);
  });

  test('the extension names this grammar and this language', () => {
    expect(json('syntaxes/peft.tmLanguage.json')['scopeName']).toBe('source.peft');
    expect(existsSync(join(extension, 'src', 'extension.ts'))).toBe(true);
  });
});
