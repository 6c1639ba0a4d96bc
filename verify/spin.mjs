// Runs one variant of a model: spin generates a verifier, the C compiler builds it, it searches all states within limits.
//
// Partial-order reduction is off: with processes that are ended at any step (`unless`) it is not sound. Invalid end states are not
// looked for, since a killed server stops anywhere; each model has a Monitor that asserts its own end when nobody can move.

import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { basename } from 'node:path';

const BUILD_FLAGS = ['-w', '-DSAFETY', '-DNOREDUCE', '-DCOLLAPSE', '-DMEMLIM=1000'];
const DEPTH_MAX = 1_000_000;
const SEARCH_TIMEOUT_MS = 120_000;
const BUILD_TIMEOUT_MS = 60_000;

/**
 * @returns {Promise<{ asExpected: boolean, outcome: string, states: number, seconds: number, unreached: string[], details: string[] }>}
 * `details`: how to see what happened, after a surprise.
 */
export async function checkVariant({ model, variant, compiler, folder }) {
  mkdirSync(folder, { recursive: true });
  const build = await buildVerifier(model, variant, compiler, folder);
  if (build !== undefined) return surprise('not built', build);

  const started = performance.now();
  const search = await run('./pan', ['-E', `-m${DEPTH_MAX}`], folder, SEARCH_TIMEOUT_MS);
  const seconds = (performance.now() - started) / 1000;
  const result = { ...judge(search, variant), ...counts(search.output), seconds };
  if (result.asExpected) rmSync(folder, { recursive: true });
  else result.details.push(`see the steps: cd ${folder} && spin -t -p -g -D${variant.name} ${model.path}`);
  return result;
}

async function buildVerifier(model, variant, compiler, folder) {
  const generate = await run('spin', ['-a', `-D${variant.name}`, model.path], folder, BUILD_TIMEOUT_MS);
  if (generate.code !== 0 || /error/i.test(generate.output)) return generate.output;
  const compile = await run(compiler, [optimised(variant), ...BUILD_FLAGS, '-o', 'pan', 'pan.c'], folder, BUILD_TIMEOUT_MS);
  return compile.code === 0 ? undefined : compile.output;
}

/** One that fails is found to fail soon: to build it takes longer. */
function optimised({ expected }) {
  return expected === 'holds' ? '-O1' : '-O0';
}

function judge(search, variant) {
  const { output } = search;
  const violated = /assertion violated (.+?) \(at depth/.exec(output)?.[1];
  if (search.timedOut) return { asExpected: false, outcome: 'timed out', details: [] };
  if (violated !== undefined) {
    const asExpected = variant.expected === 'fails' && violated.includes(variant.assertion);
    const details = asExpected
      ? []
      : [`assertion violated: ${violated}${variant.assertion ? `; expected: ${variant.assertion}` : ''}`];
    return { asExpected, outcome: variant.expected === 'fails' ? `caught by ${variant.assertion}` : 'fails', details };
  }
  const complete =
    search.code === 0 && /errors: 0\b/.test(output) && !/not completed|too small|truncated|out of memory|MEMLIM/i.test(output);
  if (!complete) return { asExpected: false, outcome: 'incomplete', details: output.split('\n').slice(0, 12) };
  return { asExpected: variant.expected === 'holds', outcome: 'holds', details: [] };
}

function counts(output) {
  const states = Number(/^\s*(\d+) states, stored/m.exec(output)?.[1] ?? 0);
  // "	ring.pml:77, state 43, "-end-"" below "unreached in proctype Consumer"
  const unreached = [];
  let proctype = '';
  for (const line of output.split('\n')) {
    proctype = /^unreached in proctype (\S+)/.exec(line)?.[1] ?? proctype;
    const statement = /^\t(\S+\.pml:\d+), state \d+, "(.*)"/.exec(line);
    if (statement !== null) unreached.push(`${proctype}, ${basename(statement[1])}: ${statement[2]}`);
  }
  return { states, unreached };
}

function surprise(outcome, text) {
  return { asExpected: false, outcome, states: 0, seconds: 0, unreached: [], details: text.trim().split('\n').slice(0, 12) };
}

/** Never rejects and never hangs: the child is killed at the timeout. */
function run(command, args, cwd, timeoutMs) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs, killSignal: 'SIGKILL' });
    let output = '';
    child.stdout.on('data', (bytes) => (output += bytes));
    child.stderr.on('data', (bytes) => (output += bytes));
    child.on('error', (error) => resolve({ code: -1, timedOut: false, output: error.message }));
    child.on('close', (code, signal) => resolve({ code, timedOut: signal === 'SIGKILL', output }));
  });
}
