/**
 * @file Every rule. Written by scripts/generate-rules.mjs from the files in `rules/`; do not edit.
 */
import type { Rule } from './rule.js';
import { rule as absolutePath } from './rules/absolute-path.js';
import { rule as accumulateAboveBatches } from './rules/accumulate-above-batches.js';
import { rule as adapterLargerThanWeight } from './rules/adapter-larger-than-weight.js';
import { rule as aliasOfItself } from './rules/alias-of-itself.js';
import { rule as alphaOverRank } from './rules/alpha-over-rank.js';
import { rule as autoWithoutBudget } from './rules/auto-without-budget.js';
import { rule as averageLongerThanRun } from './rules/average-longer-than-run.js';
import { rule as backslashPath } from './rules/backslash-path.js';
import { rule as baseChangedInPlace } from './rules/base-changed-in-place.js';
import { rule as batchAboveRows } from './rules/batch-above-rows.js';
import { rule as bestOfOne } from './rules/best-of-one.js';
import { rule as bucketsOne } from './rules/buckets-one.js';
import { rule as budgetBelowLeast } from './rules/budget-below-least.js';
import { rule as checkpointingOneLayer } from './rules/checkpointing-one-layer.js';
import { rule as classImbalance } from './rules/class-imbalance.js';
import { rule as classMissing } from './rules/class-missing.js';
import { rule as clipExtreme } from './rules/clip-extreme.js';
import { rule as comparedWithItself } from './rules/compared-with-itself.js';
import { rule as constantRequire } from './rules/constant-require.js';
import { rule as derivedEmpty } from './rules/derived-empty.js';
import { rule as duplicateRows } from './rules/duplicate-rows.js';
import { rule as emptyRows } from './rules/empty-rows.js';
import { rule as emptySection } from './rules/empty-section.js';
import { rule as epochsCutShort } from './rules/epochs-cut-short.js';
import { rule as equalBranches } from './rules/equal-branches.js';
import { rule as equalExperiments } from './rules/equal-experiments.js';
import { rule as evalClassMissing } from './rules/eval-class-missing.js';
import { rule as evalLargerThanTrain } from './rules/eval-larger-than-train.js';
import { rule as evalNever } from './rules/eval-never.js';
import { rule as evalTooOften } from './rules/eval-too-often.js';
import { rule as evalTooSmall } from './rules/eval-too-small.js';
import { rule as exceptIdle } from './rules/except-idle.js';
import { rule as fewSteps } from './rules/few-steps.js';
import { rule as formatWithoutSaving } from './rules/format-without-saving.js';
import { rule as frozenFreshAdapted } from './rules/frozen-fresh-adapted.js';
import { rule as fullTrainingRate } from './rules/full-training-rate.js';
import { rule as halfPrecisionOnFewBits } from './rules/half-precision-on-few-bits.js';
import { rule as halfQuantisedPart } from './rules/half-quantised-part.js';
import { rule as headAdapted } from './rules/head-adapted.js';
import { rule as highDropout } from './rules/high-dropout.js';
import { rule as homePath } from './rules/home-path.js';
import { rule as importedTwice } from './rules/imported-twice.js';
import { rule as labelsVsConfig } from './rules/labels-vs-config.js';
import { rule as largeTensor } from './rules/large-tensor.js';
import { rule as largestLeftInF32 } from './rules/largest-left-in-f32.js';
import { rule as logNever } from './rules/log-never.js';
import { rule as longDerivation } from './rules/long-derivation.js';
import { rule as lowCountedShare } from './rules/low-counted-share.js';
import { rule as lowCoverage } from './rules/low-coverage.js';
import { rule as manyEpochsNoBest } from './rules/many-epochs-no-best.js';
import { rule as maxLengthUnneeded } from './rules/max-length-unneeded.js';
import { rule as maxStepsBeyondEpochs } from './rules/max-steps-beyond-epochs.js';
import { rule as memoryBudgetLoose } from './rules/memory-budget-loose.js';
import { rule as mixedRevisions } from './rules/mixed-revisions.js';
import { rule as mostlyTrainedInFull } from './rules/mostly-trained-in-full.js';
import { rule as nameStyle } from './rules/name-style.js';
import { rule as noEvaluation } from './rules/no-evaluation.js';
import { rule as noWarmup } from './rules/no-warmup.js';
import { rule as nothingInFile } from './rules/nothing-in-file.js';
import { rule as oneColumnTwice } from './rules/one-column-twice.js';
import { rule as overriddenStatement } from './rules/overridden-statement.js';
import { rule as overrideWithoutEffect } from './rules/override-without-effect.js';
import { rule as padMissing } from './rules/pad-missing.js';
import { rule as paddingShare } from './rules/padding-share.js';
import { rule as pagingWithoutEffect } from './rules/paging-without-effect.js';
import { rule as quantisedLittle } from './rules/quantised-little.js';
import { rule as rankChangedAlphaKept } from './rules/rank-changed-alpha-kept.js';
import { rule as rateGrows } from './rules/rate-grows.js';
import { rule as rateHuge } from './rules/rate-huge.js';
import { rule as rateOutsideBand } from './rules/rate-outside-band.js';
import { rule as rateZero } from './rules/rate-zero.js';
import { rule as redundantBase } from './rules/redundant-base.js';
import { rule as redundantField } from './rules/redundant-field.js';
import { rule as rsloraAlpha } from './rules/rslora-alpha.js';
import { rule as sameTable } from './rules/same-table.js';
import { rule as saveBetweenEvals } from './rules/save-between-evals.js';
import { rule as saveNever } from './rules/save-never.js';
import { rule as scratchWithAdapters } from './rules/scratch-with-adapters.js';
import { rule as selectorPartIdle } from './rules/selector-part-idle.js';
import { rule as shadowedName } from './rules/shadowed-name.js';
import { rule as sortedUnshuffled } from './rules/sorted-unshuffled.js';
import { rule as stateFormatWithoutEffect } from './rules/state-format-without-effect.js';
import { rule as tableFormat } from './rules/table-format.js';
import { rule as takeAboveRows } from './rules/take-above-rows.js';
import { rule as tiedEmbeddingsAdapted } from './rules/tied-embeddings-adapted.js';
import { rule as tokenizerAboveEmbeddings } from './rules/tokenizer-above-embeddings.js';
import { rule as trainEvalOverlap } from './rules/train-eval-overlap.js';
import { rule as trainTooSmall } from './rules/train-too-small.js';
import { rule as trainableBudgetLoose } from './rules/trainable-budget-loose.js';
import { rule as truncationShare } from './rules/truncation-share.js';
import { rule as undocumentedDefinition } from './rules/undocumented-definition.js';
import { rule as unevenCoverage } from './rules/uneven-coverage.js';
import { rule as unknownTokens } from './rules/unknown-tokens.js';
import { rule as unpinnedRevision } from './rules/unpinned-revision.js';
import { rule as unusedDefinition } from './rules/unused-definition.js';
import { rule as unusedImport } from './rules/unused-import.js';
import { rule as unusedLet } from './rules/unused-let.js';
import { rule as unusedParameter } from './rules/unused-parameter.js';
import { rule as unusedTensor } from './rules/unused-tensor.js';
import { rule as warmupTooLong } from './rules/warmup-too-long.js';
import { rule as weightDecayLarge } from './rules/weight-decay-large.js';

/** Every rule, in the order of the codes. */
export const rules: readonly Rule[] = [
  unevenCoverage,
  lowCoverage,
  frozenFreshAdapted,
  headAdapted,
  tiedEmbeddingsAdapted,
  selectorPartIdle,
  exceptIdle,
  overriddenStatement,
  mostlyTrainedInFull,
  baseChangedInPlace,
  alphaOverRank,
  rsloraAlpha,
  rankChangedAlphaKept,
  adapterLargerThanWeight,
  highDropout,
  warmupTooLong,
  rateOutsideBand,
  fullTrainingRate,
  rateZero,
  rateGrows,
  rateHuge,
  weightDecayLarge,
  clipExtreme,
  averageLongerThanRun,
  fewSteps,
  batchAboveRows,
  accumulateAboveBatches,
  evalNever,
  saveNever,
  evalTooOften,
  logNever,
  maxStepsBeyondEpochs,
  epochsCutShort,
  bestOfOne,
  manyEpochsNoBest,
  saveBetweenEvals,
  noEvaluation,
  noWarmup,
  truncationShare,
  maxLengthUnneeded,
  trainEvalOverlap,
  sameTable,
  duplicateRows,
  emptyRows,
  classImbalance,
  classMissing,
  sortedUnshuffled,
  paddingShare,
  unknownTokens,
  evalTooSmall,
  trainTooSmall,
  takeAboveRows,
  lowCountedShare,
  tokenizerAboveEmbeddings,
  padMissing,
  bucketsOne,
  evalClassMissing,
  evalLargerThanTrain,
  oneColumnTwice,
  unpinnedRevision,
  absolutePath,
  homePath,
  backslashPath,
  overrideWithoutEffect,
  labelsVsConfig,
  scratchWithAdapters,
  tableFormat,
  mixedRevisions,
  budgetBelowLeast,
  memoryBudgetLoose,
  largeTensor,
  stateFormatWithoutEffect,
  pagingWithoutEffect,
  checkpointingOneLayer,
  quantisedLittle,
  halfPrecisionOnFewBits,
  halfQuantisedPart,
  trainableBudgetLoose,
  autoWithoutBudget,
  formatWithoutSaving,
  largestLeftInF32,
  unusedImport,
  unusedDefinition,
  redundantField,
  equalExperiments,
  undocumentedDefinition,
  nothingInFile,
  nameStyle,
  shadowedName,
  unusedParameter,
  unusedLet,
  redundantBase,
  derivedEmpty,
  longDerivation,
  emptySection,
  importedTwice,
  aliasOfItself,
  unusedTensor,
  constantRequire,
  equalBranches,
  comparedWithItself,
];
