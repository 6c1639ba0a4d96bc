// npm test [-- pattern… [--without pattern,…] [--name regex]]: set-up, then every test of src/, test/ and examples/ by Node's own runner.
//
//   npm test -- e2e/boot codec      the files whose path contains one of these
//   npm test -- --name 'port.*use'  the tests whose name matches
//
// Runs on the Node that runs this script. A file that has not ended after SKERRY_TEST_TIMEOUT_MS (default 180,000) is killed, and has
// failed: the runner's own limit is one for a file on Node 20, but for a single test on later ones. Ends with a line `N passed, N failed[, N skipped]`, the runner's own counts; exit code 1 when
// something failed, or when nothing ran.

import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, constants } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, setUp } from './setup.mjs';

/** The long ones first: what is short fills the end. */
const FOLDERS = ['test', 'examples', 'bench', 'faults', 'src'];
/** Of a file as a whole: its tests have their own, shorter limits. */
const FILE_TIMEOUT_MS = Number(process.env.SKERRY_TEST_TIMEOUT_MS ?? 180_000);
/** Tests wait a good part of their time: one file more than there are cores. With two more, what a test must get in time comes too late. */
const FILES_AT_ONCE_MAX = 4;

process.exitCode = await main(process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  return 1;
});

async function main(args) {
  const { patterns, without, name } = readArguments(args);
  await setUp();
  const all = FOLDERS.flatMap((folder) => testsIn(`dist/${folder}`));
  const has = (some, file) => some.some((pattern) => sourceOf(file).includes(pattern));
  const files = all.filter((file) => (patterns.length === 0 || has(patterns, file)) && !has(without, file));
  if (files.length === 0)
    throw new Error(`no test file has ${patterns.join(' or ')} in its path; there are:\n${all.map(sourceOf).join('\n')}`);
  console.log(`Node ${process.version}, ${files.length} test files`);
  return run([
    '--enable-source-maps',
    '--test',
    `--test-reporter=${pathToFileURL(join(root, 'scripts/test-reporter.mjs'))}`,
    '--test-reporter-destination=stdout',
    `--test-timeout=${FILE_TIMEOUT_MS}`,
    `--test-concurrency=${Math.min(FILES_AT_ONCE_MAX, availableParallelism() + 1)}`,
    ...(name === undefined ? [] : [`--test-name-pattern=${name}`]),
    ...files,
  ]);
}

/** Takes an option and its value out of the arguments. */
function optionOf(args, name) {
  const at = args.indexOf(name);
  return at === -1 ? undefined : args.splice(at, 2)[1];
}

function readArguments(args) {
  const without = optionOf(args, '--without')?.split(',') ?? [];
  const at = args.indexOf('--name');
  const name = at === -1 ? undefined : args[at + 1];
  const patterns = args.filter((_, index) => at === -1 || (index !== at && index !== at + 1));
  const unknown = patterns.find((pattern) => pattern.startsWith('-'));
  if (unknown !== undefined || (at !== -1 && name === undefined)) {
    throw new Error(
      `unknown argument ${unknown ?? '--name without a regular expression'}; valid are parts of paths, and --name <regex>`,
    );
  }
  return { without, patterns: patterns.map((pattern) => pattern.replace(/^\.\//, '').replace(/\.(ts|js)$/, '')), name };
}

function testsIn(folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return entry.name === 'fixtures' ? [] : testsIn(path);
    return entry.name.endsWith('.test.js') ? [path] : [];
  });
}

function sourceOf(file) {
  return file.replace(/^dist\//, '').replace(/\.js$/, '.ts');
}

/** @returns the exit code. */
function run(args) {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  const watch = setInterval(killLate(child.pid), 1000);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', () => clearInterval(watch));
    child.on('exit', (code, signal) => resolve(signal === null ? code : 128 + constants.signals[signal]));
  });
}

/** @returns a function that kills the children of `runner`, a test file each, that it has seen for longer than their time. */
function killLate(runner) {
  const seen = new Map();
  return () => {
    const there = childrenOf(runner);
    for (const pid of seen.keys()) if (!there.includes(pid)) seen.delete(pid); // its number may be given again
    for (const pid of there) {
      if (!seen.has(pid)) seen.set(pid, performance.now());
      if (performance.now() - seen.get(pid) < FILE_TIMEOUT_MS) continue;
      const file = readProc(pid, 'cmdline').split('\0').at(-2);
      console.error(`${file}: has not ended after ${FILE_TIMEOUT_MS / 1000} s: killed; ${how(pid)}`);
      process.kill(pid, 'SIGKILL');
      seen.delete(pid);
    }
  };
}

/** Whether it waits or spins, and what it has started. */
function how(pid) {
  const stat = readProc(pid, 'stat');
  const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const seconds = (Number(rest[10]) + Number(rest[11])) / 100;
  const children = childrenOf(pid).map((child) => readProc(child, 'comm').trim());
  return `state ${state}, ${seconds} s of processor time; children: ${children.join(', ') || 'none'}`;
}

function childrenOf(parent) {
  if (!existsSync('/proc/self/stat')) return [];
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => Number(/\) \S (\d+)/.exec(readProc(pid, 'stat'))?.[1]) === parent).map(Number);
}

function readProc(pid, name) {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return ''; // it has ended meanwhile
  }
}
