/**
 * @file The server: what an editor asks, answered from the workspace. A handler that fails says so in the log and answers nothing: an
 * editor is never left without its server.
 */
import { fileURLToPath } from 'node:url';
import {
  createConnection,
  ErrorCodes,
  ProposedFeatures,
  ResponseError,
  StreamMessageReader,
  StreamMessageWriter,
  TextDocumentSyncKind,
  TextDocuments,
  CodeActionKind,
  type CancellationToken,
  type InitializeParams,
  type InitializeResult,
} from 'vscode-languageserver/node';
import { TextDocument } from 'vscode-languageserver-textdocument';
import type { Io } from '../io.js';
import { manifest } from '../package.js';
import { codeActions, fixAllKind } from './actions.js';
import { createChecker, type Checker } from './checker.js';
import { complete } from './completion.js';
import { showDiagnostics } from './diagnostics.js';
import type { Document } from './document.js';
import { format } from './formatting.js';
import { legend, semanticTokens } from './highlighting.js';
import { hover } from './hover.js';
import { inlayHints } from './inlays.js';
import { definition, occurrencesIn, references, rename, renamable } from './navigation.js';
import { occurrenceAt } from './occurrences.js';
import { documentSymbols, foldingRanges } from './outline.js';
import { openWorkspace, type Workspace } from './workspace.js';

/** How long typing rests before a text is checked, in milliseconds. */
const patience = 150;

/** Serves one editor over a pair of streams; it ends the process when the editor says so, or is gone. */
export function serve(input: NodeJS.ReadableStream, output: NodeJS.WritableStream, io: Io): void {
  const connection = createConnection(ProposedFeatures.all, new StreamMessageReader(input), new StreamMessageWriter(output));
  // The connection ends the process on `exit`; an editor that dies only closes the stream.
  let ended = false;
  input.on('end', () => process.exit(ended ? 0 : 1));

  let ready: Promise<{ readonly workspace: Workspace; readonly checker: Checker }> | undefined;
  let capabilities: InitializeParams['capabilities'] = {};
  const texts = new TextDocuments(TextDocument);
  const timers = new Map<string, NodeJS.Timeout>();

  /** Runs a handler; what it throws is logged, and the editor gets an empty answer. */
  const guarded = async <T>(what: string, empty: T, body: () => T | Promise<T>): Promise<T> => {
    try {
      return await body();
    } catch (error) {
      if (error instanceof ResponseError) throw error;
      connection.console.error(`${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      return empty;
    }
  };

  /** Answers about an open document; `empty` where it is not open, or the question was taken back. */
  const about = async <T>(
    what: string,
    uri: string,
    empty: T,
    body: (document: Document, workspace: Workspace, checker: Checker) => T | Promise<T>,
    token?: CancellationToken,
  ): Promise<T> =>
    guarded(what, empty, async () => {
      const open = await ready;
      const document = open?.workspace.opened(uri);
      if (open === undefined || document === undefined || token?.isCancellationRequested === true) return empty;
      return body(document, open.workspace, open.checker);
    });

  const publish = (uri: string): Promise<void> =>
    about('diagnostics', uri, undefined, async (document, workspace, checker) => {
      const checked = await checker.check(document);
      if (checked === undefined || workspace.opened(uri) !== document) return;
      const version = texts.get(uri)?.version;
      await connection.sendDiagnostics({
        uri: document.uri,
        diagnostics: showDiagnostics(document, checked.diagnostics, workspace),
        ...(version === undefined ? {} : { version }),
      });
      if (capabilities.workspace?.inlayHint?.refreshSupport === true) void connection.languages.inlayHint.refresh().catch(() => undefined);
    });

  const soon = (uri: string): void => {
    clearTimeout(timers.get(uri));
    timers.set(
      uri,
      setTimeout(() => void publish(uri), patience),
    );
  };

  /** After a change of one file: it, and every open file that imports it. */
  const changed = (uri: string, file: string | undefined, workspace: Workspace): void => {
    soon(uri);
    for (const other of workspace.all())
      if (other.uri !== uri && file !== undefined && workspace.importsOf(other).has(file)) soon(other.uri);
  };

  connection.onInitialize((params): InitializeResult => {
    ({ capabilities } = params);
    const uris = params.workspaceFolders?.map((f) => f.uri) ?? (params.rootUri ? [params.rootUri] : []);
    const folders = uris.flatMap((uri) => {
      try {
        return [fileURLToPath(uri)];
      } catch {
        return [];
      }
    });
    ready = openWorkspace(folders, io).then((workspace) => ({ workspace, checker: createChecker(workspace) }));
    return {
      serverInfo: { name: 'peft', version: manifest().version },
      capabilities: {
        textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental, save: { includeText: false } },
        completionProvider: { triggerCharacters: ['.', '"', '/', '(', '{', ':', ' '] },
        hoverProvider: true,
        definitionProvider: true,
        referencesProvider: true,
        documentHighlightProvider: true,
        renameProvider: { prepareProvider: true },
        codeActionProvider: { codeActionKinds: [CodeActionKind.QuickFix, fixAllKind] },
        documentFormattingProvider: true,
        documentRangeFormattingProvider: true,
        semanticTokensProvider: { legend, full: true },
        inlayHintProvider: true,
        documentSymbolProvider: true,
        foldingRangeProvider: true,
      },
    };
  });
  connection.onShutdown(() => {
    ended = true;
    for (const timer of timers.values()) clearTimeout(timer);
  });

  texts.onDidChangeContent(
    ({ document }) =>
      void guarded('change', undefined, async () => {
        const open = await ready;
        if (open === undefined) return;
        const put = open.workspace.put(document.uri, document.getText());
        changed(document.uri, put.file, open.workspace);
      }),
  );
  texts.onDidClose(
    ({ document }) =>
      void guarded('close', undefined, async () => {
        const open = await ready;
        clearTimeout(timers.get(document.uri));
        timers.delete(document.uri);
        const file = open?.workspace.opened(document.uri)?.file;
        open?.workspace.close(document.uri);
        await connection.sendDiagnostics({ uri: document.uri, diagnostics: [] });
        for (const other of open?.workspace.all() ?? [])
          if (file !== undefined && open?.workspace.importsOf(other).has(file) === true) soon(other.uri);
      }),
  );
  /** What lies on disk changed: a base, a table, a file that is imported. */
  const again = (): Promise<void> =>
    guarded('files', undefined, async () => {
      const open = await ready;
      for (const { uri, text } of open?.workspace.all() ?? []) {
        open?.workspace.put(uri, text);
        soon(uri);
      }
    });
  texts.onDidSave(() => void again());
  connection.onDidChangeWatchedFiles(() => void again());

  connection.onCompletion(({ textDocument, position }, token) =>
    about(
      'completion',
      textDocument.uri,
      [],
      (document, workspace, checker) =>
        complete(
          document,
          document.offsetAt(position),
          workspace,
          checker,
          capabilities.textDocument?.completion?.completionItem?.snippetSupport === true,
        ),
      token,
    ),
  );
  connection.onHover(({ textDocument, position }, token) =>
    about(
      'hover',
      textDocument.uri,
      null,
      async (document, workspace, checker) => (await hover(document, document.offsetAt(position), workspace, checker)) ?? null,
      token,
    ),
  );
  connection.onDefinition(({ textDocument, position }) =>
    about('definition', textDocument.uri, [], (document, workspace, checker) =>
      definition(document, document.offsetAt(position), workspace, checker),
    ),
  );
  connection.onReferences(({ textDocument, position, context }) =>
    about('references', textDocument.uri, [], (document, workspace) =>
      references(document, document.offsetAt(position), workspace, context.includeDeclaration),
    ),
  );
  connection.onDocumentHighlight(({ textDocument, position }) =>
    about('highlight', textDocument.uri, [], (document, workspace) => {
      const symbol = occurrenceAt(document, workspace, document.offsetAt(position))?.symbol;
      return symbol === undefined ? [] : occurrencesIn(document, symbol, workspace).map((o) => ({ range: document.rangeOf(o.span) }));
    }),
  );
  const refused = (why: string): never => {
    throw new ResponseError(ErrorCodes.InvalidRequest, why);
  };
  connection.onPrepareRename(({ textDocument, position }) =>
    about('rename', textDocument.uri, null, (document, workspace) => {
      const found = renamable(document, document.offsetAt(position), workspace);
      return typeof found === 'string' ? refused(found) : { range: found.range, placeholder: found.placeholder };
    }),
  );
  connection.onRenameRequest(({ textDocument, position, newName }) =>
    about('rename', textDocument.uri, null, async (document, workspace) => {
      const edit = await rename(document, document.offsetAt(position), newName, workspace);
      return typeof edit === 'string' ? refused(edit) : edit;
    }),
  );
  connection.onCodeAction(({ textDocument, range, context }) =>
    about('actions', textDocument.uri, [], async (document, workspace, checker) => {
      const found = (await checker.check(document))?.diagnostics ?? [];
      return codeActions(document, range, found, showDiagnostics(document, found, workspace), context.only);
    }),
  );
  connection.onDocumentFormatting(({ textDocument }) => about('formatting', textDocument.uri, [], format));
  connection.onDocumentRangeFormatting(({ textDocument }) => about('formatting', textDocument.uri, [], format));
  connection.languages.semanticTokens.on(({ textDocument }) => about('tokens', textDocument.uri, { data: [] }, semanticTokens));
  connection.languages.inlayHint.on(({ textDocument, range }) =>
    about('hints', textDocument.uri, [], async (document, _workspace, checker) => {
      const checked = await checker.check(document);
      return checked === undefined ? [] : inlayHints(checked, range);
    }),
  );
  connection.onDocumentSymbol(({ textDocument }) => about('symbols', textDocument.uri, [], documentSymbols));
  connection.onFoldingRanges(({ textDocument }) => about('folding', textDocument.uri, [], foldingRanges));

  texts.listen(connection);
  connection.listen();
}
