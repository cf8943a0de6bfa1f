/**
 * @file Lint: every rule over a file that has been checked, without what is suppressed. The list of rules is `rules.ts`, which a script
 * writes from the files in `rules/`.
 */
import type { Experiment, File } from '../grammar/ast.js';
import type { Diagnostic } from '../grammar/diagnostics.js';
import { layoutOf, type Layout } from '../compiler/driver/layout.js';
import type { Library } from '../compiler/elaborate/library.js';
import type { Resolved } from '../compiler/spec/check.js';
import { unique } from '../compiler/spec/file.js';
import { flatten } from '../compiler/spec/statements.js';
import type { DataFacts } from './data-facts.js';
import type { ExperimentContext, FileContext, Finding, Rule, Steps } from './rule.js';
import { suppressed, suppressionsOf } from './suppress.js';
import { suppressionFindings } from './suppression-rules.js';

/** What is linted. */
export interface LintInput {
  readonly file: File;
  readonly text: string;
  readonly library: Library;
  readonly experiments: readonly {
    readonly experiment: Experiment;
    readonly resolved: Resolved | undefined;
    readonly data?: DataFacts | undefined;
  }[];
  /** What the check found: its warnings can be suppressed too. */
  readonly checked: readonly Diagnostic[];
}

/** The findings of a file in the order of its text, those of the check among them. */
export function lint(input: LintInput, rules: readonly Rule[]): Diagnostic[] {
  const steps = lintSteps(input, rules);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** The same in small steps, for who has something else to do meanwhile. */
export function* lintSteps(input: LintInput, rules: readonly Rule[]): Generator<undefined, Diagnostic[]> {
  const context = contextOf(input);
  const found = [...input.checked];
  for (const rule of rules) {
    const add = (list: readonly Finding[]): void => {
      for (const { level, ...finding } of list) found.push({ code: rule.code, severity: level ?? rule.level, ...finding });
    };
    if (rule.on === 'file') add(rule.check(context));
    else
      for (const experiment of context.experiments) {
        add(rule.check(experiment));
        yield;
      }
    yield;
  }
  const suppressions = suppressionsOf(input.file, input.text);
  const { left, used } = suppressed(unique(found), suppressions);
  return unique([...left, ...suppressionFindings(suppressions, used, rules, input.text)]);
}

/** What rules see of a file. */
export function contextOf({ file, text, library, experiments }: LintInput): FileContext {
  return {
    file,
    text,
    library,
    experiments: experiments.flatMap(({ experiment, resolved, data }): ExperimentContext[] => {
      const statements = flatten(file, experiment, []);
      if (resolved === undefined || statements === undefined) return [];
      let layout: Layout | undefined;
      return [
        {
          file,
          text,
          library,
          experiment,
          statements,
          resolved,
          data,
          steps: stepsOf(resolved),
          layout: () => (layout ??= layoutOf(resolved)),
        },
      ];
    }),
  };
}

/** The arithmetic of a run. */
export function stepsOf({ spec, trainRows }: Resolved): Steps {
  const { batch, accumulate, epochs, max_steps: most } = spec.tune;
  const batches = Math.ceil(trainRows / batch);
  const perEpoch = Math.ceil(batches / accumulate);
  const ofEpochs = perEpoch * epochs;
  return { batches, perEpoch, ofEpochs, total: most === null ? ofEpochs : Math.min(most, ofEpochs) };
}
