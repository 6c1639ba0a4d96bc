// The index against brute force over all cities, on random and on awkward places.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { type Cities, loadCities } from './cities.ts';
import { chordSquared, haversineKm, NEIGHBOURS_MAX, NearestIndex, unitPoint, unitPoints } from './nearest.ts';

let cities: Cities;
let index: NearestIndex;
let points: Float64Array;

before(async () => {
  cities = await loadCities();
  index = new NearestIndex(cities.lat, cities.lng);
  points = unitPoints(cities.lat, cities.lng);
});

test('the columns hold what the package says', () => {
  assert.ok(cities.size > 100_000);
  const [{ index: at }] = index.nearest(52.52437, 13.41053, 1);
  assert.deepEqual(cities.at(at), { name: 'Berlin', country: 'DE', admin1: 'State of Berlin', lat: 52.52437, lng: 13.41053 });
  const [zurich] = index.nearest(47.36667, 8.55, 1);
  assert.equal(cities.at(zurich.index).name, 'Zürich');
  assert.throws(() => cities.at(cities.size), RangeError);
  assert.throws(() => cities.at(-1), RangeError);
});

test('1,000 random places have the neighbours that brute force finds, in the same order', () => {
  const random = mulberry32(20_240_607);
  for (let i = 0; i < 1000; i++) {
    // Even over the sphere, and every other time near a city, where neighbours are close and many.
    const city = Math.floor(random() * cities.size);
    const isNear = i % 2 === 1;
    const lat = isNear ? clamp(cities.lat[city] + random() - 0.5, 90) : (Math.asin(2 * random() - 1) * 180) / Math.PI;
    const lng = isNear ? clamp(cities.lng[city] + random() - 0.5, 180) : 360 * random() - 180;
    expectBruteForce(lat, lng, 1 + (i % 10));
  }
});

test('poles, date line and the corners of the map have the neighbours that brute force finds', () => {
  for (const lat of [-90, -89.99999, -66.5, -17, 0, 17, 65.5, 89.99999, 90]) {
    for (const lng of [-180, -179.99999, -0, 0, 179.99999, 180]) {
      expectBruteForce(lat, lng, 1);
      expectBruteForce(lat, lng, NEIGHBOURS_MAX);
    }
  }
});

test('a pole is one place, whatever its longitude, and 180 degrees east is 180 degrees west', () => {
  const indices = (lat: number, lng: number): number[] => index.nearest(lat, lng, 20).map((n) => n.index);
  assert.deepEqual(indices(90, -180), indices(90, 77.7));
  assert.deepEqual(indices(-90, 12), indices(-90, 179));
  assert.deepEqual(indices(-16.5, 180), indices(-16.5, -180));
});

test('neighbours across the date line are found from both sides', () => {
  // Fiji lies on both sides of 180 degrees.
  const lngs = [179.999, -179.999].map((lng) => index.nearest(-16.8, lng, 30).map((n) => Math.sign(cities.lng[n.index])));
  for (const sides of lngs) assert.deepEqual(new Set(sides), new Set([1, -1]));
});

test('at the exact coordinates of a city it comes first, at distance 0', () => {
  const random = mulberry32(7);
  for (let i = 0; i < 200; i++) {
    const city = Math.floor(random() * cities.size);
    const [first] = index.nearest(cities.lat[city], cities.lng[city], 1);
    assert.equal(first.distanceKm, 0);
    assert.ok(first.index <= city, 'of several cities in one place the first one is meant');
    assert.equal(cities.lat[first.index], cities.lat[city]);
    expectBruteForce(cities.lat[city], cities.lng[city], 10);
  }
});

test('points in one place are ordered by their index', () => {
  const lat = new Float64Array(1000).fill(10);
  const lng = new Float64Array(1000).fill(20);
  const found = new NearestIndex(lat, lng).nearest(10.5, 20, 100);
  assert.deepEqual(
    found.map((n) => n.index),
    Array.from({ length: 100 }, (_, i) => i),
  );
});

test('fewer points than asked for are all given, and none of none', () => {
  const three = new NearestIndex(Float64Array.of(0, 0, 0), Float64Array.of(30, 10, 20));
  assert.deepEqual(
    three.nearest(0, 0, 100).map((n) => n.index),
    [1, 2, 0],
  );
  assert.deepEqual(new NearestIndex(new Float64Array(0), new Float64Array(0)).nearest(0, 0, 1), []);
});

test('what is out of range is refused with its name', () => {
  const cases: [lat: number, lng: number, k: number, name: RegExp][] = [
    [90.1, 0, 1, /^lat /],
    [Number.NaN, 0, 1, /^lat /],
    [0, -180.1, 1, /^lng /],
    [0, Number.POSITIVE_INFINITY, 1, /^lng /],
    [0, 0, 0, /^k /],
    [0, 0, 1.5, /^k /],
    [0, 0, 101, /^k /],
  ];
  for (const [lat, lng, k, message] of cases) assert.throws(() => index.nearest(lat, lng, k), { name: 'RangeError', message });
  assert.throws(() => new NearestIndex(new Float64Array(2), new Float64Array(3)), RangeError);
});

test('known distances', () => {
  assert.ok(Math.abs(haversineKm(0, 0, 0, 180) - Math.PI * 6371.0088) < 1e-6);
  assert.ok(Math.abs(haversineKm(90, 0, -90, 0) - Math.PI * 6371.0088) < 1e-6);
  assert.equal(haversineKm(90, 10, 90, 10), 0);
  // Berlin to Paris, by the arctangent formula in another language.
  assert.ok(Math.abs(haversineKm(52.52437, 13.41053, 48.85341, 2.3488) - 878.398664768594) < 1e-9);
});

/** Both rank by the square of the chord; the surface distances are then held against each other. */
function expectBruteForce(lat: number, lng: number, k: number): void {
  const found = index.nearest(lat, lng, k);
  assert.deepEqual(
    found.map((n) => n.index),
    bruteForce(lat, lng, k),
    `at ${lat}, ${lng} with k = ${k}`,
  );
  for (let i = 0; i < found.length; i++) {
    assert.equal(found[i].distanceKm, haversineKm(lat, lng, cities.lat[found[i].index], cities.lng[found[i].index]));
    if (i > 0) assert.ok(found[i].distanceKm >= found[i - 1].distanceKm - 1e-6, `farther ones later at ${lat}, ${lng}`);
  }
}

function bruteForce(lat: number, lng: number, k: number): number[] {
  const [x, y, z] = unitPoint(lat, lng);
  const best: { chord: number; index: number }[] = [];
  let worst = Infinity;
  for (let i = 0; i < cities.size; i++) {
    const chord = chordSquared(points, 3 * i, x, y, z);
    if (chord >= worst) continue; // equal and later: the earlier one keeps its place
    best.push({ chord, index: i });
    best.sort((a, b) => a.chord - b.chord || a.index - b.index);
    if (best.length > k) best.pop();
    if (best.length === k) worst = best[k - 1].chord;
  }
  return best.map((b) => b.index);
}

function clamp(value: number, most: number): number {
  return Math.max(-most, Math.min(most, value));
}

/** A small seeded generator (Tommy Ettinger's mulberry32), so that a failure can be run again. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
