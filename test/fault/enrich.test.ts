// Bulk enrichment with a rule module that does what it must not: it throws on one row of a hundred, aborts, segfaults, exits, leaks and
// loops on one row each, in the atlas that answers over http meanwhile. Every other row must come out as a plain loop makes it.
//
// SKERRY_ENRICH_ROWS: rows of the job (default 100,000; the long run takes 1,000,000).

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { boot } from 'skerry';
import { cutRows } from 'skerry/servers/http';
import { type Cities, loadCities } from '../../examples/atlas/cities.ts';
import { close, Enricher, headOf, type Problem } from '../../examples/atlas/enrich/enricher.ts';
import { type GeneratedRow, generate } from '../../examples/atlas/enrich/generate.ts';
import { CHUNK_BYTES, runJob } from '../../examples/atlas/enrich/job.ts';
import { NearestIndex } from '../../examples/atlas/nearest.ts';
import { descendants, freePort, until } from './processes.ts';
import { SEED } from './random.ts';

const ROWS = Number(process.env.SKERRY_ENRICH_ROWS ?? 100_000);
const TIMEOUT = { timeout: 120_000 + ROWS / 2 };

/** What a row is guilty of, and the reason that must be reported. */
const CRIMES: readonly (readonly [crime: string, reason: RegExp])[] = [
  ['abort', /^SIGABRT$/],
  ['segfault', /^SIGSEGV$/],
  ['exit', /^exit code 7$/],
  ['leak', /^memory limit$/],
  ['loop', /^hung/],
];
const THROW_OF = 100;
/** Of its processes: the atlas's three, rules and judge with their memory limits. */
const KINDS = 5;

test(`a job of ${ROWS} rows with a wicked rule: every other row right, an exact report, the interface up`, TIMEOUT, async (t) => {
  const port = await freePort();
  process.env.PORT = String(port);
  const { default: system } = await import('../fixtures/atlas/all.system.ts');
  const input = { rows: ROWS, seed: SEED };
  const known: GeneratedRow[] = [];
  for (const _ of generate({ ...input, onRow: (row) => known.push(row) }));
  const clean = known.filter(({ id, problem }) => problem === undefined && id % THROW_OF !== 0);
  const guilty = CRIMES.map(([crime, reason], i) => {
    const { id, line } = clean[Math.floor(((i + 0.5) / CRIMES.length) * clean.length)];
    return { crime, reason, id, line };
  });
  const rule = new URL('../fixtures/atlas/wicked-rule.js', import.meta.url);
  rule.searchParams.set('throwOf', String(THROW_OF));
  for (const { crime, id } of guilty) rule.searchParams.set(crime, String(id));

  const sys = await boot(system);
  after(() => sys.stop());
  const spares = async () => (await sys.processes.usage()).filter(({ name }) => name === 'spare').length;
  await until('the spares are there', async () => (await spares()) === KINDS, 10_000);
  const before = descendants().length;
  const asked = askThroughout(port);
  after(() => asked.end());

  // The plain loop goes along with the job, chunk by chunk.
  const expected = plainLoop(await loadCities(), input, new Set(guilty.map(({ id }) => id)));
  const problems: Problem[] = [];
  let wrong: string | undefined;
  const counts = await runJob({
    source: sourceOf(input),
    format: 'csv',
    method: sys.servers.jobs.chunk,
    chunkOf: (chunk) => ({ ...chunk, rules: rule.href }),
    concurrency: 8,
    write: async (bytes) => {
      const { value } = await expected.next();
      wrong ??= differenceOf(Buffer.from(bytes).toString(), value ?? undefined);
    },
    onProblem: (problem) => problems.push(problem),
  });
  assert.equal(wrong, undefined);
  assert.equal((await expected.next()).done, true, 'no chunk is missing');

  const dirty = known.filter(({ problem }) => problem !== undefined);
  const threw = known.filter(({ id, problem }) => problem === undefined && id % THROW_OF === 0);
  const reported = (kind: Problem['kind']) => problems.filter((problem) => problem.kind === kind);
  assert.deepEqual(
    reported('malformed').map(({ line, reason }) => [line, reason]),
    dirty.map(({ line, problem }) => [line, problem]),
  );
  assert.deepEqual(
    reported('threw').map(({ line, reason }) => [line, reason]),
    threw.map(({ id, line }) => [line, `RangeError: row ${id} is not wanted`]),
  );
  const found = reported('guilty');
  assert.deepEqual(
    found.map(({ line }) => line),
    guilty.map(({ line }) => line),
  );
  for (const [i, { reason }] of found.entries()) assert.match(reason, guilty[i].reason, guilty[i].crime);
  assert.deepEqual(
    { rows: counts.rows, malformed: counts.malformed, threw: counts.threw, guilty: counts.guilty },
    { rows: ROWS, malformed: dirty.length, threw: threw.length, guilty: guilty.length },
  );

  const { answers, failures, slowestMs } = await asked.end();
  t.diagnostic(`${answers} questions meanwhile, the slowest answered after ${slowestMs.toFixed(0)} ms`);
  assert.deepEqual(failures, []);
  assert.ok(answers > 10);
  const listed = await sys.processes.list();
  for (const { name, restarts } of listed.filter((one) => ['geo', 'web', 'enrich', 'jobs'].includes(one.name)))
    assert.equal(restarts, 0, `${name} did not die`);
  await until('all run again', async () => (await sys.processes.list()).every(({ state }) => state === 'running'), 10_000);
  await until('the spares are there again', async () => (await spares()) === KINDS, 10_000);
  assert.equal(descendants().length, before);
});

async function* sourceOf(input: { rows: number; seed: number }): AsyncGenerator<Uint8Array> {
  yield* generate(input);
}

/** What the chunks must become; `<reason>` stands for the reasons of deaths. */
async function* plainLoop(
  cities: Cities,
  input: { rows: number; seed: number },
  guilty: ReadonlySet<number>,
): AsyncGenerator<string> {
  const enricher = new Enricher(cities, new NearestIndex(cities.lat, cities.lng));
  for await (const chunk of cutRows(sourceOf(input), 'csv', { chunkBytes: CHUNK_BYTES })) {
    let text = headOf(chunk, true);
    for (const { text: open, problem, fields } of enricher.rows(chunk)) {
      const id = Number(fields?.id);
      if (fields === undefined) text += close('csv', open, '', problem);
      else if (guilty.has(id)) text += close('csv', open, '', 'rule: <reason>');
      else if (id % THROW_OF === 0) text += close('csv', open, '', `rule: RangeError: row ${id} is not wanted`);
      else {
        const km = fields.distanceKm as number;
        text += close('csv', open, JSON.stringify(km < 100 ? 'near' : { far: Math.round(km) }), undefined);
      }
    }
    yield text;
  }
}

/** @returns the first line that differs */
function differenceOf(found: string, expected: string | undefined): string | undefined {
  if (expected === undefined) return `a chunk too many: ${found.slice(0, 200)}`;
  const plain = found.replaceAll(/rule: (?:SIGABRT|SIGSEGV|exit code 7|memory limit|hung[^\n"]*)/g, 'rule: <reason>');
  if (plain === expected) return undefined;
  const [lines, wanted] = [plain.split('\n'), expected.split('\n')];
  const at = wanted.findIndex((line, i) => line !== lines[i]);
  return `line ${at} of a chunk: ${lines[at]}\nexpected: ${wanted[at]}`;
}

/** Asks /nearest without a pause until it is told to end. */
function askThroughout(port: number): { end(): Promise<{ answers: number; failures: string[]; slowestMs: number }> } {
  let goOn = true;
  let answers = 0;
  let slowestMs = 0;
  const failures: string[] = [];
  const asking = (async () => {
    while (goOn) {
      const since = performance.now();
      try {
        const answer = await fetch(`http://127.0.0.1:${port}/nearest?lat=52.52&lng=13.405`, {
          signal: AbortSignal.timeout(10_000),
        });
        const [city] = (await answer.json()) as { name: string }[];
        if (answer.status !== 200 || city.name !== 'Mitte') failures.push(`${answer.status} ${city?.name}`);
      } catch (error) {
        failures.push(String(error));
      }
      answers += 1;
      slowestMs = Math.max(slowestMs, performance.now() - since);
      await sleep(10);
    }
  })();
  return {
    async end() {
      goOn = false;
      await asking;
      return { answers, failures, slowestMs };
    },
  };
}
