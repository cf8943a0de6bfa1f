/**
 * @file Names that an adapter sees without evaluating anything: the site's parameters, its own, and its place among the sites.
 */
import type { AdapterInstance } from './instance.js';
import type { Value } from './value.js';

/** Names given by `on linear(in, out)` with the site's values. */
export function siteArguments(adapter: Pick<AdapterInstance, 'definition' | 'site'>): Map<string, Value> {
  const on = adapter.definition.on;
  const kind = adapter.site.kinds.find((k) => k.name === on?.name.text);
  return new Map(
    (on?.binds ?? []).flatMap((name, i) => (kind?.args[i] === undefined ? [] : [[name.text, kind.args[i] as Value] as const])),
  );
}

/** What an adapter sees without evaluating anything: the site's parameters, its own, and its place among the sites. */
export function givenNames(adapter: AdapterInstance): Map<string, Value> {
  const { place } = adapter;
  const whole = (value: number): Value => ({ kind: 'number', value, integer: true });
  return new Map<string, Value>([
    [
      'site',
      {
        kind: 'record',
        fields: new Map([
          ['index', whole(place.index)],
          ['count', whole(place.count)],
          ['tensors', { kind: 'list', items: adapter.site.storage.map((s) => ({ kind: 'string' as const, value: s.name })) }],
        ]),
      },
    ],
    ['largest', { kind: 'record', fields: place.largest }],
    ...siteArguments(adapter),
    ...adapter.params,
  ]);
}
