/**
 * @file `--dump DIR`: every form of one compilation as files, numbered in the order of the passes.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { print } from '../compiler/graph/print.js';
import type { Watch } from '../compiler/driver/passes.js';
import { printKernel, printKernels } from '../compiler/kernels/print.js';
import type { WatchKernels } from '../compiler/plan/plan.js';
import type { Package } from '../compiler/plan/program.js';
import type { Resolved } from '../compiler/spec/check.js';
import { printSpec } from '../compiler/spec/spec.js';
import { printFile } from '../grammar/print.js';
import { UserError } from './exit.js';
import type { OpenedFile } from './experiment.js';
import { reasonOf } from './source.js';

/** What is written while a compilation goes on. */
export interface Dump {
  readonly watch: (entry: string) => Watch;
  readonly kernels: WatchKernels;
  readonly finish: (run: Package) => void;
}

/** Opens a dump folder and writes the forms before the graphs. */
export function openDump(folder: string, opened: OpenedFile, resolved: Resolved): Dump {
  const write = (name: string, text: string): void => {
    try {
      writeFileSync(join(folder, name), text);
    } catch (error) {
      throw new UserError(`${join(folder, name)} cannot be written: ${reasonOf(error)}`);
    }
  };
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new UserError(`${folder} cannot be made: ${reasonOf(error)}`);
  }
  write('10-ast.peft', printFile(opened.file));
  write('20-spec.json', printSpec(resolved.spec));
  const order = ['elaborated', 'simplified', 'ordered', 'differentiated', 'final', 'folded', 'kernels'];
  return {
    watch: (entry) => (pass, graph) => write(`${30 + order.indexOf(pass)}-${pass}-${entry.replace('/', '-')}.peft`, print(graph)),
    kernels: (entry, kernels) =>
      write(
        `50-kernels-${entry.replace('/', '-')}.txt`,
        `${printKernels(kernels)}\n${kernels.map((k, i) => `${i}: ${printKernel(k)}`).join('\n')}`,
      ),
    finish: (run) => {
      run.program.shaders.forEach((shader, i) =>
        write(`60-${String(i).padStart(3, '0')}-${shader.label.replace(/[^\w-]+/g, '_').slice(0, 60)}.wgsl`, shader.code),
      );
      const steps = run.program.entries.flatMap((e) => [
        `${e.name}`,
        ...e.steps.map(
          (s, i) => `  ${String(i).padStart(4)} ${s.label} shader ${s.shader} groups ${s.workgroups.join('x')} flops ${s.flops}`,
        ),
      ]);
      write('50-steps.txt', `${steps.join('\n')}\n`);
      write(
        '70-plan.json',
        `${JSON.stringify({ buffers: run.program.buffers, tensors: run.program.tensors, entries: run.program.entries.map((e) => ({ ...e, steps: e.steps.length })) }, null, 1)}\n`,
      );
    },
  };
}
