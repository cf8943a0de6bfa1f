/**
 * @file What the tests of data and weights share: results that must hold a value.
 */
import type { Result } from '../../runtime/data/result.js';

/** The value of a result; a failure fails the test with its words. */
export function must<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}

/** The words of a failure, with `path` written as FILE where one is given; empty when there is a value. */
export function words<T>(result: Result<T>, path?: string): string {
  if (result.ok) return '';
  const said = [result.error.message, result.error.help ?? ''].join(' | ');
  return path === undefined ? said : said.replaceAll(path, 'FILE');
}
