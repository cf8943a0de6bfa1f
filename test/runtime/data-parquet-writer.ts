/**
 * @file A Parquet writer for tests: flat columns of text, 64-bit integers and doubles, plain encoding, one page a column.
 *
 * Written from the format's specification (Thrift compact protocol; parquet.thrift), independent of the reader.
 */
import { gzipSync } from 'node:zlib';

/** A column: null stands for a missing value. */
export interface ParquetColumn {
  readonly name: string;
  readonly type: 'text' | 'int' | 'double';
  readonly values: readonly (string | number | null | Uint8Array)[];
}
/** Compressions that the writer knows. */
export type ParquetCodec = 'none' | 'snappy' | 'gzip';

type Field = readonly [id: number, type: 'i32' | 'i64' | 'binary' | 'struct' | 'list:i32' | 'list:binary' | 'list:struct', value: unknown];
const wireTypes = { i32: 5, i64: 6, binary: 8, struct: 12 } as const;
const codecs: Readonly<Record<ParquetCodec, number>> = { none: 0, snappy: 1, gzip: 2 };
const physical = { int: 2, double: 5, text: 6 } as const;

/** The bytes of a file with the given row groups; every group has the same columns. */
export function parquetBytes(groups: readonly (readonly ParquetColumn[])[], codec: ParquetCodec = 'none'): Uint8Array {
  const parts: number[] = [...Buffer.from('PAR1')];
  const rowGroups = groups.map((columns) => {
    const chunks = columns.map((column): readonly Field[] => {
      const offset = parts.length;
      const body = pageBody(column);
      const packed = compress(body, codec);
      const header = struct([
        [1, 'i32', 0],
        [2, 'i32', body.length],
        [3, 'i32', packed.length],
        [
          5,
          'struct',
          [
            [1, 'i32', column.values.length],
            [2, 'i32', 0],
            [3, 'i32', 3],
            [4, 'i32', 3],
          ],
        ],
      ]);
      append(parts, header);
      append(parts, packed);
      const size = header.length + packed.length;
      return [
        [2, 'i64', offset],
        [
          3,
          'struct',
          [
            [1, 'i32', physical[column.type]],
            [2, 'list:i32', [0, 3]],
            [3, 'list:binary', [column.name]],
            [4, 'i32', codecs[codec]],
            [5, 'i64', column.values.length],
            [6, 'i64', header.length + body.length],
            [7, 'i64', size],
            [9, 'i64', offset],
          ],
        ],
      ];
    });
    return [
      [1, 'list:struct', chunks],
      [2, 'i64', 0],
      [3, 'i64', columns[0]?.values.length ?? 0],
    ] as const;
  });
  const first = groups[0] ?? [];
  const schema: (readonly Field[])[] = [
    [
      [4, 'binary', 'schema'],
      [5, 'i32', first.length],
    ],
    ...first.map(({ name, type }): readonly Field[] => [
      [1, 'i32', physical[type]],
      [3, 'i32', 1],
      [4, 'binary', name],
      ...(type === 'text' ? [[6, 'i32', 0] as const] : []),
    ]),
  ];
  const rows = groups.reduce((sum, columns) => sum + (columns[0]?.values.length ?? 0), 0);
  const footer = struct([
    [1, 'i32', 1],
    [2, 'list:struct', schema],
    [3, 'i64', rows],
    [4, 'list:struct', rowGroups],
  ]);
  append(parts, footer);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(footer.length);
  append(parts, [...length, ...Buffer.from('PAR1')]);
  return Uint8Array.from(parts);
}

function append(to: number[], bytes: readonly number[]): void {
  for (const byte of bytes) to.push(byte);
}

function pageBody({ type, values }: ParquetColumn): number[] {
  // One run of length 1 a level: 1 where there is a value.
  const levels = values.flatMap((value) => [2, value === null ? 0 : 1]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(levels.length);
  const body = [...length, ...levels];
  for (const value of values) {
    if (value === null) continue;
    if (type === 'text') {
      const bytes = typeof value === 'string' ? Buffer.from(value) : Buffer.from(value as Uint8Array);
      const size = Buffer.alloc(4);
      size.writeUInt32LE(bytes.length);
      append(body, [...size, ...bytes]);
    } else {
      const cell = Buffer.alloc(8);
      if (type === 'int') cell.writeBigInt64LE(BigInt(value as number));
      else cell.writeDoubleLE(value as number);
      append(body, [...cell]);
    }
  }
  return body;
}

function compress(body: readonly number[], codec: ParquetCodec): readonly number[] {
  if (codec === 'none') return body;
  if (codec === 'gzip') return [...gzipSync(Uint8Array.from(body))];
  // Snappy with literals alone.
  return [...varint(body.length), (61 << 2) & 0xff, (body.length - 1) & 0xff, (body.length - 1) >> 8, ...body];
}

function struct(fields: readonly Field[]): number[] {
  const out: number[] = [];
  let last = 0;
  for (const [id, type, value] of fields) {
    const list = type.startsWith('list:');
    out.push(((id - last) << 4) | (list ? 9 : wireTypes[type as keyof typeof wireTypes]));
    last = id;
    if (!list) append(out, encoded(type as keyof typeof wireTypes, value));
    else {
      const items = value as readonly unknown[];
      const item = type.slice(5) as keyof typeof wireTypes;
      append(out, items.length < 15 ? [(items.length << 4) | wireTypes[item]] : [0xf0 | wireTypes[item], ...varint(items.length)]);
      for (const one of items) append(out, encoded(item, one));
    }
  }
  out.push(0);
  return out;
}

function encoded(type: keyof typeof wireTypes, value: unknown): number[] {
  switch (type) {
    case 'i32':
    case 'i64':
      return varint((value as number) * 2);
    case 'binary': {
      const bytes = Buffer.from(value as string);
      return [...varint(bytes.length), ...bytes];
    }
    case 'struct':
      return struct(value as readonly Field[]);
    default:
      return type satisfies never;
  }
}

function varint(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  while (rest >= 128) {
    out.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  return [...out, rest];
}
