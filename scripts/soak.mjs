// npm run soak -- <name> [--seed N] [--from N]: the long runs. The same tests as in `npm test`, with larger numbers.
//
// A run that draws takes --seed: the same number draws the same. Two of them, `kills` and `fuzz`, number their steps, and take --from too:
// step n draws the same whatever came before it. What a run does not read it refuses; `npm run soak` alone says which reads which.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { root, setUp } from './setup.mjs';

const RUNS = {
  workers: {
    what: '1,000 worker threads load the addon and end in six ways',
    test: 'src/memory/native-isolate.test',
    env: { SKERRY_WORKERS: '1000' },
    name: 'worker',
  },
  kills: {
    what: '300 SIGKILLs of a counting server under load: no request lost, none executed twice',
    test: 'test/fault/succession.test',
    env: { SKERRY_KILLS: '300' },
    seed: true,
    steps: 300,
  },
  poison: {
    what: 'a kill from outside every second for a minute puts nobody into quarantine',
    test: 'test/fault/poison.test',
    env: { SKERRY_OUTSIDE_KILLS: '60' },
  },
  stable: {
    what: 'a kill each time a server has become stable, for a minute: it never is a zombie; a crash loop is one',
    test: 'test/fault/restart-limit.test',
    env: { SKERRY_STABLE_S: '60' },
  },
  random: {
    what: 'ten minutes of random kills of servers, spares and the process server: descriptors, maps and memory as before',
    test: 'test/fault/random-kills.test',
    env: { SKERRY_SOAK_S: '600' },
    seed: true,
  },
  points: {
    what: 'a death before and after every store, ring and message of the message path, until none is left',
    test: 'test/fault/points.test',
    env: { SKERRY_POINTS_MAX: '0' },
  },
  fuzz: {
    what: '100,000 mutations of ring contents: an answer or SKERRY_CORRUPT each, the reader alive',
    test: 'test/fault/fuzz.test',
    env: { SKERRY_FUZZ: '100000' },
    seed: true,
    steps: 60_000, // of the part that makes most of the mutations
  },
  files: {
    what: '20,000 runs of random operations on files against a plain model, 3,300 of them on a disk',
    test: 'src/servers/files/tree.test',
    env: { SKERRY_TREE_RUNS: '20000' },
  },
  enrich: {
    what: 'bulk enrichment of 1,000,000 rows with a rule module that throws, crashes, leaks and loops',
    test: 'test/fault/enrich.test',
    env: { SKERRY_ENRICH_ROWS: '1000000' },
    seed: true,
  },
  atlas: {
    what: '30 s of the atlas over 50 connections, its geo processes killed in turn every 3 s',
    test: 'test/fault/atlas.test',
    env: { SKERRY_ATLAS_S: '30' },
    seed: true,
  },
};
const TIMEOUT_MS = 8 * 3_600_000;

process.exitCode = await main(process.argv.slice(2)).catch((error) => {
  console.error(`soak: ${error.message}`);
  return 1;
});

async function main([name, ...args]) {
  const run = Object.hasOwn(RUNS, name ?? '') ? RUNS[name] : undefined;
  if (run === undefined) {
    const table = Object.entries(RUNS).map(([known, about]) => `  ${known.padEnd(8)} ${about.what}${optionsOf(about)}`);
    throw new Error(`${name === undefined ? 'say which run' : `there is no run "${name}"`}:\n${table.join('\n')}`);
  }
  const given = { seed: readNumber(args, '--seed'), from: readNumber(args, '--from') };
  if (args.length > 0) throw new Error(`unknown arguments: ${args.join(' ')}; valid are --seed N and --from N`);
  if (given.seed !== undefined && !run.seed) throw new Error(`${name} draws nothing: it takes no --seed`);
  if (given.from !== undefined && run.steps === undefined) throw new Error(`${name} has no numbered steps: it takes no --from`);
  if (given.from >= run.steps) throw new Error(`--from ${given.from} is beyond the last step of ${name}, ${run.steps - 1}`);
  const seed = given.seed ?? Math.floor(Math.random() * 2 ** 31);
  const from = given.from ?? 0;
  const again = `${run.seed ? ` --seed ${seed}` : ''}${from > 0 ? ` --from ${from}` : ''}`;
  await setUp();
  const file = join(root, 'dist', `${run.test}.js`);
  if (!existsSync(file)) throw new Error(`${run.test}.ts is not there`);
  console.log(`soak ${name}: ${run.what}\nto repeat: npm run soak -- ${name}${again}`);
  return test(file, { ...run.env, SKERRY_SEED: String(seed), SKERRY_FROM: String(from), SKERRY_SOAK: '1' }, run.name);
}

function optionsOf({ seed, steps }) {
  return `${seed ? ' [--seed N]' : ''}${steps === undefined ? '' : ` [--from N, below ${steps}]`}`;
}

/** Takes an option and its value out of `args`. */
function readNumber(args, option) {
  const at = args.indexOf(option);
  if (at === -1) return undefined;
  const [, text] = args.splice(at, 2);
  const number = Number(text);
  if (text === undefined || !Number.isSafeInteger(number) || number < 0)
    throw new Error(`${option} takes a whole number, not ${text}`);
  return number;
}

/** Without the runner's process in between: what a test prints is seen at once. */
function test(file, env, name) {
  const args = ['--enable-source-maps', '--test-reporter=spec', `--test-timeout=${TIMEOUT_MS}`];
  if (name !== undefined) args.push(`--test-name-pattern=/${name}/i`);
  const child = spawn(process.execPath, [...args, file], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(signal === null ? code : 128 + constants.signals[signal]));
  });
}
