/**
 * @file Highlighting: semantic tokens. Keywords that also are names are told apart by what they are here, and names by what they stand for.
 */
import { SemanticTokensBuilder, type SemanticTokens, type SemanticTokensLegend } from 'vscode-languageserver/node';
import type { IToken } from 'chevrotain';
import { typeNames } from '../../compiler/elaborate/types.js';
import { unitWords } from '../../compiler/elaborate/value.js';
import { endOf, NumberLiteral, reserved, StringLiteral, Identifier } from '../../grammar/tokens.js';
import { isStandard } from './addresses.js';
import type { Document } from './document.js';
import { namesOf } from './names.js';
import { occurrencesOf } from './occurrences.js';
import type { Occurrence } from './symbols.js';
import type { Workspace } from './workspace.js';

const types = [
  'keyword',
  'namespace',
  'class',
  'function',
  'method',
  'parameter',
  'property',
  'variable',
  'type',
  'enumMember',
  'number',
  'string',
  'comment',
] as const;
const modifiers = ['declaration', 'defaultLibrary', 'documentation'] as const;
type Type = (typeof types)[number];
type Modifier = (typeof modifiers)[number];

/** What the numbers in the tokens mean. */
export const legend: SemanticTokensLegend = { tokenTypes: [...types], tokenModifiers: [...modifiers] };

/** The tokens of a document. */
export function semanticTokens(document: Document, workspace: Workspace): SemanticTokens {
  const builder = new SemanticTokensBuilder();
  const at = new Map<number, Occurrence>();
  for (const o of occurrencesOf(document, workspace)) at.set(o.span.start, o);
  const names = namesOf(document.ast);
  const found: { readonly token: IToken; readonly type: Type; readonly modifiers: readonly Modifier[] }[] = document.comments.map(
    (token) => ({
      token,
      type: 'comment',
      modifiers: token.image.startsWith('///') || token.image.startsWith('//!') ? ['documentation'] : [],
    }),
  );
  document.tokens.forEach((token, i) => {
    const kind = kindOf(token, document.tokens[i - 1], at.get(token.startOffset), names);
    if (kind !== undefined) found.push({ token, ...kind });
  });
  for (const { token, type, modifiers: own } of found.sort((a, b) => a.token.startOffset - b.token.startOffset)) {
    const { line, character } = document.positionAt(token.startOffset);
    builder.push(
      line,
      character,
      endOf(token) - token.startOffset,
      types.indexOf(type),
      own.reduce((bits, m) => bits | (1 << modifiers.indexOf(m)), 0),
    );
  }
  return builder.build();
}

const reservedTypes = new Set<unknown>(Object.values(reserved));

function kindOf(
  token: IToken,
  previous: IToken | undefined,
  occurrence: Occurrence | undefined,
  names: ReadonlySet<number>,
): { readonly type: Type; readonly modifiers: readonly Modifier[] } | undefined {
  const plain = (type: Type): { type: Type; modifiers: readonly Modifier[] } => ({ type, modifiers: [] });
  const { tokenType } = token;
  if (tokenType === NumberLiteral) return plain('number');
  if (tokenType === StringLiteral) return plain('string');
  if (reservedTypes.has(tokenType)) return plain('keyword');
  if (!/^[A-Za-z_]/.test(token.image)) return undefined;
  if (occurrence !== undefined) {
    const standard = occurrence.symbol.span === undefined || isStandard(occurrence.symbol.span.file);
    return {
      type: typeOf(occurrence),
      modifiers: [...(occurrence.declares ? ['declaration' as const] : []), ...(standard ? ['defaultLibrary' as const] : [])],
    };
  }
  if (previous?.tokenType === NumberLiteral && Object.hasOwn(unitWords, token.image)) return plain('type');
  if (tokenType !== Identifier && !names.has(token.startOffset)) return plain('keyword');
  if (typeNames.includes(token.image)) return plain('type');
  return plain(token.image === 'std' ? 'namespace' : 'property');
}

function typeOf({ symbol: { is } }: Occurrence): Type {
  switch (is.kind) {
    case 'experiment':
      return 'class';
    case 'definition':
    case 'alias':
      return is.definition.what === 'module' || is.definition.what === 'model' ? 'class' : 'function';
    case 'param':
      return 'parameter';
    case 'field':
      return 'property';
    case 'section':
      return 'keyword';
    case 'local':
      return is.what === 'function' ? 'method' : is.what === 'tensor' || is.what === 'part' ? 'property' : 'variable';
    case 'builtin':
      return 'function';
    default:
      return is satisfies never;
  }
}
