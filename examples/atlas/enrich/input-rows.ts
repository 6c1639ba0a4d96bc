// What a chunk holds: its rows with their coordinates, or with what is wrong with them. Nothing is dropped: an empty line is a row with
// a problem too, and so is one that was too long to be kept.

import { isUtf8 } from 'node:buffer';
import { SkerryError } from 'skerry';
import type { RowChunk } from 'skerry/servers/http';
import { CsvCursor } from './csv.ts';

/** One row, valid until the next is asked for. */
export interface InputRow {
  /** Number of its first line, from 1. */
  line: number;
  /** As it came, without its line end. */
  raw: string;
  /** What is wrong; then there are no coordinates. */
  problem: string | undefined;
  lat: number;
  lng: number;
  /** Of CSV, by the header; one with a problem may have more or fewer. */
  fields: readonly string[];
  /** Of NDJSON; undefined when it is not an object. */
  object: Readonly<Record<string, unknown>> | undefined;
}

/** Names of the columns, and which of them are the coordinates. */
export interface Columns {
  readonly names: readonly string[];
  readonly lat: number;
  readonly lng: number;
}

const LAT_NAMES = ['lat', 'latitude'];
const LNG_NAMES = ['lng', 'lon', 'longitude'];

/** What is added to each row; an input may not have columns of these names. */
export const ADDED = ['city', 'region', 'country', 'distanceKm', 'rule', 'error'];

/** @throws SkerryError SKERRY_INVALID naming the column that is missing, doubled or taken */
export function columnsOf(header: string): Columns {
  const cursor = new CsvCursor(header);
  const names = cursor.next() ? cursor.fields.map((name) => name.trim()) : [];
  if (cursor.problem !== undefined) throw invalid(`the header is not valid CSV: ${cursor.problem}`);
  const find = (known: readonly string[]): number => {
    const found = names.flatMap((name, i) => (known.includes(name.toLowerCase()) ? [i] : []));
    if (found.length === 1) return found[0];
    const has = names.length === 0 ? 'it is empty' : `it has: ${names.join(', ').slice(0, 300)}`;
    throw invalid(`the first row must be a header with one column ${known.join(' or ')}; ${has}`);
  };
  const columns = { names, lat: find(LAT_NAMES), lng: find(LNG_NAMES) };
  const taken = names.find((name) => ADDED.includes(name));
  if (taken !== undefined) throw invalid(`the header has a column "${taken}", which is one of those that are added; rename it`);
  return columns;
}

/** The rows of a chunk, one after another in the same object. */
export function* rowsOf(chunk: RowChunk, columns: Columns | undefined): Generator<InputRow, void, undefined> {
  const row: InputRow = { line: chunk.line, raw: '', problem: undefined, lat: 0, lng: 0, fields: [], object: undefined };
  if (chunk.skippedBytes !== undefined) {
    row.problem = `the row is too long: ${chunk.skippedBytes} bytes`;
    yield row;
    return;
  }
  const bytes = Buffer.from(chunk.bytes.buffer, chunk.bytes.byteOffset, chunk.bytes.byteLength);
  // Bytes that are no UTF-8 belong to single rows: then each is looked at alone, found by its bytes.
  const valid = isUtf8(bytes);
  const cursor = new CsvCursor(bytes.toString(valid ? 'utf8' : 'latin1'), chunk.line);
  const next = chunk.format === 'csv' ? () => cursor.next() : () => cursor.nextLine();
  while (next()) {
    row.line = cursor.line;
    row.raw = valid ? cursor.raw : decode(cursor.raw);
    row.fields = valid ? cursor.fields : cursor.fields.map(decode);
    row.object = undefined;
    row.problem = cursor.problem;
    if (!valid && !isUtf8(Buffer.from(cursor.raw, 'latin1'))) row.problem = 'the row is not valid UTF-8';
    if (row.problem === undefined) {
      if (columns === undefined) readObject(row);
      else readFields(row, columns);
    }
    yield row;
  }
}

function decode(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8');
}

function readFields(row: InputRow, { names, lat, lng }: Columns): void {
  const { fields } = row;
  if (row.raw === '') row.problem = 'the row is empty';
  else if (fields.length !== names.length) row.problem = `the row has ${fields.length} columns, the header ${names.length}`;
  else readPlace(row, fields[lat], fields[lng]);
}

function readObject(row: InputRow): void {
  if (row.raw.trim() === '') {
    row.problem = 'the row is empty';
    return;
  }
  let value: unknown;
  try {
    value = JSON.parse(row.raw);
  } catch {
    row.problem = 'the row is not valid JSON';
    return;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    row.problem = 'the row is not a JSON object';
    return;
  }
  const object = value as Record<string, unknown>;
  row.object = object;
  const first = (names: readonly string[]): unknown => object[names.find((name) => Object.hasOwn(object, name)) ?? names[0]];
  readPlace(row, first(LAT_NAMES), first(LNG_NAMES));
}

function readPlace(row: InputRow, lat: unknown, lng: unknown): void {
  row.lat = degrees(lat);
  row.lng = degrees(lng);
  row.problem = problemOf('latitude', lat, row.lat, 90) ?? problemOf('longitude', lng, row.lng, 180);
}

function problemOf(name: string, given: unknown, value: number, most: number): string | undefined {
  if (value >= -most && value <= most) return undefined;
  if (given === undefined || given === null || (typeof given === 'string' && given.trim() === ''))
    return `the ${name} is missing`;
  const shown = typeof given === 'object' ? 'it' : JSON.stringify(String(given).slice(0, 40));
  return Number.isNaN(value) ? `the ${name} ${shown} is not a number` : `the ${name} ${shown} is not from -${most} to ${most}`;
}

const DECIMAL = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*$/i;

function degrees(given: unknown): number {
  if (typeof given === 'number') return given;
  return typeof given === 'string' && DECIMAL.test(given) ? Number(given) : Number.NaN;
}

function invalid(message: string): SkerryError {
  return new SkerryError('SKERRY_INVALID', message);
}
