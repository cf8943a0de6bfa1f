/**
 * @file A real browser for tests: Chromium by playwright-core. Taken in this order: the one that PEFT_BROWSER names, the system's, and the headless one
 * that the npm software adapter brings with it.
 */
import { existsSync } from 'node:fs';
import { arch, platform } from 'node:os';
import type { Browser } from 'playwright-core';

/** A browser, or why there is none. */
export type Found = { readonly browser: Browser } | { readonly reason: string };

const system = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/usr/bin/google-chrome-stable'];

/** Starts a browser. */
export async function openBrowser(): Promise<Found> {
  let chromium: typeof import('playwright-core').chromium;
  try {
    ({ chromium } = await import('playwright-core'));
  } catch {
    return { reason: 'playwright-core is not installed' };
  }
  const tried: string[] = [];
  for (const find of [() => process.env['PEFT_BROWSER'], () => system.find((path) => existsSync(path)), unpacked]) {
    try {
      const path = await find();
      if (path === undefined) continue;
      return { browser: await chromium.launch({ executablePath: path, args: ['--no-sandbox', '--disable-gpu', '--no-zygote'] }) };
    } catch (error) {
      tried.push(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
    }
  }
  return {
    reason:
      tried.length > 0 ? `no browser starts: ${tried.join('; ')}` : 'there is no browser: install chromium, or name one by PEFT_BROWSER',
  };
}

/** The Chromium of the npm software adapter, unpacked into the folder for temporary files; it is there for Linux on x64. */
async function unpacked(): Promise<string | undefined> {
  if (platform() !== 'linux' || arch() !== 'x64') return undefined;
  // Optional: not installed everywhere, so nothing of it is known when this is compiled.
  const name: string = '@sparticuz/chromium';
  let loaded: { readonly default: { readonly executablePath: () => Promise<string> } };
  try {
    loaded = (await import(name)) as typeof loaded;
  } catch {
    return undefined;
  }
  return loaded.default.executablePath();
}
