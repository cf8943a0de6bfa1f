/**
 * @file The language server as an editor feels it: a process of its own, spoken to over the protocol, on the largest example. A letter is
 * written and completion is asked for at once, as editors do; then hover, and how long diagnostics take after a change.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  createMessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
  type CompletionItem,
  type MessageConnection,
  type Position,
} from 'vscode-languageserver/node';
import { packageRoot } from '../cli/package.js';
import { circumstances, printTable, round, writeResults, type Benchmark } from './report.js';

const example = 'examples/nsmc/methods.peft';
const times = 100;

/** Places of the example: a piece of its text that stands there once, with the mark where completion is asked for, and what is written there first. */
const places: readonly (readonly [what: string, mark: string, written: string])[] = [
  ['statement', 'experiment vblora_0 = head_only_0 {\n  ‸', 'a'],
  ['role', 'adapt attention.{‸key, value} with ia3', 'q'],
  ['method', 'with dora‸(rank: 8', 'a'],
  ['argument', 'vblora(‸rank: 4', 'n'],
  ['field', 'label: "label"\n    ‸', 'm'],
  ['module names in quotation marks', 'adapt attention + mlp + pooler with waveft‸', ''],
];

interface Session {
  readonly connection: MessageConnection;
  readonly uri: string;
  version: number;
  text: string;
}

/** The share `q` of the values lies at or below what this gives. */
const quantile = (values: readonly number[], q: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN;
};

const positionIn = (text: string, offset: number): Position => {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length - 1, character: (before.at(-1) as string).length };
};

/** Puts a text at an offset in place of some characters, as a change of the document. */
async function write(session: Session, offset: number, removed: number, text: string): Promise<void> {
  const range = { start: positionIn(session.text, offset), end: positionIn(session.text, offset + removed) };
  session.version += 1;
  session.text = session.text.slice(0, offset) + text + session.text.slice(offset + removed);
  await session.connection.sendNotification('textDocument/didChange', {
    textDocument: { uri: session.uri, version: session.version },
    contentChanges: [{ range, text }],
  });
}

/** Waits for the diagnostics of the present version. */
const diagnosed = (session: Session): Promise<number> =>
  new Promise((resolve) => {
    const listening = session.connection.onNotification(
      'textDocument/publishDiagnostics',
      (params: { readonly uri: string; readonly version?: number; readonly diagnostics: readonly unknown[] }) => {
        if (params.uri !== session.uri || params.version !== session.version) return;
        listening.dispose();
        resolve(params.diagnostics.length);
      },
    );
  });

/** Milliseconds that something takes. */
async function clocked(work: () => Promise<unknown>): Promise<number> {
  const before = performance.now();
  await work();
  return performance.now() - before;
}

/** Latency of the language server. */
export const benchmark: Benchmark = {
  summary: 'the language server on the largest example: completion, hover, diagnostics',
  run: async () => {
    const started = performance.now();
    const server = spawn(process.execPath, [join(packageRoot, 'dist', 'cli.js'), 'lsp', '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const connection = createMessageConnection(new StreamMessageReader(server.stdout), new StreamMessageWriter(server.stdin));
    connection.listen();
    const root = pathToFileURL(packageRoot).href;
    await connection.sendRequest('initialize', { processId: process.pid, rootUri: root, capabilities: {} });
    const start = performance.now() - started;
    await connection.sendNotification('initialized', {});
    const text = readFileSync(join(packageRoot, example), 'utf8');
    const session: Session = { connection, uri: pathToFileURL(join(packageRoot, example)).href, version: 1, text };
    await connection.sendNotification('textDocument/didOpen', {
      textDocument: { uri: session.uri, languageId: 'peft', version: 1, text },
    });
    const first = await clocked(() => diagnosed(session));

    const rows: { readonly request: string; readonly items: number; readonly p50: number; readonly p95: number; readonly most: number }[] =
      [];
    const add = (request: string, values: readonly number[], items: number): void => {
      rows.push({
        request,
        items,
        p50: round(quantile(values, 0.5)),
        p95: round(quantile(values, 0.95)),
        most: round(Math.max(...values)),
      });
    };
    const all: number[] = [];
    for (const [what, mark, written] of places) {
      const values: number[] = [];
      let items = 0;
      const quoted = what.includes('quotation');
      const at = text.indexOf(mark.replace('‸', '')) + mark.indexOf('‸');
      const [offset, removed, insert] = quoted ? [text.lastIndexOf('attention', at), 'attention'.length, '"bert.'] : [at, 0, written];
      for (let i = 0; i < times; i++) {
        await write(session, offset, removed, insert);
        const position = positionIn(session.text, offset + insert.length);
        values.push(
          await clocked(async () => {
            items = (
              await connection.sendRequest<CompletionItem[]>('textDocument/completion', { textDocument: { uri: session.uri }, position })
            ).length;
          }),
        );
        await write(session, offset, insert.length, text.slice(offset, offset + removed));
      }
      all.push(...values);
      add(`completion: ${what}`, values, items);
    }
    add('completion: all', all, 0);
    const hovers: number[] = [];
    for (let i = 0; i < times; i++) {
      await write(session, 0, 0, i % 2 === 0 ? ' ' : '');
      const position = positionIn(session.text, session.text.indexOf('attention + mlp'));
      hovers.push(await clocked(() => connection.sendRequest('textDocument/hover', { textDocument: { uri: session.uri }, position })));
      if (i % 2 === 0) await write(session, 0, 1, '');
    }
    add('hover over a selector', hovers, 0);
    const checks: number[] = [];
    for (let i = 0; i < times / 5; i++) {
      await write(session, text.length, session.text.length - text.length, i % 2 === 0 ? '\n' : '');
      checks.push(await clocked(() => diagnosed(session)));
    }
    add('diagnostics after a change', checks, 0);

    const head = ['request', 'items', 'p50', 'p95', 'most'] as const;
    printTable(
      `${example}, milliseconds, ${times} times each after a change; start ${start.toFixed(0)} ms, first diagnostics ${first.toFixed(0)} ms`,
      head,
      rows.map((row) => head.map((h) => row[h])),
    );
    writeResults('lsp', circumstances(), { unit: 'milliseconds', times, start: round(start), first: round(first), rows });
    const ended = new Promise((resolve) => server.once('exit', resolve));
    await connection.sendRequest('shutdown');
    await connection.sendNotification('exit');
    await ended;
  },
};
