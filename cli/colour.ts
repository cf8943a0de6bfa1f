/**
 * @file Colours for text output: a painter that colours, or one that leaves text as it is.
 */
import picocolors from 'picocolors';

/** Ways in which a piece of text may stand out. */
export type Painter = ReturnType<typeof picocolors.createColors>;

/** A painter that colours only where that is wanted. */
export function painter(coloured: boolean): Painter {
  return picocolors.createColors(coloured);
}
