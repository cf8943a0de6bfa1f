/**
 * @file `peft diff`: two experiments compared in meaning, and what the differences come to.
 */
import { diffSpecs, groupDifferences, showModules, type Grouped } from '../../compiler/spec/diff.js';
import { joinKey } from '../../compiler/spec/json.js';
import { canonical, meaning, type Json, type Origin, type Spec } from '../../compiler/spec/spec.js';
import { lineColumn } from '../../grammar/render.js';
import { consequenceNames, workOut, type Consequences } from '../consequences.js';
import { exitCodes } from '../exit.js';
import { sha256 } from '../prepare.js';
import { openSide, type Side } from '../sides.js';
import { planningTarget, targetNames } from '../target.js';
import type { Verb } from '../verb.js';

/** `peft diff A B` */
export const verb: Verb = {
  group: 'Experiments',
  summary: 'compare two experiments in meaning, field by field, with what that comes to',
  details:
    'A side is FILE, FILE#NAME where the file has several experiments, REVISION:FILE (a file as it was in git), or the folder of a run.\nFormatting, comments, names, the order of statements and derivation make no difference.',
  args: [
    { syntax: '<a>', help: 'the first experiment' },
    { syntax: '<b>', help: 'the second experiment' },
  ],
  options: [
    { flags: '--exit-code', help: 'end with 1 where something differs' },
    { flags: '--no-plan', help: 'do not work out what the differences come to' },
    { flags: '--target <target>', help: 'what to plan for', choices: targetNames, default: 'gpu' },
    { flags: '--format <format>', help: 'how the result is written', choices: ['text', 'json', 'md'], default: 'text' },
  ],
  examples: [
    { command: 'peft diff before.peft after.peft', help: 'what changed' },
    { command: 'peft diff nsmc.peft#lora nsmc.peft#small', help: 'two experiments of one file' },
    { command: 'peft diff HEAD~1:a.peft a.peft --format md', help: 'what changed since the last commit, for a pull request' },
    { command: 'peft diff runs/first a.peft --exit-code', help: 'whether the file still says what was run' },
  ],
  run: async ({ args, options }, context) => {
    const sides: Side[] = [];
    for (const arg of args) {
      const side = await openSide(arg, context);
      if (typeof side === 'number') return side;
      sides.push(side);
    }
    const [a, b] = sides as [Side, Side];
    const differences = diffSpecs(a.spec, b.spec);
    const found: Compared = {
      a,
      b,
      hashes: [hashOf(a.spec), hashOf(b.spec)],
      rows: groupDifferences(differences),
      consequences: differences.length === 0 || options['plan'] === false ? [] : await consequences(a, b, options['target'] as string),
    };
    const write = { text, json, md }[options['format'] as 'text' | 'json' | 'md'];
    context.out(write(found));
    return differences.length > 0 && options['exitCode'] === true ? exitCodes.findings : exitCodes.ok;
  },
};

interface Change {
  readonly name: keyof Consequences;
  readonly before: number | null;
  readonly after: number | null;
}

interface Compared {
  readonly a: Side;
  readonly b: Side;
  readonly hashes: readonly [string, string];
  readonly rows: readonly Grouped[];
  readonly consequences: readonly Change[];
}

const hashOf = (spec: Spec): string => sha256(canonical(meaning(spec)));

/** What changes in what the experiments come to. */
async function consequences(a: Side, b: Side, targetName: string): Promise<Change[]> {
  const { target } = await planningTarget(targetName);
  const of = async ({ file, lock }: Side): Promise<Consequences | undefined> =>
    file === undefined ? lock?.consequences : workOut(file.resolved, file.opened, target);
  const [before, after] = [await of(a), await of(b)];
  return (Object.keys(consequenceNames) as (keyof Consequences)[]).flatMap((name): Change[] => {
    const change = { name, before: before?.[name] ?? null, after: after?.[name] ?? null };
    return change.before === change.after ? [] : [change];
  });
}

const show = (value: Json | undefined): string => (value === undefined ? 'absent' : JSON.stringify(value));
const number = (n: number | null): string => (n === null ? 'not known' : n.toLocaleString('en'));

/** By how much a number grew or shrank, where that can be said. */
function share({ before, after }: Change): string {
  if (before === null || after === null || before === 0) return '';
  const percent = (100 * (after - before)) / before;
  return ` (${percent > 0 ? '+' : ''}${Math.abs(percent) >= 100 ? percent.toFixed(0) : percent.toPrecision(2)} %)`;
}

/** Where a difference was written: on the side that has it. */
function place(found: Compared, d: Grouped): string | null {
  return placeOn(found.b, d) ?? placeOn(found.a, d);
}

/** Where the field, or the nearest field around it, was written. */
function placeOn({ spec, file }: Side, d: Grouped): string | null {
  const [part, ...rest] = d.path.split('.');
  const path = d.modules[0] === undefined ? d.path : [joinKey(part ?? '', d.modules[0]), ...rest].join('.');
  for (let at = path; at !== ''; at = parent(at)) {
    const origin: Origin | undefined = spec.origins[at];
    if (origin === undefined) continue;
    if (origin.kind === 'default') return `default of ${origin.of}`;
    const text = file?.opened.texts.get(origin.span.file);
    return text === undefined ? origin.span.file : `${origin.span.file}:${lineColumn(text, origin.span.start).line}`;
  }
  return null;
}

/** The path of the field around a field; quoted parts may hold dots. */
const parent = (path: string): string => (/\./.test(path) ? path.replace(/\.(?:"[^"]*"|[^."]*)$/, '') : '');

const label = (d: Grouped): string =>
  d.modules.length === 0 ? d.path : `${d.path} of ${d.modules.length === 1 ? d.modules[0] : `${d.modules.length} modules`}`;

function text(found: Compared): string {
  if (found.rows.length === 0) return 'no difference in meaning\n';
  const width = Math.max(...found.rows.map((d) => label(d).length));
  const lines = found.rows.flatMap((d) => {
    const at = place(found, d);
    const row = `${label(d).padEnd(width)}  ${show(d.before)} -> ${show(d.after)}${at === null ? '' : `  (${at})`}`;
    return d.modules.length > 1 ? [row, ...showModules(d.modules).map((m) => `    ${m}`)] : [row];
  });
  if (found.consequences.length > 0) {
    const names = Math.max(...found.consequences.map((c) => consequenceNames[c.name].length));
    lines.push(
      '',
      ...found.consequences.map((c) => `${consequenceNames[c.name].padEnd(names)}  ${number(c.before)} -> ${number(c.after)}${share(c)}`),
    );
  }
  return `${lines.join('\n')}\n`;
}

function json(found: Compared): string {
  const differences = found.rows.map((d) => ({
    path: d.path,
    modules: d.modules,
    before: d.before ?? null,
    after: d.after ?? null,
    beforeAt: placeOn(found.a, d),
    afterAt: placeOn(found.b, d),
  }));
  return `${JSON.stringify({ formatVersion: 1, a: found.hashes[0], b: found.hashes[1], differences, consequences: found.consequences }, null, 2)}\n`;
}

function md(found: Compared): string {
  const [a, b] = [found.a.name, found.b.name].map((name) => `\`${name}\``);
  if (found.rows.length === 0) return `${a} and ${b} mean the same.\n`;
  const cell = (s: string): string => s.replaceAll('|', '\\|');
  const lines = [
    `### ${a} → ${b}`,
    '',
    '| field | before | after | where |',
    '| --- | --- | --- | --- |',
    ...found.rows.map((d) => {
      const modules = d.modules.length === 0 ? '' : `<br>${showModules(d.modules).join('<br>')}`;
      return `| \`${d.path}\`${cell(modules)} | ${cell(show(d.before))} | ${cell(show(d.after))} | ${cell(place(found, d) ?? '')} |`;
    }),
  ];
  if (found.consequences.length > 0)
    lines.push(
      '',
      '| what it comes to | before | after |',
      '| --- | ---: | ---: |',
      ...found.consequences.map((c) => `| ${consequenceNames[c.name]} | ${number(c.before)} | ${number(c.after)}${share(c)} |`),
    );
  return `${lines.join('\n')}\n`;
}
