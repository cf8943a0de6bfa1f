/**
 * @file Fuzzing: random bytes and random token sequences, seeded, through what `peft check` does with a text. Nothing may throw, and nothing may
 * take a second. `FUZZ_COUNT` and `FUZZ_SEED` choose others.
 *
 * Bytes are decoded as files are. Tokens are drawn in turn from all there are, evenly, and from the texts of the standard library, as often as they
 * stand there. What parses is printed and read again, which must give the same text.
 */
import { openLibrary } from '../cli/library.js';
import { loadStdlib, stdlibName, stdlibText } from '../cli/stdlib.js';
import type { Library } from '../compiler/elaborate/library.js';
import type { Facts } from '../compiler/spec/facts.js';
import { checkFile } from '../compiler/spec/file.js';
import { independent } from '../compiler/spec/independent.js';
import { parseFile } from '../grammar/parse.js';
import { printFile } from '../grammar/print.js';
import { contextual, reserved, scan, signs } from '../grammar/tokens.js';
import { seeded } from './broken-specs.js';
import { circumstances, printTable, round, writeResults, type Benchmark } from './report.js';

/** Makes one text. */
export type Maker = (random: () => number) => string;

/** What became of the texts of a maker. */
export interface Fuzzed {
  readonly texts: number;
  /** How many have no syntax error. */
  readonly parsed: number;
  /** Texts that threw, that did not print as they were read, or whose findings cannot be shown, with what happened. */
  readonly faults: readonly { readonly text: string; readonly what: string }[];
  readonly longestMs: number;
  readonly longest: string;
}

const noFacts: Facts = {
  base: () => ({ ok: false, message: 'there is no base here' }),
  table: () => ({ ok: true, value: { columns: ['text', 'label'], rows: 8 } }),
};

/** Random bytes, as text. */
export const bytes: Maker = (random) => {
  const below = (n: number): number => Math.floor(random() * n);
  // Half are printable, so that words and numbers come about.
  const printable = random() < 0.5;
  const values = Uint8Array.from({ length: below(random() < 0.02 ? 4000 : 160) }, () => (printable ? 32 + below(96) : below(256)));
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(values);
};

/** Random sequences of tokens. */
export async function tokenMaker(): Promise<Maker> {
  const all = [...Object.values(reserved), ...Object.values(contextual), ...Object.values(signs)].map((type) => type.LABEL ?? type.name);
  const paths = [...(await loadStdlib()).keys()];
  const written = paths.flatMap((path) => scan(stdlibText(stdlibName(path)) ?? '', path).tokens.map((token) => token.image));
  const words = [...new Set(written)];
  const others = [
    '0',
    '8',
    '1e400',
    '010',
    '2.5e-3',
    '10%',
    '"a"',
    '"',
    "'",
    '8 GiB',
    '3 stps',
    '// c\n',
    '/// d\n',
    '\\',
    '\u0000',
    '다',
    '#',
  ];
  return (random) => {
    const pick = (list: readonly string[]): string => list[Math.floor(random() * list.length)] ?? '';
    const even = random() < 0.5;
    const draw = (): string => (random() < 0.05 ? pick(others) : even ? pick(random() < 0.6 ? all : words) : pick(written));
    const length = Math.floor(random() * (random() < 0.02 ? 2000 : 60));
    let text = '';
    for (let i = 0; i < length; i += 1) text += draw() + (random() < 0.15 ? `\n${'  '.repeat(Math.floor(random() * 3))}` : ' ');
    return text;
  };
}

/** Takes so many texts through everything. */
export function fuzz(make: Maker, count: number, seed: number, library: Library): Fuzzed {
  const random = seeded(seed);
  const faults: { text: string; what: string }[] = [];
  let [parsed, longestMs, longest] = [0, 0, ''];
  for (let n = 0; n < count; n += 1) {
    const text = make(random);
    const began = performance.now();
    try {
      const result = through(text, library);
      if (result.parsed) parsed += 1;
      if (result.fault !== undefined) faults.push({ text, what: result.fault });
    } catch (error) {
      faults.push({ text, what: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
    const ms = performance.now() - began;
    if (ms > longestMs) [longestMs, longest] = [ms, text];
  }
  return { texts: count, parsed, faults, longestMs, longest };
}

function through(text: string, library: Library): { readonly parsed: boolean; readonly fault?: string } {
  const { value, diagnostics } = parseFile(text, 'fuzz.peft');
  const checked = independent(value, diagnostics, checkFile(value, library, noFacts));
  for (const { span, message } of [...diagnostics, ...checked.diagnostics])
    if (span.start > span.end || (span.file === 'fuzz.peft' && span.end > text.length) || message === '')
      return { parsed: false, fault: `cannot be shown: ${message}` };
  if (diagnostics.length > 0) return { parsed: false };
  const printed = printFile(value);
  const again = parseFile(printed, 'fuzz.peft');
  const same = again.diagnostics.length === 0 && printFile(again.value) === printed;
  return same ? { parsed: true } : { parsed: true, fault: `is printed as ${JSON.stringify(printed)}` };
}

/** Random texts through the parser, the printer and the checker. */
export const benchmark: Benchmark = {
  summary: 'random bytes and random tokens through parser, printer and checker',
  run: async () => {
    const count = Number(process.env['FUZZ_COUNT'] ?? 100_000);
    const seed = Number(process.env['FUZZ_SEED'] ?? 1);
    const library = await openLibrary();
    const makers = { bytes, tokens: await tokenMaker() };
    // What is made when it is first needed is made before the clock runs.
    for (const make of Object.values(makers)) fuzz(make, 50, seed + 1, library);
    const rows = Object.entries(makers).map(([name, make]) => {
      const done = fuzz(make, count, seed, library);
      for (const { text, what } of done.faults.slice(0, 10)) process.stderr.write(`${name}: ${JSON.stringify(text)}\n    ${what}\n`);
      if (process.env['BENCH_VERBOSE'] === '1') process.stderr.write(`${name}, longest: ${JSON.stringify(done.longest)}\n`);
      return [name, done.texts, done.parsed, done.faults.length, round(done.longestMs, 1)] as const;
    });
    const head = ['random', 'texts', 'without syntax errors', 'faults', 'longest ms'];
    printTable(`fuzzing, seed ${seed}`, head, rows);
    writeResults('fuzz', circumstances(), { seed, head, rows });
  },
};
