// The index against brute force over all cities and all their names.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import fc from 'fast-check';
import { type Cities, loadCities } from './cities.ts';
import { fold } from './fold.ts';
import { type Gazetteer, loadGazetteer } from './gazetteer.ts';
import { PLACES_MAX, type Place, PlaceIndex } from './places.ts';

const LIMIT = { timeout: 60_000 };

let cities: Cities;
let gazetteer: Gazetteer;
let index: PlaceIndex;
/** Every city's own name and other names, folded. */
let names: { readonly own: string; readonly others: Set<string> }[];

before(async () => {
  cities = await loadCities();
  gazetteer = await loadGazetteer(cities);
  index = new PlaceIndex(cities, gazetteer);
  names = Array.from({ length: cities.size }, (_, i) => ({ own: fold(cities.at(i).name), others: new Set<string>() }));
  gazetteer.otherNames((city, name) => names[city].others.add(name));
}, LIMIT);

/** The first `limit` of the cities that fit, the largest first, by looking at each. */
function largest(fits: (city: number) => boolean, limit: number): Place[] {
  const found: number[] = [];
  for (let city = 0; city < cities.size; city++) if (fits(city)) found.push(city);
  const { population } = gazetteer;
  found.sort((a, b) => population[b] - population[a] || a - b);
  return found.slice(0, limit).map((city) => ({ ...cities.at(city), population: population[city] || null }));
}

function searched(text: string, limit: number): Place[] {
  const wanted = fold(text);
  if (wanted === '') return [];
  return largest((city) => names[city].own.startsWith(wanted) || names[city].others.has(wanted), limit);
}

const short = (places: readonly Place[]) => places.map(({ name, country }) => `${name} ${country}`);

test('case, accents, punctuation and letters of their own fall away', () => {
  const cases: [string, string][] = [
    ['São Paulo', 'sao paulo'],
    ['Łódź', 'lodz'],
    ['STRAẞE straße', 'strasse strasse'],
    ['Tromsø', 'tromso'],
    ['Ærøskøbing', 'aeroskobing'],
    ['İzmir Diyarbakır', 'izmir diyarbakir'],
    ['Þórshöfn', 'thorshofn'],
    ['Petaẖ Tiqwa', 'petah tiqwa'],
    ["N’Djamena N'Djamena", 'ndjamena ndjamena'],
    ['  Saint-Étienne--du  Rouvray ', 'saint etienne du rouvray'],
    ['東京', '東京'],
    ['ΑΘΗΝΑΣ', 'αθηνασ'],
    ['’ - .', ''],
  ];
  for (const [given, expected] of cases) assert.equal(fold(given), expected);
  for (let point = 0; point <= 0x10ffff; point++) {
    const once = fold(String.fromCodePoint(point));
    if (fold(once) !== once) assert.fail(`U+${point.toString(16)} becomes "${once}", which becomes "${fold(once)}"`);
  }
});

test('finds what a person would type', () => {
  assert.deepEqual(short(index.search('berlin', 1)), ['Berlin DE']);
  assert.deepEqual(short(index.search('MÜNCHEN', 2)), ['Munich DE', 'Münchenstein CH']);
  assert.deepEqual(short(index.search('sao pau', 1)), ['São Paulo BR']);
  assert.deepEqual(short(index.search('東京', 1)), ['Tokyo JP']);
  assert.deepEqual(short(index.search('odes', 1)), ['Odesa UA'], 'renamed since: found by another name, near by');
  assert.deepEqual(index.search('qqqq', 10), []);
});

test('any text finds what brute force finds, in the same order', LIMIT, () => {
  const partOfName = fc.tuple(fc.nat(), fc.integer({ min: 1, max: 20 }), fc.boolean()).map(([at, length, other]) => {
    const { own, others } = names[at % cities.size];
    return (other ? ([...others][at % Math.max(1, others.size)] ?? own) : own).slice(0, length);
  });
  const raw = fc.nat().map((at) => cities.at(at % cities.size).name);
  const texts = fc.oneof(
    partOfName,
    raw,
    raw.map((name) => name.toUpperCase()),
    fc.string({ maxLength: 3 }),
    fc.string({ unit: 'binary', maxLength: 2 }),
  );
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: PLACES_MAX }), (text, limit) => {
      assert.deepEqual(index.search(text, limit), searched(text, limit));
    }),
    { numRuns: 200 },
  );
});

test('every country has its largest cities first, and all countries are there', LIMIT, () => {
  const sizes = new Map<string, number>();
  for (let city = 0; city < cities.size; city++) sizes.set(cities.countryOf(city), (sizes.get(cities.countryOf(city)) ?? 0) + 1);
  const all = index.countries();
  assert.deepEqual(new Map(all.map(({ code, cities: count }) => [code, count])), sizes);
  assert.deepEqual(all.find(({ code }) => code === 'DE')?.name, 'Germany');
  assert.deepEqual(
    all.map(({ name }) => name),
    all.map(({ name }) => name).sort((a, b) => a.localeCompare(b, 'en')),
  );
  fc.assert(
    fc.property(fc.constantFrom(...sizes.keys()), fc.integer({ min: 1, max: PLACES_MAX }), (code, top) => {
      const found = index.country(code, top);
      assert.equal(found?.cities, sizes.get(code));
      assert.deepEqual(
        found?.top,
        largest((city) => cities.countryOf(city) === code, top),
      );
    }),
    { numRuns: 60 },
  );
  assert.equal(index.country('XX', 1), undefined);
  assert.equal(index.country('__proto__', 1), undefined);
});

test('most cities have a population, and large ones are not missing it', () => {
  const known = gazetteer.population.filter((people) => people > 0).length;
  assert.ok(known > 0.7 * cities.size, `${known} of ${cities.size}`);
  assert.deepEqual(short(index.country('UA', 5)?.top ?? []), ['Kyiv UA', 'Kharkiv UA', 'Dnipro UA', 'Donetsk UA', 'Odesa UA']);
  assert.equal(index.search('Rotterdam', 1)[0].population, 598_199);
});
