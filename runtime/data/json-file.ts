/**
 * @file Small JSON files (configurations, indices): read whole, strict UTF-8, an object at the top.
 */
import { readFile } from 'node:fs/promises';
import { fail, ok, systemFailure, type Result } from './result.js';

/** Any value JSON can hold. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
/** An object of a JSON file. */
export type JsonObject = { readonly [key: string]: Json };

/** Whether a JSON value is an object (and no list). */
export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Reads a JSON file whose top is an object; `what` names the file in messages, as in "configuration". */
export async function readJsonObject(path: string, what: string): Promise<Result<JsonObject>> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    return systemFailure(error, path, what);
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return fail(path, `${what} ${path} is not valid UTF-8`);
  }
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (error) {
    return fail(path, `${what} ${path} is not valid JSON: ${lowerFirst(error instanceof Error ? error.message : String(error))}`);
  }
  if (!isJsonObject(value)) return fail(path, `${what} ${path} must hold a JSON object`);
  return ok(value);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
