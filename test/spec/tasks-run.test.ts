/**
 * @file Token classification and regression on a device: real labels reach it as 32-bit floats, some steps lower the loss, the
 * metrics are those of the predictions, and what PEFT calls the task is said and read.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { importAdapter } from '../../cli/import-adapter.js';
import { batchInputs } from '../../cli/prepare.js';
import { compile } from '../../compiler/driver/compile.js';
import type { Diagnostic } from '../../grammar/diagnostics.js';
import { readDatasets, type Datasets } from '../../runtime/datasets.js';
import { openDevice, type Device } from '../../runtime/device.js';
import { evaluate } from '../../runtime/evaluate.js';
import { openSession, type Session } from '../../runtime/execute.js';
import { initialise } from '../../runtime/init.js';
import { train } from '../../runtime/train.js';
import type { Package } from '../../compiler/plan/program.js';
import { must } from '../runtime/data-results.js';
import { resolveLast } from './experiments.js';
import { configs, libraryOf } from './world.js';

const root = mkdtempSync(join(tmpdir(), 'peft-tasks-'));
let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => {
  device.close();
  rmSync(root, { recursive: true, force: true });
});

/** One run of a task over rows of JSON. */
interface Ran {
  readonly session: Session;
  readonly run: Package;
  readonly data: Datasets;
}

async function withRun(task: string, rows: readonly object[], use: (ran: Ran) => Promise<void>): Promise<void> {
  const resolved = resolveLast(
    `/// A bag of words.
model tiny(vocab_size: Int, hidden_size: Int) for "tiny" {
  part words = embedding(vocab_size, hidden_size) as "words" role words
  task tag {
    part head = linear(hidden_size, labels) as "head" role head fresh
    logits = head(words(ids))
  }
  task regress {
    part head = linear(hidden_size, 1) as "head" role head fresh
    logits = head(sum(words(ids) * mask[:, :, none], axis: 1, keep: false))
  }
}
experiment test {
  base tiny from scratch("base") for ${task}
  train all
  data { train: jsonl("rows.jsonl") eval: jsonl("rows.jsonl") text: "x" label: "y" max_length: 12 tokens }
  tune { optimizer: adamw(lr: 3e-2) schedule: constant batch: 4 }
}`,
    {
      config: { model_type: 'tiny', vocab_size: 100, hidden_size: 8 },
      tables: { 'rows.jsonl': { columns: ['x', 'y'], rows: rows.length } },
    },
  );
  const folder = mkdtempSync(join(root, 'run-'));
  const golden = JSON.parse(readFileSync(new URL('../runtime/data-tokenizer-golden.json', import.meta.url), 'utf8')) as {
    readonly tokenizers: readonly {
      readonly name: string;
      readonly tokenizer: object;
    }[];
  };
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(golden.tokenizers.find((t) => t.name === 'pieces')!.tokenizer));
  const path = join(folder, 'rows.jsonl');
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const place = { path, options: {} };
  const data = must(
    await readDatasets({
      train: place,
      eval: place,
      columns: resolved.spec.data.columns,
      batch: batchInputs(resolved),
      maxTokens: 12,
      buckets: 1,
      tokenizer: folder,
    }),
  );
  const diagnostics: Diagnostic[] = [];
  const made = compile(
    resolved,
    {
      target: device.describe().target,
      rows: 4,
      lengths: data.lengths,
      digest: (text) => String(text.length),
    },
    diagnostics,
  );
  if (made === undefined) throw new Error(diagnostics[0]?.message);
  const session = await openSession(device, made.run.program, {
    stagingBytes: 2 ** 18,
  });
  try {
    await initialise(session, { seed: 1 });
    await use({ session, run: made.run, data });
  } finally {
    session.close();
  }
}

const settings = {
  epochs: 20,
  maxSteps: null,
  accumulate: 1,
  seed: 1,
  shuffle: true,
  evalEvery: null,
  saveEvery: null,
  best: null,
  logEvery: 10,
};
const hooks = {
  onEvent: () => undefined,
  onSave: () => Promise.resolve(),
  onBest: () => Promise.resolve(),
  signal: new AbortController().signal,
};

/** Trains, and gives the loss before and the evaluation after. */
async function trained({ session, run, data }: Ran) {
  const result = await train(
    session,
    run,
    {
      train: data.train!,
      eval: data.eval,
      fields: data.fields,
      padId: data.tokenizer.padId,
    },
    settings,
    hooks,
  );
  return { before: result.before!, after: result.after! };
}

test('regression learns real numbers from 32-bit labels', async () => {
  // Seven rows: the last batch has one row that only fills it.
  const texts = ['cat', 'film', 'the', 'cat film', 'the cat', 'the film', 'the cat film'];
  const values: Readonly<Record<string, number>> = {
    cat: 1.25,
    film: -2.5,
    the: 0.5,
  };
  const rows = texts.map((x) => ({
    x,
    y: x.split(' ').reduce((sum, word) => sum + values[word]!, 0),
  }));
  await withRun('regress', rows, async (ran) => {
    const { run, data, session } = ran;
    expect(run.program.tensors.filter((t) => /\/(ids|mask|label)$/.test(t.name)).map((t) => [t.name.split('/').at(-1), t.dtype])).toEqual(
      expect.arrayContaining([
        ['ids', 'i32'],
        ['label', 'f32'],
      ]),
    );
    const { before, after } = await trained(ran);
    expect(after.loss).toBeLessThan(before.loss / 2);
    expect(after.metrics['mse']).toBeCloseTo(after.loss, 4);
    const error = rows.reduce((sum, row, i) => sum + (after.predictions![i]! - row.y) ** 2, 0) / rows.length;
    expect(after.metrics['mse']).toBeCloseTo(error, 9);
    expect(after.metrics['pearson']).toBeGreaterThan(0.9);
    expect(after.metrics['spearman']).toBeGreaterThan(0.8);
    // Negative control: labels that are another's give another error.
    const shifted = {
      ...data.eval!,
      numbers: new Map([['y', data.eval!.numbers.get('y')!.map((y) => y + 1)]]),
    };
    const other = await evaluate(session, run, shifted, data.fields, data.tokenizer.padId);
    expect(Math.abs(other.metrics['mse']! - error)).toBeGreaterThan(0.1);
  });
});

test('token classification learns the class of each word', async () => {
  const tag: Readonly<Record<string, number>> = {
    the: 0,
    'warm-cat': 2,
    film: 1,
    a: 0,
  };
  const rows = ['the film', 'a warm-cat', 'film the warm-cat', 'warm-cat', 'the a film'].map((x) => ({
    x,
    y: x.split(' ').map((word) => tag[word]!),
  }));
  await withRun('tag(labels: 3)', rows, async (ran) => {
    const { before, after } = await trained(ran);
    expect(after.loss).toBeLessThan(before.loss / 2);
    expect([after.metrics['accuracy'], after.metrics['f1']]).toEqual([1, 1]);
    expect(before.metrics['accuracy']).toBeLessThan(1);
    // Every word counts once: its other tokens do not.
    const { session, run, data } = ran;
    const one = {
      ...data.eval!,
      tags: new Map([['y', data.eval!.tags.get('y')!.map((tags) => tags.map((label) => (label === 2 ? 1 : label)))]]),
    };
    const other = await evaluate(session, run, one, data.fields, data.tokenizer.padId);
    const words = rows.flatMap((row) => row.y);
    expect(other.metrics['accuracy']).toBeCloseTo(words.filter((label) => label !== 2).length / words.length, 12);
  });
});

describe('what PEFT calls the task', () => {
  test('a regression is written as sequence classification', () => {
    const regress = libraryOf().definitions.find((d) => d.definition.what === 'task' && d.definition.name.text === 'regress');
    expect(regress?.definition.foreign.map((f) => f.value)).toEqual(['SEQ_CLS']);
  });

  const named = (type: string, labels: number): string => {
    const config = {
      peft_type: 'LORA',
      task_type: type,
      r: 4,
      lora_alpha: 8,
      target_modules: ['query'],
      base_model_name_or_path: 'bert',
    };
    const imported = importAdapter({
      library: libraryOf(),
      name: 'x',
      config,
      baseConfig: configs.get('bert')!,
      source: '"bert"',
      labels,
      sections: [],
    });
    return imported.ok ? imported.text : imported.reasons.join('; ');
  };
  test('two classes and more are classes, a single one is a number', () => {
    expect(named('SEQ_CLS', 2)).toContain('for classify(labels: 2)');
    expect(named('SEQ_CLS', 3)).toContain('for classify(labels: 3)');
    expect(named('SEQ_CLS', 1)).toMatch(/ regress(\(\))?$/m);
  });
});
