/**
 * @file The table of primitive ops. To add one, add its record to the file of its family: names, documentation, verifier,
 * interpreter and tests follow from it.
 */
import { bitOps } from './bits.js';
import { elementwiseOps } from './elementwise.js';
import { indexingOps } from './indexing.js';
import { leafOps } from './leaf.js';
import type { Op } from './op.js';
import { productOps } from './product.js';
import { reductionOps } from './reduce.js';
import { viewOps } from './view.js';

const table = { ...leafOps, ...elementwiseOps, ...bitOps, ...reductionOps, ...viewOps, ...indexingOps, ...productOps };

/** Name of a primitive op. */
export type OpName = keyof typeof table;

/** Every primitive op by name. */
export const ops: { readonly [K in OpName]: Op } = table;

/** The names, in the order of the table. */
export const opNames = Object.keys(table) as readonly OpName[];
