// npm run verify -- [--no-labels] [model…]: checks the Promela models of this folder exhaustively with Spin.
//
// The header of a model lists its variants. Those that hold must be searched to the end without an error, and every statement of the
// model must be reached in at least one of them: a rule that nothing exercises proves nothing. Those that fail must fail at the
// assertion named: a model that cannot see the mistake is no evidence that the code has not made it. Each `sync:` label of a model
// must stand in src/ at a store and at a load (--no-labels leaves that out).
//
// Exit: 0 all as expected, 1 a surprise, 2 Spin or a C compiler is missing.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { missingLabels } from './labels.mjs';
import { checkVariant } from './spin.mjs';

const FOLDER = import.meta.dirname ?? new URL('.', import.meta.url).pathname;
const WORK = join(FOLDER, '.work');
const AT_ONCE_MAX = 2; // each check takes up to 1 GB

process.exitCode = await main(process.argv.slice(2));

async function main(args) {
  const models = readModels(args.filter((arg) => !arg.startsWith('--')));
  const compiler = findTools();
  if (compiler === undefined || models.length === 0) return 2;

  const started = performance.now();
  rmSync(WORK, { recursive: true, force: true });
  const jobs = models.flatMap((model) => model.variants.map((variant) => ({ model, variant })));
  const results = await inParallel(jobs, async ({ model, variant }) => {
    const result = await checkVariant({ model, variant, compiler, folder: join(WORK, `${model.name}-${variant.name}`) });
    console.log(line(model, variant, result));
    for (const detail of result.details) console.log(`    ${detail}`);
    return { model, variant, ...result };
  });

  let surprises = results.filter((result) => !result.asExpected).length;
  for (const model of models) surprises += report(unreached(model, results));
  if (!args.includes('--no-labels')) surprises += report(missingLabels(models, join(FOLDER, '..', 'src')));
  if (surprises === 0) rmSync(WORK, { recursive: true, force: true });

  const count = (expected) => results.filter((result) => result.asExpected && result.variant.expected === expected).length;
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(
    `verify: ${count('holds')} held, ${count('fails')} broken variants caught${surprises > 0 ? `, ${surprises} surprises` : ''} (${seconds} s)`,
  );
  return surprises === 0 ? 0 : 1;
}

function readModels(names) {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.pml'));
  const unknown = names.filter((name) => !files.includes(`${name}.pml`));
  if (unknown.length > 0) {
    console.error(`verify: no model ${unknown.join(', ')}; there are ${files.map((file) => file.slice(0, -4)).join(', ')}`);
    return [];
  }
  return files.filter((file) => names.length === 0 || names.includes(file.slice(0, -4))).map(readModel);
}

/** The table of variants and the labels come from the model itself. */
function readModel(file) {
  const path = join(FOLDER, file);
  const text = readFileSync(path, 'utf8');
  const variants = [...text.matchAll(/^ \* {3}(holds|fails) +([A-Z_]+) *(\S*)/gm)].map(([, expected, name, word]) => ({
    expected,
    name,
    assertion: expected === 'fails' ? word : undefined,
  }));
  if (!variants.some((variant) => variant.expected === 'holds')) throw new Error(`${file} lists no variant that holds`);
  const labels = new Set([...text.matchAll(/sync: ([a-z-]+(?:, [a-z-]+)*)/g)].flatMap(([, list]) => list.split(', ')));
  return { name: file.slice(0, -4), path, variants, labels: [...labels].sort() };
}

function findTools() {
  const runs = (command, flag) => spawnSync(command, [flag], { stdio: 'ignore' }).error === undefined;
  if (!runs('spin', '-V')) {
    console.error('spin is missing: apt-get install spin');
    return undefined;
  }
  const compiler = ['cc', 'gcc'].find((command) => runs(command, '--version'));
  if (compiler === undefined) console.error('a C compiler is missing: apt-get install gcc');
  return compiler;
}

async function inParallel(jobs, work) {
  const results = new Array(jobs.length);
  let next = 0;
  const worker = async () => {
    while (next < jobs.length) {
      const index = next++;
      results[index] = await work(jobs[index]);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE_MAX, availableParallelism()) }, worker));
  return results;
}

function line(model, variant, result) {
  const verdict = result.asExpected ? 'ok  ' : 'FAIL';
  const name = `${model.name} ${variant.name}`.padEnd(37);
  const states = `${result.states.toLocaleString('en')} states`.padStart(17);
  return `${verdict} ${name} expected ${variant.expected}, ${result.outcome.padEnd(26)} ${states} ${result.seconds.toFixed(1).padStart(5)} s`;
}

/** Statements that no variant that holds has reached. */
function unreached(model, results) {
  const held = results.filter((result) => result.model === model && result.variant.expected === 'holds' && result.asExpected);
  const [first, ...others] = held.map((result) => result.unreached);
  const everywhere = (first ?? []).filter((statement) => others.every((list) => list.includes(statement)));
  return everywhere.map((statement) => `${model.name}: never reached: ${statement}`);
}

function report(problems) {
  for (const problem of problems) console.log(`FAIL ${problem}`);
  return problems.length;
}
