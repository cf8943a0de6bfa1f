/**
 * @file Builds the Ast of a file from its concrete syntax tree.
 *
 * Input: nodes as the parser left them, some of them broken. Output: an Ast for every input; a broken item, member,
 * statement or field becomes an `error` node with its text. Comments are attached on the way, in source order.
 */
import type { CstElement, CstNode } from 'chevrotain';
import type {
  Definition,
  DefinitionKind,
  ErrorNode,
  Experiment,
  Field,
  File,
  Import,
  Item,
  Member,
  Name,
  RoleStep,
  Section,
  Statement,
  StorageKind,
  Sweep,
  SweepKnob,
  SweepMember,
  Trivia,
} from './ast.js';
import {
  buildArgs,
  buildExpression,
  buildName,
  buildOperand,
  buildParams,
  buildPath,
  buildSelector,
  buildText,
  buildType,
  errorNode,
  only,
  spanOf,
  tokenSpan,
  type Build,
} from './build-expression.js';
import { codes } from './codes.js';
import type {
  BlockCstNode,
  BodyCstNode,
  DefinitionCstNode,
  ExperimentCstNode,
  FileCstNode,
  ForeignNamesCstNode,
  ImportItemCstNode,
  MemberCstNode,
  PartCstNode,
  SectionCstNode,
  StatementCstNode,
  StorageCstNode,
  SweepCstNode,
  SweepMemberCstNode,
} from './cst.js';
import { loneWord } from './syntax-error.js';
import { endOf } from './tokens.js';

/** The Ast of the files that the parser gave for one text, in order. */
export function buildFile(build: Build, roots: readonly FileCstNode[]): File {
  const nodes = roots
    .flatMap((root): (ImportItemCstNode | DefinitionCstNode | ExperimentCstNode | SweepCstNode)[] => [
      ...(root.children.importItem ?? []),
      ...(root.children.definition ?? []),
      ...(root.children.experiment ?? []),
      ...(root.children.sweep ?? []),
    ])
    .sort((a, b) => spanOf(build, a).start - spanOf(build, b).start);
  const head = build.trivia.head(nodes[0] ? spanOf(build, nodes[0]).start : build.text.length);
  const imports: Import[] = [];
  const items: Item[] = [];
  for (const node of nodes) {
    if (isBroken(node)) items.push(broken(build, node));
    else if (node.name === 'importItem') imports.push(buildImport(build, node));
    else if (node.name === 'definition') items.push(buildDefinition(build, node));
    else items.push(node.name === 'sweep' ? buildSweep(build, node) : buildExperiment(build, node));
  }
  const tail = build.trivia.tail(build.text.length);
  const span = { file: build.file, start: 0, end: build.text.length };
  return { kind: 'file', imports, items, tail, span, ...(head.length > 0 ? { trivia: { before: head } } : {}) };
}

/** Whether a node, or the head of the definition or function that it is, could not be read. */
function isBroken(node: CstNode): boolean {
  if (node.recoveredNode === true) return true;
  const head = node.name === 'member' ? node.children['functionMember'] : [node];
  return (head ?? []).some(
    (each) => 'children' in each && [...(each.children['params'] ?? []), ...(each.children['site'] ?? [])].some(isBrokenPart),
  );
}

function isBrokenPart(part: CstElement): boolean {
  return 'children' in part && part.recoveredNode === true;
}

function broken(build: Build, node: CstNode): ErrorNode {
  const span = spanOf(build, node);
  const opened = build.trivia.open(span.start, false);
  // Behind a broken head a whole body may stand; it is read for what is wrong in it.
  const definition = node.name === 'definition' && node.recoveredNode !== true ? (node as DefinitionCstNode) : undefined;
  const body = definition?.children.body[0];
  if (body) buildBody(build, body);
  const built = errorNode(build, span);
  return { ...built, ...build.trivia.close(opened, span.end) };
}

/** Builds a node that owns its line: its comments before, its parts, its comments after. */
function owned<T extends object>(
  build: Build,
  node: CstNode,
  documented: boolean,
  make: (doc: string) => { readonly built: T; readonly tail?: readonly string[] },
): T & { readonly span: Member['span']; readonly trivia?: Trivia } {
  const span = spanOf(build, node);
  const opened = build.trivia.open(span.start, documented);
  const { built, tail } = make(opened.doc);
  return { ...built, span, ...build.trivia.close(opened, span.end, tail) };
}

// --- items -----------------------------------------------------------------------------------------------------------

function buildImport(build: Build, node: ImportItemCstNode): Import {
  return owned(build, node, false, () => {
    const { StringLiteral, path, importName, LCurly, alias } = node.children;
    const names = (importName ?? []).map(({ children }) => ({
      name: buildName(build, only(children.Identifier)),
      ...(children.alias ? { as: buildName(build, only(children.alias)) } : {}),
    }));
    const parts = (path ?? []).map((part) => buildName(build, part));
    const string = StringLiteral?.[0];
    if (!LCurly && !string && parts.length > 1) {
      const name = parts.pop();
      if (name) names.push({ name, ...(alias ? { as: buildName(build, only(alias)) } : {}) });
    } else if (alias) {
      build.diagnostics.push({
        code: codes.unexpected,
        severity: 'error',
        message: '`as` gives one imported name another name',
        span: tokenSpan(build, only(node.children.As)),
        help: 'write it behind the name: `.{name as other}`',
      });
    }
    const from: Import['from'] = string ? { kind: 'string', ...buildText(build, string) } : { kind: 'path', parts };
    return { built: { kind: 'import' as const, from, names } };
  });
}

function buildDefinition(build: Build, node: DefinitionCstNode): Definition {
  const { DefinitionWord, Identifier, params, site, operand, foreignNames, type, body } = node.children;
  return owned(build, node, true, (doc) => {
    const head = {
      kind: 'definition' as const,
      what: only(DefinitionWord).image as DefinitionKind,
      doc,
      name: buildName(build, only(Identifier)),
      params: params ? buildParams(build, only(params)) : [],
    };
    const place = site?.[0];
    const on = place && {
      name: buildName(build, only(place.children.Identifier)),
      binds: (place.children.bind ?? []).map((bind) => buildName(build, bind)),
      span: spanOf(build, place),
    };
    const is = operand && buildOperand(build, only(operand));
    const foreign = foreignNames ? buildForeign(build, only(foreignNames)) : [];
    const result = type && buildType(build, only(type));
    const made = buildBody(build, only(body));
    const built = { ...head, ...(on ? { on } : {}), ...(is ? { is } : {}), foreign, ...(result ? { result } : {}), body: made.body };
    return { built, tail: made.tail };
  });
}

function buildForeign(build: Build, node: ForeignNamesCstNode): { readonly value: string; readonly span: Member['span'] }[] {
  return node.children.StringLiteral.map((string) => buildText(build, string));
}

function buildBody(build: Build, node: BodyCstNode): { readonly body: Definition['body']; readonly tail: readonly string[] } {
  if (node.children.expression) return { body: { kind: 'expr', expr: buildExpression(build, only(node.children.expression)) }, tail: [] };
  const { members, tail } = buildBlock(build, only(node.children.block));
  return { body: { kind: 'block', members }, tail };
}

// --- members ---------------------------------------------------------------------------------------------------------

/** The members of a block and the comments behind the last one. */
export function buildBlock(build: Build, node: BlockCstNode): { readonly members: readonly Member[]; readonly tail: readonly string[] } {
  build.trivia.enter(endOf(only(node.children.LCurly)));
  const members = (node.children.member ?? []).map((member) => (isBroken(member) ? broken(build, member) : buildMember(build, member)));
  reportLoneWords(build, members);
  return { members, tail: build.trivia.tail(only(node.children.RCurly).startOffset) };
}

/** A name that is a value and has something behind it on its line says nothing: its keyword is misspelt. */
function reportLoneWords(build: Build, members: readonly Member[]): void {
  members.forEach((member, index) => {
    const next = members[index + 1];
    if (!next || member.kind !== 'expr' || member.expr.kind !== 'name') return;
    if (/^[^\S\r\n]*$/.test(build.text.slice(member.span.end, next.span.start)))
      build.diagnostics.push(loneWord(member.expr.name, member.span));
  });
}

function buildMember(build: Build, node: MemberCstNode): Member {
  const { storage, part, forMember, require, Use, nested, section, functionMember, assign, expression } = node.children;
  const documented =
    [storage, part, nested, functionMember].some((shape) => shape !== undefined) || (assign !== undefined && !assign[0]?.children.Let);
  return owned<object>(build, node, documented, (doc) => {
    if (storage) return { built: buildStorage(build, only(storage), doc) };
    if (part) return { built: buildPart(build, only(part), doc) };
    if (assign) {
      const { Let, Identifier, type, expression: value } = only(assign).children;
      const head = Let ? { kind: 'let' } : { kind: 'assign', doc };
      return {
        built: {
          ...head,
          name: buildName(build, only(Identifier)),
          ...(type ? { type: buildType(build, only(type)) } : {}),
          value: buildExpression(build, only(value)),
        },
      };
    }
    if (functionMember) {
      const { Identifier, params, type, body } = only(functionMember).children;
      const head = {
        kind: 'function',
        doc,
        name: buildName(build, only(Identifier)),
        params: buildParams(build, only(params)),
        ...(type ? { result: buildType(build, only(type)) } : {}),
      };
      const made = buildBody(build, only(body));
      return { built: { ...head, body: made.body }, tail: made.tail };
    }
    if (forMember) {
      const { Identifier, expression: over, block } = only(forMember).children;
      const head = { kind: 'for', name: buildName(build, only(Identifier)), over: buildExpression(build, only(over)) };
      const { members, tail } = buildBlock(build, only(block));
      return { built: { ...head, members }, tail };
    }
    if (require) {
      const { expression: condition, StringLiteral } = only(require).children;
      return {
        built: { kind: 'require', condition: buildExpression(build, only(condition)), message: buildText(build, only(StringLiteral)) },
      };
    }
    if (Use) return { built: { kind: 'use', value: buildExpression(build, only(expression)) } };
    if (nested) {
      const { word, name, block } = only(nested).children;
      const { members, tail } = buildBlock(build, only(block));
      return { built: { kind: 'nested', word: buildName(build, only(word)), name: buildName(build, only(name)), doc, members }, tail };
    }
    if (section) return { built: { kind: 'section', section: buildSection(build, only(section)) } };
    return { built: { kind: 'expr', expr: buildExpression(build, only(expression)) } };
  }) as Member;
}

function buildStorage(build: Build, node: StorageCstNode, doc: string): object {
  const { Shared, StorageWord, Identifier, type, expression, foreignNames, format, when } = node.children;
  return {
    kind: 'storage',
    storage: only(StorageWord).image as StorageKind,
    shared: Shared !== undefined,
    doc,
    name: buildName(build, only(Identifier)),
    ...(type ? { type: buildType(build, only(type)) } : {}),
    ...(expression ? { init: buildExpression(build, only(expression)) } : {}),
    foreign: foreignNames ? buildForeign(build, only(foreignNames)) : [],
    ...(format ? { format: buildOperand(build, only(format)) } : {}),
    ...(when ? { when: buildExpression(build, only(when)) } : {}),
  };
}

function buildPart(build: Build, node: PartCstNode, doc: string): object {
  const { Identifier, counter, count, value, StringLiteral, modulePath, Fresh, when } = node.children;
  return {
    kind: 'part',
    doc,
    name: buildName(build, only(Identifier)),
    ...(counter ? { index: { name: buildName(build, only(counter)), count: buildExpression(build, only(count)) } } : {}),
    value: buildExpression(build, only(value)),
    ...(StringLiteral ? { foreign: buildText(build, only(StringLiteral)) } : {}),
    ...(modulePath ? { role: buildPath(build, only(modulePath)).map((step) => roleStep(build, step)) } : {}),
    fresh: Fresh !== undefined,
    ...(when ? { when: buildExpression(build, only(when)) } : {}),
  };
}

function roleStep(build: Build, step: ReturnType<typeof buildPath>[number]): RoleStep {
  const index = step.indices?.[0];
  if (index) {
    build.diagnostics.push({
      code: codes.role,
      severity: 'error',
      message: 'a role has no index',
      span: index.span,
      help: 'give the index to the part: `part layers[i < n] = …`',
    });
  }
  return { names: step.names, span: step.span };
}

function buildSection(build: Build, node: SectionCstNode): Section {
  const { Identifier, LCurly, field, RCurly } = node.children;
  build.trivia.enter(endOf(only(LCurly)));
  // A broken field leaves no value behind; its text is in its error's place, and the section keeps its other fields.
  const fields = (field ?? []).flatMap((each): Field[] => {
    if (isBroken(each)) {
      build.trivia.drop(spanOf(build, each).end);
      return [];
    }
    const { Identifier: name, expression } = each.children;
    return [
      owned(build, each, false, () => ({ built: { name: buildName(build, only(name)), value: buildExpression(build, only(expression)) } })),
    ];
  });
  const tail = build.trivia.tail(only(RCurly).startOffset);
  return { kind: 'fields', name: buildName(build, only(Identifier)), fields, tail, span: spanOf(build, node) };
}

// --- experiments -----------------------------------------------------------------------------------------------------

function buildExperiment(build: Build, node: ExperimentCstNode): Experiment {
  const { name, from, LCurly, statement, RCurly } = node.children;
  return owned(build, node, true, (doc) => {
    build.trivia.enter(endOf(only(LCurly)));
    const statements = (statement ?? []).map((each) => (isBroken(each) ? broken(build, each) : buildStatement(build, each)));
    const base: Name | undefined = from && buildName(build, only(from));
    return {
      built: { kind: 'experiment' as const, doc, name: buildName(build, only(name)), ...(base ? { from: base } : {}), statements },
      tail: build.trivia.tail(only(RCurly).startOffset),
    };
  });
}

function buildSweep(build: Build, node: SweepCstNode): Sweep {
  const { name, over, LCurly, sweepMember, RCurly } = node.children;
  return owned(build, node, true, (doc) => {
    build.trivia.enter(endOf(only(LCurly)));
    const members = (sweepMember ?? []).map((each) => (isBroken(each) ? broken(build, each) : buildSweepMember(build, each)));
    return {
      built: { kind: 'sweep' as const, doc, name: buildName(build, only(name)), over: over.map((each) => buildName(build, each)), members },
      tail: build.trivia.tail(only(RCurly).startOffset),
    };
  });
}

function buildSweepMember(build: Build, node: SweepMemberCstNode): SweepMember {
  return owned<object>(build, node, false, () => {
    const { axis, required, count, seed } = node.children;
    if (required) return { built: { kind: 'require-point', condition: buildExpression(build, only(required)) } };
    if (count) {
      return {
        built: { kind: 'take', count: buildExpression(build, only(count)), ...(seed ? { seed: buildExpression(build, only(seed)) } : {}) },
      };
    }
    const { knob, operator, values, condition } = only(axis).children;
    const knobs = knob.map((each): SweepKnob => ({
      steps: each.children.Identifier.map((name) => buildName(build, name)),
      span: spanOf(build, each),
    }));
    const value = buildExpression(build, only(values));
    const when = condition ? { when: buildExpression(build, only(condition)) } : {};
    const varies = only(operator).image === 'in' || knobs.length > 1;
    return { built: varies ? { kind: 'axis', knobs, values: value, ...when } : { kind: 'derived', knob: only(knobs), value, ...when } };
  }) as SweepMember;
}

function buildStatement(build: Build, node: StatementCstNode): Statement {
  return owned<object>(build, node, false, () => {
    const { baseStatement, adaptStatement, quantizeStatement, trainStatement, section } = node.children;
    if (baseStatement) {
      const { Identifier, source, args, task } = only(baseStatement).children;
      const model = buildName(build, only(Identifier));
      const from = buildExpression(build, only(source));
      const overrides = args ? buildArgs(build, only(args)) : [];
      return { built: { kind: 'base', model, source: from, overrides, ...(task ? { task: buildExpression(build, only(task)) } : {}) } };
    }
    if (adaptStatement) {
      const { selector, expression } = only(adaptStatement).children;
      return { built: { kind: 'adapt', selector: buildSelector(build, only(selector)), method: buildExpression(build, only(expression)) } };
    }
    if (quantizeStatement) {
      const { selector, expression } = only(quantizeStatement).children;
      return {
        built: { kind: 'quantize', selector: buildSelector(build, only(selector)), format: buildExpression(build, only(expression)) },
      };
    }
    if (trainStatement) return { built: { kind: 'train', selector: buildSelector(build, only(only(trainStatement).children.selector)) } };
    return { built: { kind: 'section', section: buildSection(build, only(section)) } };
  }) as Statement;
}
