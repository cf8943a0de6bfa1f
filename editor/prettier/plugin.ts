/**
 * @file Plugin for prettier 3: `.peft` files in the one style of `peft fmt`, beside everything else that `prettier --write .` formats. Options of
 * prettier (width, quotes, tabs) change nothing: the style has none.
 */
import type { AstPath, Parser, Plugin, Printer, SupportLanguage } from 'prettier';
import type { File } from '../../grammar/ast.js';
import { parseFile } from '../../grammar/parse.js';
import { printFile } from '../../grammar/print.js';
import { lineColumn } from '../../grammar/render.js';

/** What prettier hands from the parser to the printer. */
interface Root {
  readonly type: 'peft-file';
  readonly file: File;
  readonly length: number;
}

/** The language. */
export const languages: SupportLanguage[] = [{ name: 'peft', parsers: ['peft'], extensions: ['.peft'], vscodeLanguageIds: ['peft'] }];

/** A syntax error as prettier shows it. */
class PeftSyntaxError extends SyntaxError {
  readonly loc: { readonly start: { readonly line: number; readonly column: number } };

  constructor(message: string, text: string, offset: number) {
    super(message);
    const { line, column } = lineColumn(text, offset);
    this.loc = { start: { line, column } };
  }
}

const parser: Parser<Root> = {
  astFormat: 'peft-ast',
  locStart: () => 0,
  locEnd: (root) => root.length,
  parse: (text, options) => {
    const { value, diagnostics } = parseFile(text, options.filepath ?? 'file.peft');
    const fault = diagnostics.find((d) => d.severity === 'error');
    if (fault !== undefined) throw new PeftSyntaxError(`${fault.message} [${fault.code}]`, text, fault.span.start);
    return { type: 'peft-file', file: value, length: text.length };
  },
};

const printer: Printer<Root> = {
  // A line break in a text of prettier's is no break of the layout, so each line is one.
  print: (path: AstPath<Root>) => {
    const lines = printFile(path.node.file).split('\n');
    return lines.flatMap((line, i) =>
      i === 0 ? [line] : [{ type: 'line', hard: true, literal: true } as const, { type: 'break-parent' } as const, line],
    );
  },
};

/** The parser, by the name of the language. */
export const parsers: Plugin<Root>['parsers'] = { peft: parser };
/** The printer, by the name of the tree. */
export const printers: Plugin<Root>['printers'] = { 'peft-ast': printer };
