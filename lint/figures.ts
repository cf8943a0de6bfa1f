/**
 * @file Figures: numbers as they stand in findings.
 */

/** A share: `12.5%`. */
export const percent = (share: number): string => `${Number((100 * share).toFixed(share < 0.1 ? 2 : 1))}%`;

/** A whole number with its thousands apart. */
export const whole = (n: number): string => n.toLocaleString('en');

/** A number of things: `1 row`, `2,000 rows`. */
export const numberOf = (n: number, one: string, many = `${one}s`): string => `${whole(n)} ${n === 1 ? one : many}`;
