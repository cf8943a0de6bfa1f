/**
 * @file The tokenizer of a base: `tokenizer.json` and `tokenizer_config.json`, run by @huggingface/tokenizers.
 *
 * Truncation is Hugging Face's: the text's own tokens are cut so that the special tokens around them still fit. Which
 * special tokens stand before and after is asked of the post-processor once, with a sentinel in place of a text. Words that
 * are given one by one are encoded each by itself, as Hugging Face does, and with a space before it where a space belongs to
 * the word that follows (there Hugging Face asks for `add_prefix_space`).
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tokenizer as Library } from '@huggingface/tokenizers';
import { isJsonObject, readJsonObject, type Json, type JsonObject } from './json-file.js';
import { fail, ok, systemFailure, type Result } from './result.js';

/** The parts that special tokens play. */
export const specialRoles = ['bos', 'eos', 'unk', 'sep', 'pad', 'cls', 'mask'] as const;
/** A part that a special token plays. */
export type SpecialRole = (typeof specialRoles)[number];

/** A special token. */
export interface SpecialToken {
  readonly token: string;
  readonly id: number;
}

/** Encoded words: ids, and beside each the index of the word it is a part of, -1 for special tokens. */
export interface EncodedWords {
  readonly ids: Int32Array;
  readonly words: Int32Array;
}

/** An opened tokenizer. */
export interface Tokenizer {
  readonly folder: string;
  /** The largest id plus 1: rows that an embedding table must have at least. */
  readonly vocabularySize: number;
  readonly special: Readonly<Partial<Record<SpecialRole, SpecialToken>>>;
  /** What pads: the pad token's id, else the end token's, else 0. Padding is masked, so any id will do. */
  readonly padId: number;
  /** Special tokens that stand before and after one text. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** `model_max_length` where it is a real limit. */
  readonly maxLength: number | undefined;
  /** Ids of a text with its special tokens, at most `maxTokens` of them. */
  readonly encode: (text: string, maxTokens?: number) => Int32Array;
  /** Ids of a text that is given as words, with its special tokens, at most `maxTokens` of them. */
  readonly encodeWords: (words: readonly string[], maxTokens?: number) => EncodedWords;
  /** Cuts encoded text to `maxTokens`, keeping its special tokens. */
  readonly truncate: (ids: Int32Array, maxTokens: number) => Int32Array;
  /** Text of ids, without special tokens unless `special` is true. */
  readonly decode: (ids: readonly number[], special?: boolean) => string;
}

/** Opens the tokenizer in a folder of Hugging Face layout. */
export async function openTokenizer(folder: string): Promise<Result<Tokenizer>> {
  const path = join(folder, 'tokenizer.json');
  if (!(await exists(path))) return missingTokenizer(folder);
  const definition = await readJsonObject(path, 'tokenizer');
  if (!definition.ok) return definition;
  if (!isJsonObject(definition.value['model'])) return fail(path, `tokenizer ${path} has no model`);
  const settings = await readOptional(join(folder, 'tokenizer_config.json'));
  if (!settings.ok) return settings;
  const named = await readOptional(join(folder, 'special_tokens_map.json'));
  if (!named.ok) return named;
  const { Tokenizer } = await import('@huggingface/tokenizers');
  const complete = { added_tokens: [], normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null, ...definition.value };
  try {
    const library = new Tokenizer(complete, settings.value);
    return ok(describe(folder, library, definition.value, { ...named.value, ...settings.value }));
  } catch (error) {
    return fail(path, `tokenizer ${path} cannot be used: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Texts as token ids, and how many of them were cut. */
export interface EncodedTexts {
  readonly ids: readonly Int32Array[];
  readonly truncated: number;
}

/** Encodes many texts, giving way to other work (a key press, a progress bar) now and then. */
export async function encodeTexts(
  tokenizer: Tokenizer,
  texts: readonly string[],
  maxTokens: number,
  onProgress?: (done: number) => void,
): Promise<Result<EncodedTexts>> {
  const room = checkRoom(tokenizer, maxTokens);
  if (!room.ok) return room;
  let truncated = 0;
  const ids = await each(texts, onProgress, (text) => {
    const whole = tokenizer.encode(text);
    if (whole.length > maxTokens) truncated++;
    return tokenizer.truncate(whole, maxTokens);
  });
  return ok({ ids, truncated });
}

/** Texts given as words, as token ids, with the words the tokens belong to, and how many texts were cut. */
export interface EncodedWordLists {
  readonly rows: readonly EncodedWords[];
  readonly truncated: number;
}

/** Encodes many texts that are given as words, giving way to other work as `encodeTexts` does. */
export async function encodeWordLists(
  tokenizer: Tokenizer,
  texts: readonly (readonly string[])[],
  maxTokens: number,
  onProgress?: (done: number) => void,
): Promise<Result<EncodedWordLists>> {
  const room = checkRoom(tokenizer, maxTokens);
  if (!room.ok) return room;
  let truncated = 0;
  const rows = await each(texts, onProgress, (words) => {
    const whole = tokenizer.encodeWords(words);
    if (whole.ids.length <= maxTokens) return whole;
    truncated++;
    return tokenizer.encodeWords(words, maxTokens);
  });
  return ok({ rows, truncated });
}

function checkRoom(tokenizer: Tokenizer, maxTokens: number): Result<void> {
  const around = tokenizer.before.length + tokenizer.after.length;
  if (Number.isInteger(maxTokens) && maxTokens > around) return ok(undefined);
  return fail(
    tokenizer.folder,
    `${maxTokens} tokens leave no room for a text beside the ${around} special tokens of tokenizer ${tokenizer.folder}`,
    `the least is ${around + 1} tokens`,
  );
}

/** What `make` gives for each item, with a pause for other work after every 256. */
async function each<T, U>(items: readonly T[], onProgress: ((done: number) => void) | undefined, make: (item: T) => U): Promise<U[]> {
  const made: U[] = [];
  for (const item of items) {
    made.push(make(item));
    if (made.length % 256 === 0) {
      onProgress?.(made.length);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  onProgress?.(items.length);
  return made;
}

function describe(folder: string, library: Library, definition: JsonObject, settings: JsonObject): Tokenizer {
  const special: Partial<Record<SpecialRole, SpecialToken>> = {};
  for (const role of specialRoles) {
    const token = tokenText(settings[`${role}_token`]);
    const id = token === undefined ? undefined : library.token_to_id(token);
    if (token !== undefined && id !== undefined) special[role] = { token, id };
  }
  let vocabularySize = 0;
  for (const id of library.get_vocab().values()) vocabularySize = Math.max(vocabularySize, id + 1);
  const padding = definition['padding'];
  const filePad = isJsonObject(padding) && typeof padding['pad_id'] === 'number' ? padding['pad_id'] : undefined;
  const { before, after } = surroundings(library);
  const cutLeft = settings['truncation_side'] === 'left';
  /** The part of a text's own tokens that stays. */
  const kept = <T>(body: readonly T[], maxTokens: number): readonly T[] => {
    const room = Math.max(0, maxTokens - before.length - after.length);
    if (body.length <= room) return body;
    return cutLeft ? body.slice(body.length - room) : body.slice(0, room);
  };
  const truncate = (ids: Int32Array, maxTokens: number): Int32Array => {
    if (ids.length <= maxTokens) return ids;
    const body = [...ids.subarray(before.length, ids.length - after.length)];
    return Int32Array.from([...before, ...kept(body, maxTokens), ...after]);
  };
  const lead = wordLead(library);
  const encodeWords = (words: readonly string[], maxTokens = Infinity): EncodedWords => {
    const body = words.flatMap((text, word) => idsOf(library, lead + text).map((id) => ({ id, word })));
    const tokens = kept(body, maxTokens);
    const none = (ids: readonly number[]): number[] => ids.map(() => -1);
    return {
      ids: Int32Array.from([...before, ...tokens.map((token) => token.id), ...after]),
      words: Int32Array.from([...none(before), ...tokens.map((token) => token.word), ...none(after)]),
    };
  };
  const limit = settings['model_max_length'];
  // Where no limit is known Hugging Face writes 1e30.
  const maxLength = typeof limit === 'number' && limit < 1e9 ? limit : undefined;
  return {
    folder,
    vocabularySize,
    special,
    padId: special.pad?.id ?? filePad ?? special.eos?.id ?? 0,
    before,
    after,
    maxLength,
    encode: (text, maxTokens = Infinity) => truncate(Int32Array.from([...before, ...idsOf(library, text), ...after]), maxTokens),
    encodeWords,
    truncate,
    decode: (ids, keepSpecial = false) => (ids.length === 0 ? '' : library.decode([...ids], { skip_special_tokens: !keepSpecial })),
  };
}

/** Ids of the text alone. A token without an id and without an unknown token to stand for it is dropped, as Hugging Face does. */
function idsOf(library: Library, text: string): number[] {
  const ids: readonly (number | undefined)[] = library.encode(text, { add_special_tokens: false }).ids;
  return ids.filter((id) => id !== undefined);
}

/** What stands before a word that is encoded by itself, so that it has the ids it has within a text: a space or nothing. */
function wordLead(library: Library): '' | ' ' {
  const alone = idsOf(library, 'a').join();
  const spaced = idsOf(library, ' a').join();
  const twice = idsOf(library, 'a a').join();
  return twice === `${alone},${spaced}` && alone !== spaced ? ' ' : '';
}

const sentinel = '\u0000text\u0000';

function surroundings(library: Library): { before: number[]; after: number[] } {
  const { post_processor: processor } = library;
  const tokens: readonly string[] = processor === null ? [sentinel] : processor.post_process([sentinel], null, true).tokens;
  const at = tokens.indexOf(sentinel);
  const toIds = (some: readonly string[]): number[] => some.map((token) => library.token_to_id(token)).filter((id) => id !== undefined);
  return { before: toIds(tokens.slice(0, at)), after: toIds(tokens.slice(at + 1)) };
}

function tokenText(value: Json | undefined): string | undefined {
  if (typeof value === 'string') return value;
  return isJsonObject(value) && typeof value['content'] === 'string' ? value['content'] : undefined;
}

async function readOptional(path: string): Promise<Result<JsonObject>> {
  return (await exists(path)) ? readJsonObject(path, 'tokenizer configuration') : ok({});
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function missingTokenizer(folder: string): Promise<Result<never>> {
  try {
    if (!(await stat(folder)).isDirectory()) return fail(folder, `base ${folder} is a file, not a folder`);
  } catch (error) {
    return systemFailure(error, folder, 'base');
  }
  for (const older of ['vocab.txt', 'tokenizer.model', 'vocab.json']) {
    if (await exists(join(folder, older)))
      return fail(
        folder,
        `base ${folder} has its tokenizer only as ${older}, which is not read`,
        'convert it: load it with AutoTokenizer of transformers and call save_pretrained',
      );
  }
  return fail(folder, `base ${folder} has no tokenizer.json`, 'copy the tokenizer of the base into its folder');
}
