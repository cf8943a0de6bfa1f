/**
 * @file Progress of a run on standard error: a bar on a terminal, plain lines elsewhere.
 */
import { createRequire } from 'node:module';
import type { SingleBar } from 'cli-progress';
import { showBytes } from '../compiler/elaborate/value.js';
import type { TrainEvent } from '../runtime/train.js';
import type { Context } from './io.js';

/** Told what happens; shows it. */
export interface Progress {
  readonly start: (name: string, device: string, bytes: number) => void;
  readonly onEvent: (event: TrainEvent | { readonly kind: 'phase'; readonly what: string }) => void;
  readonly stop: () => void;
}

const time = (seconds: number): string =>
  seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;

/** Progress on the streams of a verb. */
export function createProgress(context: Context): Progress {
  let bar: SingleBar | undefined;
  let lastLine = 0;
  let loss = '';
  const say = (text: string): void => {
    if (bar !== undefined) {
      bar.stop();
      bar = undefined;
    }
    context.err(`${text}\n`);
  };
  const left = (step: number, total: number, seconds: number, from: number): string =>
    time(((total - step) * seconds) / Math.max(1, step - from));
  let firstStep: number | undefined;
  const narrow = { skipped: 0, cut: false };
  return {
    start: (name, device, bytes) => say(`${name}: ${device}, ${showBytes(bytes)} planned`),
    stop: () => {
      bar?.stop();
      bar = undefined;
    },
    onEvent: (event) => {
      switch (event.kind) {
        case 'phase':
          if ((context.env['PEFT_DEBUG'] ?? '0') !== '0') say(event.what);
          break;
        case 'eval':
          say(
            `step ${String(event.step).padStart(String(event.total).length)}/${event.total}  evaluated on ${event.evaluation.examples}: loss ${event.evaluation.loss.toFixed(4)}${Object.entries(
              event.evaluation.metrics,
            )
              .map(([k, v]) => `  ${k} ${v.toFixed(4)}`)
              .join('')}${event.best ? '  best' : ''}`,
          );
          break;
        case 'step':
        case 'progress': {
          firstStep ??= event.step - 1;
          if (event.kind === 'step') loss = `  loss ${event.loss.toFixed(4)}`;
          if (event.kind === 'step' && event.scaling !== undefined) {
            const { scale, skipped, cut } = event.scaling;
            if (skipped) narrow.skipped += 1;
            if (cut && !narrow.cut)
              say(
                'warning: an activation is beyond 65,504, the largest 16-bit float, and is cut off there; tune { precision: f32 } keeps it',
              );
            narrow.cut ||= cut;
            if (event.step === event.total && narrow.skipped > 0)
              say(
                `${narrow.skipped} of ${event.total} steps changed nothing, because a gradient was beyond 65,504; the factor on the loss is now ${scale.toLocaleString('en')}`,
              );
          }
          const rate = `${Math.round(event.tokens / Math.max(event.seconds, 1e-3)).toLocaleString('en')} tokens/s`;
          const tail = `${loss}  ${rate}  ${left(event.step, event.total, event.seconds, firstStep)} left`;
          if (context.terminal.err) {
            bar ??= openBar(event.total);
            bar.update(event.step, { tail });
          } else if (event.kind === 'step' && (event.step === event.total || event.step - lastLine >= Math.max(10, event.total / 20))) {
            lastLine = event.step;
            say(`step ${String(event.step).padStart(String(event.total).length)}/${event.total}${tail}`);
          }
          break;
        }
        default:
          event satisfies never;
      }
    },
  };
}

function openBar(total: number): SingleBar {
  const { SingleBar: Bar, Presets } = createRequire(import.meta.url)('cli-progress') as typeof import('cli-progress');
  const bar = new Bar(
    { format: '{bar} {value}/{total}{tail}', stream: process.stderr, clearOnComplete: true, hideCursor: true, barsize: 24 },
    Presets.shades_classic,
  );
  bar.start(total, 0, { tail: '' });
  return bar;
}
