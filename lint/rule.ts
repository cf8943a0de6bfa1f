/**
 * @file Rule: what one lint rule is. Each stands in a file of its own below `rules/`, with its code, why it exists, and an example that breaks it
 * and one that does not: they are its test and its page in `docs/errors/`. A rule is a pure function of what has been checked; it never throws.
 */
import type { Experiment, File } from '../grammar/ast.js';
import type { Fix, Note, Severity, Span } from '../grammar/diagnostics.js';
import type { Layout } from '../compiler/driver/layout.js';
import type { Library } from '../compiler/elaborate/library.js';
import type { Resolved } from '../compiler/spec/check.js';
import type { Statements } from '../compiler/spec/statements.js';
import type { DataFacts } from './data-facts.js';

/** One thing that a rule found. Messages are lower case, one sentence, without a final stop. */
export interface Finding {
  readonly span: Span;
  readonly message: string;
  readonly notes?: readonly Note[];
  readonly help?: string;
  /** Only where it is certain to be right. */
  readonly fix?: Fix;
  /** Where it differs from the rule's. */
  readonly level?: Severity;
}

/** A file with the experiments in it that have no errors. */
export interface FileContext {
  readonly file: File;
  readonly text: string;
  readonly library: Library;
  readonly experiments: readonly ExperimentContext[];
}

/** An experiment that has passed every check. */
export interface ExperimentContext {
  readonly file: File;
  readonly text: string;
  readonly library: Library;
  readonly experiment: Experiment;
  /** With what it takes over. */
  readonly statements: Statements;
  readonly resolved: Resolved;
  /** What the tokenised tables say; undefined where they were not read. */
  readonly data: DataFacts | undefined;
  readonly steps: Steps;
  /** How its tensors lie; worked out once. */
  readonly layout: () => Layout;
}

/** The arithmetic of a run, in optimiser steps. */
export interface Steps {
  /** Forward and backward passes of an epoch. */
  readonly batches: number;
  readonly perEpoch: number;
  /** Of all epochs, whatever `max_steps` says. */
  readonly ofEpochs: number;
  readonly total: number;
}

/** A text with what the world around it is; `experiment` in `example.ts` writes the usual parts. */
export interface Example {
  readonly text: string;
  /** Changes to the configuration of the base. */
  readonly config?: { readonly [key: string]: unknown };
  /** What the tables say, where that differs from the usual. */
  readonly data?: Partial<Omit<DataFacts, 'train' | 'eval'>> & {
    readonly train?: Partial<DataFacts['train']>;
    readonly eval?: Partial<DataFacts['train']>;
  };
  /** Tensors that the checkpoint lacks. */
  readonly lacks?: readonly string[];
}

interface Common {
  /** `PEFT1nnn`, never used for anything else. */
  readonly code: string;
  /** Words with hyphens: the name of its file. */
  readonly name: string;
  readonly level: Severity;
  /** What is wrong, in one line without a final stop. */
  readonly summary: string;
  /** Why it matters, with the source of it where there is one. Markdown, one paragraph. */
  readonly why: string;
  readonly bad: Example;
  readonly good: Example;
}

/** A rule over one experiment or over a whole file. */
export type Rule =
  | (Common & { readonly on: 'experiment'; readonly check: (c: ExperimentContext) => readonly Finding[] })
  | (Common & { readonly on: 'file'; readonly check: (c: FileContext) => readonly Finding[] });
