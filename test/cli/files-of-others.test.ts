/**
 * @file `import`, `export` and `schema`: from the files of other tools and back. Bases are configurations alone.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configs } from '../spec/world.js';
import { inFolder } from './surroundings.js';

const llama = JSON.stringify(configs.get('llama'));
const bert = JSON.stringify(configs.get('bert'));

const axolotl = `base_model: somebody/some-llama
adapter: qlora
load_in_4bit: true
datasets:
  - path: rows.jsonl
    type: alpaca
    field: body
sequence_len: 16
lora_r: 2
lora_alpha: 4
lora_dropout: 0.05
lora_target_linear: true
gradient_accumulation_steps: 4
micro_batch_size: 2
num_epochs: 3
saves_per_epoch: 1
optimizer: paged_adamw_8bit
lr_scheduler: cosine
learning_rate: 2e-4
warmup_steps: 0.1
gradient_checkpointing: true
flash_attention: true
wandb_project: x
deepspeed: zero3.json
`;

describe('peft import', () => {
  it("carries Axolotl's YAML over and lists what is lost", () =>
    inFolder({ 'a.yml': axolotl, 'base/config.json': llama }, async (folder, peft) => {
      const done = await peft(['import', 'a.yml', '--base', 'base', '--out', 'a.peft']);
      expect(done).toMatchObject({ code: 0, out: '' });
      const text = readFileSync(join(folder, 'a.peft'), 'utf8');
      for (const line of [
        'import std.formats.nf4',
        'base llama from hub("somebody/some-llama") for causal()',
        'with lora(rank: 2, alpha: 4, dropout: 5%, rslora: false)',
        'as nf4(block: 64, double: true)',
        'train: jsonl("rows.jsonl")',
        'text: "body"',
        'max_length: 16 tokens',
        'optimizer: adamw8bit(lr: 2e-4)',
        'schedule: cosine(warmup: 10%)',
        'epochs: 3',
        'batch: 2',
        'accumulate: 4',
        'checkpointing: layers',
        'paging: optimizer',
        'save_every: 1 epochs',
      ])
        expect(text).toContain(line);
      const lost = done.err.split('\n').filter((line) => line.startsWith('not carried over: '));
      expect(lost.map((line) => line.split(': ')[1])).toEqual(['datasets', 'deepspeed']);
      // What was written is the canonical form, and is never overwritten.
      expect((await peft(['fmt', '--check', 'a.peft'])).code).toBe(0);
      expect((await peft(['import', 'a.yml', '--base', 'base', '--out', 'a.peft'])).err).toContain('exists already');
    }));

  it("carries LLaMA-Factory's YAML over", () =>
    inFolder(
      {
        'f.yaml':
          'model_name_or_path: base\nstage: sft\nfinetuning_type: lora\nlora_rank: 2\nlora_target: q_proj,v_proj\nuse_dora: true\ndataset: rows\ncutoff_len: 16\nlearning_rate: 1.0e-4\nnum_train_epochs: 2.0\nlr_scheduler_type: linear\nwarmup_ratio: 0.1\nfp16: true\nneftune_noise_alpha: 5\n',
        'base/config.json': llama,
      },
      async (_, peft) => {
        const done = await peft(['import', 'f.yaml']);
        expect(done.code).toBe(0);
        expect(done.out).toContain('base llama from "base" for causal()');
        expect(done.out).toContain('"model.layers.*.self_attn.q_proj"');
        expect(done.out).not.toContain('k_proj');
        expect(done.out).toContain('with dora(');
        expect(done.out).toContain('schedule: linear(warmup: 10%)');
        expect(done.out).toContain('precision: f16');
        expect(done.err).toBe('not carried over: neftune_noise_alpha: there is nothing like it here\n');
      },
    ));

  it('refuses what it does not know, in words', () =>
    inFolder({ 'x.json': '{"a": 1}', 'y.yml': 'base_model: nobody/here\nadapter: lora\n', 'z.yml': ': :' }, async (_, peft) => {
      expect((await peft(['import', 'x.json'])).err).toContain(
        'neither an adapter_config.json nor a configuration of Axolotl or LLaMA-Factory',
      );
      expect((await peft(['import', 'y.yml', '--base', 'no'])).err).toContain('no has no config.json');
      expect((await peft(['import', 'z.yml'])).code).toBe(2);
      expect((await peft(['import', 'gone.yml'])).err).toContain('gone.yml does not exist');
    }));

  it('and export are each other’s way back for a configuration of PEFT', () =>
    inFolder(
      {
        'in/adapter_config.json': JSON.stringify({
          peft_type: 'LORA',
          task_type: 'SEQ_CLS',
          base_model_name_or_path: 'base',
          r: 2,
          lora_alpha: 6,
          lora_dropout: 0.1,
          target_modules: ['query', 'value'],
          modules_to_save: ['classifier'],
        }),
        'base/config.json': bert,
        'train.jsonl': '{"text": "a", "label": 0}\n',
      },
      async (_, peft) => {
        expect((await peft(['import', 'in', '--base', 'base', '--out', 'b.peft'])).code).toBe(0);
        const back = await peft(['export', 'b.peft']);
        expect(back).toMatchObject({ code: 0 });
        const config = JSON.parse(back.out) as Record<string, unknown>;
        expect(config).toMatchObject({ peft_type: 'LORA', task_type: 'SEQ_CLS', r: 2, lora_alpha: 6, lora_dropout: 0.1 });
        expect(config['modules_to_save']).toEqual(['classifier']);
        const spec = JSON.parse((await peft(['export', 'b.peft', '--to', 'spec'])).out) as { format: string };
        expect(spec.format).toBe('peft-spec');
        expect((JSON.parse((await peft(['schema'])).out) as { $defs: object }).$defs).toHaveProperty('table');
      },
    ));
});
