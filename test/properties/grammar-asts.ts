/** @file Random Asts in the form that the parser gives them, for properties of the printer. */
import fc from 'fast-check';
import type {
  Argument,
  BinaryOperator,
  Definition,
  Dim,
  Expr,
  Field,
  File,
  Import,
  IndexItem,
  Item,
  Member,
  Name,
  Param,
  Selector,
  SelectorStep,
  Statement,
  Trivia,
  TypeExpr,
} from '../../grammar/ast.js';
import { binaryOperators, definitionKinds, storageKinds } from '../../grammar/ast.js';
import type { Span } from '../../grammar/diagnostics.js';

const span: Span = { file: 'random.peft', start: 0, end: 0 };

/** Plain names and words that are keywords elsewhere; `in` is left to where it cannot be the operator. */
const words = [
  'x',
  'rank',
  'a1',
  '_b',
  'hidden_size',
  'let',
  'for',
  'as',
  'role',
  'fresh',
  'train',
  'param',
  'state',
  'base',
  'use',
  'task',
  'model',
  'from',
  'with',
  'on',
  'is',
  'part',
  'require',
  'import',
  'experiment',
  'steps',
];
const plainWords = ['x', 'rank', 'a1', '_b', 'hidden_size', 'steps'];
const word = fc.constantFrom(...words);
const plainWord = fc.constantFrom(...plainWords);
const toName = (text: string): Name => ({ text, span });
const name = word.map(toName);
const anyName = fc.constantFrom(...words, 'in').map(toName);
const maybe = <K extends string, T>(key: K, value: fc.Arbitrary<T>): fc.Arbitrary<{ readonly [P in K]?: T }> =>
  fc.option(value, { nil: undefined }).map((given) => (given === undefined ? {} : { [key]: given }) as { readonly [P in K]?: T });
const text = fc.oneof(
  fc.constantFrom('weight', 'encoder.layer.{i}', '// no comment', 'a"b\\c\n\t\u0007', '한국어'),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 6 }),
);
const foreign = text.map((value) => ({ value, span }));

const comment = fc.constantFrom('//', '// a comment', '// { ( [ "', '//// four');
const gap = fc.array(fc.oneof({ weight: 3, arbitrary: comment }, { weight: 1, arbitrary: fc.constant('') }), { maxLength: 3 });

/** No two blank lines together. */
function single(lines: readonly string[]): string[] {
  return lines.filter((line, index) => line !== '' || lines[index - 1] !== '');
}

/** What stands around a node; `first` has no blank line at its beginning, nodes between brackets have none at all. */
function trivia(inBrackets: boolean): fc.Arbitrary<{ readonly trivia?: Trivia }> {
  const full = fc
    .record({ before: gap, after: fc.option(comment, { nil: undefined }) })
    .map(({ before, after }): { readonly trivia?: Trivia } => {
      const lines = inBrackets ? before.filter((line) => line !== '') : single(before);
      return lines.length === 0 && after === undefined ? {} : { trivia: { before: lines, ...(after === undefined ? {} : { after }) } };
    });
  return fc.oneof({ weight: 5, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: full });
}
const tail = fc.oneof(
  { weight: 5, arbitrary: fc.constant<readonly string[]>([]) },
  {
    weight: 1,
    arbitrary: gap.map((lines) => {
      const kept = single(lines);
      return kept.at(-1) === '' ? kept.slice(0, -1) : kept;
    }),
  },
);

/** Drops the blank line before the first of a block, which the printer drops. */
function firstFlush<T extends { readonly trivia?: Trivia }>(nodes: readonly T[]): readonly T[] {
  const first = nodes[0];
  if (first?.trivia?.before[0] !== '') return nodes;
  const { trivia: old, ...bare } = first;
  const before = (old?.before ?? []).slice(1);
  const kept = before.length === 0 && old?.after === undefined && old?.tail === undefined ? bare : { ...bare, trivia: { ...old, before } };
  return [kept as T, ...nodes.slice(1)];
}

/** Gives a node the comments behind its last member. */
function withTail<T extends { readonly trivia?: Trivia }>(node: T, lines: readonly string[], empty: boolean): T {
  const kept = empty && lines[0] === '' ? lines.slice(1) : lines;
  return kept.length === 0 ? node : { ...node, trivia: { before: [], ...node.trivia, tail: kept } };
}

const doc = fc.oneof(
  { weight: 4, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: fc.constantFrom('What it is.', 'Two\nlines', 'with\n\na gap', '  indented') },
);

// A type, not an interface: `letrec` asks for one with an index signature.
type Parts = { expr: Expr; member: Member; type: TypeExpr; selector: Selector };

const { expr, member, type, selector } = fc.letrec<Parts>((tie) => {
  const some = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(arbitrary, { maxLength: 3 });
  const dim: fc.Arbitrary<Dim> = fc.oneof(
    fc.constant<Dim>({ kind: 'rest', span }),
    tie('expr').map((each): Dim => ({ kind: 'dim', expr: each })),
  );
  const argument: fc.Arbitrary<Argument> = fc
    .tuple(maybe('name', anyName), tie('expr'), trivia(true))
    .map(([named, value, around]) => ({ ...named, value, span, ...around }));
  const notNone = tie('expr').filter((each) => each.kind !== 'none');
  const item: fc.Arbitrary<IndexItem> = fc.oneof(
    notNone.map((each): IndexItem => ({ kind: 'at', expr: each, span })),
    fc
      .tuple(maybe('from', tie('expr')), maybe('to', tie('expr')))
      .map(([from, to]): IndexItem => ({ kind: 'range', ...from, ...to, span })),
    fc.constant<IndexItem>({ kind: 'new-axis', span }),
    fc.constant<IndexItem>({ kind: 'ellipsis', span }),
  );
  const param: fc.Arbitrary<Param> = fc
    .tuple(
      doc,
      anyName,
      maybe('type', tie('type')),
      some(fc.record({ op: fc.constantFrom('>' as const, '>=' as const, '<' as const, '<=' as const), value: tie('expr') })),
      maybe('default', tie('expr')),
      trivia(true),
    )
    .map(([said, named, typed, bounds, given, around]) => ({
      kind: 'param',
      doc: said,
      name: named,
      ...typed,
      bounds,
      ...given,
      span,
      ...around,
    }));
  const block = fc.tuple(some(tie('member')), tail).map(([members, lines]) => ({ members: firstFlush(members), lines }));
  const number: fc.Arbitrary<Expr> = fc
    .tuple(fc.constantFrom('8', '0', '2e-5', '1_000', '0.5', '10.25E3'), maybe('unit', fc.constantFrom('%', 'GiB', 'steps', 'tokens')))
    .map(([written, unit]) => ({
      kind: 'number',
      value: Number(written.replaceAll('_', '')),
      text: written,
      integer: /^[\d_]+$/.test(written),
      ...unit,
      span,
    }));
  const leaf: fc.Arbitrary<Expr> = fc.oneof(
    { weight: 4, arbitrary: word.map((each): Expr => ({ kind: 'name', name: each, span })) },
    { weight: 3, arbitrary: number },
    { weight: 1, arbitrary: text.map((value): Expr => ({ kind: 'string', value, span })) },
    { weight: 1, arbitrary: fc.boolean().map((value): Expr => ({ kind: 'bool', value, span })) },
    { weight: 1, arbitrary: fc.constant<Expr>({ kind: 'none', span }) },
  );
  const listed = fc.tuple(tie('expr'), trivia(true)).map(([each, around]): Expr => {
    const merged = { ...each.trivia, ...around.trivia };
    return Object.keys(merged).length === 0 ? each : ({ ...each, trivia: { before: [], ...merged } } as Expr);
  });
  const branch: fc.Arbitrary<Expr> = fc.oneof(
    some(listed).map((items): Expr => ({ kind: 'list', items, span })),
    fc.tuple(tie('expr'), some(argument)).map(([callee, args]): Expr => ({ kind: 'call', callee, args, span })),
    fc.tuple(tie('expr'), anyName).map(([object, named]): Expr => ({ kind: 'member', object, name: named, span })),
    fc
      .tuple(tie('expr'), fc.array(item, { minLength: 1, maxLength: 3 }))
      .map(([object, items]): Expr => ({ kind: 'index', object, items, span })),
    fc
      .tuple(fc.constantFrom('-' as const, 'not' as const), tie('expr'))
      .map(([op, operand]): Expr => ({ kind: 'unary', op, operand, span })),
    fc
      .tuple(fc.constantFrom<BinaryOperator>(...binaryOperators), tie('expr'), tie('expr'))
      .map(([op, left, right]): Expr => ({ kind: 'binary', op, left, right, span })),
    fc
      .tuple(tie('expr'), tie('expr'), tie('expr'))
      .map(([condition, then, otherwise]): Expr => ({ kind: 'if', condition, then, else: otherwise, span })),
    block.map(({ members, lines }): Expr => withTail<Expr>({ kind: 'block', members, span }, lines, members.length === 0)),
  );
  const body = fc.oneof(
    tie('expr').map((each): { body: Definition['body']; lines: readonly string[] } => ({ body: { kind: 'expr', expr: each }, lines: [] })),
    block.map(({ members, lines }): { body: Definition['body']; lines: readonly string[] } => ({
      body: { kind: 'block', members },
      lines,
    })),
  );
  const step: fc.Arbitrary<SelectorStep> = fc
    .tuple(
      fc.oneof(fc.array(name, { minLength: 1, maxLength: 3 }), fc.constant([toName('*')])),
      maybe(
        'indices',
        fc.array(
          fc.tuple(fc.nat(9), fc.nat(9)).map(([from, to]) => ({ from, to, span })),
          { minLength: 1, maxLength: 2 },
        ),
      ),
    )
    .map(([names, indices]) => ({ names, ...indices, span }));
  const role = fc.array(
    fc.array(name, { minLength: 1, maxLength: 2 }).map((names) => ({ names, span })),
    { minLength: 1, maxLength: 2 },
  );
  const bodiless = fc.oneof<fc.Arbitrary<Member>[]>(
    fc
      .tuple(
        fc.constantFrom(...storageKinds),
        fc.boolean(),
        doc,
        anyName,
        maybe('type', tie('type')),
        maybe('init', tie('expr')),
        some(foreign),
        maybe(
          'format',
          name.map((n): Expr => ({ kind: 'name', name: n.text, span })),
        ),
        maybe('when', tie('expr')),
      )
      .chain(([storage, shared, said, named, typed, init, names, format, when]) =>
        fc.constant<Member>({
          kind: 'storage',
          storage,
          shared,
          doc: said,
          name: named.text === 'in' && !('type' in typed) && !('init' in init) ? toName('x') : named,
          ...typed,
          ...init,
          foreign: names,
          ...(names.length === 0 ? format : {}),
          ...when,
          span,
        }),
      ),
    fc
      .tuple(
        doc,
        name,
        maybe('index', fc.record({ name: anyName, count: tie('expr') })),
        tie('expr'),
        maybe('foreign', foreign),
        maybe('role', role),
        fc.boolean(),
        maybe('when', tie('expr')),
      )
      .map(([said, named, index, value, as, roles, fresh, when]): Member => ({
        kind: 'part',
        doc: said,
        name: named,
        ...index,
        value,
        ...as,
        ...roles,
        fresh,
        ...when,
        span,
      })),
    fc
      .tuple(anyName, maybe('type', tie('type')), tie('expr'))
      .map(([named, typed, value]): Member => ({ kind: 'let', name: named, ...typed, value, span })),
    fc
      .tuple(doc, name, maybe('type', tie('type')), tie('expr'))
      .map(([said, named, typed, value]): Member => ({ kind: 'assign', doc: said, name: named, ...typed, value, span })),
    fc.tuple(tie('expr'), text).map(([condition, value]): Member => ({ kind: 'require', condition, message: { value, span }, span })),
    fc.tuple(plainWord, some(argument)).map(([callee, args]): Member => ({
      kind: 'use',
      value: { kind: 'call', callee: { kind: 'name', name: callee, span }, args, span },
      span,
    })),
    // A bare value begins as the parser would take a value to begin: not with a word that opens something.
    fc
      .oneof(
        plainWord.map((each): Expr => ({ kind: 'name', name: each, span })),
        fc
          .tuple(plainWord, some(argument))
          .map(([callee, args]): Expr => ({ kind: 'call', callee: { kind: 'name', name: callee, span }, args, span })),
        tie('expr').map((operand): Expr => ({ kind: 'unary', op: '-', operand, span })),
      )
      .map((each): Member => ({ kind: 'expr', expr: each, span })),
  );
  const field: fc.Arbitrary<Field> = fc
    .tuple(anyName, tie('expr'), trivia(false))
    .map(([named, value, around]) => ({ name: named, value, span, ...around }));
  const section = fc.tuple(plainWord.map(toName), some(field), tail).map(([named, fields, lines]): Member => ({
    kind: 'section',
    section: {
      kind: 'fields',
      name: named,
      fields: firstFlush(fields),
      tail: fields.length === 0 && lines[0] === '' ? lines.slice(1) : lines,
      span,
    },
    span,
  }));
  const withBody = fc.oneof<fc.Arbitrary<Member>[]>(
    fc
      .tuple(doc, plainWord.map(toName), some(param), maybe('result', tie('type')), body)
      .map(([said, named, params, result, { body: made, lines }]): Member =>
        withTail<Member>(
          { kind: 'function', doc: said, name: named, params, ...result, body: made, span },
          lines,
          made.kind === 'block' && made.members.length === 0,
        ),
      ),
    fc
      .tuple(anyName, tie('expr'), block)
      .map(([named, over, { members, lines }]): Member =>
        withTail<Member>({ kind: 'for', name: named, over, members, span }, lines, members.length === 0),
      ),
    fc
      .tuple(plainWord.map(toName), doc, plainWord.map(toName), block)
      .map(([opening, said, named, { members, lines }]): Member =>
        withTail<Member>({ kind: 'nested', word: opening, doc: said, name: named, members, span }, lines, members.length === 0),
      ),
  );
  const bare = fc.oneof({ weight: 5, arbitrary: bodiless }, { weight: 1, arbitrary: section }, { weight: 2, arbitrary: withBody });
  const path: fc.Arbitrary<Selector> = fc
    .array(step, { minLength: 1, maxLength: 3 })
    .map((steps): Selector => ({ kind: 'select-path', steps, span }));
  return {
    expr: fc.oneof({ maxDepth: 4, depthIdentifier: 'expr' }, { weight: 3, arbitrary: leaf }, { weight: 2, arbitrary: branch }),
    member: fc.tuple(bare, trivia(false)).map(([each, around]): Member => {
      const merged = { ...each.trivia, ...around.trivia };
      return Object.keys(merged).length === 0 ? each : { ...each, trivia: { before: [], ...merged } };
    }),
    type: fc.oneof(
      { maxDepth: 2 },
      fc.constant<TypeExpr>({ kind: 'type-name', name: toName('none'), span }),
      fc.tuple(anyName, maybe('dims', some(dim))).map(([named, dims]): TypeExpr => ({ kind: 'type-name', name: named, ...dims, span })),
      some(dim).map((dims): TypeExpr => ({ kind: 'type-tensor', dims, span })),
      fc
        .array(
          tie('type').filter((option) => option.kind !== 'type-union'),
          { minLength: 2, maxLength: 3 },
        )
        .map((options): TypeExpr => ({ kind: 'type-union', options, span })),
    ),
    selector: fc.oneof(
      { maxDepth: 3 },
      path,
      text.map((pattern): Selector => ({ kind: 'select-glob', pattern, span })),
      fc
        .tuple(fc.constantFrom('+' as const, 'except' as const, 'and' as const), tie('selector'), tie('selector'))
        .map(([op, left, right]): Selector => ({ kind: 'select-binary', op, left, right, span })),
    ),
  };
});

const param: fc.Arbitrary<Param> = fc
  .tuple(doc, anyName, maybe('type', type), maybe('default', expr), trivia(true))
  .map(([said, named, typed, given, around]) => ({
    kind: 'param',
    doc: said,
    name: named,
    ...typed,
    bounds: [],
    ...given,
    span,
    ...around,
  }));

const definition: fc.Arbitrary<Item> = fc
  .tuple(
    fc.constantFrom(...definitionKinds),
    doc,
    anyName,
    fc.array(param, { maxLength: 3 }),
    maybe('on', fc.record({ name: anyName, binds: fc.array(anyName, { maxLength: 2 }) })),
    maybe('is', expr),
    fc.array(foreign, { maxLength: 2 }),
    maybe('result', type),
    fc.array(member, { maxLength: 4 }),
    fc.tuple(tail, trivia(false)),
  )
  .map(([what, said, named, params, on, is, names, result, members, [lines, around]]): Item =>
    withTail<Item>(
      {
        kind: 'definition',
        what,
        doc: said,
        name: named,
        params,
        ...(on.on ? { on: { ...on.on, span } } : {}),
        ...is,
        foreign: names,
        ...result,
        body: { kind: 'block', members: firstFlush(members) },
        span,
        ...around,
      },
      lines,
      members.length === 0,
    ),
  );

const call = fc
  .tuple(plainWord, expr)
  .map(([callee, value]): Expr => ({ kind: 'call', callee: { kind: 'name', name: callee, span }, args: [{ value, span }], span }));
const statement: fc.Arbitrary<Statement> = fc
  .tuple(
    fc.oneof<fc.Arbitrary<Statement>[]>(
      fc
        .tuple(name, call, maybe('task', call))
        .map(([model, source, task]): Statement => ({ kind: 'base', model, source, overrides: [], ...task, span })),
      fc.tuple(selector, call).map(([chosen, method]): Statement => ({ kind: 'adapt', selector: chosen, method, span })),
      fc.tuple(selector, call).map(([chosen, format]): Statement => ({ kind: 'quantize', selector: chosen, format, span })),
      selector.map((chosen): Statement => ({ kind: 'train', selector: chosen, span })),
    ),
    trivia(false),
  )
  .map(([each, around]): Statement => ({ ...each, ...around }));

const experiment: fc.Arbitrary<Item> = fc
  .tuple(doc, name, maybe('from', name), fc.array(statement, { maxLength: 3 }), tail, trivia(false))
  .map(([said, named, from, statements, lines, around]): Item =>
    withTail<Item>(
      { kind: 'experiment', doc: said, name: named, ...from, statements: firstFlush(statements), span, ...around },
      lines,
      statements.length === 0,
    ),
  );

const imported: fc.Arbitrary<Import> = fc
  .tuple(
    fc.oneof(
      fc.array(name, { minLength: 1, maxLength: 3 }).map((parts): Import['from'] => ({ kind: 'path', parts })),
      text.map((value): Import['from'] => ({ kind: 'string', value, span })),
    ),
    fc.array(
      fc.tuple(name, maybe('as', name)).map(([named, as]) => ({ name: named, ...as })),
      { minLength: 1, maxLength: 3 },
    ),
    trivia(false),
  )
  .map(([from, names, around]) => ({ kind: 'import', from, names, span, ...around }));

/** Items stand apart by one blank line whatever was written, so none of theirs counts. */
function unspaced<T extends { readonly trivia?: Trivia }>(node: T): T {
  return firstFlush([node])[0] ?? node;
}

/** Random files. */
export const files: fc.Arbitrary<File> = fc
  .tuple(
    fc.array(imported, { maxLength: 2 }),
    fc.array(fc.oneof({ weight: 3, arbitrary: definition }, { weight: 1, arbitrary: experiment }), { minLength: 1, maxLength: 3 }),
    tail,
  )
  .map(([imports, items, lines]) => ({
    kind: 'file',
    imports: firstFlush(imports),
    items: items.map(unspaced),
    tail: lines[0] === '' ? lines.slice(1) : lines,
    span,
  }));
