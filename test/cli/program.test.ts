/**
 * @file The command line itself: verbs, help, options, suggestions, exit codes, and what an error of each kind looks like.
 */
import { describe, expect, test } from 'vitest';
import { endingOf, exitCodes, UserError } from '../../cli/exit.js';
import { loadVerb, verbNames } from '../../cli/program.js';
import { DeviceError } from '../../runtime/device-error.js';
import { inFolder } from './surroundings.js';

/** Command, exit code, and what standard output and standard error contain; nothing means: empty. */
const cases: readonly (readonly [args: readonly string[], code: number, out?: RegExp | undefined, err?: RegExp])[] = [
  [['--version'], 0, /^\d+\.\d+\.\d+\n$/],
  [['--help'], 0, /Usage: peft \[options\] <command>[^]*Files:\n[^]* {2}fmt [^]*Setup:[^]*doctor [^]*Exit codes:/],
  [['help'], 0, /Files:\n[^]* {2}fmt /],
  [[], 2, undefined, /Usage: peft/],
  [['fmt', '--help'], 0, /--check[^]*Global Options:[^]*--color <when>[^]*Examples:\n {2}peft fmt \. /],
  [['help', 'fmt'], 0, /Usage: peft fmt/],
  [['fmtt'], 2, undefined, /^error: there is no command "fmtt"\n {2}help: did you mean "fmt"\?\n$/],
  [['frobnicate', '--x'], 2, undefined, /the commands are .*doctor.*fmt/],
  [['help', 'nothing-such'], 2, undefined, /there is no command "nothing-such"/],
  [['fmt', '--chek', '.'], 2, undefined, /unknown option '--chek'[^]*--check/],
  [['fmt', '--format', 'xml', '.'], 2, undefined, /'xml' is invalid\. Allowed choices are text, json, sarif/],
  [['--color', 'sometimes', 'fmt', '.'], 2, undefined, /'sometimes' is invalid/],
  [['--color', 'never', 'fmtt'], 2, undefined, /there is no command "fmtt"/],
  [['init', 'a.peft', '--template', 'poem'], 2, undefined, /Allowed choices are classify, causal/],
  [['init', 'a.peft', 'b.peft'], 2, undefined, /too many arguments/],
];

describe('the command line', () => {
  test.each(cases.map(([args, code, out = /^$/, err = /^$/]) => ({ args, code, out, err })))(
    'peft $args answers $code',
    async ({ args, code, out, err }) => {
      await inFolder({}, async (_folder, peft) => {
        const answer = await peft(args);
        expect(answer.out).toMatch(out);
        expect(answer.err).toMatch(err);
        expect(answer.code).toBe(code);
      });
    },
  );

  test('every verb says what it does and shows how', async () => {
    for (const name of verbNames) {
      const verb = await loadVerb(name);
      expect(verb.summary, name).toMatch(/^[a-z].*[^.]$/);
      expect(verb.examples.length, name).toBeGreaterThan(0);
      for (const example of verb.examples) expect(example.command, name).toMatch(new RegExp(`(^|[ =])peft ${name}\\b`));
    }
  });

  test('colours follow the option, then NO_COLOR and FORCE_COLOR, then the terminal', async () => {
    await inFolder({}, async (_folder, peft) => {
      const coloured = async (args: readonly string[], env: Readonly<Record<string, string>>, terminal: boolean): Promise<boolean> => {
        const { out } = await peft([...args, 'doctor'], { env, terminal });
        return out.includes('\x1b[');
      };
      expect(await coloured([], {}, false)).toBe(false);
      expect(await coloured([], {}, true)).toBe(true);
      expect(await coloured([], { NO_COLOR: '1' }, true)).toBe(false);
      expect(await coloured([], { FORCE_COLOR: '1' }, false)).toBe(true);
      expect(await coloured(['--color', 'never'], { FORCE_COLOR: '1' }, true)).toBe(false);
      expect(await coloured(['--color=always'], { NO_COLOR: '1' }, false)).toBe(true);
    });
  });
});

describe('errors', () => {
  test.each([
    [
      'one the user can mend',
      new UserError('the file a.peft is gone', 'bring it back'),
      undefined,
      'error: the file a.peft is gone\n  help: bring it back\n',
      exitCodes.failure,
    ],
    [
      'one with a code of its own',
      new UserError('the lock differs', undefined, exitCodes.drift),
      undefined,
      'error: the lock differs\n',
      exitCodes.drift,
    ],
    [
      'no device',
      new DeviceError('unavailable', 'no device was found', 'install a driver'),
      undefined,
      'error: no device was found\n  help: install a driver\n',
      exitCodes.failure,
    ],
    [
      'a bug',
      new TypeError('x is not a function\nand more'),
      undefined,
      'internal error: x is not a function\n  this is a bug in peft, not in your file: please report it; PEFT_DEBUG=1 shows the stack\n',
      exitCodes.failure,
    ],
    [
      'a misused device',
      new DeviceError('misuse', 'no tensor "a"'),
      '0',
      'internal error: no tensor "a"\n  this is a bug in peft, not in your file: please report it; PEFT_DEBUG=1 shows the stack\n',
      exitCodes.failure,
    ],
    [
      'something odd',
      'thrown text',
      undefined,
      'internal error: thrown text\n  this is a bug in peft, not in your file: please report it; PEFT_DEBUG=1 shows the stack\n',
      exitCodes.failure,
    ],
  ] as const)('%s', (_name, error, debug, text, code) => expect(endingOf(error, debug)).toEqual({ text, code }));

  test('the stack is shown where it is asked for, and only there', () => {
    const error = new TypeError('x is not a function');
    expect(endingOf(error, '1').text).toMatch(
      /^TypeError: x is not a function\n {4}at [^]*\ninternal error: x is not a function\n.*with the stack above\n$/,
    );
    expect(endingOf(error, undefined).text).not.toContain('    at ');
  });
});
