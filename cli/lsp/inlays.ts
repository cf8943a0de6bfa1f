/**
 * @file Inlay hints: behind each `adapt`, `train` and `quantize` what it comes to.
 */
import { InlayHintKind, type InlayHint, type Range } from 'vscode-languageserver/node';
import { showBytes } from '../../compiler/elaborate/value.js';
import type { Checked } from './checker.js';
import { effectOf } from './experiments.js';
import { describeEffect } from './hover.js';
import { grouped } from './modules.js';

/** The hints of a checked document in a range. */
export function inlayHints(checked: Checked, range: Range): InlayHint[] {
  const { document } = checked;
  const [from, to] = [document.offsetAt(range.start), document.offsetAt(range.end)];
  return checked.experiments.flatMap(({ experiment }) =>
    experiment.statements.flatMap((s): InlayHint[] => {
      if ((s.kind !== 'adapt' && s.kind !== 'train' && s.kind !== 'quantize') || s.span.end < from || s.span.start > to) return [];
      const effect = effectOf(checked, experiment, s);
      if (effect === undefined) return [];
      const what = s.kind === 'quantize' ? 'elements' : 'trainable';
      return [
        {
          position: document.positionAt(s.span.end),
          label: `${grouped(effect.elements)} ${what}, ${showBytes(effect.bytes)}`,
          kind: InlayHintKind.Type,
          paddingLeft: true,
          tooltip: { kind: 'markdown', value: describeEffect(s, effect) },
        },
      ];
    }),
  );
}
