/**
 * @file An editor for tests: it starts `peft lsp --stdio` as a process of its own, from the sources, and speaks the protocol with it.
 */
import { build, type Plugin } from 'esbuild';
import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter, type MessageConnection } from 'vscode-languageserver/node';
import type { Diagnostic, InitializeResult, Position, PublishDiagnosticsParams, TextEdit } from 'vscode-languageserver/node';
import { packageRoot } from '../../cli/package.js';

/** An editor with its server. */
export interface Editor {
  readonly folder: string;
  readonly initialized: InitializeResult;
  readonly connection: MessageConnection;
  /** What the server wrote to its log. */
  readonly log: readonly string[];
  readonly uri: (name: string) => string;
  /** Asks, and gives the answer. */
  readonly ask: <T>(method: string, params: unknown) => Promise<T>;
  /** The same about a file at the place of the mark `‸` in a piece of its text, which stands there once without the mark. */
  readonly askAt: <T>(method: string, name: string, mark: string, more?: object) => Promise<T>;
  readonly open: (name: string, text: string) => Promise<void>;
  /** Puts a text in place of another that stands there once. */
  readonly edit: (name: string, from: string, to: string) => Promise<void>;
  readonly close: (name: string) => Promise<void>;
  /** The text of an open file. */
  readonly text: (name: string) => string;
  readonly position: (name: string, mark: string) => Position;
  /** The diagnostics of the present version of a file, as soon as they are there. */
  readonly diagnostics: (name: string) => Promise<readonly Diagnostic[]>;
  /** Ends the server as the protocol says; gives its exit code. */
  readonly end: () => Promise<number | null>;
  readonly process: ChildProcess;
}

const bundle = join(packageRoot, '.cache', `lsp-${process.pid}.mjs`);
let built: Promise<unknown> | undefined;

/** Only the verb that is tested: the others load what it does not need. */
const onlyServer: Plugin = {
  name: 'only the server',
  setup(bundler) {
    bundler.onLoad({ filter: /[\\/]cli[\\/]verbs[\\/][^\\/]*\.ts$/ }, ({ path }) =>
      basename(path) === 'lsp.ts' ? undefined : { contents: 'export {};', loader: 'ts' },
    );
  },
};

/** The command line from its sources, as one file beside the package's folders. */
function program(): Promise<unknown> {
  built ??= build({
    absWorkingDir: packageRoot,
    bundle: true,
    format: 'esm',
    platform: 'node',
    outfile: bundle,
    logLevel: 'error',
    define: { PEFT_VERBS: '["lsp"]' },
    external: [
      'webgpu',
      '@huggingface/*',
      '@sparticuz/chromium',
      'hyparquet',
      'hyparquet-compressors',
      'csv-parse',
      'csv-parse/*',
      'cli-progress',
    ],
    banner: { js: 'const require = process.getBuiltinModule;' },
    plugins: [onlyServer],
    stdin: {
      resolveDir: packageRoot,
      loader: 'ts',
      contents: `import { processIo, runCommandLine } from './cli/command-line.js';\nprocess.exitCode = await runCommandLine(process.argv.slice(2), processIo());`,
    },
  });
  return built;
}

/** Removes what was built; for after all tests of a file. */
export const removeProgram = (): void => rmSync(bundle, { force: true });

/** The quickstart's base and tables, for experiments in tests. */
const quickstart = join(packageRoot, 'examples', 'quickstart');

/** Starts an editor in a folder of its own with the given files, a base and two tables; the folder and the server are gone afterwards. */
export async function withEditor(
  files: Readonly<Record<string, string>>,
  body: (editor: Editor) => Promise<void>,
  capabilities: object = usualCapabilities,
): Promise<void> {
  await program();
  const folder = mkdtempSync(join(tmpdir(), 'peft-lsp-'));
  for (const name of ['base', 'train.tsv', 'test.tsv']) cpSync(join(quickstart, name), join(folder, name), { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  const child = spawn(process.execPath, [bundle, 'lsp', '--stdio'], { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    await body(await connect(child, folder, capabilities));
  } finally {
    child.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

const usualCapabilities = {
  textDocument: { completion: { completionItem: { snippetSupport: true } }, rename: { prepareSupport: true } },
  workspace: { workspaceFolders: true },
};

async function connect(child: ChildProcess, folder: string, capabilities: object): Promise<Editor> {
  const connection = createMessageConnection(
    new StreamMessageReader(child.stdout as NodeJS.ReadableStream),
    new StreamMessageWriter(child.stdin as NodeJS.WritableStream),
  );
  const ended = new Promise<number | null>((resolve) => void child.once('exit', resolve));
  const texts = new Map<string, { version: number; text: string }>();
  const published = new Map<string, PublishDiagnosticsParams>();
  const waiting = new Set<() => void>();
  const log: string[] = [];
  connection.onNotification('textDocument/publishDiagnostics', (params: PublishDiagnosticsParams) => {
    published.set(params.uri, params);
    for (const wake of waiting) wake();
  });
  connection.onNotification('window/logMessage', ({ message }: { message: string }) => void log.push(message));
  connection.onRequest('workspace/inlayHint/refresh', () => null);
  connection.onRequest('client/registerCapability', () => null);
  connection.listen();
  const uri = (name: string): string => (/^[a-z]+:/.test(name) ? name : pathToFileURL(join(folder, name)).href);
  const root = pathToFileURL(folder).href;
  const initialized = await connection.sendRequest<InitializeResult>('initialize', {
    processId: process.pid,
    rootUri: root,
    workspaceFolders: [{ uri: root, name: 'test' }],
    capabilities,
  });
  await connection.sendNotification('initialized', {});

  const text = (name: string): string => {
    const found = texts.get(name);
    if (found === undefined) throw new Error(`${name} is not open`);
    return found.text;
  };
  const offset = (name: string, piece: string): number => {
    const first = text(name).indexOf(piece);
    if (first < 0 || text(name).indexOf(piece, first + 1) >= 0) throw new Error(`${JSON.stringify(piece)} does not stand once in ${name}`);
    return first;
  };
  const positionOf = (name: string, at: number): Position => {
    const lines = text(name).slice(0, at).split('\n');
    return { line: lines.length - 1, character: (lines.at(-1) as string).length };
  };
  const position = (name: string, mark: string): Position => positionOf(name, offset(name, mark.replace('‸', '')) + mark.indexOf('‸'));
  return {
    folder,
    initialized,
    connection,
    log,
    uri,
    text,
    position,
    process: child,
    ask: (method, params) => connection.sendRequest(method, params),
    askAt: (method, name, mark, more = {}) =>
      connection.sendRequest(method, { textDocument: { uri: uri(name) }, position: position(name, mark), ...more }),
    open: async (name, content) => {
      texts.set(name, { version: 1, text: content });
      await connection.sendNotification('textDocument/didOpen', {
        textDocument: { uri: uri(name), languageId: 'peft', version: 1, text: content },
      });
    },
    edit: async (name, from, to) => {
      const start = offset(name, from);
      const range = { start: positionOf(name, start), end: positionOf(name, start + from.length) };
      const before = texts.get(name) as { version: number; text: string };
      const version = before.version + 1;
      texts.set(name, { version, text: before.text.slice(0, start) + to + before.text.slice(start + from.length) });
      await connection.sendNotification('textDocument/didChange', {
        textDocument: { uri: uri(name), version },
        contentChanges: [{ range, text: to }],
      });
    },
    close: async (name) => {
      texts.delete(name);
      await connection.sendNotification('textDocument/didClose', { textDocument: { uri: uri(name) } });
    },
    diagnostics: async (name) => {
      const version = texts.get(name)?.version;
      const ready = (): PublishDiagnosticsParams | undefined => {
        const found = published.get(uri(name));
        if (found === undefined || found.version !== version) return undefined;
        published.delete(uri(name));
        return found;
      };
      for (;;) {
        const found = ready();
        if (found !== undefined) return found.diagnostics;
        await new Promise<void>((resolve) => {
          const wake = (): void => {
            waiting.delete(wake);
            resolve();
          };
          waiting.add(wake);
        });
      }
    },
    end: async () => {
      await connection.sendRequest('shutdown');
      await connection.sendNotification('exit');
      return ended;
    },
  };
}

/** A text with edits. */
export function edited(text: string, edits: readonly TextEdit[]): string {
  const lines = text.split('\n');
  const at = ({ line, character }: Position): number => lines.slice(0, line).reduce((sum, l) => sum + l.length + 1, 0) + character;
  return [...edits]
    .sort((a, b) => at(b.range.start) - at(a.range.start))
    .reduce((whole, e) => whole.slice(0, at(e.range.start)) + e.newText + whole.slice(at(e.range.end)), text);
}
