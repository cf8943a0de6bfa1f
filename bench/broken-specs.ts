/**
 * @file A corpus of broken specs: every example with one mistake in it, some thousand in all, opened as `peft check` opens a file. Three shares are
 * reported: how many are answered before a weight is loaded, how many of the answers stand on the mistake, and for how many misspelt words the
 * right one is suggested. `BENCH_VERBOSE=1` lists what was missed; `BENCH_SEED` and `BENCH_ONLY` (a kind) choose others.
 *
 * The examples lie in a folder of their own, with stand-ins for the bases and tables that are no part of this project: real files of the same layout.
 * A mistake that only a lint rule finds counts as answered by its warning.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openFile } from '../cli/experiment.js';
import { openLibrary } from '../cli/library.js';
import { packageRoot } from '../cli/package.js';
import { lint } from '../lint/lint.js';
import { rules } from '../lint/rules.js';
import type { Diagnostic } from '../grammar/diagnostics.js';
import { mutantsOf, mutationKinds, type Mutant, type MutationKind, type Place } from './mutations.js';
import { circumstances, printTable, round, writeResults, type Benchmark } from './report.js';

/** A mutant and the example it is one of. */
export interface Broken extends Mutant {
  readonly example: string;
}

/** What was said about a mutant. */
export interface Verdict {
  readonly broken: Broken;
  readonly findings: readonly Diagnostic[];
  readonly answered: boolean;
  /** Whether a finding stands on the mistake. */
  readonly placed: boolean;
  /** Whether the word that was meant is suggested; undefined where there is none. */
  readonly suggested: boolean | undefined;
  readonly ms: number;
}

/** Examples by their path below the folder of the world. */
export type Examples = ReadonlyMap<string, string>;

/** Numbers in [0, 1) that follow from a seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

// --- the world ---------------------------------------------------------------------------------------------------------

const config = {
  architectures: ['BertForMaskedLM'],
  attention_probs_dropout_prob: 0.1,
  hidden_act: 'gelu',
  hidden_dropout_prob: 0.1,
  hidden_size: 64,
  initializer_range: 0.02,
  intermediate_size: 256,
  layer_norm_eps: 1e-12,
  max_position_embeddings: 128,
  model_type: 'bert',
  num_attention_heads: 4,
  num_hidden_layers: 3,
  pad_token_id: 0,
  type_vocab_size: 2,
  vocab_size: 104,
};

/** Lays the examples out in a folder, with what they refer to; gives their texts. */
export function layOut(folder: string): Examples {
  const examples = join(folder, 'project', 'examples');
  cpSync(join(packageRoot, 'examples'), examples, { recursive: true, filter: (path) => !/(README\.md|\.mjs)$/.test(path) });
  const base = join(examples, 'quickstart', 'base');
  cpSync(base, join(folder, 'project', 'runs', 'tiny_reader'), { recursive: true });
  const reader = join(folder, 'shared', 'models', 'ko-bert');
  cpSync(base, reader, { recursive: true });
  widenPositions(reader);
  const reviews = join(folder, 'shared', 'data', 'nsmc');
  mkdirSync(reviews, { recursive: true });
  for (const name of ['ratings_train.tsv', 'ratings_test.tsv'])
    writeFileSync(
      join(reviews, name),
      `id\tdocument\tlabel\n${Array.from({ length: 1000 }, (_, i) => `${i}\treview ${i}\t${i % 2}\n`).join('')}`,
    );
  const paths = readdirSync(examples, { recursive: true, encoding: 'utf8' }).map((p) => p.replaceAll('\\', '/'));
  const texts = new Map(
    paths.filter((p) => p.endsWith('.peft')).map((p) => [`project/examples/${p}`, readFileSync(join(examples, p), 'utf8')] as const),
  );
  return withOwnMethod(texts);
}

/** The method of one's own stands in the file of the experiment that uses it: some mistakes in it show only there. */
function withOwnMethod(texts: Map<string, string>): Examples {
  const [method, use] = ['project/examples/new-adapter/stretch.peft', 'project/examples/new-adapter/films.peft'];
  const both = `${texts.get(method) ?? ''}${(texts.get(use) ?? '').replace(/^import .*\n/m, '')}`;
  texts.delete(method);
  return texts.set('project/examples/new-adapter/both.peft', both);
}

/** Gives a copied base 128 positions: the table of position embeddings is what its header says, and zeros at the end of the file. */
function widenPositions(folder: string): void {
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  const path = join(folder, 'model.safetensors');
  const bytes = readFileSync(path);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: number[] }
  >;
  const key = Object.keys(header).find((name) => name.endsWith('position_embeddings.weight')) ?? '';
  const table = header[key];
  if (table === undefined) throw new Error('the base of the quickstart has no position embeddings');
  const width = table.dtype === 'F32' ? 4 : 2;
  const rest = bytes.subarray(8 + length);
  const added = Buffer.alloc(config.max_position_embeddings * config.hidden_size * width);
  // Every byte of the file must belong to a tensor: the old table stays, under a name that no model asks for.
  header['unused'] = { ...table };
  header[key] = {
    dtype: table.dtype,
    shape: [config.max_position_embeddings, config.hidden_size],
    data_offsets: [rest.length, rest.length + added.length],
  };
  const text = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(path, Buffer.concat([size, text, rest, added]));
}

// --- the corpus --------------------------------------------------------------------------------------------------------

/** The corpus: of each kind and example at most so many mutants, drawn by the seed. */
export async function corpusOf(examples: Examples, seed: number, most: number): Promise<readonly Broken[]> {
  const library = await openLibrary();
  return [...examples].flatMap(([example, text], i) => {
    const random = seeded(seed + i);
    const all = mutantsOf(text, library, random);
    return mutationKinds.flatMap((kind) =>
      drawn(
        all.filter((m) => m.kind === kind),
        most,
        random,
      ).map((m): Broken => ({ ...m, example })),
    );
  });
}

/** So many of a list at most, in its order; two that make the same text are one. */
function drawn(list: readonly Mutant[], most: number, random: () => number): readonly Mutant[] {
  const left = [...new Map(list.map((m) => [m.text, m])).values()];
  while (left.length > most) left.splice(Math.floor(random() * left.length), 1);
  return left;
}

/** Findings of a text as `peft check` and `peft lint` have them. */
export async function findingsOf(folder: string, example: string, text: string): Promise<readonly Diagnostic[]> {
  const path = join(folder, example);
  const opened = await openFile({ name: path, path, text }, dirname(path), undefined, { weights: 'optional' });
  if (opened.diagnostics.some((d) => d.severity === 'error')) return opened.diagnostics;
  return lint(
    { file: opened.file, text, library: await openLibrary(), experiments: opened.experiments, checked: opened.diagnostics },
    rules,
  );
}

/** What is said about a mutant; `known` are findings of the example as it is. */
export async function judge(folder: string, broken: Broken, known: readonly Diagnostic[]): Promise<Verdict> {
  const began = performance.now();
  const said = await findingsOf(folder, broken.example, broken.text);
  const ms = performance.now() - began;
  const findings = said.filter((d) => d.severity !== 'info' && !known.some((k) => k.code === d.code && k.message === d.message));
  const errors = findings.filter((d) => d.severity === 'error');
  const judged = errors.length > 0 ? errors : findings;
  const found = (place: Place): boolean => judged.some((d) => d.span.file === join(folder, broken.example) && standsOn(d.span, place));
  return {
    broken,
    findings,
    answered: judged.length > 0,
    placed: broken.every === true ? broken.places.every(found) && !toldTwice(judged) : broken.places.some(found),
    suggested: broken.wanted === undefined ? undefined : judged.some((d) => suggests(d, broken.wanted ?? '')),
    ms,
  };
}

/** Whether one place has the same said about it twice. */
const toldTwice = (findings: readonly Diagnostic[]): boolean =>
  new Set(findings.map((d) => `${d.code} ${d.span.start} ${d.span.end}`)).size < findings.length;

/** Whether a finding points at a place: it touches it, and is not much longer. */
function standsOn(span: Place, place: Place): boolean {
  const touches = span.start <= place.end && span.end >= place.start;
  return touches && span.end - span.start <= Math.max(32, 2 * (place.end - place.start));
}

/** Whether a finding says which word was meant: in its fix, or as the choice that its help gives. */
export function suggests({ help, fix }: Diagnostic, wanted: string): boolean {
  const bare = (text: string): string => text.replace(/["`]/g, '').trim();
  if (fix?.edits.some((edit) => bare(edit.text) === wanted || bare(edit.text).endsWith(` ${wanted}`)) === true) return true;
  const offered = /^(?:did you mean|write) (.*?)\??$/.exec(bare(help ?? ''))?.[1] ?? '';
  return offered.split(/ or |\? /).some((one) => one === wanted || one.endsWith(` ${wanted}`) || one.startsWith(`${wanted}?`));
}

// --- the report --------------------------------------------------------------------------------------------------------

/** Shares of verdicts, in percent. */
export function sharesOf(verdicts: readonly Verdict[]): {
  readonly specs: number;
  readonly answered: number;
  readonly placed: number;
  readonly suggested: number;
  readonly words: number;
} {
  const percent = (part: number, whole: number): number => (whole === 0 ? 100 : (100 * part) / whole);
  const words = verdicts.filter((v) => v.suggested !== undefined);
  return {
    specs: verdicts.length,
    answered: percent(verdicts.filter((v) => v.answered).length, verdicts.length),
    placed: percent(verdicts.filter((v) => v.placed).length, verdicts.length),
    suggested: percent(words.filter((v) => v.suggested).length, words.length),
    words: words.length,
  };
}

function listMisses(verdicts: readonly Verdict[]): void {
  for (const { broken: b, answered, placed, suggested, findings } of verdicts) {
    const missed = [
      ...(answered ? [] : ['not answered']),
      ...(placed ? [] : ['elsewhere']),
      ...(suggested === false ? ['no suggestion'] : []),
    ];
    if (missed.length === 0) continue;
    process.stderr.write(`${b.kind}, ${missed.join(', ')}: ${b.example}: ${b.what.replaceAll('\n', ' ')}\n`);
    for (const d of findings.slice(0, 3))
      process.stderr.write(
        `    ${d.code} ${d.message} [${b.text.slice(d.span.start, d.span.end).slice(0, 60).replaceAll('\n', ' ')}]${d.help === undefined ? '' : ` help: ${d.help}`}\n`,
      );
  }
}

/** The corpus of broken specs. */
export const benchmark: Benchmark = {
  summary: 'a corpus of broken specs: answered, at the right place, with the right word',
  run: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'peft-broken-'));
    try {
      const only = process.env['BENCH_ONLY'];
      const seed = Number(process.env['BENCH_SEED'] ?? 1);
      const examples = layOut(folder);
      const known = new Map<string, readonly Diagnostic[]>();
      for (const [example, text] of examples) known.set(example, await findingsOf(folder, example, text));
      const verdicts: Verdict[] = [];
      for (const broken of await corpusOf(examples, seed, 40)) {
        if (only === undefined || broken.kind === only) verdicts.push(await judge(folder, broken, known.get(broken.example) ?? []));
      }
      if (process.env['BENCH_VERBOSE'] === '1') listMisses(verdicts);
      const row = (kind: MutationKind | 'all', of: readonly Verdict[]): (string | number)[] => {
        const s = sharesOf(of);
        return [
          kind,
          s.specs,
          round(s.answered, 1),
          round(s.placed, 1),
          s.words,
          s.words === 0 ? '' : String(round(s.suggested, 1)),
          round(of.reduce((sum, v) => sum + v.findings.length, 0) / Math.max(1, of.length), 2),
          round(Math.max(...of.map((v) => v.ms)), 0),
        ];
      };
      const kinds = mutationKinds.filter((kind) => verdicts.some((v) => v.broken.kind === kind));
      const head = ['mutation', 'specs', 'answered %', 'on the mistake %', 'words', 'right word %', 'findings each', 'longest ms'];
      const rows = [
        ...kinds.map((kind) =>
          row(
            kind,
            verdicts.filter((v) => v.broken.kind === kind),
          ),
        ),
        row('all', verdicts),
      ];
      printTable(`broken specs of ${examples.size} examples, seed ${seed}`, head, rows);
      if (only === undefined) writeResults('broken-specs', circumstances(), { seed, head, rows });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
