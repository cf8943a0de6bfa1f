/**
 * @file Findings as continuous integration reads them: the workflow commands of GitHub Actions, and JUnit's XML, which most others take.
 */
import type { Diagnostic, Severity } from '../grammar/diagnostics.js';
import { lineColumn } from '../grammar/render.js';

/** One line a finding: `::error file=a.peft,line=3,endLine=3,col=5,endColumn=9,title=PEFT0101::message`. */
export function githubCommands(diagnostics: readonly Diagnostic[], texts: ReadonlyMap<string, string>): string {
  const command: Readonly<Record<Severity, string>> = { error: 'error', warning: 'warning', info: 'notice' };
  const data = (s: string): string => s.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
  const property = (s: string): string => data(s).replaceAll(':', '%3A').replaceAll(',', '%2C');
  return diagnostics
    .map((d) => {
      const text = texts.get(d.span.file);
      const [start, end] = text === undefined ? [] : [lineColumn(text, d.span.start), lineColumn(text, d.span.end)];
      const place =
        start === undefined || end === undefined
          ? ''
          : `,line=${start.line},endLine=${end.line}${start.line === end.line ? `,col=${start.column},endColumn=${end.column}` : ''}`;
      return `::${command[d.severity]} file=${property(d.span.file)}${place},title=${property(d.code)}::${data(d.help === undefined ? d.message : `${d.message}\nhelp: ${d.help}`)}\n`;
    })
    .join('');
}

/** One suite a file, one case a finding; a file without findings has one case that passes. */
export function junitReport(diagnostics: readonly Diagnostic[], texts: ReadonlyMap<string, string>): string {
  const files = [...new Set([...texts.keys(), ...diagnostics.map((d) => d.span.file)])].sort();
  const suites = files.map((file) => {
    const own = diagnostics.filter((d) => d.span.file === file);
    const cases = own.map((d) => {
      const text = texts.get(file);
      const at = text === undefined ? undefined : lineColumn(text, d.span.start);
      const place = at === undefined ? '' : `:${at.line}:${at.column}`;
      const body = `${d.severity}[${d.code}]: ${d.message}${d.help === undefined ? '' : `\nhelp: ${d.help}`}\n${file}${place}`;
      const inside =
        d.severity === 'info'
          ? `<system-out>${xml(body)}</system-out>`
          : `<failure type="${d.severity}" message="${xml(d.message)}">${xml(body)}</failure>`;
      return `    <testcase classname="${xml(file)}" name="${xml(`${d.code}${place}`)}">${inside}</testcase>`;
    });
    const failures = own.filter((d) => d.severity !== 'info').length;
    if (cases.length === 0) cases.push(`    <testcase classname="${xml(file)}" name="no findings"/>`);
    return [`  <testsuite name="${xml(file)}" tests="${cases.length}" failures="${failures}" errors="0">`, ...cases, '  </testsuite>'].join(
      '\n',
    );
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="peft">\n${suites.join('\n')}${suites.length > 0 ? '\n' : ''}</testsuites>\n`;
}

/** A text in XML, without the characters that XML does not have. */
const xml = (s: string): string =>
  s
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '�')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
