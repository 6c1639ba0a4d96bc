import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { isSkerryError } from 'skerry';
import { cutRows, type RowFormat } from 'skerry/servers/http';
import { loadCities } from '../cities.ts';
import { NearestIndex } from '../nearest.ts';
import { Enricher, type Problem } from './enricher.ts';
import { GENERATED_HEADER, type GeneratedRow, generate } from './generate.ts';

let enricher: Enricher;

before(async () => {
  const cities = await loadCities();
  enricher = new Enricher(cities, new NearestIndex(cities.lat, cities.lng));
});

async function enriched(
  pieces: Iterable<string | Uint8Array>,
  format: RowFormat = 'csv',
  chunkBytes = 100,
  rowBytesMax = 10_000,
) {
  const problems: Problem[] = [];
  let text = '';
  let rows = 0;
  const source = (async function* () {
    for (const piece of pieces) yield Buffer.from(piece);
  })();
  for await (const chunk of cutRows(source, format, { chunkBytes, rowBytesMax, longRows: 'skip' })) {
    const result = enricher.chunk(chunk);
    text += Buffer.from(result.bytes).toString();
    rows += result.rows;
    problems.push(...result.problems);
  }
  return { text, rows, problems };
}

test('CSV keeps its columns and gets those of the nearest city', async () => {
  const { text, rows, problems } = await enriched([
    'place,Latitude,LON\r\n"Mitte, Berlin",52.52,13.405\r\nZürich,47.36667, 8.55 ',
  ]);
  assert.deepEqual(problems, []);
  assert.equal(rows, 2);
  assert.equal(
    text,
    [
      'place,Latitude,LON,city,region,country,distanceKm,error',
      '"Mitte, Berlin",52.52,13.405,Mitte,State of Berlin,DE,0.008,',
      'Zürich,47.36667, 8.55 ,Zürich,Zurich,CH,0,',
      '',
    ].join('\n'),
  );
});

test('NDJSON keeps its fields; those of our names are replaced, numbers stay as they were written', async () => {
  const { text, problems } = await enriched(
    ['{"lat":52.52,"lng":"13.405","id":12345678901234567890}\n', '{ "lat": 1e0, "longitude": 2, "city": "old", "error": 1 }\n'],
    'ndjson',
  );
  assert.deepEqual(problems, []);
  const [first, second] = text.split('\n');
  assert.ok(first.startsWith('{"lat":52.52,"lng":"13.405","id":12345678901234567890,"city":"Mitte","region":'), first);
  const { city, lat, error } = JSON.parse(second);
  assert.ok(city !== 'old' && lat === 1 && error === undefined);
});

test('every row with a problem stays in its place, with its text and the reason', async () => {
  const lines = ['id,lat,lng', '1,,2', '2,91,2', '3,x,2', '4,1', '', '5,1,2,a,"b,c"', '6,1,2', '7,1,"', '8,1,2', '9,99,2'];
  const { text, rows, problems } = await enriched([lines.join('\n')]);
  assert.equal(rows, 10);
  assert.deepEqual(
    problems.map(({ line, reason }) => [line, reason]),
    [
      [2, 'the latitude is missing'],
      [3, 'the latitude "91" is not from -90 to 90'],
      [4, 'the latitude "x" is not a number'],
      [5, 'the row has 2 columns, the header 3'],
      [6, 'the row is empty'],
      [7, 'the row has 5 columns, the header 3'],
      [9, 'a quote is opened and not closed'],
      [11, 'the latitude "99" is not from -90 to 90'],
    ],
  );
  const out = text.split('\n');
  assert.equal(out[1], '1,,2,,,,,the latitude is missing');
  assert.equal(out[4], '4,1,,,,,,"the row has 2 columns, the header 3"');
  assert.equal(out[5], ',,,,,,,the row is empty');
  assert.equal(out[6], '5,1,"2,a,b,c",,,,,"the row has 5 columns, the header 3"');
  const json = await enriched(['[1]\n', 'no\n', '\n', '{}\n', '{"city":"Berlin"}\n', '{"lat":1,"lng":null}\n'], 'ndjson');
  assert.deepEqual(
    json.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
    [
      { input: '[1]', error: 'the row is not a JSON object' },
      { input: 'no', error: 'the row is not valid JSON' },
      { input: '', error: 'the row is empty' },
      { input: '{}', error: 'the latitude is missing' },
      { input: '{"city":"Berlin"}', error: 'the latitude is missing' },
      { lat: 1, lng: null, error: 'the longitude is missing' },
    ],
  );
});

test('a row that is too long is a row with a problem: its place is kept, its text is not', async () => {
  const csv = await enriched([`id,lat,lng\n1,1,2\n${'x'.repeat(300)},1,2\n2,1,2\n`], 'csv', 100, 200);
  const reason = 'the row is too long: 305 bytes';
  assert.deepEqual([csv.rows, csv.problems], [3, [{ kind: 'malformed', line: 3, reason }]]);
  const lines = csv.text.split('\n');
  assert.deepEqual([lines[2], lines.length], [`,,,,,,,${reason}`, 5]);
  const json = await enriched([`{"a":"${'x'.repeat(300)}"}\n{"lat":1,"lng":2}\n`], 'ndjson', 100, 200);
  assert.equal(json.text.split('\n')[0], '{"input":"","error":"the row is too long: 309 bytes"}');
  assert.equal(json.rows, 2);
});

test('a header without coordinates, with two of a kind, or with a column that is added, is refused', async () => {
  const wrong: [string, RegExp][] = [
    ['', /header with one column lat or latitude; it is empty/],
    ['a,lng', /one column lat or latitude; it has: a, lng/],
    ['lat,latitude,lng', /one column lat or latitude/],
    ['lat', /one column lng or lon or longitude/],
    ['lat,lng,city', /a column "city", which is one of those that are added/],
    ['"lat,lng', /the header is not valid CSV: a quote is opened and not closed/],
  ];
  for (const [header, pattern] of wrong)
    await assert.rejects(
      enriched([`${header}\n`]),
      (error) => isSkerryError(error, 'SKERRY_INVALID') && pattern.test(error.message),
      header,
    );
});

test('of generated rows exactly the dirty ones are reported, each with its line and its reason', async () => {
  const known: GeneratedRow[] = [];
  const options = { rows: 20_000, seed: 7, dirtyShare: 0.1 };
  const pieces = [...generate({ ...options, onRow: (row) => known.push(row) })];
  const { rows, problems, text } = await enriched(pieces, 'csv', 5_000);
  const dirty = known.filter(({ problem }) => problem !== undefined);
  assert.equal(rows, 20_000);
  assert.ok(dirty.length > 1_800 && dirty.length < 2_200);
  assert.equal(new Set(dirty.map(({ problem }) => problem)).size, 10);
  assert.deepEqual(
    problems.map(({ line, reason }) => [line, reason]),
    dirty.map(({ line, problem }) => [line, problem]),
  );
  assert.ok(text.startsWith(`${GENERATED_HEADER},city,`));
  assert.deepEqual(Buffer.concat(pieces), Buffer.concat([...generate(options)]), 'the same seed, the same bytes');
});
