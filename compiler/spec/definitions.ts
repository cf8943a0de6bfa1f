/**
 * @file Check of the definitions of a file, each by itself, whether an experiment uses it or not: what may stand in it, that every
 * name is known and given once, that types exist, and that nothing is made of itself.
 */
import type { Definition, DefinitionKind, File, Member, StorageKind } from '../../grammar/ast.js';
import type { Diagnostic, Span } from '../../grammar/diagnostics.js';
import { anyKind } from '../elaborate/instance.js';
import { definitionsOf, type Library } from '../elaborate/library.js';
import { nearest, suggest } from '../elaborate/nearest.js';
import { qualified, type Scope } from '../elaborate/scope.js';
import { circles, resolveNames } from './definition-names.js';

/** What may stand in the block of a definition, and what must. */
interface Rules {
  /** Members beside those with names of their own. */
  readonly members: readonly Member['kind'][];
  readonly storage?: readonly StorageKind[];
  /** Values that have a meaning: `delta = …`. */
  readonly values?: readonly string[];
  readonly functions?: readonly string[];
  readonly sections?: readonly string[];
  /** Of these at least one must be there. */
  readonly needs?: readonly { readonly code: string; readonly oneOf: readonly string[]; readonly message: string }[];
}

const body = ['let', 'assign', 'for', 'require', 'expr'] as const;

const rules: Readonly<Record<DefinitionKind, Rules>> = {
  def: { members: body },
  schedule: { members: body },
  module: { members: ['storage', 'part', 'let', 'function', 'require'], storage: ['param'] },
  model: { members: ['storage', 'part', 'let', 'function', 'require', 'nested'], storage: ['param'] },
  adapter: {
    members: ['storage', 'let', 'assign', 'function', 'require', 'section'],
    storage: ['train', 'frozen', 'save'],
    values: ['delta', 'weight', 'delta_bias'],
    functions: ['input', 'before', 'branch', 'output'],
    sections: ['rates', 'replace', 'foreign', 'foreign_ignored', 'foreign_import'],
  },
  optimizer: {
    members: ['storage', 'function'],
    storage: ['state'],
    functions: ['update'],
    needs: [{ code: 'PEFT0241', oneOf: ['update'], message: 'needs update(p, g, step, rate) { … }' }],
  },
  task: {
    members: ['let', 'assign', 'function', 'section'],
    values: ['loss', 'weight', 'prediction'],
    sections: ['batch', 'metrics'],
    needs: [
      { code: 'PEFT0236', oneOf: ['batch'], message: 'has no batch { … }' },
      { code: 'PEFT0238', oneOf: ['loss'], message: 'has no loss' },
      { code: 'PEFT0238', oneOf: ['weight'], message: 'has no weight' },
    ],
  },
  format: {
    members: ['storage', 'let', 'assign', 'function', 'require'],
    storage: ['frozen'],
    values: ['block_size', 'decode'],
    needs: [
      { code: 'PEFT0260', oneOf: ['block_size'], message: 'does not say how many elements share a block: block_size' },
      { code: 'PEFT0262', oneOf: ['decode'], message: 'does not say what a weight is: decode' },
    ],
  },
};

/** The block of a task inside a model. */
const nestedRules: Rules = { members: ['storage', 'part', 'let', 'assign', 'function', 'require'], storage: ['param'], values: ['logits'] };

/** What members are called in messages. */
const words: Readonly<Record<Member['kind'], string>> = {
  storage: 'a tensor',
  part: 'a part',
  let: 'let',
  assign: 'a value',
  function: 'a function',
  for: 'a loop',
  require: 'require',
  use: 'use',
  nested: 'a task',
  section: 'a section',
  expr: 'an expression',
  error: 'this',
};

/** Checks the definitions of a file; problems of its imports are told as well. */
export function checkDefinitions(file: File, library: Library, diagnostics: Diagnostic[]): void {
  const scope = library.scopeOf(file, diagnostics);
  const own = definitionsOf(file);
  for (const definition of own) {
    checkHead(definition, scope, diagnostics);
    checkBlock(definition, diagnostics);
    resolveNames(definition, scope, diagnostics);
  }
  circles(own, scope, diagnostics);
}

function error(
  diagnostics: Diagnostic[],
  code: string,
  span: Span,
  message: string,
  more: Pick<Diagnostic, 'help' | 'fix' | 'notes'> = {},
): void {
  diagnostics.push({ code, severity: 'error', span, message, ...more });
}

function checkHead(d: Definition, scope: Scope, diagnostics: Diagnostic[]): void {
  if (d.what === 'optimizer' && !d.params.some((p) => p.name.text === 'lr'))
    error(diagnostics, 'PEFT0240', d.name.span, `optimizer ${d.name.text} needs a parameter lr`);
  if (d.what !== 'adapter' && d.what !== 'format') return;
  if (d.on === undefined && d.what === 'format') return;
  if (d.on === undefined)
    return error(diagnostics, 'PEFT0245', d.name.span, `${d.what} ${d.name.text} does not say what it acts on`, {
      help: 'write on linear(in, out) after its parameters',
    });
  if (d.on.name.text === anyKind) return;
  const kind = scope.lookup(qualified('module', d.on.name.text));
  if (kind?.kind !== 'definition') {
    const prefix = qualified('module', '');
    const names = scope.names().flatMap((n) => (n.startsWith(prefix) ? [n.slice(prefix.length)] : []));
    return error(
      diagnostics,
      'PEFT0245',
      d.on.name.span,
      `there is no module ${d.on.name.text}`,
      suggest(d.on.name.text, d.on.name.span, names, 'there is'),
    );
  }
  const { params } = kind.definition;
  const extra = d.on.binds[params.length];
  if (extra !== undefined)
    error(diagnostics, 'PEFT0223', extra.span, `${d.on.name.text} has only ${params.length} parameters`, {
      help: `they are ${params.map((p) => p.name.text).join(', ')}`,
    });
}

const withArticle = (word: string): string => `a${/^[aeiou]/.test(word) ? 'n' : ''} ${word}`;

function checkBlock(d: Definition, diagnostics: Diagnostic[]): void {
  if (d.body.kind === 'expr') {
    if (d.what !== 'def' && d.what !== 'schedule')
      error(diagnostics, 'PEFT0216', d.body.expr.span, `${withArticle(d.what)} has a block { … }`);
    return;
  }
  checkMembers(withArticle(d.what), d.body.members, rules[d.what], diagnostics);
  if (d.what === 'def' || d.what === 'schedule') return checkResult(d.body.members, d.name.span, diagnostics);
  const given = new Set(d.body.members.map(nameOf));
  for (const need of rules[d.what].needs ?? []) {
    if (!need.oneOf.some((name) => given.has(name)))
      error(
        diagnostics,
        need.code,
        d.name.span,
        `${d.what} ${d.name.text} ${need.message}`,
        need.oneOf.length > 1 ? { help: `write ${need.oneOf.join(' or ')}` } : {},
      );
  }
  if (d.what === 'adapter' && !changesSomething(d.body.members))
    error(diagnostics, 'PEFT0246', d.name.span, `adapter ${d.name.text} changes nothing`, {
      help: 'write delta or weight or delta_bias or output',
    });
  for (const m of d.body.members) {
    if (m.kind === 'nested') checkMembers('a task of a model', m.members, nestedRules, diagnostics);
  }
}

/** Whether an adapter has a member that can change its site: a value, a function, or a tensor of the site that it trains. */
const changesSomething = (members: readonly Member[]): boolean =>
  members.some(
    (m) =>
      (m.kind === 'assign' && rules.adapter.values?.includes(m.name.text) === true) ||
      (m.kind === 'function' && m.name.text !== 'input') ||
      (m.kind === 'section' && m.section.name.text === 'replace') ||
      (m.kind === 'storage' && m.storage === 'train' && m.type === undefined),
  );

const nameOf = (m: Member): string | undefined =>
  m.kind === 'section'
    ? m.section.name.text
    : m.kind === 'storage' || m.kind === 'part' || m.kind === 'let' || m.kind === 'assign' || m.kind === 'function' || m.kind === 'nested'
      ? m.name.text
      : undefined;

function checkMembers(what: string, members: readonly Member[], r: Rules, diagnostics: Diagnostic[]): void {
  for (const m of members) {
    if (m.kind === 'error') continue;
    if (!r.members.includes(m.kind)) {
      error(
        diagnostics,
        'PEFT0235',
        m.span,
        `${words[m.kind]} cannot stand in ${what}`,
        m.kind === 'assign' ? { help: `write let ${m.name.text} = …` } : {},
      );
      continue;
    }
    if (m.kind === 'storage' && r.storage?.includes(m.storage) === false) {
      const word = r.storage.join(' or ');
      error(diagnostics, 'PEFT0235', m.span, `${m.storage} cannot stand in ${what}`, { help: `write ${word}` });
    }
    if (m.kind === 'assign' && r.values !== undefined && !r.values.includes(m.name.text)) {
      const { help, fix } = suggest(m.name.text, m.name.span, r.values, 'it has');
      error(diagnostics, 'PEFT0247', m.name.span, `${what} has no value ${m.name.text}`, {
        help: fix === undefined ? `write let ${m.name.text} = …; ${help ?? ''}` : (help ?? ''),
        ...(fix ? { fix } : {}),
      });
    }
    if (m.kind === 'function' && r.functions !== undefined && !r.functions.includes(m.name.text)) {
      const near = nearest(m.name.text, r.functions);
      if (near !== undefined || r.members.length === 2)
        error(
          diagnostics,
          'PEFT0247',
          m.name.span,
          `${what} has no function ${m.name.text}`,
          suggest(m.name.text, m.name.span, r.functions, 'it has'),
        );
    }
    if (m.kind === 'section' && r.sections?.includes(m.section.name.text) === false) {
      error(
        diagnostics,
        'PEFT0247',
        m.section.name.span,
        `${what} has no section ${m.section.name.text}`,
        suggest(m.section.name.text, m.section.name.span, r.sections, 'it has'),
      );
    }
    if (m.kind === 'function' && m.body.kind === 'block') {
      checkMembers(`the function ${m.name.text}`, m.body.members, { members: body }, diagnostics);
      if (r.functions?.includes('update') !== true) checkResult(m.body.members, m.name.span, diagnostics);
    }
  }
}

/** A body ends with its result; an expression before the end is for nothing. */
function checkResult(members: readonly Member[], name: Span, diagnostics: Diagnostic[]): void {
  if (members.at(-1)?.kind !== 'expr')
    error(diagnostics, 'PEFT0217', name, 'this body has no result', { help: 'its last line is the value it gives' });
  for (const m of members.slice(0, -1))
    if (m.kind === 'expr') error(diagnostics, 'PEFT0217', m.span, 'this value is not used', { help: 'write let NAME = before it' });
}
