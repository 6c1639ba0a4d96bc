// Finds and loads the native addon, once for each isolate, or says why there is none: the stream transport is used then.
//
// The addon lies in prebuilt/ of the package, or, when a bundler has moved this code, beside the file that runs. Loading includes a
// probe: a region of one page is made and given back, which fails on kernels before 5.1 (no F_SEAL_FUTURE_WRITE) and wherever
// memfd_create is forbidden.

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NativeAddon } from './native.ts';

export type NativeLoad =
  | { readonly addon: NativeAddon; readonly reason?: never }
  | { readonly addon: undefined; readonly reason: string };

let loaded: NativeLoad | undefined;

/** @returns the addon, or `undefined` with the reason in words. Never throws; the answer does not change while the isolate lives. */
export function loadNative(): NativeLoad {
  loaded ??= load();
  return loaded;
}

function unavailable(reason: string): NativeLoad {
  return { addon: undefined, reason };
}

function load(): NativeLoad {
  if (process.env.SKERRY_TRANSPORT === 'stream') return unavailable('SKERRY_TRANSPORT=stream');
  if (process.platform !== 'linux') return unavailable(`no native addon for ${process.platform}: it needs Linux`);
  const name = nativeFileName();
  const here = dirname(fileURLToPath(import.meta.url));
  const folders = [join(packageRoot(here) ?? here, 'prebuilt'), join(here, 'prebuilt'), here];
  const file = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (file === undefined) return unavailable(`no ${name} for this platform in prebuilt/ of the package skerry`);
  let addon: NativeAddon;
  try {
    addon = createRequire(import.meta.url)(file) as NativeAddon;
  } catch (error) {
    return unavailable(`${file} could not be loaded: ${messageOf(error)}`);
  }
  try {
    const { buffer, descriptor } = addon.createRegion(4096, 'skerry probe');
    addon.close(descriptor);
    addon.releaseRegion(buffer);
  } catch (error) {
    const unsealed = (error as { code?: unknown }).code === 'EINVAL';
    return unavailable(
      `${unsealed ? 'this kernel lacks F_SEAL_FUTURE_WRITE (Linux 5.1)' : 'no region can be made'}: ${messageOf(error)}`,
    );
  }
  return { addon };
}

/** The same name as in scripts/build-native.mjs. */
function nativeFileName(): string {
  const musl = readText('/proc/self/maps').includes('/ld-musl-');
  return `skerry-${process.platform}-${process.arch}${musl ? '-musl' : ''}.node`;
}

function packageRoot(start: string): string | undefined {
  for (let folder = start; ; folder = dirname(folder)) {
    if (/"name"\s*:\s*"skerry"/.test(readText(join(folder, 'package.json')))) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}

/** The text of a file, or nothing: what cannot be read cannot help. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
