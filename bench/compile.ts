/**
 * @file Compile time of two full-size bases, from their configurations alone: bert-base with rank 8 on every linear layer of the
 * encoder (16 x 128) and llama-7b with rank 16 on all seven projections (1 x 128). No weights are needed, no device is used.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFile } from '../cli/experiment.js';
import { sha256 } from '../cli/prepare.js';
import { planningTarget } from '../cli/target.js';
import { compile } from '../compiler/driver/compile.js';
import type { Watch } from '../compiler/driver/passes.js';
import { circumstances, printTable, round, writeResults, type Benchmark } from './report.js';

/** One base: its configuration and the experiment on it. */
interface Subject {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly experiment: string;
}

const subjects: readonly Subject[] = [
  {
    name: 'bert-base',
    config: {
      architectures: ['BertForMaskedLM'],
      attention_probs_dropout_prob: 0.1,
      hidden_act: 'gelu',
      hidden_dropout_prob: 0.1,
      hidden_size: 768,
      initializer_range: 0.02,
      intermediate_size: 3072,
      layer_norm_eps: 1e-12,
      max_position_embeddings: 512,
      model_type: 'bert',
      num_attention_heads: 12,
      num_hidden_layers: 12,
      pad_token_id: 0,
      type_vocab_size: 2,
      vocab_size: 32000,
    },
    experiment: `base bert from "base" for classify(labels: 2)
  adapt attention + mlp + pooler with lora(rank: 8, alpha: 32, dropout: 10%)
  train head
  data { train: tsv("t.tsv") text: "document" label: "label" max_length: 128 tokens }
  tune { optimizer: adamw(lr: 2e-4) epochs: 3 batch: 16 }`,
  },
  {
    name: 'llama-7b',
    config: {
      architectures: ['LlamaForCausalLM'],
      hidden_act: 'silu',
      hidden_size: 4096,
      intermediate_size: 11008,
      max_position_embeddings: 2048,
      model_type: 'llama',
      num_attention_heads: 32,
      num_hidden_layers: 32,
      rms_norm_eps: 1e-6,
      vocab_size: 32000,
      tie_word_embeddings: false,
    },
    experiment: `base llama from "base" for causal()
  adapt attention + mlp with lora(rank: 16, alpha: 32)
  data { train: tsv("t.tsv") text: "document" max_length: 128 tokens }
  tune { optimizer: adamw(lr: 2e-4) batch: 1 }`,
  },
];

/** Processor milliseconds since the clock was started or last read. */
function lapClock(): () => number {
  let before = process.cpuUsage();
  return () => {
    const used = process.cpuUsage(before);
    before = process.cpuUsage();
    return (used.user + used.system) / 1000;
  };
}

async function measure(
  subject: Subject,
  folder: string,
): Promise<readonly { readonly base: string; readonly pass: string; readonly ms: number; readonly nodes: number }[]> {
  mkdirSync(join(folder, 'base'), { recursive: true });
  writeFileSync(join(folder, 'base', 'config.json'), JSON.stringify(subject.config));
  writeFileSync(join(folder, 'base', 'tokenizer.json'), '{}');
  writeFileSync(join(folder, 't.tsv'), 'id\tdocument\tlabel\n1\ta text\t1\n');
  const text = `import std.adapters.lora\nexperiment measured {\n  ${subject.experiment}\n}\n`;
  const lap = lapClock();
  const opened = await openFile({ name: 'measured.peft', path: join(folder, 'measured.peft'), text }, folder, undefined, {
    weights: 'optional',
  });
  const resolved = opened.experiments[0]?.resolved;
  if (resolved === undefined) throw new Error(opened.diagnostics.map((d) => d.message).join('; '));
  const passes = new Map<string, { ms: number; nodes: number }>([['check', { ms: lap(), nodes: 0 }]]);
  // The forms come in order: the time since the one before belongs to the pass that made this one.
  const watch =
    (entry: string): Watch =>
    (pass, graph) => {
      const key = `${entry.split('/')[0]}: ${pass}`;
      passes.set(key, { ms: (passes.get(key)?.ms ?? 0) + lap(), nodes: graph.nodes.length });
    };
  const { target } = await planningTarget('gpu');
  const made = compile(
    resolved,
    {
      target: { ...target, maxBufferBytes: 2 ** 31, maxBindingBytes: 2 ** 30 },
      rows: resolved.spec.tune.batch,
      lengths: [128],
      digest: sha256,
      watch,
    },
    [],
  );
  if (made === undefined) throw new Error(`${subject.name} does not compile`);
  passes.set('kernels, code, memory', { ms: lap(), nodes: made.run.program.entries.reduce((sum, e) => sum + e.steps.length, 0) });
  const rows = [...passes].map(([pass, { ms, nodes }]) => ({ base: subject.name, pass, ms: round(ms, 0), nodes }));
  return [
    ...rows,
    {
      base: subject.name,
      pass: 'all',
      ms: round(
        rows.reduce((sum, r) => sum + r.ms, 0),
        0,
      ),
      nodes: made.run.program.shaders.length,
    },
  ];
}

/** Compile time, pass by pass. */
export const benchmark: Benchmark = {
  summary: 'compile time of bert-base and llama-7b, pass by pass',
  run: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'peft-bench-'));
    try {
      const rows = [];
      for (const subject of subjects) rows.push(...(await measure(subject, folder)));
      printTable(
        'processor time in ms; nodes: of the graph made (kernels: dispatches; all: shaders)',
        ['base', 'pass', 'ms', 'nodes'],
        rows.map((r) => [r.base, r.pass, r.ms, r.nodes]),
      );
      writeResults('compile', circumstances(), { unit: 'milliseconds of processor time', rows });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
