/**
 * @file Modules as prose: how many a selector matches, which shapes their weights have, and how many parameters.
 */
import { showRole, type ModuleInstance } from '../../compiler/elaborate/instance.js';

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** A number as one reads it: `1,339,392`. */
export const grouped = (n: number): string => n.toLocaleString('en');

/** A number of things: `1 module`, `12 modules`. */
export const counted = (n: number, thing: string): string => `${grouped(n)} ${thing}${n === 1 ? '' : 's'}`;

/** More rows than these are not shown. */
const mostRows = 12;

/** Modules with tensors as a table, those alike in one row. */
export function describeModules(modules: readonly ModuleInstance[]): string {
  const own = modules.filter((m) => m.storage.length > 0);
  const rows = new Map<string, { readonly role: string; readonly shapes: string; count: number; parameters: number }>();
  for (const m of own) {
    const role = (m.roles[0] === undefined ? m.path : showRole(m.roles[0])).replace(/\[\d+\]/g, '[*]') || m.path;
    const shapes = m.storage.map((s) => `${s.name} [${s.shape.join(', ')}]`).join(', ');
    const parameters = m.storage.reduce((sum, s) => sum + product(s.shape), 0);
    const row = rows.get(`${role} ${shapes}`);
    if (row === undefined) rows.set(`${role} ${shapes}`, { role, shapes, count: 1, parameters });
    else {
      row.count += 1;
      row.parameters += parameters;
    }
  }
  const total = [...rows.values()].reduce((sum, r) => sum + r.parameters, 0);
  const shown = [...rows.values()].slice(0, mostRows);
  const rest = rows.size - shown.length;
  return [
    `${counted(own.length, 'module')} with ${counted(total, 'parameter')}`,
    '',
    ...(shown.length === 0 ? [] : ['| role | modules | tensors of each | parameters |', '| --- | ---: | --- | ---: |']),
    ...shown.map((r) => `| \`${r.role}\` | ${r.count} | \`${r.shapes}\` | ${grouped(r.parameters)} |`),
    ...(rest > 0 ? [`\nand ${counted(rest, 'other role')}`] : []),
  ]
    .join('\n')
    .trimEnd();
}
