/**
 * @file `peft import`: an experiment out of PEFT's `adapter_config.json`, or of a configuration of Axolotl or LLaMA-Factory.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import type { Json } from '../../compiler/spec/spec.js';
import { exitCodes, UserError } from '../exit.js';
import { baseFolder } from '../facts.js';
import { importAdapter } from '../import-adapter.js';
import type { ForeignRun } from '../import-yaml.js';
import { openLibrary } from '../library.js';
import { writeWhole } from '../output.js';
import { reasonOf } from '../source.js';
import type { Verb } from '../verb.js';

type JsonObject = { readonly [key: string]: Json };

/** `peft import FILE` */
export const verb: Verb = {
  group: 'Files',
  summary: "write a .peft file from PEFT's adapter_config.json, or from Axolotl's or LLaMA-Factory's YAML",
  details:
    'Needs the config.json of the base: from the folder or hub name that the configuration gives, or from --base. What could not be carried over is listed, one line each.',
  args: [{ syntax: '<config>', help: 'adapter_config.json or its folder, or a .yaml file' }],
  options: [
    { flags: '-b, --base <folder>', help: 'the base model, where the configuration does not lead to it' },
    { flags: '-o, --out <file>', help: 'where to write (default: standard output)' },
    { flags: '--labels <n>', help: 'classes of a classifier (default: 2)' },
  ],
  examples: [
    { command: 'peft import runs/other/adapter_config.json --base models/x -o x.peft', help: 'from an adapter of PEFT' },
    { command: 'peft import qlora.yml --base models/llama -o qlora.peft', help: 'from Axolotl' },
  ],
  run: async ({ args, options }, context) => {
    const given = args[0] as string;
    const path = configPath(resolve(context.cwd, given), given);
    const config = await readConfig(path, given);
    const { kindOf, readForeign } = await import('../import-yaml.js');
    const kind = config['peft_type'] === undefined ? kindOf(config) : undefined;
    if (config['peft_type'] === undefined && kind === undefined)
      throw new UserError(`${given} is neither an adapter_config.json nor a configuration of Axolotl or LLaMA-Factory`);
    const foreign = kind === undefined ? undefined : readForeign(kind, config);
    const named = foreign === undefined ? config['base_model_name_or_path'] : foreign.base;
    const base = await baseOf(
      options['base'] as string | undefined,
      typeof named === 'string' ? named : undefined,
      dirname(path),
      context.cwd,
    );
    const out = options['out'] as string | undefined;
    const from = out === undefined ? context.cwd : dirname(resolve(context.cwd, out));
    const labels = Number(options['labels'] ?? 2);
    if (!Number.isInteger(labels) || labels < 1)
      throw new UserError(`--labels must be a whole number of at least 1, not ${options['labels']}`);
    const library = await openLibrary();
    const made = importAdapter({
      library,
      name: nameOf(out ?? given),
      config:
        foreign === undefined ? config : (foreign.adapter ?? { peft_type: 'LORA', task_type: 'CAUSAL_LM', target_modules: 'all-linear' }),
      baseConfig: base.config,
      source: base.hub === undefined ? JSON.stringify(relative(from, base.folder) || '.') : `hub(${JSON.stringify(base.hub)})`,
      labels,
      sections: foreign === undefined ? usualSections(config) : sectionsOf(foreign, base.config),
    });
    if (!made.ok) throw new UserError(`${given} cannot be carried over: ${made.reasons.join('; ')}`);
    const { parseFile } = await import('../../grammar/parse.js');
    const { printFile } = await import('../../grammar/print.js');
    const text = printFile(parseFile(finished(made.text, foreign), 'import.peft').value);
    if (out === undefined) context.out(text);
    else {
      const target = resolve(context.cwd, out);
      if (existsSync(target))
        throw new UserError(`${out} exists already and is left as it is`, 'name another file, or remove this one first');
      writeWhole(target, text, out);
      context.err(`wrote ${out}\n`);
    }
    for (const lost of foreign?.lost ?? []) context.err(`not carried over: ${lost}\n`);
    return exitCodes.ok;
  },
};

function configPath(path: string, given: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw new UserError(`${given} does not exist`);
  return found.isDirectory() ? join(path, 'adapter_config.json') : path;
}

async function readConfig(path: string, given: string): Promise<JsonObject> {
  let value: unknown;
  try {
    const text = readFileSync(path, 'utf8');
    value = /\.ya?ml$/.test(path) ? (await import('../import-yaml.js')).parseYaml(text) : JSON.parse(text);
  } catch (error) {
    throw new UserError(`${given} cannot be read: ${reasonOf(error)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new UserError(`${given} holds no configuration`);
  return value as JsonObject;
}

/** The base by its folder, or by its name on the hub. */
async function baseOf(
  option: string | undefined,
  named: string | undefined,
  beside: string,
  cwd: string,
): Promise<{ readonly folder: string; readonly hub: string | undefined; readonly config: JsonObject }> {
  const local = [option === undefined ? undefined : resolve(cwd, option), named === undefined ? undefined : resolve(beside, named)].find(
    (folder) => folder !== undefined && existsSync(join(folder, 'config.json')),
  );
  if (option !== undefined && local !== resolve(cwd, option)) throw new UserError(`${option} has no config.json`);
  const hub = local === undefined && named !== undefined && /^[\w.-]+\/[\w.-]+$/.test(named) ? named : undefined;
  if (local === undefined && hub === undefined)
    throw new UserError(
      named === undefined ? 'the configuration names no base' : `the base ${named} is not here`,
      'give its folder with --base',
    );
  const found =
    local === undefined ? await baseFolder({ kind: 'hub', repo: hub as string, revision: null }, cwd) : { ok: true as const, value: local };
  if (!found.ok) throw new UserError(found.message, 'give the folder of the base with --base');
  const shown =
    option !== undefined && named !== undefined && /^[\w.-]+\/[\w.-]+$/.test(named) && !existsSync(resolve(beside, named)) ? named : hub;
  return {
    folder: found.value,
    hub: shown,
    config: JSON.parse(readFileSync(join(found.value, 'config.json'), 'utf8')) as JsonObject,
  };
}

/** A name the language takes, of a file's name. */
function nameOf(file: string): string {
  const name = basename(file)
    .replace(/\.(peft|json|ya?ml)$/, '')
    .replace(/[^A-Za-z0-9_]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .toLowerCase();
  return /^[a-z]/.test(name) ? name : `imported_${name}`;
}

/** An adapter says nothing about data and training: the file says so too. */
function usualSections(config: JsonObject): string[] {
  const labelled = config['task_type'] === 'SEQ_CLS' || config['task_type'] === 'TOKEN_CLS';
  return [
    `data { train: jsonl("train.jsonl") text: "text"${labelled ? ' label: "label"' : ''} }`,
    'tune { optimizer: adamw(lr: 2e-4) schedule: linear(warmup: 6%) }',
  ];
}

/** A head that is the table of embeddings is no layer of its own. */
const sectionsOf = ({ data, tune, quantized }: ForeignRun, base: JsonObject): string[] => [
  ...(quantized === undefined
    ? []
    : [`quantize linears${base['tie_word_embeddings'] === true ? '' : ' except head'} as nf4(block: 64, double: ${quantized.double})`]),
  `data {\n${data.join('\n')}\n}`,
  `tune {\n${tune.join('\n')}\n}`,
];

/** What the importer of adapters does not write: the import of a format, and full training in place of an adapter. */
function finished(text: string, foreign: ForeignRun | undefined): string {
  const whole =
    foreign !== undefined && foreign.adapter === undefined
      ? text.replace(/^ {2}adapt .*$/gm, '  train all').replace(/^import std\.adapters.*$/gm, '')
      : text;
  return foreign?.quantized === undefined ? whole : whole.replace(/\n\nexperiment /, '\nimport std.formats.nf4\n\nexperiment ');
}
