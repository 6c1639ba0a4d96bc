// Bulk enrichment from outside: the command as users type it, and the same rows over http.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { generate } from '../../examples/atlas/enrich/generate.ts';
import { descendants, freePort, until } from '../fault/processes.ts';
import { gone, type Program, root, start } from './world.ts';

/** Its servers run at background priority: beside other tests they get little. */
const TIMEOUT = { timeout: 120_000 };
const COMMAND = join(root, 'dist/examples/atlas/enrich.js');
const RULE = join(root, 'test/fixtures/atlas/tidy-rule.ts');
const ROWS = 5_000;

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-enrich-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The command, called in `folder`. */
function command(t: TestContext, folder: string, args: readonly string[]): Program {
  return start(t, [COMMAND, ...args], { cwd: folder, env: { INIT_CWD: folder } });
}

function places(folder: string, rows = ROWS): { file: string; dirty: number } {
  let dirty = 0;
  const onRow = ({ problem }: { problem: string | undefined }): void => {
    if (problem !== undefined) dirty += 1;
  };
  writeFileSync(join(folder, 'places.csv'), Buffer.concat([...generate({ rows, seed: 3, onRow })]));
  return { file: 'places.csv', dirty };
}

const linesOf = (text: string): Record<string, unknown>[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

test('a file is enriched beside itself, with a list of its problems and a summary', TIMEOUT, async (t) => {
  const folder = folderOf(t);
  const { file, dirty } = places(folder);
  const { code, stderr, stdout } = await command(t, folder, [file]).ended;
  assert.equal(code, 0, stderr);
  assert.equal(stdout, '');
  assert.match(stderr, new RegExp(`5,000 rows in [\\d.]+ s .*: ${ROWS - dirty} enriched, ${dirty} malformed`));
  const output = readFileSync(join(folder, 'places.enriched.csv'), 'utf8');
  assert.ok(output.startsWith('id,name,lat,lng,note,city,region,country,distanceKm,error\n'));
  const errors = linesOf(readFileSync(join(folder, 'places.enriched.csv.errors.ndjson'), 'utf8'));
  assert.equal(errors.length, dirty);
  assert.ok(!existsSync(join(folder, 'places.enriched.csv.part')));
});

test('a row of megabytes is reported, and the job goes on', TIMEOUT, async (t) => {
  const folder = folderOf(t);
  writeFileSync(join(folder, 'in.csv'), `id,lat,lng\n1,52.52,13.4\n${'x'.repeat(3_000_000)}\n3,0,0\n`);
  const { code, stderr } = await command(t, folder, ['in.csv']).ended;
  assert.equal(code, 0, stderr);
  assert.match(stderr, /3 rows in .*: 2 enriched, 1 malformed/);
  assert.deepEqual(linesOf(readFileSync(join(folder, 'in.enriched.csv.errors.ndjson'), 'utf8')), [
    { kind: 'malformed', line: 3, reason: 'the row is too long: 3000001 bytes' },
  ]);
});

test('a rule in TypeScript gives each row a value; events tell programs all of it', TIMEOUT, async (t) => {
  const folder = folderOf(t);
  const rows = ['{"id":"1","lat":52.52,"lng":13.4}', '{"id":"2","lat":-48.9,"lng":-123.4}', '{"id":"3","lat":0,"lng":0}', 'no'];
  writeFileSync(join(folder, 'in.ndjson'), rows.join('\n'));
  const args = ['in.ndjson', '--rules', RULE, '--output', '-', '--json', '--errors', 'bad.ndjson'];
  const { code, stdout, stderr } = await command(t, folder, args).ended;
  assert.equal(code, 0, stderr);
  const [first, second, third, last] = linesOf(stdout);
  assert.equal(first.rule, 'Mitte, 0 km');
  assert.ok(second.city !== undefined && !('rule' in second) && !('error' in second));
  assert.equal(third.error, 'rule: Error: not this one');
  assert.deepEqual(last, { input: 'no', error: 'the row is not valid JSON' });
  const events = linesOf(stderr);
  assert.equal(events[0].event, 'started');
  const { event, rows: done, enriched, malformed, threw, guilty } = events.at(-1) ?? {};
  assert.deepEqual(
    { event, done, enriched, malformed, threw, guilty },
    { event: 'done', done: 4, enriched: 2, malformed: 1, threw: 1, guilty: 0 },
  );
  assert.deepEqual(
    linesOf(readFileSync(join(folder, 'bad.ndjson'), 'utf8')).map(({ kind, line }) => [kind, line]),
    [
      ['threw', 3],
      ['malformed', 4],
    ],
  );
});

test('what is wrong is said before anything is done, with exit code 2; what fails is 1', TIMEOUT, async (t) => {
  const folder = folderOf(t);
  writeFileSync(join(folder, 'in.csv'), 'a,b\n1,2\n');
  writeFileSync(join(folder, 'broken.mjs'), 'export const rule = 1;');
  writeFileSync(join(folder, 'deadly.mjs'), 'process.abort();');
  const cases: [string[], number, RegExp][] = [
    [['--what'], 2, /--what/],
    [['a', 'b'], 2, /one file at a time/],
    [['--rows', 'many'], 2, /--rows takes a whole number/],
    [['missing.csv'], 2, /the file cannot be read: .*missing\.csv/],
    [['in.csv', '--rules', 'broken.mjs'], 2, /must export a function by default; it exports: rule/],
    [['in.csv', '--rules', 'missing.mjs'], 2, /the rule module .* cannot be loaded: .*missing\.mjs/],
    [['in.csv', '--rules', 'deadly.mjs'], 2, /ends the server that loads it: SIGABRT/],
    [['in.csv'], 1, /first row must be a header with one column lat or latitude; it has: a, b/],
  ];
  for (const [args, expected, pattern] of cases) {
    const { code, stderr } = await command(t, folder, args).ended;
    assert.deepEqual([code, pattern.test(stderr)], [expected, true], `${args.join(' ')}: ${code}, ${stderr}`);
    assert.ok(!existsSync(join(folder, 'in.enriched.csv')), args.join(' '));
  }
  const { code, stdout } = await command(t, folder, ['--help']).ended;
  assert.equal(code, 0);
  assert.match(stdout, /--rules module/);
});

test('Ctrl-C ends a job cleanly: whole rows in a part, no process left, exit code 130', TIMEOUT, async (t) => {
  const folder = folderOf(t);
  const { file } = places(folder, 400_000);
  const slow = 'export default ({ id }) => (id % 20 === 0 ? new Promise((resolve) => setTimeout(resolve, 2)) : undefined);';
  writeFileSync(join(folder, 'slow.mjs'), slow);
  const job = command(t, folder, [file, '--rules', 'slow.mjs', '--json']);
  await until('some of it is done', () => job.stderr().includes('"progress"'), 90_000);
  const pids = [job.pid, ...descendants(job.pid)];
  process.kill(job.pid, 'SIGINT');
  const { code, stderr } = await job.ended;
  assert.equal(code, 130, stderr);
  const { event, rows, partial } = linesOf(stderr).at(-1) ?? {};
  assert.equal(event, 'cancelled');
  const part = readFileSync(String(partial), 'utf8');
  assert.ok(part.endsWith('\n') && Number(rows) > 0 && Number(rows) < 400_000);
  assert.ok(!existsSync(join(folder, 'places.enriched.csv')));
  await gone(pids, 5_000);
});

test('over http the same rows come back as from the command, and rules are not a client’s to choose', TIMEOUT, async (t) => {
  const folder = folderOf(t);
  const { file } = places(folder);
  const { code } = await command(t, folder, [file]).ended;
  assert.equal(code, 0);
  const port = await freePort();
  const atlas = start(t, [join(root, 'dist/examples/atlas/main.js')], { env: { PORT: String(port) } });
  await until('the atlas is up', () => atlas.stdout().includes('Ctrl-C stops it'), 30_000);
  const post = (body: Uint8Array | string, type: string, query = '') =>
    fetch(`http://127.0.0.1:${port}/enrich${query}`, { method: 'POST', body, headers: { 'content-type': type } });
  const answer = await post(readFileSync(join(folder, file)), 'text/csv', `?rules=file://${RULE}`);
  assert.equal(answer.status, 200);
  assert.ok((await answer.text()) === readFileSync(join(folder, 'places.enriched.csv'), 'utf8'));
  const refused = await post('a,b\n1,2\n', 'text/csv');
  assert.equal(refused.status, 400);
  const { error } = (await refused.json()) as { error: { message: string } };
  assert.match(error.message, /one column lat or latitude; it has: a, b/);
  const line = await (await post('{"lat":52.52,"lng":13.405}', 'application/x-ndjson')).json();
  assert.equal((line as { city: string }).city, 'Mitte');
});
