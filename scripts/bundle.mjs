// node scripts/bundle.mjs: makes lib/ from dist/src/, what the package ships.
//
// Some sixty small files are good to read and dear to load: each module costs a process memory and time, and every server is a process.
// esbuild joins them into one file for each entry and shared chunks, so that what an instance and a user's module both import exists
// once. Chunks lie one folder deep, as all files of src/ do: `new URL('../kernel/main.js', import.meta.url)` holds in both.

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const FROM = join(root, 'dist/src');
const TO = join(root, 'lib');
const STAMP = join(TO, '.bundled');

/** What is imported by users, or started as a process or a thread of its own. */
const ENTRIES = [
  'index.js',
  'context.js',
  'typescript.js',
  'servers/http/index.js',
  'servers/files/index.js',
  'testing.js',
  'cli/main.js',
  'server/main.js',
  'server/typescript-hooks.js',
  'server/loaded-modules-hooks.js',
  'servers/process/main.js',
  'kernel/main.js',
];

/** @returns false when lib/ was up to date. */
export async function bundle() {
  const wanted = readFileSync(join(root, 'dist/.compiled'), 'utf8');
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return false;
  const { build } = await import('esbuild');
  rmSync(TO, { recursive: true, force: true });
  await build({
    entryPoints: ENTRIES.map((entry) => join(FROM, entry)),
    outbase: FROM,
    outdir: TO,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
  });
  writeFileSync(STAMP, wanted);
  return true;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle();
