/**
 * @file A plan that was written down (`peft plan -o FILE`): the text, what it reads as digests, and the digest of the compiled program.
 * `peft run FILE` runs that, or says what is no longer so (code 3).
 */
import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { canonical, type Json } from '../compiler/spec/spec.js';
import type { Program } from '../compiler/plan/program.js';
import type { Consequences } from './consequences.js';
import { UserError } from './exit.js';
import { openFile, type OpenedFile } from './experiment.js';
import { driftOf, refuse, type Locked } from './lock.js';
import { writeWhole } from './output.js';
import { sha256 } from './prepare.js';
import type { Resolved } from '../compiler/spec/check.js';

/** What is written. */
export interface PlanFile {
  readonly format: 'peft-plan';
  readonly version: 1;
  /** The `.peft` file, relative to the plan; paths in it start there. */
  readonly file: string;
  readonly experiment: string;
  readonly text: string;
  readonly device: string;
  /** Digest of the compiled program. */
  readonly program: string;
  readonly consequences: Consequences;
  readonly lock: Locked;
}

/** Digest of a program: the same buffers, shaders and steps have the same. */
export const programDigest = (program: Program): string => sha256(canonical(program as unknown as Json));

/** Writes a plan. */
export function writePlan(
  path: string,
  shown: string,
  opened: OpenedFile,
  rest: Omit<PlanFile, 'format' | 'version' | 'file' | 'text'>,
): void {
  const plan: PlanFile = { format: 'peft-plan', version: 1, file: relative(dirname(path), opened.path), text: opened.source.text, ...rest };
  writeWhole(path, `${JSON.stringify(plan, null, 2)}\n`, shown);
}

/** A plan, where a name leads to one; undefined for anything else. */
export async function readPlan(name: string, cwd: string): Promise<{ readonly plan: PlanFile; readonly path: string } | undefined> {
  if (!name.endsWith('.json')) return undefined;
  const path = resolve(cwd, name);
  let plan: PlanFile;
  try {
    plan = JSON.parse(await readFile(path, 'utf8')) as PlanFile;
  } catch {
    throw new UserError(`${name} is no plan that can be read`, 'peft plan -o FILE writes one');
  }
  if (plan.format !== 'peft-plan' || plan.version !== 1) throw new UserError(`${name} is no plan`, 'peft plan -o FILE writes one');
  return { plan, path };
}

/** The experiment of a plan, from the text that stands in it. */
export async function openPlan(
  { plan, path }: { readonly plan: PlanFile; readonly path: string },
  cwd: string,
): Promise<{
  readonly opened: OpenedFile;
  readonly resolved: Resolved;
}> {
  const file = isAbsolute(plan.file) ? plan.file : resolve(dirname(path), plan.file);
  const opened = await openFile({ name: plan.file, path: file, text: plan.text }, cwd, plan.experiment);
  const resolved = opened.experiments.find((e) => e.experiment.name.text === plan.experiment)?.resolved;
  const fault = opened.diagnostics.find((d) => d.severity === 'error');
  if (resolved === undefined)
    throw new UserError(`the experiment of this plan can no longer be checked: ${fault?.message ?? 'it is gone'}`, 'plan it anew', 3);
  return { opened, resolved };
}

/** Ends the verb with code 3 where what is there is not what was planned. */
export function refuseChange(
  plan: PlanFile,
  name: string,
  now: { readonly lock: Locked; readonly program: Program; readonly device: string },
): void {
  const drift = driftOf(plan.lock, now.lock);
  if (plan.device !== now.device) drift.push(`it was planned for ${plan.device}, and this device is ${now.device}`);
  else if (plan.program !== programDigest(now.program)) drift.push('it compiles to another program');
  refuse(drift, name, 'plan it anew, and look at it again');
}
