/**
 * @file From an adapter made by PEFT, and the base it belongs to, to an experiment as text: what `peft import` prints, and how
 * the parity cases become experiments.
 */
import { instantiateModel } from '../compiler/elaborate/instantiate.js';
import type { Library } from '../compiler/elaborate/library.js';
import { attempt } from '../compiler/elaborate/stop.js';
import { integer, type Value } from '../compiler/elaborate/value.js';
import { importAdapterConfig } from '../compiler/spec/foreign-import.js';
import type { Json } from '../compiler/spec/spec.js';
import type { Definition } from '../grammar/ast.js';
import type { Diagnostic } from '../grammar/diagnostics.js';

type JsonObject = { readonly [key: string]: Json };

/** What is imported. */
export interface ImportRequest {
  readonly library: Library;
  readonly name: string;
  readonly config: JsonObject;
  /** `config.json` of the base. */
  readonly baseConfig: JsonObject;
  /** How the base is named in the text: `"models/x"`, `hub("…")`. */
  readonly source: string;
  /** Classes of a classifier. */
  readonly labels: number;
  /** Sections that follow the statements. */
  readonly sections: readonly string[];
}

/** The experiment as text, or what could not be carried over. */
export function importAdapter(
  request: ImportRequest,
): { readonly ok: true; readonly text: string } | { readonly ok: false; readonly reasons: readonly string[] } {
  const { library, config, baseConfig } = request;
  const type = baseConfig['model_type'];
  const model = library.definitions.find((d) => d.definition.what === 'model' && d.definition.foreign.some((f) => f.value === type));
  if (model === undefined) return { ok: false, reasons: [`model_type ${JSON.stringify(type ?? null)} is not in the standard library`] };
  const named = library.definitions.filter(
    (d) => d.definition.what === 'task' && d.definition.foreign.some((f) => f.value === config['task_type']),
  );
  // With one label the same type is a regression there.
  const task = named.find((d) => takesLabels(d.definition) === request.labels > 1) ?? named[0];
  if (task === undefined)
    return { ok: false, reasons: [`task_type ${JSON.stringify(config['task_type'] ?? null)} is not in the standard library`] };
  const classes = takesLabels(task.definition);
  const args = new Map<string, Value>(classes ? [['labels', integer(request.labels)]] : []);
  const diagnostics: Diagnostic[] = [];
  const span = model.definition.name.span;
  const instance = attempt(diagnostics, () =>
    instantiateModel(model.definition, model.scope, baseConfig, [], { name: task.definition.name.text, args, span }, 'config.json', span),
  );
  if (instance === undefined) return { ok: false, reasons: diagnostics.map((d) => d.message) };
  const adapters = library.definitions
    .filter((d) => d.definition.what === 'adapter')
    .map((d) => ({ folder: d.folder, definition: d.definition, scope: d.scope }));
  const imported = importAdapterConfig(config, adapters, instance);
  if (imported.unsupported.length > 0) return { ok: false, reasons: imported.unsupported };
  const lines = [
    ...imported.imports,
    '',
    `experiment ${request.name} {`,
    `  base ${model.definition.name.text} from ${request.source} for ${task.definition.name.text}(${classes ? `labels: ${request.labels}` : ''})`,
    ...imported.statements.map((s) => `  ${s}`),
    ...request.sections.map((s) => `  ${s}`),
    '}',
    '',
  ];
  return { ok: true, text: lines.join('\n') };
}

const takesLabels = (task: Definition): boolean => task.params.some((p) => p.name.text === 'labels');
