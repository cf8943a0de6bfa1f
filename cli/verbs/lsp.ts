/**
 * @file `peft lsp`: the language server, for editors. They start it and speak with it over standard input and output.
 */
import type { Verb } from '../verb.js';

/** `peft lsp` */
export const verb: Verb = {
  group: 'Files',
  summary: 'serve an editor: diagnostics, completion, hover, rename and more',
  details: 'Speaks the Language Server Protocol over standard input and output. editor/README.md says how to set up editors.',
  options: [{ flags: '--stdio', help: 'speak over standard input and output, which is what it does anyway' }],
  examples: [{ command: 'peft lsp --stdio', help: 'what an editor starts' }],
  run: async (_input, context) => {
    const { serve } = await import('../lsp/server.js');
    serve(process.stdin, process.stdout, context);
    // The connection ends the process.
    return new Promise(() => undefined);
  },
};
