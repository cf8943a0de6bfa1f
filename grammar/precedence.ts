/**
 * @file Precedence of operators, low to high. The builder and the printer both read it here.
 */
import type { BinaryOperator } from './ast.js';

/** The level of `not`. */
export const notLevel = 3;
/** The level of a `-` before its operand. */
export const unaryLevel = 9;
/** The level of calls, members, indices and everything in brackets. */
export const topLevel = 11;

const levels: { readonly [K in BinaryOperator]: number } = {
  or: 1,
  and: 2,
  '==': 4,
  '!=': 4,
  '<': 4,
  '<=': 4,
  '>': 4,
  '>=': 4,
  in: 4,
  '??': 5,
  '..': 6,
  '+': 7,
  '-': 7,
  '*': 8,
  '/': 8,
  '%': 8,
  '@': 8,
  '**': 10,
};

/** The level of a binary operator. */
export function levelOf(op: BinaryOperator): number {
  return levels[op];
}

/** Whether operators of a level cannot follow each other without brackets. */
export function chainless(level: number): boolean {
  return level === levels['=='] || level === levels['..'];
}

/** Whether operators of a level group from the right. */
export function rightward(level: number): boolean {
  return level === levels['**'];
}
