/**
 * @file Where the numbers come from: what each run read, what ran it, and the command that runs it again.
 */
import { canonical, type Json, type Spec } from '../../compiler/spec/spec.js';
import { sha256 } from '../prepare.js';
import type { Run } from '../runs.js';
import { commandOf } from './command.js';
import { html, nothing, tableOf, unfold, type Markup } from './markup.js';
import { grouped } from './numbers.js';
import { count, type Report } from './report.js';

/** A fact about a run. */
interface Fact {
  readonly name: string;
  readonly of: (run: Run) => string;
  /** Shown as code, and cut to its beginning in a table; the whole of it stands below. */
  readonly digest?: boolean;
}

/** One digest of everything of the base that was read. */
export const baseDigest = ({ lock }: Run): string => sha256(canonical({ files: lock.base.files, tensors: lock.base.tensors } as Json));

const dataDigest = ({ lock }: Run): string => sha256(canonical(lock.data as Json));

const facts: readonly Fact[] = [
  { name: 'spec', of: (run) => run.result.hash, digest: true },
  { name: 'base', of: ({ spec, lock }) => `${placeOfBase(spec)}${lock.base.revision === null ? '' : ` at ${lock.base.revision}`}` },
  { name: 'base digest', of: baseDigest, digest: true },
  { name: 'data digest', of: dataDigest, digest: true },
  { name: 'tool', of: ({ lock }) => `peft ${lock.tool}` },
  { name: 'Dawn', of: ({ lock }) => lock.dawn ?? 'not known' },
  { name: 'Node', of: ({ lock }) => lock.node },
  { name: 'device', of: ({ lock }) => lock.device },
];

function placeOfBase({ base: { source } }: Spec): string {
  return source.kind === 'hub' ? source.repo : source.kind === 'scratch' ? `${source.path}, from scratch` : source.path;
}

/** What the runs have in common once, what tells them apart in a table, and every digest in full. */
export function provenanceSection(report: Report): Markup {
  const { runs } = report;
  const [first] = runs as [Run];
  const common = facts.filter((f) => runs.every((run) => f.of(run) === f.of(first)));
  const varying = facts.filter((f) => !common.includes(f));
  return html`${
    common.length === 0
      ? nothing
      : html`<h3>${runs.length === 1 ? 'The run' : 'The same for all runs'}</h3>
          <dl class="facts">
            ${common.map(
              (f) =>
                html`<div>
                  <dt>${f.name}</dt>
                  <dd>${f.digest === true ? html`<code>${f.of(first)}</code>` : f.of(first)}</dd>
                </div>`,
            )}
          </dl>`
  }${tableOf({
    id: 'provenance-table',
    caption: 'Runs',
    head: [
      { text: 'method' },
      { text: 'seed', number: true },
      ...varying.map((f) => ({ text: f.name })),
      { text: 'steps', number: true },
      { text: 'kept', number: true },
      { text: 'finished' },
      { text: 'folder' },
    ],
    rows: report.methods.flatMap((method) =>
      method.runs.map((run) => ({
        cells: [
          method.name,
          run.result.seed,
          ...varying.map((f) => (f.digest === true ? html`<code title="${f.of(run)}">${f.of(run).slice(0, 12)}</code>` : f.of(run))),
          grouped(run.result.steps),
          run.result.bestStep === null ? 'last' : `step ${grouped(run.result.bestStep)}`,
          finished(run),
          html`<code>${run.folder}</code>`,
        ],
      })),
    ),
  })}${unfold('digests', 'Digests in full', digests(report))}`;
}

/** When a run was done, to the minute in UTC. */
export const finished = ({ result }: Run): string =>
  result.finished === '' ? 'under way' : `${result.finished.slice(0, 16).replace('T', ' ')} UTC`;

/** Every digest: of the specs, the data, and the files and tensors of the bases; each base once. */
function digests(report: Report): Markup {
  const bases = new Map(report.runs.map((run) => [baseDigest(run), run]));
  const data = new Map(
    report.runs.flatMap((run) => Object.entries(run.lock.data).map(([path, digest]) => [`${path}\0${digest}`, { path, digest }])),
  );
  const list = (id: string, caption: string, rows: readonly (readonly [string, string])[]): Markup =>
    tableOf({
      id,
      caption,
      head: [{ text: 'name' }, { text: 'SHA-256' }],
      rows: rows.map(([name, digest]) => ({ cells: [html`<code>${name}</code>`, html`<code>${digest}</code>`] })),
    });
  return html`${list(
    'digests-specs',
    'Experiments',
    report.runs.map((run) => [`${run.result.experiment}, seed ${run.result.seed}`, run.result.hash]),
  )}${list(
    'digests-data',
    'Data',
    [...data.values()].map(({ path, digest }) => [path, digest]),
  )}${[...bases.values()].map((run, i) =>
    list(`digests-base-${i}`, `Base ${placeOfBase(run.spec)}: ${count(Object.keys(run.lock.base.tensors).length, 'tensor')}`, [
      ...Object.entries(run.lock.base.files),
      ...Object.entries(run.lock.base.tensors),
    ]),
  )}`;
}

/** The experiment as its lock has it, without the places it was written in. */
export const specText = ({ spec: { origins: _origins, ...rest } }: Run): string => `${JSON.stringify(rest, null, 2)}\n`;

/** How to run everything again. */
export function reproductionSection(report: Report): Markup {
  return html`<p>
      Each command needs the file as it was: <code>peft diff ${report.runs[0]?.folder ?? 'RUN'} FILE</code> tells whether it still says the
      same.
    </p>
    <ol class="commands">
      ${report.runs.map(
        (run, i) =>
          html` <li>
            <h3>${run.result.experiment}, seed ${run.result.seed}</h3>
            <pre
              tabindex="0"
              role="region"
              aria-label="command for ${run.result.experiment}, seed ${run.result.seed}"
            ><code>${commandOf(run)}</code></pre>
            ${unfold(
              `spec-${i}`,
              'Experiment as it was run (JSON)',
              html`<p class="by-script">
                  <button
                    type="button"
                    class="download"
                    data-of="spec-text-${i}"
                    data-name="${run.result.experiment}-${run.result.seed}.spec.json"
                  >
                    Download
                  </button>
                </p>
                <pre
                  id="spec-text-${i}"
                  class="long"
                  tabindex="0"
                  role="region"
                  aria-label="experiment ${run.result.experiment} as JSON"
                ><code>${specText(run)}</code></pre>`,
            )}
          </li>`,
      )}
    </ol>`;
}
