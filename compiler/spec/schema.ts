/**
 * @file JSON Schema (2020-12) of the Spec, as `peft schema` prints it. A test validates every example with it, and that no field is missing.
 */
import { checkpointings, pagings, precisions, type Json } from './spec.js';

type Schema = { readonly [key: string]: Json };

const object = (properties: { readonly [name: string]: Schema }, optional: readonly string[] = []): Schema => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
  additionalProperties: false,
});
const map = (values: Schema): Schema => ({ type: 'object', additionalProperties: values });
const list = (items: Schema): Schema => ({ type: 'array', items });
const words = (...options: readonly string[]): Schema => ({ enum: options });
const optional = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }] });
const described = (description: string, schema: Schema): Schema => ({ description, ...schema });

const text: Schema = { type: 'string' };
const truth: Schema = { type: 'boolean' };
const positive: Schema = { type: 'integer', minimum: 1 };
const natural: Schema = { type: 'integer', minimum: 0 };
const ref = (name: string): Schema => ({ $ref: `#/$defs/${name}` });
const args = map(ref('value'));
const call = object({ name: text, args });

const defs: Schema = {
  value: described('the value of an argument; a number with a unit names it', {
    anyOf: [
      { type: ['null', 'boolean', 'number', 'string'] },
      list(ref('value')),
      object({ count: { type: 'number' }, unit: text }),
      { type: 'object', additionalProperties: ref('value') },
    ],
  }),
  call,
  table: object({ format: words('tsv', 'csv', 'jsonl', 'parquet'), path: text, take: optional(positive), header: truth }),
  interval: object({ count: positive, unit: words('steps', 'epochs') }),
  source: {
    anyOf: [
      object({ kind: { const: 'local' }, path: text }),
      object({ kind: { const: 'hub' }, repo: text, revision: optional(text) }),
      object({ kind: { const: 'scratch' }, path: text }),
    ],
  },
  span: object({ file: text, start: natural, end: natural }),
  origin: {
    anyOf: [object({ kind: { const: 'written' }, span: ref('span') }), object({ kind: { const: 'default' }, of: text })],
  },
};

/** The schema. */
export const specSchema: Schema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'peft-spec, version 1',
  description: 'A resolved experiment: every name, unit, default and selector worked out.',
  ...object({
    format: { const: 'peft-spec' },
    version: { const: 1 },
    name: text,
    base: object({ model: text, source: ref('source'), overrides: args, task: ref('call') }),
    quantized: described('one for each module whose weight is kept in fewer bits', list(object({ module: text, format: text, args }))),
    adapters: described(
      'one for each module that carries an adapter, in the order of the model',
      list(object({ module: text, method: text, args })),
    ),
    trained: described('paths of the modules that are trained in full', list(text)),
    data: object({
      train: ref('table'),
      eval: optional(ref('table')),
      columns: described('column of the table for each column the task names', map(text)),
      max_length: positive,
      buckets: positive,
    }),
    tune: object({
      optimizer: ref('call'),
      schedule: ref('call'),
      epochs: positive,
      max_steps: optional(positive),
      batch: positive,
      accumulate: positive,
      clip: optional({ type: 'number', exclusiveMinimum: 0 }),
      checkpointing: words(...checkpointings),
      paging: words(...pagings),
      precision: words(...precisions),
      seed: natural,
      shuffle: truth,
      eval_every: optional(ref('interval')),
      save_every: optional(ref('interval')),
      best: optional(text),
      log_every: positive,
    }),
    budget: object({
      gpu_memory: described('bytes', optional({ type: 'number', exclusiveMinimum: 0 })),
      trainable: optional({
        anyOf: [object({ count: natural }), object({ share: { type: 'number', minimum: 0 } })],
      }),
    }),
    origins: described('where each value was written; no part of the hash', map(ref('origin'))),
  }),
  $defs: defs,
};
