/**
 * @file Statements: an experiment with what it takes over from the one it derives from, in order. A derived experiment's
 * `base` replaces, its fields replace field by field, its `adapt` and `train` statements come after those before.
 */
import type { Experiment, Field, File, Section, Statement } from '../../grammar/ast.js';
import type { Diagnostic } from '../../grammar/diagnostics.js';
import { suggest } from '../elaborate/nearest.js';

/** `base …`. */
export type BaseStatement = Extract<Statement, { kind: 'base' }>;
/** `adapt …`. */
export type AdaptStatement = Extract<Statement, { kind: 'adapt' }>;
/** `quantize …`. */
export type QuantizeStatement = Extract<Statement, { kind: 'quantize' }>;
/** `train …`. */
export type TrainStatement = Extract<Statement, { kind: 'train' }>;

/** An experiment with all that it takes over. */
export interface Statements {
  readonly experiment: Experiment;
  readonly base: BaseStatement | undefined;
  readonly targets: readonly (AdaptStatement | TrainStatement)[];
  readonly formats: readonly QuantizeStatement[];
  readonly sections: ReadonlyMap<string, { readonly section: Section; readonly fields: ReadonlyMap<string, Field> }>;
}

/** Names of the sections an experiment may have. */
export const sectionNames = ['data', 'tune', 'budget'] as const;

/** The experiments of a file. */
export const experimentsOf = (file: File): Experiment[] => file.items.filter((i): i is Experiment => i.kind === 'experiment');

/** The statements of an experiment after derivation; undefined where what it derives from cannot be found. */
export function flatten(
  file: File,
  experiment: Experiment,
  diagnostics: Diagnostic[],
  seen: readonly Experiment[] = [],
): Statements | undefined {
  const all = experimentsOf(file);
  let before: Statements | undefined;
  if (experiment.from) {
    const from = experiment.from;
    const parent = all.find((x) => x.name.text === from.text);
    if (parent === undefined) {
      const names = all.filter((x) => x !== experiment).map((x) => x.name.text);
      diagnostics.push({
        code: 'PEFT0111',
        severity: 'error',
        span: from.span,
        message: `there is no experiment ${from.text} in this file`,
        ...suggest(from.text, from.span, names, 'there is'),
      });
      return undefined;
    }
    if (parent === experiment || seen.includes(parent)) {
      diagnostics.push({ code: 'PEFT0112', severity: 'error', span: from.span, message: `${parent.name.text} derives from itself` });
      return undefined;
    }
    before = flatten(file, parent, diagnostics, [...seen, experiment]);
    if (before === undefined) return undefined;
  }
  let base = before?.base;
  let ownBase: BaseStatement | undefined;
  const targets = [...(before?.targets ?? [])];
  const formats = [...(before?.formats ?? [])];
  const sections = new Map(before?.sections ?? []);
  const own = new Map<string, Section>();
  for (const s of experiment.statements) {
    switch (s.kind) {
      case 'base':
        if (ownBase)
          diagnostics.push({
            code: 'PEFT0113',
            severity: 'error',
            span: s.span,
            message: 'an experiment has one base',
            notes: [{ message: 'the first is here', span: ownBase.span }],
          });
        base = ownBase = s;
        break;
      case 'adapt':
      case 'train':
        targets.push(s);
        break;
      case 'quantize':
        formats.push(s);
        break;
      case 'section': {
        let name = s.section.name.text;
        if (!(sectionNames as readonly string[]).includes(name)) {
          const said = suggest(name, s.section.name.span, sectionNames, 'it has');
          diagnostics.push({
            code: 'PEFT0114',
            severity: 'error',
            span: s.section.name.span,
            message: `an experiment has no section ${name}`,
            ...said,
          });
          // It is read as what it may have meant, so that its fields are not missed.
          const meant = said.fix?.edits[0]?.text;
          if (meant === undefined) break;
          name = meant;
        }
        const first = own.get(name);
        if (first)
          diagnostics.push({
            code: 'PEFT0115',
            severity: 'error',
            span: s.section.name.span,
            message: `the section ${name} is given twice`,
            notes: [{ message: 'first here', span: first.name.span }],
            help: 'write all its fields in one',
          });
        own.set(name, s.section);
        const fields = new Map(sections.get(name)?.fields ?? []);
        const here = new Map<string, Field>();
        for (const field of s.section.fields) {
          const twice = here.get(field.name.text);
          if (twice)
            diagnostics.push({
              code: 'PEFT0225',
              severity: 'error',
              span: field.name.span,
              message: `${field.name.text} is given twice`,
              notes: [{ message: 'first here', span: twice.name.span }],
            });
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
  return { experiment, base, targets, formats, sections };
}
