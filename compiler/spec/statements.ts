/**
 * @file Statements: an experiment with what it takes over from the one it derives from, in order. A derived experiment's
 * `base` replaces, its fields replace field by field, its `adapt` and `train` statements come after those before.
 */
import type { Experiment, Field, File, Section, Statement } from '../../grammar/ast.js';
import type { Diagnostic } from '../../grammar/diagnostics.js';
import { nearest } from '../elaborate/nearest.js';

export type BaseStatement = Extract<Statement, { kind: 'base' }>;
export type AdaptStatement = Extract<Statement, { kind: 'adapt' }>;
export type TrainStatement = Extract<Statement, { kind: 'train' }>;

export interface Statements {
  readonly experiment: Experiment;
  readonly base: BaseStatement | undefined;
  readonly targets: readonly (AdaptStatement | TrainStatement)[];
  readonly sections: ReadonlyMap<string, { readonly section: Section; readonly fields: ReadonlyMap<string, Field> }>;
}

/** Names of the sections an experiment may have. */
export const sectionNames = ['data', 'tune', 'budget'] as const;

/** The experiments of a file. */
export const experimentsOf = (file: File): Experiment[] => file.items.filter((i): i is Experiment => i.kind === 'experiment');

/** The statements of an experiment after derivation. */
export function flatten(file: File, experiment: Experiment, diagnostics: Diagnostic[], seen: readonly string[] = []): Statements {
  const all = experimentsOf(file);
  let before: Statements | undefined;
  if (experiment.from) {
    const from = experiment.from;
    const parent = all.find((x) => x.name.text === from.text);
    if (parent === undefined) {
      const near = nearest(from.text, all.map((x) => x.name.text));
      diagnostics.push({ code: 'PEFT0111', severity: 'error', span: from.span, message: `there is no experiment ${from.text} in this file`, ...(near ? { help: `did you mean ${near}?`, fix: { title: `write ${near}`, edits: [{ span: from.span, text: near }] } } : {}) });
    } else if (seen.includes(parent.name.text) || parent === experiment) {
      diagnostics.push({ code: 'PEFT0112', severity: 'error', span: from.span, message: `${experiment.name.text} derives from itself` });
    } else {
      before = flatten(file, parent, diagnostics, [...seen, experiment.name.text]);
    }
  }
  let base = before?.base;
  let ownBase: BaseStatement | undefined;
  const targets = [...(before?.targets ?? [])];
  const sections = new Map(before?.sections ?? []);
  const own = new Set<string>();
  for (const s of experiment.statements) {
    switch (s.kind) {
      case 'base':
        if (ownBase) diagnostics.push({ code: 'PEFT0113', severity: 'error', span: s.span, message: 'an experiment has one base', notes: [{ message: 'the first is here', span: ownBase.span }] });
        base = ownBase = s;
        break;
      case 'adapt':
      case 'train':
        targets.push(s);
        break;
      case 'section': {
        const name = s.section.name.text;
        if (!(sectionNames as readonly string[]).includes(name)) {
          const near = nearest(name, [...sectionNames, 'base', 'adapt', 'train']);
          diagnostics.push({ code: 'PEFT0114', severity: 'error', span: s.section.name.span, message: `an experiment has no section ${name}`, ...(near ? { help: `did you mean ${near}?`, fix: { title: `write ${near}`, edits: [{ span: s.section.name.span, text: near }] } } : { help: `it has ${sectionNames.join(', ')}` }) });
          break;
        }
        if (own.has(name)) diagnostics.push({ code: 'PEFT0115', severity: 'error', span: s.section.name.span, message: `the section ${name} is given twice` });
        own.add(name);
        const fields = new Map(sections.get(name)?.fields ?? []);
        const here = new Map<string, Field>();
        for (const field of s.section.fields) {
          const twice = here.get(field.name.text);
          if (twice) diagnostics.push({ code: 'PEFT0225', severity: 'error', span: field.name.span, message: `${field.name.text} is given twice`, notes: [{ message: 'first here', span: twice.name.span }] });
          here.set(field.name.text, field);
          fields.set(field.name.text, field);
        }
        sections.set(name, { section: s.section, fields });
        break;
      }
      case 'error':
        break;
      default:
        s satisfies never;
    }
  }
  return { experiment, base, targets, sections };
}
