/**
 * @file Surroundings for a command in a test: an empty folder of its own, and everything it writes as text.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runCommandLine } from '../../cli/program.js';

/** What came of a command. */
export interface Answer {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** How a command is run in a test. */
export interface Given {
  readonly stdin?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly terminal?: boolean;
}

/** Runs a body in a fresh folder that holds the given files; the folder is removed afterwards. */
export async function inFolder(
  files: Readonly<Record<string, string | Uint8Array>>,
  body: (folder: string, peft: (args: readonly string[], given?: Given) => Promise<Answer>) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'peft-cli-'));
  try {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), content);
    }
    await body(folder, (args, given) => runIn(folder, args, given ?? {}));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runIn(cwd: string, args: readonly string[], given: Given): Promise<Answer> {
  let out = '';
  let err = '';
  const terminal = given.terminal ?? false;
  const code = await runCommandLine(args, {
    cwd,
    env: given.env ?? {},
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    stdin: () =>
      Promise.resolve(typeof given.stdin === 'string' ? new TextEncoder().encode(given.stdin) : (given.stdin ?? new Uint8Array())),
    terminal: { out: terminal, err: terminal },
    interruption: () => new AbortController().signal,
  });
  return { code, out, err };
}
