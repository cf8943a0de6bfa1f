/**
 * @file Experiments over the tiny configurations, written for a model, a task and a method by what their definitions ask for, and
 * numbers for every tensor and input of their graphs.
 */
import type { Definition, Param } from '../../grammar/ast.js';
import { parseFile } from '../../grammar/parse.js';
import type { EntryGraph } from '../../compiler/driver/graphs.js';
import { elements } from '../../compiler/ops/op.js';
import { checkFile } from '../../compiler/spec/file.js';
import type { Resolved } from '../../compiler/spec/check.js';
import type { BatchField } from '../../compiler/spec/task.js';
import { evaluateScalar } from '../../runtime/scalars.js';
import { createRandom } from '../ops/samples.js';
import { factsOf, libraryOf } from '../spec/world.js';
import { found } from './definitions.js';

const library = libraryOf();

/** Checks a text with one experiment; what is wrong with it is an error of the test. */
export function resolved(text: string): Resolved {
  const parsed = parseFile(text, 'test.peft');
  const checked = checkFile(parsed.value, library, factsOf());
  const problems = [...parsed.diagnostics, ...checked.diagnostics].filter((d) => d.severity === 'error');
  const one = checked.experiments[0]?.resolved;
  if (problems.length > 0 || one === undefined)
    throw new Error(`${problems.map((d) => `${d.message} ${JSON.stringify(text.slice(d.span.start, d.span.end))}`).join('\n')}\n${text}`);
  return one;
}

/** A value that a parameter without default accepts. */
function valueOf(param: Param): string {
  const type = param.type?.kind === 'type-name' ? param.type.name.text : '';
  if (type === 'Int') return '3';
  if (type === 'Float') return '0.5';
  if (type === 'List') return '[2, 5]';
  throw new Error(`a test does not know what to give for ${param.name.text}`);
}

/** A call with what must be given, and with `more`. */
export function call(d: Definition, more: { readonly [name: string]: string } = {}): string {
  const given = d.params
    .filter((p) => p.default === undefined && more[p.name.text] === undefined)
    .map((p) => `${p.name.text}: ${valueOf(p)}`);
  return `${d.name.text}(${[...given, ...Object.entries(more).map(([name, value]) => `${name}: ${value}`)].join(', ')})`;
}

/** An experiment on a tiny base with the given statements; columns as the task asks for. */
export function experiment(model: string, task: string, statements: string, taskArgs: { readonly [name: string]: string } = {}): Resolved {
  const definition = found('task').find((d) => d.definition.name.text === task)?.definition;
  if (definition === undefined) throw new Error(`there is no task ${task}`);
  const section =
    definition.body.kind === 'block'
      ? definition.body.members.find((m) => m.kind === 'section' && m.section.name.text === 'batch')
      : undefined;
  const fields = section?.kind === 'section' ? section.section.fields : [];
  const columns = new Set(
    fields.flatMap(({ value }) => (value.kind === 'call' && value.args[0]?.value.kind === 'name' ? [value.args[0].value.name] : [])),
  );
  const imports = found('adapter').map((d) => `import std.${d.path.split('/')[0]}.${d.definition.name.text}`);
  return resolved(`${imports.join('\n')}
experiment test {
  base ${model} from "models/${model}" for ${call(definition, taskArgs)}
  ${statements}
  data { train: tsv("train.tsv") max_length: 6 tokens ${[...columns].map((c) => `${c}: "${c}"`).join(' ')} }
  tune { optimizer: adamw(lr: 1e-3) }
}`);
}

/** Values for a batch: random ids that are no special tokens, the last token of the last row padding, classes in turn. */
export function batchFeeds(batch: readonly BatchField[], rows: number, tokens: number, vocabulary: number): Map<string, Float64Array> {
  const random = createRandom(5);
  const ids = Float64Array.from({ length: rows * tokens }, () => 5 + Math.floor(random() * (vocabulary - 5)));
  const last = rows * tokens - 1;
  const made = (f: BatchField): Float64Array => {
    switch (f.recipe) {
      case 'tokens':
        return ids;
      case 'token_mask':
        return ids.map((_, i) => (i === last ? 0 : 1));
      case 'targets':
        return ids.map((id, i) => (i === last ? -100 : id));
      case 'class':
        return Float64Array.from({ length: rows }, (_, i) => (i + 1) % (f.classes ?? 2));
      case 'tags':
        // Every second token begins a word.
        return ids.map((_, i) => (i === last || i % 2 === 0 ? -100 : i % (f.classes ?? 2)));
      case 'number':
        return Float64Array.from({ length: rows }, (_, i) => 0.5 - 1.5 * i);
      default:
        return f.recipe satisfies never;
    }
  };
  return new Map(batch.map((f) => [f.name, made(f)] as const));
}

/** Random values, none of them 0, for every tensor that a graph reads, and the numbers the host gives. */
export function tensorFeeds(
  entry: EntryGraph,
  seed: number,
  variables: { readonly [name: string]: number } = { seed: 3 },
): Map<string, Float64Array> {
  const feeds = new Map<string, Float64Array>();
  for (const [name, expr] of entry.hosts) feeds.set(name, Float64Array.of(evaluateScalar(expr, variables)));
  for (const node of entry.graph.nodes) {
    if (node.op !== 'tensor') continue;
    const name = node.attrs['name'] as string;
    const random = createRandom(seed + [...name].reduce((n, c) => (n * 31 + c.charCodeAt(0)) % 1_000_003, 0));
    // Away from 0, and around 1 where it is a gain: what a trained model has.
    const centre = /norm.*weight$/i.test(name) ? 1 : 0;
    // Whole numbers are places; 0 and 1 are inside of everything.
    feeds.set(
      name,
      Float64Array.from({ length: elements(node.shape) }, (_, i) => (node.dtype === 'i32' ? i % 2 : centre + 0.6 * (random() - 0.5))),
    );
  }
  return feeds;
}
