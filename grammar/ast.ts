/**
 * @file Ast: what was written, with spans and comments. Plain readonly data; nothing here knows machine learning.
 *
 * Invariants: every node has a span; a syntactically broken part is an `error` node, so that a tree exists for every
 * input; `print(build(parse(text)))` is the canonical text and keeps every comment.
 */
import type { Span } from './diagnostics.js';

/** A name with its place. */
export interface Name {
  readonly text: string;
  readonly span: Span;
}

/** Comments kept by the printer: on lines of their own before a node, and at the end of its line. */
export interface Trivia {
  /** Each entry is one comment line with its `//`; an empty string keeps one blank line between groups. */
  readonly before: readonly string[];
  readonly after?: string;
  /** For a node with a block: the comments after its last member, before the `}`. */
  readonly tail?: readonly string[];
}

/** What every node has: its place, and the comments around it. */
export interface Node {
  readonly span: Span;
  readonly trivia?: Trivia;
}

/** A whole file. */
export interface File extends Node {
  readonly kind: 'file';
  readonly imports: readonly Import[];
  readonly items: readonly Item[];
  /** Comments after the last item. */
  readonly tail: readonly string[];
}

/** `import std.adapters.{small, other}`, `import std.optim.plain`, `import "./mine.peft".{foo}`. */
export interface Import extends Node {
  readonly kind: 'import';
  /** Dotted path (`std.adapters`) or a quoted file. */
  readonly from:
    { readonly kind: 'path'; readonly parts: readonly Name[] } | { readonly kind: 'string'; readonly value: string; readonly span: Span };
  /** Imported names; for `import std.optim.plain` the last part of the path. */
  readonly names: readonly { readonly name: Name; readonly as?: Name }[];
}

/** What a file is made of, besides imports. */
export type Item = Definition | Experiment | Sweep | ErrorNode;

/** Words that open a definition. */
export const definitionKinds = ['def', 'module', 'model', 'adapter', 'optimizer', 'schedule', 'task', 'format'] as const;
/** A word that opens a definition. */
export type DefinitionKind = (typeof definitionKinds)[number];

/** `adapter small(rank: Int >= 1 = 8) on linear(in, out) { … }`, `def f(x: [.., n]): [n] = …`. */
export interface Definition extends Node {
  readonly kind: 'definition';
  readonly what: DefinitionKind;
  /** Doc comment: the text after `///`, lines joined by `\n`. */
  readonly doc: string;
  readonly name: Name;
  readonly params: readonly Param[];
  /** `on linear(in, out)`: the kind of module an adapter acts on, and the names it gives that module's parameters. */
  readonly on?: { readonly name: Name; readonly binds: readonly Name[]; readonly span: Span };
  /** `is linear(in, out)`: the kind of module this module also is. */
  readonly is?: Expr;
  /** `for "encoder"`: the foreign names it stands for (`model_type`, `peft_type`, `task_type`). */
  readonly foreign: readonly { readonly value: string; readonly span: Span }[];
  readonly result?: TypeExpr;
  readonly body: { readonly kind: 'expr'; readonly expr: Expr } | { readonly kind: 'block'; readonly members: readonly Member[] };
}

/** `rank: Int >= 1 = 8`: name, type, bounds on the value, default. */
export interface Param extends Node {
  readonly kind: 'param';
  readonly doc: string;
  readonly name: Name;
  readonly type?: TypeExpr;
  readonly bounds: readonly { readonly op: '>' | '>=' | '<' | '<='; readonly value: Expr }[];
  readonly default?: Expr;
}

/** `Int`, `Float | none`, `[b, t, d]`, `Int[b, t]`, `[.., n]`. */
export type TypeExpr =
  | (Node & { readonly kind: 'type-name'; readonly name: Name; readonly dims?: readonly Dim[] })
  | (Node & { readonly kind: 'type-tensor'; readonly dims: readonly Dim[] })
  | (Node & { readonly kind: 'type-union'; readonly options: readonly TypeExpr[] });

/** One axis: an expression, or `..` for any number of leading axes. */
export type Dim = { readonly kind: 'rest'; readonly span: Span } | { readonly kind: 'dim'; readonly expr: Expr };

/** Words that open the declaration of a tensor inside a definition. */
export const storageKinds = ['param', 'train', 'frozen', 'state', 'save'] as const;
/** A word that opens the declaration of a tensor. */
export type StorageKind = (typeof storageKinds)[number];

/** One step of a role; several names (`attention.{query, key}`) give the part several roles. */
export interface RoleStep {
  readonly names: readonly Name[];
  readonly span: Span;
}

/** What stands inside a definition, a function body or a nested block. */
export type Member =
  /** `train A: [rank, in] = kaiming_uniform() as "down.weight" if enabled`; `shared` where one tensor serves every site. */
  | (Node & {
      readonly kind: 'storage';
      readonly storage: StorageKind;
      readonly shared: boolean;
      readonly doc: string;
      readonly name: Name;
      readonly type?: TypeExpr;
      readonly init?: Expr;
      readonly foreign: readonly { readonly value: string; readonly span: Span }[];
      /** In how many bits it is kept: `state m = 0.0 as eight_bits(signed: true) if size >= 4096`. */
      readonly format?: Expr;
      readonly when?: Expr;
    })
  /** `part layers[i < n] = layer(h) as "encoder.layer.{i}" role layers fresh if cond` */
  | (Node & {
      readonly kind: 'part';
      readonly doc: string;
      readonly name: Name;
      readonly index?: { readonly name: Name; readonly count: Expr };
      readonly value: Expr;
      readonly foreign?: { readonly value: string; readonly span: Span };
      readonly role?: readonly RoleStep[];
      readonly fresh: boolean;
      readonly when?: Expr;
    })
  /** `let x: [b, t] = e` */
  | (Node & { readonly kind: 'let'; readonly name: Name; readonly type?: TypeExpr; readonly value: Expr })
  /** `x = e`: gives a name declared before in this block a new value. In a definition block (not in a function body) it defines a value member: `delta = …`. */
  | (Node & { readonly kind: 'assign'; readonly doc: string; readonly name: Name; readonly type?: TypeExpr; readonly value: Expr })
  /** `forward(x: [.., in]): [.., out] = e` or `forward(x) { … }` */
  | (Node & {
      readonly kind: 'function';
      readonly doc: string;
      readonly name: Name;
      readonly params: readonly Param[];
      readonly result?: TypeExpr;
      readonly body: { readonly kind: 'expr'; readonly expr: Expr } | { readonly kind: 'block'; readonly members: readonly Member[] };
    })
  /** `for layer in layers { x = layer(x) }` */
  | (Node & { readonly kind: 'for'; readonly name: Name; readonly over: Expr; readonly members: readonly Member[] })
  /** `require cond, "message with {values}"` */
  | (Node & { readonly kind: 'require'; readonly condition: Expr; readonly message: { readonly value: string; readonly span: Span } })
  /** `use small(rank, alpha)`: takes over every member of another definition of the same kind. */
  | (Node & { readonly kind: 'use'; readonly value: Expr })
  /** `task classify { … }` inside a model: how this model does that task. */
  | (Node & {
      readonly kind: 'nested';
      readonly word: Name;
      readonly name: Name;
      readonly doc: string;
      readonly members: readonly Member[];
    })
  /** `foreign { r: rank, rank_pattern: patterns(rank) }`: a block of fields. */
  | (Node & { readonly kind: 'section'; readonly section: Section })
  /** A bare expression; as the last member of a function body it is the result. */
  | (Node & { readonly kind: 'expr'; readonly expr: Expr })
  | ErrorNode;

/** `experiment a { … }`, `experiment b = a { … }`. */
export interface Experiment extends Node {
  readonly kind: 'experiment';
  readonly doc: string;
  readonly name: Name;
  /** The experiment it derives from. */
  readonly from?: Name;
  readonly statements: readonly Statement[];
}

/** `sweep ranks over a, b { rank in [4, 8]  alpha = 2 * rank  seed in [0, 1] }`: experiments with values of their own. */
export interface Sweep extends Node {
  readonly kind: 'sweep';
  readonly doc: string;
  readonly name: Name;
  /** The experiments that are varied. */
  readonly over: readonly Name[];
  readonly members: readonly SweepMember[];
}

/** What is varied: `rank`, `tune.batch`, `small.rank`. */
export interface SweepKnob {
  readonly steps: readonly Name[];
  readonly span: Span;
}

/** What stands in a sweep. */
export type SweepMember =
  /** `rank in [4, 8] when deep`, `lr, batch in [[1e-4, 8], [2e-4, 16]]`. */
  | (Node & { readonly kind: 'axis'; readonly knobs: readonly SweepKnob[]; readonly values: Expr; readonly when?: Expr })
  /** `alpha = 2 * rank when rank > 4`. */
  | (Node & { readonly kind: 'derived'; readonly knob: SweepKnob; readonly value: Expr; readonly when?: Expr })
  /** `require rank * batch < 100`: points for which it does not hold are left out. */
  | (Node & { readonly kind: 'require-point'; readonly condition: Expr })
  /** `take 12 seed 3`: so many of the points, drawn. */
  | (Node & { readonly kind: 'take'; readonly count: Expr; readonly seed?: Expr })
  | ErrorNode;

/** What stands in an experiment. */
export type Statement =
  /** `base encoder from hub("some/encoder") with (dropout: 0%) for classify(labels: 2)`; `with` overrides keys of the model's configuration. */
  | (Node & {
      readonly kind: 'base';
      readonly model: Name;
      readonly source: Expr;
      readonly overrides: readonly Argument[];
      readonly task?: Expr;
    })
  /** `adapt attention.{query, key} + mlp with small(rank: 8)` */
  | (Node & { readonly kind: 'adapt'; readonly selector: Selector; readonly method: Expr })
  /** `quantize linears except head as four_bits(block: 64)`: in how many bits frozen weights are kept. */
  | (Node & { readonly kind: 'quantize'; readonly selector: Selector; readonly format: Expr })
  /** `train head` */
  | (Node & { readonly kind: 'train'; readonly selector: Selector })
  /** `data { … }`, `tune { … }`, `budget { … }` */
  | (Node & { readonly kind: 'section'; readonly section: Section })
  | ErrorNode;

/** A named block of fields. Which names and fields exist is for the checker to say. */
export interface Section extends Node {
  readonly kind: 'fields';
  readonly name: Name;
  readonly fields: readonly Field[];
  readonly tail: readonly string[];
}
/** `name: value` in a section. */
export interface Field extends Node {
  readonly name: Name;
  readonly value: Expr;
}

/** Which modules: role paths, checkpoint globs, unions, exceptions. */
export type Selector =
  /** `layers[0..2].attention.{query, key}`; `*` is a step with the name `*`. */
  | (Node & { readonly kind: 'select-path'; readonly steps: readonly SelectorStep[] })
  /** `"model.encoder.layer.*.output.dense"` */
  | (Node & { readonly kind: 'select-glob'; readonly pattern: string })
  /** `a + b`, `a except b`, `a and b`: left-associative, one level of precedence. */
  | (Node & { readonly kind: 'select-binary'; readonly op: '+' | 'except' | 'and'; readonly left: Selector; readonly right: Selector })
  | ErrorNode;
/** One step of a path of roles: `attention`, `{query, key}`, `layers[0..2]`. */
export interface SelectorStep {
  /** One name, or several from `{query, key}`. */
  readonly names: readonly Name[];
  /** `[2]`, `[0..2]` (both ends included), `[0, 3, 5..7]`. */
  readonly indices?: readonly { readonly from: number; readonly to: number; readonly span: Span }[];
  readonly span: Span;
}

/** `value` or `name: value` in a call. */
export interface Argument extends Node {
  readonly name?: Name;
  readonly value: Expr;
}

/** The operators between two values; their precedence is in `precedence.ts`. */
export const binaryOperators = [
  'or',
  'and',
  '==',
  '!=',
  '<',
  '<=',
  '>',
  '>=',
  'in',
  '??',
  '..',
  '+',
  '-',
  '*',
  '/',
  '%',
  '@',
  '**',
] as const;
/** An operator between two values. */
export type BinaryOperator = (typeof binaryOperators)[number];

/** A value. */
export type Expr =
  /** `8`, `2e-5`, `10%`, `8 GiB`; `text` is the number as written, `unit` the word after it (`%` included). */
  | (Node & { readonly kind: 'number'; readonly value: number; readonly text: string; readonly integer: boolean; readonly unit?: string })
  | (Node & { readonly kind: 'string'; readonly value: string })
  | (Node & { readonly kind: 'bool'; readonly value: boolean })
  | (Node & { readonly kind: 'none' })
  | (Node & { readonly kind: 'name'; readonly name: string })
  | (Node & { readonly kind: 'list'; readonly items: readonly Expr[] })
  | (Node & { readonly kind: 'call'; readonly callee: Expr; readonly args: readonly Argument[] })
  | (Node & { readonly kind: 'member'; readonly object: Expr; readonly name: Name })
  /** `x[:, none, 0, 2:5, ...]` */
  | (Node & { readonly kind: 'index'; readonly object: Expr; readonly items: readonly IndexItem[] })
  | (Node & { readonly kind: 'unary'; readonly op: '-' | 'not'; readonly operand: Expr })
  | (Node & { readonly kind: 'binary'; readonly op: BinaryOperator; readonly left: Expr; readonly right: Expr })
  | (Node & { readonly kind: 'if'; readonly condition: Expr; readonly then: Expr; readonly else: Expr })
  /** `{ let a = b  a + 1 }` where an expression stands. */
  | (Node & { readonly kind: 'block'; readonly members: readonly Member[] })
  | ErrorNode;

/** What stands between `[` and `]` behind a value. */
export type IndexItem =
  | { readonly kind: 'at'; readonly expr: Expr; readonly span: Span }
  | { readonly kind: 'range'; readonly from?: Expr; readonly to?: Expr; readonly span: Span }
  | { readonly kind: 'new-axis'; readonly span: Span }
  | { readonly kind: 'ellipsis'; readonly span: Span };

/** A part that could not be parsed; its text is kept as written. */
export interface ErrorNode extends Node {
  readonly kind: 'error';
  readonly text: string;
}
