/** @file What an Ast says apart from where it says it. */

/** An Ast without spans, and without what is undefined. */
export function withoutSpans(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSpans);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, each]) => key !== 'span' && each !== undefined)
      .map(([key, each]): [string, unknown] => [key, withoutSpans(each)]),
  );
}
