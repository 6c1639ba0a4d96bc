// Finds what was compiled from native/: the addon, and the launcher of programs.
//
// Both lie in prebuilt/ of the package, or, when a bundler has moved this code, beside the file that runs.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type Prebuilt = { readonly file: string; readonly reason?: never } | { readonly file: undefined; readonly reason: string };

/** The same names as in scripts/build-native.mjs. */
const NAMES = {
  addon: (platform: string) => `skerry-${platform}.node`,
  launcher: (platform: string) => `skerry-launch-${platform}`,
};

/** @returns the path of the file for this platform, or why there is none. */
export function findPrebuilt(what: keyof typeof NAMES): Prebuilt {
  const name = NAMES[what](platform());
  const here = dirname(fileURLToPath(import.meta.url));
  const folders = [join(packageRoot(here) ?? here, 'prebuilt'), join(here, 'prebuilt'), here];
  const file = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  return file === undefined ? { file, reason: `no ${name} for this platform in prebuilt/ of the package skerry` } : { file };
}

function platform(): string {
  const musl = readText('/proc/self/maps').includes('/ld-musl-');
  return `${process.platform}-${process.arch}${musl ? '-musl' : ''}`;
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
