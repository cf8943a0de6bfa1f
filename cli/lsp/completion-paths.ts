/**
 * @file Paths inside quotation marks: files and folders beside the document.
 */
import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { CompletionItemKind, type CompletionItem } from 'vscode-languageserver/node';
import { item, type Proposing } from './proposals.js';

/** Folders and the files with one of the endings, in the folder that has been typed so far; without an ending only folders. */
export function pathItems(p: Proposing, endings: readonly string[]): CompletionItem[] {
  const { text, start } = p.cursor.typed;
  const slash = text.lastIndexOf('/') + 1;
  const folder = resolve(p.workspace.folderOf(p.document), text.slice(0, slash));
  const range = { start: p.document.positionAt(start + slash), end: p.range.end };
  const entries = (() => {
    try {
      return readdirSync(folder, { withFileTypes: true });
    } catch {
      return [];
    }
  })();
  const here: Proposing = { ...p, range };
  return entries
    .filter((entry) => !entry.name.startsWith('.') && entry.name !== 'node_modules')
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      if (entry.isDirectory() || entry.isSymbolicLink()) return [item(here, entry.name, CompletionItemKind.Folder, { order: 1 })];
      return endings.some((ending) => entry.name.endsWith(ending)) ? [item(here, entry.name, CompletionItemKind.File, { order: 0 })] : [];
    });
}
