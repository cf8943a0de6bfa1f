/**
 * @file Writes `lint/rules.ts`, the list of the rules in `lint/rules/`, in the order of their codes. `node scripts/generate-rules.mjs`;
 * a test fails where the list is stale.
 */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';

const folder = new URL('../lint/rules/', import.meta.url);

/** The text of the list. */
export function rulesText() {
  const rules = readdirSync(folder)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => {
      const name = file.slice(0, -3);
      const code = /^ {2}code: '(PEFT1\d{3})',$/m.exec(readFileSync(new URL(file, folder), 'utf8'))?.[1];
      if (code === undefined) throw new Error(`${file} has no line "  code: 'PEFT1nnn',"`);
      return { name, code, variable: name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase()) };
    })
    .sort((a, b) => (a.code < b.code ? -1 : 1));
  return [
    '/**',
    ' * @file Every rule. Written by scripts/generate-rules.mjs from the files in `rules/`; do not edit.',
    ' */',
    "import type { Rule } from './rule.js';",
    ...[...rules].sort((a, b) => (a.name < b.name ? -1 : 1)).map((r) => `import { rule as ${r.variable} } from './rules/${r.name}.js';`),
    '',
    '/** Every rule, in the order of the codes. */',
    'export const rules: readonly Rule[] = [',
    ...rules.map((r) => `  ${r.variable},`),
    '];',
    '',
  ].join('\n');
}

if (process.argv[1]?.endsWith('generate-rules.mjs')) writeFileSync(new URL('../rules.ts', folder), rulesText());
