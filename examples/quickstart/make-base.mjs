/**
 * @file Makes `base/model.safetensors`: runs the two experiments of pretrain.peft and takes over every tensor but the head.
 * `npm run build && node examples/quickstart/make-base.mjs` from the project's root; about five minutes on a software adapter.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const cli = process.env.PEFT_CLI ?? join(root, 'dist', 'cli.js');

function run(...args) {
  const { status } = spawnSync(process.execPath, [cli, ...args], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

run('run', join(here, 'pretrain.peft'), '--experiment', 'tiny_reader', '--overwrite');
run('run', join(here, 'pretrain.peft'), '--experiment', 'tiny_judge', '--overwrite');

// The encoder without its head: the quickstart begins with a new one.
const bytes = readFileSync(join(root, 'runs', 'tiny_judge', 'model.safetensors'));
const length = Number(bytes.readBigUInt64LE(0));
const header = JSON.parse(bytes.subarray(8, 8 + length).toString('utf8'));
const kept = Object.entries(header).filter(([name]) => name !== '__metadata__' && !name.startsWith('classifier.'));
const parts = [];
const out = { __metadata__: { format: 'pt' } };
let at = 0;
for (const [name, tensor] of kept) {
  const [from, to] = tensor.data_offsets;
  out[name] = { ...tensor, data_offsets: [at, at + to - from] };
  parts.push(bytes.subarray(8 + length + from, 8 + length + to));
  at += to - from;
}
const text = Buffer.from(JSON.stringify(out));
const padded = Buffer.concat([text, Buffer.alloc((8 - (text.length % 8)) % 8, 0x20)]);
const prefix = Buffer.alloc(8);
prefix.writeBigUInt64LE(BigInt(padded.length));
writeFileSync(join(here, 'base', 'model.safetensors'), Buffer.concat([prefix, padded, ...parts]));
process.stdout.write(`base/model.safetensors: ${kept.length} tensors, ${at} bytes\n`);
