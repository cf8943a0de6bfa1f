/**
 * @file A plan as text: what is trained, what each selector matched, what it costs.
 */
import { allParameters, bytesByKind, plannedBytes, trainedParameters } from '../compiler/driver/budget.js';
import type { Compiled } from '../compiler/driver/compile.js';
import { showRole, type ModuleInstance } from '../compiler/elaborate/instance.js';
import { showBytes } from '../compiler/elaborate/value.js';
import type { Resolved } from '../compiler/spec/check.js';
import { showCall } from '../compiler/spec/formats.js';
import type { Entry } from '../compiler/plan/program.js';

/** Facts about the data that a plan shows. */
export interface PlannedData {
  readonly trainRows: number;
  readonly evalRows: number;
  readonly lengths: readonly number[];
  readonly realTokens: number | null;
  readonly paddedTokens: number | null;
  readonly truncated: number | null;
  readonly steps: number;
}

/** The plan as data, for `--format json`. */
export function planFacts(resolved: Resolved, made: Compiled, data: PlannedData, device: string): Readonly<Record<string, unknown>> {
  const { program } = made.run;
  return {
    formatVersion: 1,
    experiment: resolved.spec.name,
    hash: made.run.hash,
    device,
    model: resolved.spec.base.model,
    task: resolved.spec.base.task,
    trainable: trainedParameters(made.layout),
    parameters: allParameters(made.layout),
    fresh: freshModules(resolved),
    selectors: resolved.matches.map((m) => ({ statement: m.text, method: m.method, modules: m.modules.map((x) => x.path) })),
    quantized: quantizedRows(resolved),
    recomputed: made.recomputed ?? null,
    precision: made.layout.narrow ? 'f16' : 'f32',
    modules: adapterRows(resolved, made).map(({ module, method, shape, trained, count }) => ({ module, method, shape, trained, count })),
    data,
    bytes: { total: plannedBytes(program), ...Object.fromEntries(bytesByKind(program)) },
    entries: program.entries.map((e) => ({ name: e.name, dispatches: e.steps.length, flops: flopsOf(e) })),
    shaders: program.shaders.length,
  };
}

/** The plan as text. */
export function planText(
  resolved: Resolved,
  made: Compiled,
  data: PlannedData,
  device: string,
  sources: (m: Resolved['matches'][number]) => string,
): string {
  const { program } = made.run;
  const trained = trainedParameters(made.layout);
  const all = allParameters(made.layout);
  const n = (x: number): string => x.toLocaleString('en');
  const lines: string[] = [];
  lines.push(`experiment ${resolved.spec.name}  ${made.run.hash.slice(0, 12)}`, '');
  lines.push(
    `base        ${resolved.spec.base.model} from ${JSON.stringify(resolved.spec.base.source.kind === 'hub' ? resolved.spec.base.source.repo : resolved.spec.base.source.path)} for ${resolved.spec.base.task.name}, ${n(made.layout.baseElements)} parameters`,
  );
  const fresh = freshModules(resolved);
  if (resolved.base.tensors === undefined) lines.push('            no weights were read: sizes are from the configuration');
  else if (fresh.length > 0) lines.push(`            new: ${fresh.join(', ')}`);
  lines.push(`trainable   ${n(trained)} of ${n(all)} parameters, ${((100 * trained) / all).toFixed(4)} %`, '');
  lines.push('selectors');
  for (const m of resolved.matches)
    lines.push(`  ${sources(m)}`, `    ${m.modules.length} ${m.modules.length === 1 ? 'module' : 'modules'}`);
  const quantized = quantizedRows(resolved);
  quantized.forEach((q, i) =>
    lines.push(
      `${i === 0 ? '\nquantised ' : '          '}  ${q.weights} weights as ${q.format}: ${n(q.elements)} elements in ${n(q.bytes)} bytes, ${((8 * q.bytes) / q.elements).toFixed(3)} bits each`,
    ),
  );
  if (quantized.length > 0) {
    const rest = made.layout.baseElements - quantized.reduce((sum, q) => sum + q.elements, 0);
    lines.push(`            the other ${n(rest)} parameters of the base (embeddings, norms, biases, what is trained in full) stay in f32`);
  }
  lines.push('', 'modules');
  const rows = adapterRows(resolved, made);
  const width = (pick: (r: (typeof rows)[number]) => string): number => Math.max(0, ...rows.map((r) => pick(r).length));
  const [wr, wm, ws] = [width((r) => r.role), width((r) => r.method), width((r) => r.shape)];
  for (const r of rows)
    lines.push(
      `  ${r.role.padEnd(wr)}  ${r.method.padEnd(wm)}  ${r.shape.padStart(ws)}  ${r.count > 1 ? `${r.count} x ` : ''}${n(r.trained)}`,
    );
  lines.push(
    '',
    `data        ${n(data.trainRows)} rows to train on${data.evalRows > 0 ? `, ${n(data.evalRows)} to evaluate on` : ''}; padded to ${data.lengths.join(', ')} tokens${data.realTokens === null || data.paddedTokens === null ? '' : `, ${(100 * (1 - data.realTokens / data.paddedTokens)).toFixed(0)} % padding`}${data.truncated ? `; ${n(data.truncated)} texts are cut` : ''}`,
  );
  lines.push(
    `steps       ${n(data.steps)} of ${made.run.rows}${resolved.spec.tune.accumulate > 1 ? ` x ${resolved.spec.tune.accumulate}` : ''} rows`,
    '',
  );
  lines.push('entries');
  const longest = Math.max(...program.entries.map((e) => e.name.length));
  for (const e of program.entries) {
    const tokens = /x(\d+)$/.exec(e.name);
    const perToken = tokens === null ? '' : `, ${n(Math.round(flopsOf(e) / (made.run.rows * Number(tokens[1]))))} a token`;
    lines.push(`  ${e.name.padEnd(longest)}  ${String(e.steps.length).padStart(5)} dispatches  ${flops(flopsOf(e))}${perToken}`);
  }
  lines.push(`  ${program.shaders.length} distinct shaders`);
  if (made.recomputed !== undefined)
    lines.push(
      `  checkpointing: layers; ${flops(made.recomputed.flops)} of a training step of ${flops(made.recomputed.of)} are computed a second time`,
    );
  lines.push('');
  lines.push(`memory      ${showBytes(plannedBytes(program))} on ${device}`);
  if (made.layout.narrow) lines.push('  activations and frozen weights of 4,096 elements and more stand in 16 bits');
  for (const [kind, bytes] of bytesByKind(program)) lines.push(`  ${kind.padEnd(12)} ${showBytes(bytes).padStart(10)}  ${n(bytes)} bytes`);
  return `${lines.join('\n')}\n`;
}

/** Weights that are kept in fewer bits, by format. */
function quantizedRows(
  resolved: Resolved,
): readonly { readonly format: string; readonly weights: number; readonly elements: number; readonly bytes: number }[] {
  const rows = new Map<string, { format: string; weights: number; elements: number; bytes: number }>();
  const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
  for (const f of resolved.formats.values()) {
    const format = showCall({ definition: f.definition, args: f.params });
    const row = rows.get(format) ?? { format, weights: 0, elements: 0, bytes: 0 };
    row.weights += 1;
    row.elements += count(f.weight.shape);
    row.bytes += 4 * f.parts.reduce((sum, p) => sum + count(p.shape), 0);
    rows.set(format, row);
  }
  return [...rows.values()];
}

const flopsOf = (e: Entry): number => e.steps.reduce((sum, s) => sum + s.flops, 0);

function flops(count: number): string {
  const units = ['', 'k', 'M', 'G', 'T', 'P'];
  let at = 0;
  let value = count;
  while (value >= 1000 && at < units.length - 1) {
    value /= 1000;
    at += 1;
  }
  return `${value.toFixed(value < 10 && at > 0 ? 2 : 1)} ${units[at]}FLOP`;
}

const freshModules = (resolved: Resolved): string[] =>
  resolved.base.tensors === undefined
    ? []
    : [...new Set([...resolved.bindings].filter(([, b]) => b.kind === 'fresh').map(([name]) => name.slice(0, name.lastIndexOf('.'))))];

interface Row {
  readonly role: string;
  readonly module: string;
  readonly method: string;
  readonly shape: string;
  readonly trained: number;
  readonly count: number;
}

/** One row for each role and method, the layers of a role together where they are alike. */
function adapterRows(resolved: Resolved, made: Compiled): Row[] {
  const trainedOf = (m: ModuleInstance): number =>
    made.layout.trainables.filter((t) => t.name.startsWith(`${m.path}.`)).reduce((sum, t) => sum + t.elements, 0);
  const rows = new Map<string, Row>();
  const add = (m: ModuleInstance, method: string): void => {
    const role = (m.roles[0] ? showRole(m.roles[0]) : m.path).replace(/\[\d+\]/g, '[*]') || m.path;
    const weight = m.storage.reduce<readonly number[]>((best, s) => (s.shape.length > best.length ? s.shape : best), []);
    const row = { role, module: m.path, method, shape: `[${weight.join(', ')}]`, trained: trainedOf(m), count: 1 };
    const key = JSON.stringify([row.role, row.method, row.shape, row.trained]);
    const known = rows.get(key);
    rows.set(key, known ? { ...known, count: known.count + 1 } : row);
  };
  for (const adapter of resolved.adapters.values()) {
    const shown = adapter.definition.params
      .filter((p) => p.name.text === 'rank' || p.name.text === 'alpha')
      .flatMap((p) => {
        const v = adapter.params.get(p.name.text);
        return v?.kind === 'number' ? [`${p.name.text} ${v.value}`] : [];
      });
    add(adapter.site, `${adapter.definition.name.text} ${shown.join(' ')}`.trim());
  }
  for (const m of resolved.trained) if (m.storage.length > 0) add(m, 'full');
  return [...rows.values()];
}
