// npm test [-- pattern… [--name regex]]: set-up, then every test of src/, test/ and examples/ by Node's own runner.
//
//   npm test -- e2e/boot codec      the files whose path contains one of these
//   npm test -- --name 'port.*use'  the tests whose name matches
//
// Runs on the Node that runs this script. Ends with a line `N passed, N failed[, N skipped]`, the runner's own counts; exit code 1 when
// something failed, or when nothing ran.

import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism, constants } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, setUp } from './setup.mjs';

const FOLDERS = ['src', 'test', 'examples', 'bench'];
/** Of a file as a whole: a test has its own, shorter limit. */
const FILE_TIMEOUT_MS = Number(process.env.SKERRY_TEST_TIMEOUT_MS ?? 180_000);
const FILES_AT_ONCE_MAX = 4;

process.exitCode = await main(process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  return 1;
});

async function main(args) {
  const { patterns, name } = readArguments(args);
  await setUp();
  const all = FOLDERS.flatMap((folder) => testsIn(`dist/${folder}`));
  const files = all.filter((file) => patterns.length === 0 || patterns.some((pattern) => sourceOf(file).includes(pattern)));
  if (files.length === 0)
    throw new Error(`no test file has ${patterns.join(' or ')} in its path; there are:\n${all.map(sourceOf).join('\n')}`);
  console.log(`Node ${process.version}, ${files.length} test files`);
  return run([
    '--enable-source-maps',
    '--test',
    `--test-reporter=${pathToFileURL(join(root, 'scripts/test-reporter.mjs'))}`,
    '--test-reporter-destination=stdout',
    `--test-timeout=${FILE_TIMEOUT_MS}`,
    `--test-concurrency=${Math.min(FILES_AT_ONCE_MAX, availableParallelism())}`,
    ...(name === undefined ? [] : [`--test-name-pattern=${name}`]),
    ...files,
  ]);
}

function readArguments(args) {
  const at = args.indexOf('--name');
  const name = at === -1 ? undefined : args[at + 1];
  const patterns = args.filter((_, index) => at === -1 || (index !== at && index !== at + 1));
  const unknown = patterns.find((pattern) => pattern.startsWith('-'));
  if (unknown !== undefined || (at !== -1 && name === undefined)) {
    throw new Error(
      `unknown argument ${unknown ?? '--name without a regular expression'}; valid are parts of paths, and --name <regex>`,
    );
  }
  return { patterns: patterns.map((pattern) => pattern.replace(/^\.\//, '').replace(/\.(ts|js)$/, '')), name };
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
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(signal === null ? code : 128 + constants.signals[signal]));
  });
}
