/**
 * @file Print: Ast → the canonical text of a file, which is what `peft fmt` writes.
 *
 * Width 120, two spaces, one member on a line; a block with one member, and a section with at most two fields, stand
 * on one line where they fit. Comments and single blank lines are kept. Printing is idempotent: the text of a printed
 * file prints as itself, and its Ast is the same but for places.
 */
import type {
  Definition,
  Experiment,
  Expr,
  File,
  Import,
  Item,
  Member,
  Section,
  Statement,
  Sweep,
  SweepKnob,
  SweepMember,
  Trivia,
} from './ast.js';
import { blankLine, concat, group, hardLine, indent, join, line, render, softLine, wideLine, type Layout } from './layout.js';
import {
  layArgs,
  layBeforeSign,
  layDoc,
  layExpr,
  layParams,
  laySelector,
  layType,
  layValue,
  pathText,
  type BlockLayout,
} from './print-expression.js';
import { topLevel } from './precedence.js';
import { quote } from './tokens.js';

/** How wide the formatter lets a line become. */
export const printWidth = 120;

/** The canonical text of a file. */
export function printFile(file: File): string {
  const parts: Layout[] = [];
  let empty = file.trivia === undefined;
  const gap = (): void => {
    if (!empty) parts.push(blankLine);
    empty = false;
  };
  parts.push(layComments(file.trivia?.before ?? []));
  file.imports.forEach((each, index) => {
    if (index === 0) gap();
    parts.push(layTrivia(each.trivia, index === 0), layImport(each), layAfter(each.trivia), hardLine);
  });
  for (const item of file.items) {
    gap();
    parts.push(layTrivia(item.trivia, true), layItem(item), layAfter(item.trivia), hardLine);
  }
  if (file.tail.length > 0) gap();
  parts.push(layComments(skipBlank(file.tail)));
  return render(concat(...parts), printWidth);
}

/** The canonical text of one item, without the comments around it. */
export function printItem(item: Item): string {
  return render(layItem(item), printWidth);
}

/** The canonical text of an expression on one line. */
export function printExpr(expr: Parameters<typeof layExpr>[0]): string {
  return render(group(layExpr(expr, layBlock)), Infinity);
}

// --- comments --------------------------------------------------------------------------------------------------------

function skipBlank(lines: readonly string[]): readonly string[] {
  return lines[0] === '' ? lines.slice(1) : lines;
}

/** What stands before a node; `first` drops a blank line at the beginning. */
function layTrivia(trivia: Trivia | undefined, first: boolean): Layout {
  const lines = trivia?.before ?? [];
  return layComments(first ? skipBlank(lines) : lines);
}

function layComments(lines: readonly string[]): Layout {
  return concat(...lines.flatMap((comment): Layout[] => (comment === '' ? [blankLine] : [comment, hardLine])));
}

function layAfter(trivia: Trivia | undefined): Layout {
  return trivia?.after === undefined ? '' : ` ${trivia.after}`;
}

// --- items -----------------------------------------------------------------------------------------------------------

function layImport({ from, names }: Import): Layout {
  const source = from.kind === 'string' ? quote(from.value) : from.parts.map((part) => part.text).join('.');
  const words = names.map(({ name, as }) => (as ? `${name.text} as ${as.text}` : name.text));
  if (words.length === 0) return `import ${source}`;
  if (words.length === 1 && from.kind === 'path') return `import ${source}.${words[0] ?? ''}`;
  return group(`import ${source}.{`, indent(softLine, join(concat(',', line), words)), softLine, '}');
}

function layItem(item: Item): Layout {
  switch (item.kind) {
    case 'definition':
      return layDefinition(item);
    case 'experiment':
      return layExperiment(item);
    case 'sweep':
      return laySweep(item);
    case 'error':
      return item.text;
    default:
      return item satisfies never;
  }
}

function layDefinition(item: Definition): Layout {
  const binds = item.on?.binds.map((bind) => bind.text) ?? [];
  return concat(
    layDoc(item.doc),
    `${item.what} ${item.name.text}`,
    layParams(item.params, layBlock),
    item.on ? ` on ${item.on.name.text}${binds.length > 0 ? `(${binds.join(', ')})` : ''}` : '',
    item.is ? concat(' is ', item.is.kind === 'number' ? layBeforeSign(item.is, layBlock) : layExpr(item.is, layBlock, topLevel)) : '',
    item.foreign.length > 0 ? ` for ${layForeign(item.foreign)}` : '',
    item.result ? concat(': ', layType(item.result, layBlock)) : '',
    layBody(item.body, item.trivia?.tail ?? []),
  );
}

function layForeign(foreign: readonly { readonly value: string }[]): string {
  return foreign.map(({ value }) => quote(value)).join(' or ');
}

function layBody(body: Definition['body'], tail: readonly string[]): Layout {
  return body.kind === 'expr' ? concat(' =', layValue(body.expr, layBlock)) : concat(' ', layBlock(body.members, tail));
}

function layExperiment(item: Experiment): Layout {
  const head = concat(layDoc(item.doc), `experiment ${item.name.text}${item.from ? ` = ${item.from.text}` : ''} `);
  const tail = item.trivia?.tail ?? [];
  const lines = item.statements.map((statement) => ({ trivia: statement.trivia, laid: layStatement(statement) }));
  if (lines.length === 0 && tail.length === 0) return concat(head, '{}');
  const only = lines[0];
  if (only && lines.length === 1 && tail.length === 0 && !isCommented(only))
    return concat(head, group('{', indent(line, only.laid), line, '}'));
  return concat(head, layLines(lines, tail));
}

function laySweep(item: Sweep): Layout {
  const head = concat(layDoc(item.doc), `sweep ${item.name.text} over ${item.over.map((name) => name.text).join(', ')} `);
  const tail = item.trivia?.tail ?? [];
  const lines = item.members.map((member) => ({ trivia: member.trivia, laid: laySweepMember(member) }));
  if (lines.length === 0 && tail.length === 0) return concat(head, '{}');
  const only = lines[0];
  if (only && lines.length === 1 && tail.length === 0 && !isCommented(only))
    return concat(head, group('{', indent(line, only.laid), line, '}'));
  return concat(head, layLines(lines, tail));
}

function laySweepMember(member: SweepMember): Layout {
  const knob = (k: SweepKnob): string => k.steps.map((step) => step.text).join('.');
  const when = (condition: Expr | undefined): Layout => (condition ? concat(' when ', layExpr(condition, layBlock)) : '');
  switch (member.kind) {
    case 'axis':
      return concat(`${member.knobs.map(knob).join(', ')} in `, layExpr(member.values, layBlock), when(member.when));
    case 'derived':
      return concat(`${knob(member.knob)} = `, layExpr(member.value, layBlock), when(member.when));
    case 'require-point':
      return concat('require ', layExpr(member.condition, layBlock));
    case 'take':
      return concat('take ', layExpr(member.count, layBlock), member.seed ? concat(' seed ', layExpr(member.seed, layBlock)) : '');
    case 'error':
      return member.text;
    default:
      return member satisfies never;
  }
}

function layStatement(statement: Statement): Layout {
  switch (statement.kind) {
    case 'base':
      return group(
        `base ${statement.model.text} from `,
        layExpr(statement.source, layBlock),
        statement.overrides.length > 0 ? concat(indent(line), 'with ', layArgs(statement.overrides, layBlock)) : '',
        statement.task ? concat(indent(line), 'for ', layExpr(statement.task, layBlock)) : '',
      );
    case 'adapt':
      return concat(group('adapt ', indent(laySelector(statement.selector), line, 'with ')), layExpr(statement.method, layBlock));
    case 'quantize':
      return concat(group('quantize ', indent(laySelector(statement.selector), line, 'as ')), layExpr(statement.format, layBlock));
    case 'train':
      return group('train ', indent(laySelector(statement.selector)));
    case 'section':
      return laySection(statement.section);
    case 'error':
      return statement.text;
    default:
      return statement satisfies never;
  }
}

function laySection(section: Section): Layout {
  const fields = section.fields.map((field) => ({
    trivia: field.trivia,
    laid: concat(`${field.name.text}: `, layExpr(field.value, layBlock)),
  }));
  const head = `${section.name.text} `;
  if (fields.length === 0 && section.tail.length === 0) return `${head}{}`;
  if (fields.length <= 2 && section.tail.length === 0 && fields.every(({ trivia }) => !trivia)) {
    return group(
      head,
      '{',
      indent(
        line,
        join(
          wideLine,
          fields.map(({ laid }) => laid),
        ),
      ),
      line,
      '}',
    );
  }
  return concat(head, layLines(fields, section.tail));
}

// --- members ---------------------------------------------------------------------------------------------------------

/** Lines in braces, with their comments. */
function layLines(lines: readonly { readonly trivia: Trivia | undefined; readonly laid: Layout }[], tail: readonly string[]): Layout {
  const parts: Layout[] = [];
  lines.forEach(({ trivia, laid }, index) => parts.push(hardLine, layTrivia(trivia, index === 0), laid, layAfter(trivia)));
  const comments = lines.length === 0 ? skipBlank(tail) : tail;
  comments.forEach((comment, index) => {
    if (comment !== '') parts.push(hardLine, comments[index - 1] === '' ? blankLine : '', comment);
  });
  return concat('{', indent(...parts), hardLine, '}');
}

const layBlock: BlockLayout = (members, tail) => {
  const only = members[0];
  if (!only && tail.length === 0) return '{}';
  if (only && members.length === 1 && tail.length === 0 && !isCommented(only)) return group('{', indent(line, layMember(only)), line, '}');
  return layLines(
    members.map((member) => ({ trivia: member.trivia, laid: layMember(member) })),
    tail,
  );
};

function isCommented(member: { readonly trivia?: Trivia | undefined }): boolean {
  return member.trivia?.after !== undefined || skipBlank(member.trivia?.before ?? []).length > 0;
}

function layMember(member: Member): Layout {
  const typed = (type: (Member & { readonly kind: 'let' })['type']): Layout => (type ? concat(': ', layType(type, layBlock)) : '');
  switch (member.kind) {
    case 'storage':
      return concat(
        layDoc(member.doc),
        `${member.shared ? 'shared ' : ''}${member.storage} ${member.name.text}`,
        typed(member.type),
        member.init ? concat(' =', layValue(member.init, layBlock)) : '',
        member.foreign.length > 0 ? ` as ${layForeign(member.foreign)}` : '',
        member.format ? concat(' as ', layExpr(member.format, layBlock)) : '',
        member.when ? concat(' if ', layExpr(member.when, layBlock)) : '',
      );
    case 'part':
      return concat(
        layDoc(member.doc),
        `part ${member.name.text}`,
        member.index ? concat(`[${member.index.name.text} < `, layExpr(member.index.count, layBlock), ']') : '',
        ' =',
        layValue(member.value, layBlock),
        member.foreign ? ` as ${quote(member.foreign.value)}` : '',
        member.role ? ` role ${pathText(member.role)}` : '',
        member.fresh ? ' fresh' : '',
        member.when ? concat(' if ', layExpr(member.when, layBlock)) : '',
      );
    case 'let':
      return concat(`let ${member.name.text}`, typed(member.type), ' =', layValue(member.value, layBlock));
    case 'assign':
      return concat(layDoc(member.doc), member.name.text, typed(member.type), ' =', layValue(member.value, layBlock));
    case 'function':
      return concat(
        layDoc(member.doc),
        member.name.text,
        layParams(member.params, layBlock),
        member.result ? concat(': ', layType(member.result, layBlock)) : '',
        layBody(member.body, member.trivia?.tail ?? []),
      );
    case 'for':
      return concat(
        `for ${member.name.text} in `,
        layBeforeSign(member.over, layBlock),
        ' ',
        layBlock(member.members, member.trivia?.tail ?? []),
      );
    case 'require':
      return group('require ', layExpr(member.condition, layBlock), ',', indent(line, quote(member.message.value)));
    case 'use':
      return concat('use ', layExpr(member.value, layBlock));
    case 'nested':
      return concat(layDoc(member.doc), `${member.word.text} ${member.name.text} `, layBlock(member.members, member.trivia?.tail ?? []));
    case 'section':
      return laySection(member.section);
    case 'expr':
      return layExpr(member.expr, layBlock);
    case 'error':
      return member.text;
    default:
      return member satisfies never;
  }
}
