/**
 * @file Mutations that are patterns: combinations that cannot be, and the complaints about other tools that users bring with them
 * (names of their options, numbers as texts, a warm-up longer than the run). What stands between « and » is where the mistake is.
 */
import type { Mutant, MutationKind, Place } from './mutations.js';

/** What is looked for, what is put there, and the word that was meant. */
interface Pattern {
  readonly find: RegExp;
  readonly put: string;
  readonly wanted?: string;
  /** Only texts in which this stands as well. */
  readonly where?: RegExp;
  /** Where the mistake shows, when it does not show where it was made: in the text after the change. */
  readonly shows?: RegExp;
}

const combinations: readonly Pattern[] = [
  { find: /(?<![a-z])(lora|dora|stretch)\(rank: \d+/g, put: '$1(rank: «100000»' },
  { find: /vector_length: 64/g, put: 'vector_length: «60»' },
  { find: /frequencies: \d+/g, put: 'frequencies: «100000000»' },
  { find: /train head\n/g, put: '«train head + attention»\n', where: /adapt attention \+[^\n]*\n {2}train head/ },
  { find: /for classify\(labels: 2\)/g, put: 'for «causal()»' },
  { find: /labels: 2/g, put: 'labels: «1»' },
  { find: /base bert/g, put: 'base «roberta»', wanted: 'bert' },
  { find: /base llama/g, put: 'base «mistral»', wanted: 'llama' },
  { find: /max_length: \d+ tokens/g, put: 'max_length: «100000 tokens»' },
  { find: /epochs: \d+\n/g, put: 'epochs: «0»\n' },
  { find: /batch: \d+/g, put: 'batch: «0»' },
  { find: /seed: \d+/g, put: 'seed: «-1»' },
  { find: /lr: [\de.-]+/g, put: 'lr: «0»' },
  { find: /warmup: [^)]+/g, put: 'warmup: «150%»' },
  { find: /dropout: 10%/g, put: 'dropout: «100%»' },
  { find: /hidden_dropout_prob: 0%/g, put: 'num_attention_heads: «7»' },
  { find: /adapt [^\n]+ with (lora|dora|vblora|waveft)/g, put: 'adapt «norms» with $1' },
  { find: /adapt attention/g, put: 'adapt «layers[0..99]».attention' },
  { find: /adapt attention/g, put: 'adapt «attention[0]»' },
  { find: /train head\n/g, put: 'train «head except head»\n' },
  { find: /experiment (\w+) = (\w+)/g, put: 'experiment $1 = «$1»' },
  { find: /experiment (\w+_1) = (\w+)/g, put: 'experiment «$2» = $2' },
  { find: /( {2}base bert from "[^"]+")( for)/g, put: '$1$2 mlm(mask_token: 4)\n«$1$2 mlm(mask_token: 4)»\n$1$2' },
  { find: / {4}batch: (\d+)\n/g, put: '    batch: $1\n    «batch»: $1\n' },
  { find: / {2}(tune|data) \{\n/g, put: '  $1 { }\n  «$1» {\n' },
  { find: /\(rank: (\d+)/g, put: '(rank: $1, «rank»: 4' },
  { find: /import std\.adapters\.lora\n/g, put: '', shows: /with lora\b/g },
  { find: /import std\.formats\.nf4\n/g, put: '', shows: /as nf4\b/g },
  { find: /import "\.\/stretch\.peft"\.\{stretch\}\n/g, put: '', shows: /with stretch\b/g },
  { find: / {4}optimizer: [^\n]+\n/g, put: '', shows: /^ {2}tune\b/gm },
  { find: / {4}train: [^\n]+\n/g, put: '', shows: /^ {2}data\b/gm },
  { find: / {4}text: [^\n]+\n/g, put: '', shows: /^ {2}data\b/gm },
  { find: / {4}label: [^\n]+\n/g, put: '', shows: /^ {2}data\b/gm },
  { find: / {2}base bert from "base" for classify\(labels: 2\)\n/g, put: '', shows: /experiment \w+/g },
  { find: / for classify\(labels: 2\)/g, put: '', shows: /base bert from [^\n]+/g },
  { find: / {2}train head\n/g, put: '', shows: /adapt[^\n]+|experiment \w+/g },
  { find: / {4}eval: [^\n]+\n/g, put: '', where: /best:/, shows: /"accuracy"/g },
  { find: /as nf4\(double: true\)/g, put: 'as nf4(double: true, block: «100»)' },
  { find: /quantize linears except head/g, put: 'quantize «head»', where: /train head/ },
  { find: /quantize linears except head/g, put: 'quantize «norms»' },
  { find: /checkpointing: \w+/g, put: 'checkpointing: «everything»' },
  { find: /schedule: /g, put: 'precision: «f8»\n    schedule: ' },
  { find: /optimizer: adamw/g, put: 'optimizer: «linear»' },
  { find: /schedule: \w+\(/g, put: 'schedule: «adamw»(' },
  { find: /with lora/g, put: 'with «adamw»' },
  { find: /delta = W @ A\.T/g, put: 'delta = W «@» A', shows: /W @ A \*/g },
  { find: /train g: \[rank\]/g, put: 'train g: [«rank + 1»]', shows: /delta = [^\n]+|tanh\(g\)[^\n]*/g },
  { find: /kaiming_uniform\(\)/g, put: '«kaiming»()' },
];

const complaints: readonly Pattern[] = [
  { find: /\(rank: (?=\d)/g, put: '(«r»: ' },
  { find: /\(rank: (?=\d)/g, put: '(«lora_rank»: ' },
  { find: /alpha: /g, put: '«lora_alpha»: ' },
  { find: /alpha: /g, put: '«scale»: ' },
  { find: /dropout: 10%/g, put: '«lora_dropout»: 10%' },
  { find: /dropout: 10%/g, put: 'dropout: «0.1»', wanted: '10%' },
  { find: /hidden_dropout_prob: 0%/g, put: 'hidden_dropout_prob: «0.1»', wanted: '10%' },
  { find: /attention \+ mlp/g, put: 'attention + «v_proj» + mlp' },
  { find: /attention\.\{/g, put: 'attention.{«v_proj», ' },
  { find: /adapt attention/g, put: 'adapt «q_proj»' },
  { find: /adapt attention/g, put: 'adapt «"**.q_proj"»' },
  { find: /adapt attention/g, put: 'adapt «"bert.encoder.layer.9.attention"»' },
  { find: /lr: ([\de.-]+)/g, put: 'lr: «"$1"»' },
  { find: /lr: /g, put: '«learning_rate»: ' },
  { find: /epochs: (\d)\n/g, put: 'epochs: «0$1»\n' },
  { find: /batch: \d+/g, put: 'batch: «None»' },
  { find: /seed: \d+/g, put: 'seed: «null»' },
  { find: /double: true/g, put: 'double: «True»' },
  { find: /double: true/g, put: 'double: «1»', wanted: 'true' },
  { find: /double: true/g, put: '«double_quant»: true' },
  { find: /warmup: 6%/g, put: 'warmup: «0.06»', wanted: '6%' },
  { find: /warmup: 6%/g, put: 'warmup: «100»', wanted: '100 steps' },
  { find: /warmup: 6%/g, put: 'warmup: «100000 steps»' },
  { find: /warmup: (6%|12 steps)/g, put: '«warmup_steps»: 100' },
  { find: /warmup: (6%|12 steps)/g, put: '«warmup_ratio»: 6%' },
  { find: /tune \{/g, put: 'tune { «load_in_4bit»: true' },
  { find: /tune \{/g, put: 'tune { «lr_scheduler»: "cosine"' },
  { find: /tune \{/g, put: 'tune { «learning_rate»: 2e-5' },
  { find: /tune \{/g, put: 'tune { «output_dir»: "out"' },
  { find: /tune \{/g, put: 'tune { «bf16»: true' },
  { find: /epochs: /g, put: '«num_epochs»: ' },
  { find: /epochs: /g, put: '«num_train_epochs»: ' },
  { find: /batch: /g, put: '«batch_size»: ' },
  { find: /batch: /g, put: '«per_device_train_batch_size»: ' },
  { find: /accumulate: /g, put: '«gradient_accumulation_steps»: ' },
  { find: /max_length: /g, put: '«max_seq_length»: ' },
  { find: /data \{/g, put: 'data { «dataset»: "films"' },
  { find: /text: "text"/g, put: 'text: «"TEXT"»', wanted: 'text' },
  { find: /text: "document"/g, put: 'text: «"text"»' },
  { find: /label: "label"/g, put: 'label: «"target"»' },
  { find: /best: "accuracy"/g, put: 'best: «"acc"»', wanted: 'accuracy' },
  { find: /best: "accuracy"/g, put: 'best: «"eval_loss"»' },
  { find: /schedule: \w+\(/g, put: 'schedule: «costant»(', wanted: 'constant' },
  { find: /schedule: \w+\([^\n]*\)/g, put: 'schedule: «"cosine"»' },
  { find: /optimizer: adamw\(/g, put: 'optimizer: «adamw_torch»(', wanted: 'adamw' },
  { find: /optimizer: adamw\([^\n]*\)/g, put: 'optimizer: «"adamw"»' },
  { find: /with lora\(/g, put: 'with «LoRA»(', wanted: 'lora' },
  { find: /with lora\(/g, put: 'with «qlora»(', wanted: 'lora' },
  { find: /import std\.adapters\.lora/g, put: 'import std.adapters.«LoRA»', wanted: 'lora' },
  { find: /as nf4/g, put: 'as «int4»' },
  { find: /for classify/g, put: 'for «sequence_classification»' },
  { find: /gpu_memory: (\d+) GiB/g, put: 'gpu_memory: «$1»', wanted: '1 GiB', where: /gpu_memory: 1 GiB/ },
  { find: /gpu_memory: (\d+) GiB/g, put: 'gpu_memory: «"$1GB"»' },
  { find: /trainable: \d+%/g, put: 'trainable: «0.05»', wanted: '5%' },
  { find: /train head\n/g, put: 'train «classifier»\n' },
  { find: /experiment \w+ \{/g, put: '$& «# the first»' },
  { find: /lr: ([\de.-]+)/g, put: 'lr: $1«;»' },
  { find: /text: "(\w+)"/g, put: "text: «'$1'»" },
];

/** Every mutant of a text that a pattern gives. */
export function patternMutants(text: string): Mutant[] {
  const of = (kind: MutationKind, patterns: readonly Pattern[]): Mutant[] => patterns.flatMap((p) => applied(kind, text, p));
  return [...of('impossible combination', combinations), ...of('known complaint', complaints)];
}

function applied(kind: MutationKind, text: string, { find, put, wanted, where, shows }: Pattern): Mutant[] {
  if (where !== undefined && !where.test(text)) return [];
  return [...text.matchAll(find)].map((match): Mutant => {
    const [whole] = match;
    const filled = put.replace(/\$(\d|&)/g, (_, n: string) => (n === '&' ? whole : (match[Number(n)] ?? '')));
    const [before = '', marked = '', after = ''] = filled.split(/[«»]/);
    const changed = text.slice(0, match.index) + before + marked + after + text.slice(match.index + whole.length);
    const start = match.index + before.length;
    const here: Place[] = filled.includes('«') ? [{ start, end: start + marked.length }] : [];
    const elsewhere = shows === undefined ? [] : [...changed.matchAll(shows)].map((m) => ({ start: m.index, end: m.index + m[0].length }));
    return {
      kind,
      what: `${whole.trim()} → ${filled.trim() === '' ? 'nothing' : filled.trim()}`,
      text: changed,
      places: [...here, ...elsewhere],
      ...(wanted === undefined ? {} : { wanted }),
    };
  });
}
