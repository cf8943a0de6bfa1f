/**
 * @file The extension for Visual Studio Code: starts the language server, the one that comes with it or the command that the setting
 * `peft.path` names, and speaks with it as long as the window is open.
 */
import { commands, workspace, type ExtensionContext } from 'vscode';
import { LanguageClient, TransportKind, type ServerOptions } from 'vscode-languageclient/node';

let client: LanguageClient | undefined;

/** How the server is started. */
function serverOptions(context: ExtensionContext): ServerOptions {
  const path = workspace.getConfiguration('peft').get<string>('path') ?? '';
  if (path !== '') return { command: path, args: ['lsp'], transport: TransportKind.stdio };
  return { module: context.asAbsolutePath('server/bin/server.mjs'), transport: TransportKind.stdio };
}

async function start(context: ExtensionContext): Promise<void> {
  client = new LanguageClient('peft', 'peft', serverOptions(context), {
    documentSelector: [{ language: 'peft' }],
    synchronize: { fileEvents: workspace.createFileSystemWatcher('**/*.{peft,json,safetensors,tsv,csv,jsonl,parquet}') },
  });
  await client.start();
}

async function restart(context: ExtensionContext): Promise<void> {
  await client?.dispose();
  await start(context);
}

/** Called when the first `.peft` file is opened. */
export async function activate(context: ExtensionContext): Promise<void> {
  context.subscriptions.push(
    commands.registerCommand('peft.restart', () => restart(context)),
    workspace.onDidChangeConfiguration(async (change) => {
      if (change.affectsConfiguration('peft.path')) await restart(context);
    }),
  );
  await start(context);
}

/** Called when the window closes. */
export async function deactivate(): Promise<void> {
  await client?.dispose();
}
