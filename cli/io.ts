/**
 * @file What a command sees of the process: its streams, its folder, its environment, and whether Ctrl-C was pressed. Tests
 * hand in their own.
 */
import { exitCodes } from './exit.js';

/** The surroundings of a command. */
export interface Io {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Writes to standard output: results. */
  readonly out: (text: string) => void;
  /** Writes to standard error: progress, hints, errors. */
  readonly err: (text: string) => void;
  /** All of standard input. */
  readonly stdin: () => Promise<Uint8Array>;
  /** Which of the two streams is a terminal. */
  readonly terminal: { readonly out: boolean; readonly err: boolean };
  /** A signal that the first Ctrl-C aborts; the second one ends the process. Asking for it says that the command ends itself in order. */
  readonly interruption: () => AbortSignal;
}

/** The surroundings of a verb: those of the command, and which streams may carry colours. */
export interface Context extends Io {
  readonly colour: { readonly out: boolean; readonly err: boolean };
}

/** The surroundings that this process has. */
export function processIo(): Io {
  for (const stream of [process.stdout, process.stderr]) {
    // `peft plan FILE | head` closes the pipe: that is an end, not an error.
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(exitCodes.ok);
      throw error;
    });
  }
  let controller: AbortController | undefined;
  return {
    cwd: process.cwd(),
    env: process.env,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    stdin: readStandardInput,
    terminal: { out: process.stdout.isTTY, err: process.stderr.isTTY },
    interruption: () => (controller ??= listenForInterruption()).signal,
  };
}

async function readStandardInput(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function listenForInterruption(): AbortController {
  const controller = new AbortController();
  process.on('SIGINT', () => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    controller.abort();
  });
  return controller;
}
