// node scripts/setup.mjs: makes a checkout ready to run; what is up to date is skipped, in some 100 ms when all is.
//
//   dependencies   npm ci, when node_modules is missing or older than package-lock.json; no lifecycle script of any package runs
//   native addon   scripts/build-native.mjs; without a C compiler Skerry uses its stream transport, and this says so
//   JavaScript     tsc, when a source, or the list of sources, has changed; files in dist/ whose source is gone are removed
//   lib/           scripts/bundle.mjs: the modules of src/ joined, as the package ships them and examples and benchmarks use them
//
// Two at once wait for each other (`.cache/setup.lock`, which names its holder; a dead holder's lock is taken over).
// It talks on stderr: stdout belongs to the command that it prepares.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const LOCK = join(root, '.cache', 'setup.lock');
const LOCK_WAIT_MS = 300_000;
const STAMP = join(root, 'dist', '.compiled');
const SOURCE_FOLDERS = ['src', 'test', 'bench', 'faults', 'examples'];
const COMPILER_INPUTS = ['tsconfig.json', 'package.json', 'package-lock.json'];

/** @throws Error whose message is for people: what failed, with the output of the tool that failed. */
export async function setUp() {
  const release = await acquireLock();
  try {
    installDependencies();
    await buildAddon();
    compile();
    await joinModules();
  } finally {
    release();
  }
}

function installDependencies() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  const wanted = join(root, 'package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return;
  say('installing dependencies (npm ci)');
  npm(['ci', '--ignore-scripts', '--include=dev', '--include=optional'], root);
}

async function buildAddon() {
  const { buildNative } = await import('./build-native.mjs');
  const { reason, built } = buildNative();
  if (built) say('native addon built');
  if (reason !== undefined) say(`no native addon: ${reason}. The stream transport will be used.`);
}

function compile() {
  const sources = SOURCE_FOLDERS.flatMap((folder) => sourcesIn(folder));
  const fingerprint = createHash('sha256');
  for (const file of [...COMPILER_INPUTS, ...sources]) {
    const { mtimeMs, size } = statSync(join(root, file));
    fingerprint.update(`${file} ${mtimeMs} ${size}\n`);
  }
  const wanted = fingerprint.digest('hex');
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return;
  say('compiling');
  rmSync(STAMP, { force: true });
  removeOrphans(new Set(sources));
  const { status, stdout, error } = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', root], {
    cwd: root,
    encoding: 'utf8',
  });
  if (error !== undefined) throw new Error(`the compiler could not be started: ${error.message}`);
  if (status !== 0) throw new Error(`the compiler found errors:\n${stdout}`);
  writeFileSync(STAMP, wanted);
}

async function joinModules() {
  const { bundle } = await import('./bundle.mjs');
  if (await bundle()) say('modules joined into lib/');
}

function sourcesIn(folder) {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : sourcesIn(path);
    return entry.name.endsWith('.ts') ? [path] : [];
  });
}

/** Output of a source that is gone would still be run as a test, or be packed. */
function removeOrphans(sources) {
  const visit = (folder) => {
    if (!existsSync(join(root, 'dist', folder))) return;
    for (const entry of readdirSync(join(root, 'dist', folder), { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) visit(path);
      else if (!sources.has(path.replace(/(\.d\.ts|\.js|\.js\.map)$/, '.ts'))) rmSync(join(root, 'dist', path));
    }
  };
  for (const folder of SOURCE_FOLDERS) visit(folder);
}

/** Runs npm quietly, the one that runs this script if any. @throws Error with npm's output. */
export function npm(args, cwd) {
  const own = process.env.npm_execpath;
  const [command, ...first] = own?.endsWith('npm-cli.js') ? [process.execPath, own] : ['npm'];
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  const { status, stdout, stderr, error } = spawnSync(command, [...first, ...args, ...quiet], { cwd, encoding: 'utf8' });
  if (error !== undefined) throw new Error(`npm could not be started: ${error.message}`);
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed with exit code ${status}:\n${stdout}${stderr}`);
  return stdout;
}

/** @returns the function that gives the lock back. The file appears with its contents in one step, by link(). */
async function acquireLock() {
  mkdirSync(dirname(LOCK), { recursive: true });
  const own = `${LOCK}.${process.pid}`;
  writeFileSync(own, String(process.pid));
  const deadline = Date.now() + LOCK_WAIT_MS;
  try {
    for (let waits = 0; ; waits++) {
      try {
        linkSync(own, LOCK);
        return () => rmSync(LOCK, { force: true });
      } catch (error) {
        if (error.code !== 'EEXIST') throw error;
      }
      const holder = readHolder();
      if (holder === undefined) continue;
      if (!isAlive(holder)) rmSync(LOCK, { force: true });
      else if (Date.now() > deadline)
        throw new Error(`another set-up (pid ${holder}) has not ended; if there is none, remove ${LOCK}`);
      else if (waits === 0) say(`waiting for another set-up (pid ${holder})`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } finally {
    rmSync(own, { force: true });
  }
}

function readHolder() {
  try {
    return Number(readFileSync(LOCK, 'utf8'));
  } catch {
    return undefined; // given back just now
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function say(message) {
  process.stderr.write(`set-up: ${message}\n`);
}

if (process.argv[1] !== undefined && fileURLToPath(import.meta.url) === process.argv[1]) {
  await setUp().catch((error) => {
    say(error.message);
    process.exitCode = 1;
  });
}
