/**
 * @file Outline: symbols of a document, and what can be folded.
 */
import { FoldingRangeKind, SymbolKind, type DocumentSymbol, type FoldingRange } from 'vscode-languageserver/node';
import type { Definition, DefinitionKind, Experiment, Member, Name, Node, Statement } from '../../grammar/ast.js';
import { placeOf, signs } from '../../grammar/tokens.js';
import type { Document } from './document.js';

const kinds: Readonly<Record<DefinitionKind, SymbolKind>> = {
  def: SymbolKind.Function,
  module: SymbolKind.Class,
  model: SymbolKind.Class,
  adapter: SymbolKind.Interface,
  optimizer: SymbolKind.Interface,
  schedule: SymbolKind.Interface,
  task: SymbolKind.Interface,
  format: SymbolKind.Interface,
};

/** Experiments with their statements, definitions with their parameters and members. */
export function documentSymbols(document: Document): DocumentSymbol[] {
  const entry = (node: Node, name: Name, kind: SymbolKind, detail: string, children: readonly DocumentSymbol[] = []): DocumentSymbol => ({
    name: name.text === '' ? '?' : name.text,
    kind,
    detail,
    range: document.rangeOf(node.span),
    selectionRange: document.rangeOf(name.span.start >= node.span.start && name.span.end <= node.span.end ? name.span : node.span),
    ...(children.length > 0 ? { children: [...children] } : {}),
  });
  const line = (node: Node, from: number): string => document.text.slice(from, node.span.end).replace(/\s+/g, ' ').trim().slice(0, 100);
  const opener = (node: Node, word: string, kind: SymbolKind): DocumentSymbol =>
    entry(
      node,
      { text: word, span: { ...node.span, end: node.span.start + word.length } },
      kind,
      line(node, node.span.start + word.length),
    );
  const ofStatement = (s: Statement): DocumentSymbol[] => {
    if (s.kind === 'error') return [];
    if (s.kind === 'section') {
      const { section } = s;
      return [
        entry(
          s,
          section.name,
          SymbolKind.Object,
          '',
          section.fields.map((f) => entry(f, f.name, SymbolKind.Field, line(f, f.value.span.start))),
        ),
      ];
    }
    return [opener(s, s.kind, SymbolKind.Event)];
  };
  const ofMember = (m: Member): DocumentSymbol[] => {
    switch (m.kind) {
      case 'storage':
        return [entry(m, m.name, SymbolKind.Property, m.storage)];
      case 'part':
        return [entry(m, m.name, SymbolKind.Property, 'part')];
      case 'function':
        return [entry(m, m.name, SymbolKind.Method, '')];
      case 'let':
      case 'assign':
        return [entry(m, m.name, SymbolKind.Variable, '')];
      case 'nested':
        return [entry(m, m.name, SymbolKind.Object, m.word.text, m.members.flatMap(ofMember))];
      case 'section':
        return [entry(m, m.section.name, SymbolKind.Object, '')];
      case 'for':
      case 'require':
      case 'use':
      case 'expr':
      case 'error':
        return [];
      default:
        return m satisfies never;
    }
  };
  const ofExperiment = (e: Experiment): DocumentSymbol =>
    entry(
      e,
      e.name,
      SymbolKind.Module,
      e.from === undefined ? 'experiment' : `experiment = ${e.from.text}`,
      e.statements.flatMap(ofStatement),
    );
  const ofDefinition = (d: Definition): DocumentSymbol =>
    entry(d, d.name, kinds[d.what], d.what, [
      ...d.params.map((p) => entry(p, p.name, SymbolKind.TypeParameter, '')),
      ...(d.body.kind === 'block' && d.what !== 'def' && d.what !== 'schedule' ? d.body.members.flatMap(ofMember) : []),
    ]);
  return document.ast.items.flatMap((i) =>
    i.kind === 'experiment'
      ? [ofExperiment(i)]
      : i.kind === 'definition'
        ? [ofDefinition(i)]
        : i.kind === 'sweep'
          ? [entry(i, i.name, SymbolKind.Enum, `sweep over ${i.over.map((n) => n.text).join(', ')}`)]
          : [],
  );
}

/** Blocks, runs of imports, and runs of comments of more than one line. */
export function foldingRanges(document: Document): FoldingRange[] {
  const { tokens, comments, ast } = document;
  const found: FoldingRange[] = [];
  const add = (startLine: number, endLine: number, kind?: FoldingRangeKind): void => {
    if (endLine > startLine) found.push({ startLine, endLine, ...(kind === undefined ? {} : { kind }) });
  };
  for (const token of tokens) {
    if (![signs.LCurly, signs.LParen, signs.LSquare].includes(token.tokenType)) continue;
    const partner = tokens[placeOf(token)?.partner ?? -1];
    // The closing bracket stays in sight.
    if (partner !== undefined) add((token.startLine ?? 1) - 1, (partner.startLine ?? 1) - 2);
  }
  const [first, last] = [ast.imports[0], ast.imports.at(-1)];
  if (first && last) add(document.positionAt(first.span.start).line, document.positionAt(last.span.end).line, FoldingRangeKind.Imports);
  const own = comments.filter((c) => document.text.slice(c.startOffset - (c.startColumn ?? 1) + 1, c.startOffset).trim() === '');
  own.forEach((comment, i) => {
    if ((own[i - 1]?.startLine ?? -1) + 1 === comment.startLine) return;
    let end = i;
    while (own[end + 1]?.startLine === (own[end]?.startLine ?? 0) + 1) end++;
    add((comment.startLine ?? 1) - 1, (own[end]?.startLine ?? 1) - 1, FoldingRangeKind.Comment);
  });
  return found.sort((a, b) => a.startLine - b.startLine);
}
