/**
 * @file The language server as an editor meets it: a process, the protocol, and every capability with what it answers.
 */
import { afterAll, describe, expect, test } from 'vitest';
import type {
  CodeAction,
  DocumentSymbol,
  FoldingRange,
  Hover,
  InlayHint,
  Location,
  MarkupContent,
  SemanticTokens,
  TextEdit,
  WorkspaceEdit,
} from 'vscode-languageserver/node';
import { edited, removeProgram, withEditor, type Editor } from './client.js';
import { mine, review, user } from './texts.js';

afterAll(removeProgram);

const textOf = (hover: Hover | null): string | undefined => (hover?.contents as MarkupContent | undefined)?.value;
const places = (locations: readonly Location[], editor: Editor): string[] =>
  locations
    .map(
      ({ uri, range }) =>
        `${uri.replace(`${editor.uri('.')}/`, '').replace(/^.*\/stdlib\//, 'std/')}:${range.start.line}:${range.start.character}`,
    )
    .sort();
const of = (editor: Editor, name: string): { textDocument: { uri: string } } => ({ textDocument: { uri: editor.uri(name) } });
const whole = { start: { line: 0, character: 0 }, end: { line: 1000, character: 0 } };

describe('a session', () => {
  test('says what it can, and ends with 0 after shutdown', async () => {
    await withEditor({}, async (editor) => {
      expect(Object.keys(editor.initialized.capabilities).sort()).toEqual([
        'codeActionProvider',
        'completionProvider',
        'definitionProvider',
        'documentFormattingProvider',
        'documentHighlightProvider',
        'documentRangeFormattingProvider',
        'documentSymbolProvider',
        'foldingRangeProvider',
        'hoverProvider',
        'inlayHintProvider',
        'referencesProvider',
        'renameProvider',
        'semanticTokensProvider',
        'textDocumentSync',
      ]);
      expect(editor.initialized.serverInfo?.name).toBe('peft');
      expect(await editor.end()).toBe(0);
    });
  });

  test('ends with 1 on exit without shutdown, and when the editor is gone', async () => {
    await withEditor({}, async (editor) => {
      const ended = new Promise((resolve) => editor.process.once('exit', resolve));
      await editor.connection.sendNotification('exit');
      expect(await ended).toBe(1);
    });
    await withEditor({}, async (editor) => {
      const ended = new Promise((resolve) => editor.process.once('exit', resolve));
      editor.process.stdin?.end();
      expect(await ended).toBe(1);
    });
  });

  test('answers nothing about files that are not open, whatever their URI', async () => {
    await withEditor({}, async (editor) => {
      for (const uri of ['file:///no/such.peft', 'untitled:Untitled-1', 'not a uri at all', '']) {
        const at = { textDocument: { uri }, position: { line: 3, character: 4 } };
        expect(await editor.ask('textDocument/hover', at)).toBe(null);
        expect(await editor.ask('textDocument/completion', at)).toEqual([]);
        expect(await editor.ask('textDocument/definition', at)).toEqual([]);
        expect(await editor.ask('textDocument/rename', { ...at, newName: 'x' })).toBe(null);
        expect(await editor.ask('textDocument/formatting', { ...at, options: {} })).toEqual([]);
        expect(await editor.ask('textDocument/semanticTokens/full', at)).toEqual({ data: [] });
      }
      expect(editor.log).toEqual([]);
      expect(await editor.end()).toBe(0);
    });
  });
});

describe('diagnostics', () => {
  test('follow the text as it is written, and go with the file', async () => {
    await withEditor({}, async (editor) => {
      await editor.open('a.peft', review);
      expect(await editor.diagnostics('a.peft')).toEqual([]);
      await editor.edit('a.peft', 'attention.{', 'atention.{');
      const [wrong, ...others] = await editor.diagnostics('a.peft');
      expect(others).toEqual([]);
      expect(wrong).toMatchObject({
        code: 'PEFT0401',
        severity: 1,
        source: 'peft',
        message: 'no module of this base has the role atention\nhelp: did you mean attention?',
        range: { start: { line: 5, character: 8 }, end: { line: 5, character: 16 } },
      });
      await editor.edit('a.peft', 'atention.{', 'attention.{');
      await editor.edit('a.peft', 'warmup: 6%', 'warmup: 5000 steps');
      expect((await editor.diagnostics('a.peft')).map((d) => d.code)).toContain('PEFT1101');
      await editor.edit('a.peft', 'warmup: 5000 steps', 'warmup: 6%');
      expect(await editor.diagnostics('a.peft')).toEqual([]);
      await editor.edit('a.peft', 'epochs: 2\n', 'epochs: \n');
      expect((await editor.diagnostics('a.peft')).map((d) => d.code)).toEqual(['PEFT0005']);
      await editor.close('a.peft');
      expect(await editor.diagnostics('a.peft')).toEqual([]);
      expect(await editor.end()).toBe(0);
    });
  });

  test('of a file see the other open buffers, not only what is on disk', async () => {
    await withEditor({ 'mine.peft': mine }, async (editor) => {
      await editor.open('user.peft', user);
      expect(await editor.diagnostics('user.peft')).toEqual([]);
      await editor.open('mine.peft', mine);
      expect(await editor.diagnostics('mine.peft')).toEqual([]);
      await editor.diagnostics('user.peft');
      await editor.edit('mine.peft', 'adapter halved', 'adapter quartered');
      expect((await editor.diagnostics('user.peft')).map((d) => [d.code, String(d.message).split('\n', 1)[0]])).toEqual([
        ['PEFT0105', './mine.peft does not define halved'],
        ['PEFT0119', 'there is no method halved'],
      ]);
      await editor.edit('mine.peft', 'adapter quartered', 'adapter halved');
      expect(await editor.diagnostics('user.peft')).toEqual([]);
      // A mistake inside the imported file is shown at the import, with its own place beside it.
      await editor.edit('mine.peft', 'def scaled(by: Float, x) =', 'def scaled(by: Float, x)');
      const [broken] = await editor.diagnostics('user.peft');
      expect(broken).toMatchObject({
        range: { start: { line: 0, character: 7 } },
        message: expect.stringMatching(/^in the imported file: /) as string,
      });
      expect(broken?.relatedInformation?.map((r) => r.location.uri)).toEqual([editor.uri('mine.peft')]);
      await editor.close('mine.peft');
      expect(await editor.diagnostics('user.peft')).toEqual([]);
      expect(editor.log).toEqual([]);
      expect(await editor.end()).toBe(0);
    });
  });
});

describe('what stands at a place', () => {
  test('hover: documentation, selectors and statements', async () => {
    await withEditor({}, async (editor) => {
      await editor.open('a.peft', review);
      const hover = async (mark: string): Promise<string | undefined> => textOf(await editor.askAt('textDocument/hover', 'a.peft', mark));
      expect(await hover('with lo‸ra(')).toMatch(/^```peft\nadapter lora\(\n {2}rank: Int >= 1 = 8,[^]*Low-Rank Adaptation/);
      expect(await hover('lora(ra‸nk: 4')).toBe('```peft\nrank: Int >= 1 = 8\n```\n\nparameter of `lora`');
      expect(await hover('sched‸ule: linear')).toBe(
        '```peft\nschedule: Schedule = linear()\n```\n\nFactor on the rate over the run.\n\nfield of `tune`',
      );
      expect(await hover('attention.{que‸ry, value}')).toBe(
        [
          '6 modules with 24,960 parameters',
          '',
          '| role | modules | tensors of each | parameters |',
          '| --- | ---: | --- | ---: |',
          '| `layers[*].attention.query` | 3 | `W [64, 64], b [64]` | 12,480 |',
          '| `layers[*].attention.value` | 3 | `W [64, 64], b [64]` | 12,480 |',
        ].join('\n'),
      );
      // 6 sites, and A [4, 64] and B [64, 4] on each.
      expect(await hover('ad‸apt attention')).toMatch(
        /\n\n3,072 trainable parameters on 6 modules: 12 KiB \(12,288 bytes\), 1\.\d+ % of all/,
      );
      expect(await hover('experiment longer = rev‸iew')).toBe('```peft\nexperiment review\n```\n\nSmall adapters and a new head.');
      expect(await hover('"text"‸')).toBe(undefined);
      expect(await editor.end()).toBe(0);
    });
  });

  test('definition: in the file, in another, in the standard library', async () => {
    await withEditor({ 'mine.peft': mine }, async (editor) => {
      await editor.open('user.peft', user);
      await editor.open('a.peft', review);
      const goes = async (name: string, mark: string): Promise<string[]> =>
        places(await editor.askAt('textDocument/definition', name, mark), editor);
      expect(await goes('a.peft', 'longer = rev‸iew')).toEqual(['a.peft:3:11']);
      expect(await goes('a.peft', 'with lo‸ra(')).toEqual([expect.stringMatching(/^std\/adapters\/lora\.peft:\d+:8$/)]);
      expect(await goes('a.peft', 'train he‸ad')).toEqual([expect.stringMatching(/^std\/prelude\.peft:\d+:7$/)]);
      expect(await goes('user.peft', 'with hal‸ved')).toEqual(['mine.peft:1:8']);
      expect(await goes('user.peft', 'import "./mi‸ne')).toEqual(['mine.peft:0:0']);
      expect(await goes('user.peft', 'halved(ra‸nk')).toEqual(['mine.peft:1:15']);
      expect(await editor.end()).toBe(0);
    });
  });

  test('references, highlights and rename, over files', async () => {
    await withEditor({ 'mine.peft': mine, 'user.peft': user }, async (editor) => {
      await editor.open('mine.peft', mine);
      const from = (mark: string): Promise<Location[]> =>
        editor.askAt('textDocument/references', 'mine.peft', mark, { context: { includeDeclaration: true } });
      expect(places(await from('adapter hal‸ved'), editor)).toEqual(['mine.peft:1:8', 'user.peft:0:22', 'user.peft:4:29']);
      expect(places(await from('halved(ra‸nk'), editor)).toEqual([
        'mine.peft:1:15',
        'mine.peft:2:10',
        'mine.peft:2:29',
        'mine.peft:3:12',
        'mine.peft:4:17',
        'user.peft:4:36',
      ]);
      expect(await editor.askAt('textDocument/documentHighlight', 'mine.peft', 'train ‸A')).toHaveLength(2);
      expect(await editor.askAt('textDocument/prepareRename', 'mine.peft', 'def sca‸led')).toEqual({
        range: { start: { line: 10, character: 4 }, end: { line: 10, character: 10 } },
        placeholder: 'scaled',
      });
      // The example in the documentation is renamed with it.
      const renamed = await editor.askAt<WorkspaceEdit>('textDocument/rename', 'mine.peft', 'def sca‸led', { newName: 'times' });
      expect(edited(mine, renamed.changes?.[editor.uri('mine.peft')] ?? [])).toBe(mine.replaceAll('scaled', 'times'));
      const rank = await editor.askAt<WorkspaceEdit>('textDocument/rename', 'mine.peft', 'halved(ra‸nk', { newName: 'r' });
      expect(edited(mine, rank.changes?.[editor.uri('mine.peft')] ?? [])).toBe(
        mine
          .replace('(rank: Int', '(r: Int')
          .replace('require rank', 'require r')
          .replace('{rank}', '{r}')
          .replace('[rank, in]', '[r, in]')
          .replace('[out, rank]', '[out, r]'),
      );
      expect(edited(user, rank.changes?.[editor.uri('user.peft')] ?? [])).toBe(user.replace('halved(rank: 2)', 'halved(r: 2)'));
      await expect(editor.askAt('textDocument/rename', 'mine.peft', 'def sca‸led', { newName: 'if' })).rejects.toThrow(
        'if is a word of the language',
      );
      await expect(editor.askAt('textDocument/rename', 'mine.peft', 'def sca‸led', { newName: 'a b' })).rejects.toThrow(
        '"a b" is not a name',
      );
      await expect(editor.askAt('textDocument/prepareRename', 'mine.peft', 'on lin‸ear')).rejects.toThrow(
        'linear belongs to the standard library',
      );
      await expect(editor.askAt('textDocument/prepareRename', 'mine.peft', '"b.we‸ight"')).rejects.toThrow('there is no name here');
      expect(await editor.end()).toBe(0);
    });
  });

  test('an experiment is renamed where others derive from it and sweeps vary it', async () => {
    await withEditor({}, async (editor) => {
      const text = `${review}\nsweep ranks over review, longer {\n  rank in [2, 4]\n}\n`;
      await editor.open('a.peft', text);
      const renamed = await editor.askAt<WorkspaceEdit>('textDocument/rename', 'a.peft', 'experiment rev‸iew', { newName: 'short' });
      expect(edited(text, renamed.changes?.[editor.uri('a.peft')] ?? [])).toBe(text.replaceAll('review', 'short'));
      expect(await editor.end()).toBe(0);
    });
  });
});

describe('the file as a whole', () => {
  test('code actions: a fix, all fixes, a suppression', async () => {
    await withEditor({}, async (editor) => {
      const wrong = review
        .replace('attention.{query', 'atention.{query')
        .replace('warmup: 6%', 'warmup: 5000 steps')
        .replace('"label"\n', '"lable"\n');
      await editor.open('a.peft', wrong);
      const ask = (range: object, only?: readonly string[]): Promise<CodeAction[]> =>
        editor.ask('textDocument/codeAction', { ...of(editor, 'a.peft'), range, context: { diagnostics: [], ...(only ? { only } : {}) } });
      const at = editor.position('a.peft', 'ate‸ntion');
      const actions = await ask({ start: at, end: at });
      expect(actions.map((a) => [a.title, a.kind])).toEqual([
        ['write attention', 'quickfix'],
        ['apply all 2 fixes of this file', 'source.fixAll.peft'],
      ]);
      const [fix, all] = actions.map((a) => edited(wrong, a.edit?.changes?.[editor.uri('a.peft')] ?? []));
      expect(fix).toBe(wrong.replace('atention', 'attention'));
      expect(actions[0]?.diagnostics?.map((d) => d.code)).toEqual(['PEFT0401']);
      expect(all).toBe(wrong.replace('atention', 'attention').replace('lable', 'label'));
      expect((await ask(whole, ['source.fixAll'])).map((a) => a.kind)).toEqual(['source.fixAll.peft']);
      expect((await ask(whole, ['refactor'])).map((a) => a.kind)).toEqual([]);

      const long = review.replace('warmup: 6%', 'warmup: 5000 steps');
      await editor.open('b.peft', long);
      const place = editor.position('b.peft', 'warmup: ‸5000');
      const allowed = await editor.ask<CodeAction[]>('textDocument/codeAction', {
        ...of(editor, 'b.peft'),
        range: { start: place, end: place },
        context: { diagnostics: [] },
      });
      const suppress = allowed.find((a) => a.title === 'suppress PEFT1101 here');
      expect(edited(long, suppress?.edit?.changes?.[editor.uri('b.peft')] ?? [])).toBe(
        long.replace('    schedule:', '    // peft-allow PEFT1101: \n    schedule:'),
      );
      expect(await editor.end()).toBe(0);
    });
  });

  test('formatting is the formatter, in as small an edit as lines allow', async () => {
    await withEditor({}, async (editor) => {
      const untidy = review.replace('  train head', '      train     head');
      await editor.open('a.peft', untidy);
      const edits = await editor.ask<TextEdit[]>('textDocument/formatting', { ...of(editor, 'a.peft'), options: {} });
      expect(edits.map((e) => [e.range.start.line, e.range.end.line])).toEqual([[6, 7]]);
      expect(edited(untidy, edits)).toBe(review);
      expect(await editor.ask('textDocument/rangeFormatting', { ...of(editor, 'a.peft'), range: whole, options: {} })).toEqual(edits);
      await editor.open('b.peft', review);
      expect(await editor.ask('textDocument/formatting', { ...of(editor, 'b.peft'), options: {} })).toEqual([]);
      await editor.open('c.peft', 'experiment a {');
      expect(await editor.ask('textDocument/formatting', { ...of(editor, 'c.peft'), options: {} })).toEqual([]);
      expect(await editor.end()).toBe(0);
    });
  });

  test('inlay hints behind adapt, train and quantize', async () => {
    await withEditor({}, async (editor) => {
      const quantized = review
        .replace('import std.adapters.lora\n', 'import std.adapters.lora\nimport std.formats.int8\n')
        .replace('  adapt', '  quantize linears except head as int8\n  adapt');
      await editor.open('a.peft', quantized);
      const hints = await editor.ask<InlayHint[]>('textDocument/inlayHint', { ...of(editor, 'a.peft'), range: whole });
      expect(hints.map((h) => [h.position.line, h.label])).toEqual([
        [6, expect.stringMatching(/^151,552 elements, 15\d(\.\d)? KiB$/)],
        [7, '3,072 trainable, 12 KiB'],
        [8, '130 trainable, 520 B'],
      ]);
      expect(await editor.end()).toBe(0);
    });
  });

  test('symbols and folding', async () => {
    await withEditor({}, async (editor) => {
      await editor.open('a.peft', review);
      await editor.open('mine.peft', mine);
      const symbols = await editor.ask<DocumentSymbol[]>('textDocument/documentSymbol', of(editor, 'a.peft'));
      expect(symbols.map((s) => [s.name, s.detail, s.children?.map((c) => c.name)])).toEqual([
        ['review', 'experiment', ['base', 'adapt', 'train', 'data', 'tune']],
        ['longer', 'experiment = review', ['tune']],
      ]);
      const definitions = await editor.ask<DocumentSymbol[]>('textDocument/documentSymbol', of(editor, 'mine.peft'));
      expect(definitions.map((s) => [s.name, s.detail, s.children?.map((c) => c.name)])).toEqual([
        ['halved', 'adapter', ['rank', 'factor', 'A', 'B', 'delta']],
        ['scaled', 'def', ['by', 'x']],
      ]);
      const folds = await editor.ask<FoldingRange[]>('textDocument/foldingRange', of(editor, 'a.peft'));
      expect(folds.map((f) => [f.startLine, f.endLine])).toEqual([
        [3, 19],
        [8, 13],
        [15, 18],
      ]);
      const comments = await editor.ask<FoldingRange[]>('textDocument/foldingRange', of(editor, 'mine.peft'));
      expect(comments).toEqual([
        { startLine: 1, endLine: 5 },
        { startLine: 8, endLine: 9, kind: 'comment' },
      ]);
      expect(await editor.end()).toBe(0);
    });
  });

  test('semantic tokens tell keywords from names that look like them', async () => {
    await withEditor({}, async (editor) => {
      const text = 'adapter train(base: Int = 8) on linear(in, out) {\n  train A: [base, in] = zeros()\n  delta = none\n}\n';
      await editor.open('a.peft', text);
      const legend = editor.initialized.capabilities.semanticTokensProvider?.legend.tokenTypes ?? [];
      const { data } = await editor.ask<SemanticTokens>('textDocument/semanticTokens/full', of(editor, 'a.peft'));
      const lines = text.split('\n');
      const found: string[] = [];
      let [line, character] = [0, 0];
      for (let i = 0; i < data.length; i += 5) {
        const [down, right, length, type] = data.slice(i) as [number, number, number, number];
        character = down > 0 ? right : character + right;
        line += down;
        found.push(`${(lines[line] as string).slice(character, character + length)} ${legend[type]}`);
      }
      expect(found).toEqual([
        'adapter keyword',
        'train function',
        'base parameter',
        'Int type',
        '8 number',
        'on keyword',
        'linear class',
        'in variable',
        'out variable',
        'train keyword',
        'A property',
        'base parameter',
        'in variable',
        'zeros property',
        'delta variable',
        'none keyword',
      ]);
      expect(await editor.end()).toBe(0);
    });
  });
});

describe('broken texts', () => {
  test('every request about every beginning of a file is answered, and nothing is logged', async () => {
    await withEditor({}, async (editor) => {
      const text = `${mine}\n${review}`;
      const odd = [
        '',
        '{',
        '}}}',
        '"',
        'experiment',
        'experiment a = a {}',
        'import "./a.peft".{x}',
        '\u0000\uFFFD',
        'adapter (',
        '/// x',
        '((((((([',
      ];
      const beginnings = Array.from({ length: 40 }, (_, i) => text.slice(0, Math.floor((text.length * i) / 40)));
      for (const [i, content] of [...odd, ...beginnings].entries()) {
        const name = `${i}.peft`;
        await editor.open(name, content);
        const lines = content.split('\n');
        const position = { line: lines.length - 1, character: (lines.at(-1) as string).length };
        const at = { ...of(editor, name), position };
        for (const method of ['completion', 'hover', 'definition', 'documentHighlight']) await editor.ask(`textDocument/${method}`, at);
        for (const method of ['documentSymbol', 'foldingRange', 'semanticTokens/full'])
          await editor.ask(`textDocument/${method}`, of(editor, name));
        await editor.ask('textDocument/inlayHint', { ...of(editor, name), range: whole });
        await editor.ask('textDocument/codeAction', { ...of(editor, name), range: whole, context: { diagnostics: [] } });
        await editor.ask('textDocument/formatting', { ...of(editor, name), options: {} });
        await editor.close(name);
      }
      expect(editor.log).toEqual([]);
      expect(await editor.end()).toBe(0);
    });
  });
});
