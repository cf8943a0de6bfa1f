/**
 * @file The report for a pull request: verdicts, tables, differences, and the commands; no pictures.
 */
import { showModules } from '../../compiler/spec/diff.js';
import { comparisonMarkdown } from '../comparison-text.js';
import { consequenceNames } from '../consequences.js';
import { commandOf } from './command.js';
import { showField } from './differences.js';
import { grouped, shareOf } from './numbers.js';
import { baseDigest } from './provenance.js';
import { findingsOf, leaders, sentenceOf } from './verdicts.js';
import type { Report } from './report.js';

const escaped = (text: string): string => text.replace(/[\\`*_{}[\]<>#|]/g, (c) => `\\${c}`).replace(/\s+/g, ' ');
// Inside code nothing is escaped but what would end it, or the cell.
const code = (text: string): string => `\`${text.replaceAll('`', "'").replaceAll('|', '\\|')}\``;
const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** A report as Markdown. */
export function reportMarkdown(report: Report): string {
  const findings = findingsOf(report.comparison);
  const parts = [
    `## ${escaped(report.title)}`,
    [...leaders(report), ...findings.map((f) => sentenceOf(f, report.baseline.name))].map((line) => `- ${escaped(line)}`).join('\n'),
    comparisonMarkdown(report.comparison).trimEnd(),
    ...report.differences.map(differencesMarkdown(report)),
    '### Runs',
    [
      row(['experiment', 'seed', 'spec', 'base', 'device', 'command']),
      row(['---', '---:', '---', '---', '---', '---']),
      ...report.runs.map((run) =>
        row([
          escaped(run.result.experiment),
          String(run.result.seed),
          code(run.result.hash.slice(0, 12)),
          code(baseDigest(run).slice(0, 12)),
          escaped(run.lock.device),
          code(commandOf(run)),
        ]),
      ),
    ].join('\n'),
  ];
  return `${parts.filter((p) => p !== '').join('\n\n')}\n`;
}

const differencesMarkdown =
  (report: Report) =>
  (d: Report['differences'][number]): string => {
    const number = (n: number | null): string => (n === null ? 'not known' : grouped(n));
    const fields = [
      row(['field', 'before', 'after', 'where']),
      row(['---', '---', '---', '---']),
      ...d.fields.map((f) =>
        row([
          `${code(f.path)}${f.modules.length === 0 ? '' : `<br>${showModules(f.modules).map(escaped).join('<br>')}`}`,
          code(showField(f.before)),
          code(showField(f.after)),
          escaped(f.origin ?? ''),
        ]),
      ),
    ];
    const consequences = [
      '',
      row(['what it comes to', 'before', 'after', 'change']),
      row(['---', '---:', '---:', '---:']),
      ...d.consequences.map((c) => row([consequenceNames[c.name], number(c.before), number(c.after), shareOf(c.before, c.after)])),
    ];
    return [
      `### ${escaped(report.baseline.name)} → ${escaped(d.method.name)}`,
      '',
      ...(d.fields.length === 0 ? ['The experiments mean the same but for the seed.'] : fields),
      ...(d.consequences.length === 0 ? [] : consequences),
    ].join('\n');
  };
