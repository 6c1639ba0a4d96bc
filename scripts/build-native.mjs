// Compiles native/*.c into prebuilt/skerry-<platform>-<arch>[-musl].node, and native/launcher/*.c into the program skerry-launch-… beside
// it, with nothing but a C compiler: no node-gyp, no Node sources.
//
//   node scripts/build-native.mjs [--force]
//
// Node-API's own headers come from the package `node-api-headers`; the symbols are found in the running Node when the addon is loaded.
// Nothing is compiled when the file is newer than all that it is made of. The result is renamed into place, so that a process that has
// the old file mapped is not disturbed, and two builds at once do no harm.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(import.meta.url);
const root = dirname(dirname(script));
const flags = ['-std=c11', '-O2', '-Wall', '-Wextra', '-Werror', '-Wl,-z,relro', '-Wl,-z,now'];
// nodelete: signal handlers and maps belong to the process, so the code has to stay when the last worker that loaded it ends.
const addonFlags = ['-fPIC', '-shared', '-fvisibility=hidden', '-pthread', '-Wl,-z,nodelete'];
const launcherFlags = ['-fPIE', '-pie'];

/** The file name for the running Node; src/memory/prebuilt.ts looks for the same one. */
export function nativeFileName() {
  return `skerry-${platform()}.node`;
}

/** Likewise. */
export function launcherFileName() {
  return `skerry-launch-${platform()}`;
}

function platform() {
  return `${process.platform}-${process.arch}${usesMusl() ? '-musl' : ''}`;
}

/**
 * @param {{ force?: boolean }} [options]
 * @returns {{ file: string, built: boolean } | { file: undefined, reason: string }} `file`: the addon. `reason`: why there can be
 *   none here (another operating system, no compiler). Throws when the compiler finds an error.
 */
export function buildNative({ force = false } = {}) {
  if (process.platform !== 'linux')
    return { file: undefined, reason: `the native addon is for Linux, this is ${process.platform}` };
  const headers = dirname(createRequire(import.meta.url).resolve('node-api-headers/package.json'));
  const addon = compile(
    'native',
    nativeFileName(),
    [...addonFlags, '-I', join(headers, 'include')],
    join(headers, 'package.json'),
    force,
  );
  if (addon.file === undefined) return addon;
  const launcher = compile('native/launcher', launcherFileName(), launcherFlags, script, force);
  return { file: addon.file, built: addon.built || launcher.built === true }; // `skerry doctor` says when there is no launcher
}

/** @param also a file beyond the folder's that the result is made of. */
function compile(folder, name, ownFlags, also, force) {
  const sources = readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(root, folder, entry.name));
  const file = join(root, 'prebuilt', name);
  const newest = Math.max(...[script, also, ...sources].map((path) => statSync(path).mtimeMs));
  if (!force && existsSync(file) && statSync(file).mtimeMs >= newest) return { file, built: false };

  const compiler = process.env.CC || 'cc';
  const unfinished = `${file}.${process.pid}`;
  mkdirSync(dirname(file), { recursive: true });
  const units = sources.filter((path) => path.endsWith('.c')).sort();
  const result = spawnSync(compiler, [...flags, ...ownFlags, ...units, '-o', unfinished], { encoding: 'utf8' });
  if (result.error) {
    if (result.error.code !== 'ENOENT') throw result.error;
    return {
      file: undefined,
      reason: `there is no C compiler ("${compiler}"); install one (Debian: apt-get install gcc libc6-dev), or name one in CC`,
    };
  }
  if (result.status !== 0) {
    rmSync(unfinished, { force: true });
    throw new Error(`${compiler} failed to compile ${folder}:\n${result.stdout}${result.stderr}`);
  }
  renameSync(unfinished, file);
  return { file, built: true };
}

function usesMusl() {
  return process.platform === 'linux' && readFileSync('/proc/self/maps', 'latin1').includes('/ld-musl-');
}

if (process.argv[1] !== undefined && fileURLToPath(import.meta.url) === process.argv[1]) {
  const result = buildNative({ force: process.argv.includes('--force') });
  if (result.file === undefined) {
    console.error(`native addon not built: ${result.reason}. Skerry then runs on its stream transport.`);
    process.exitCode = 1;
  } else {
    console.log(`${relative(process.cwd(), result.file)} ${result.built ? 'built' : 'is up to date'}`);
  }
}
