// The work itself, without any server: a chunk of rows in, the same rows with their nearest city out. Pure: the same bytes give the same
// bytes, so a chunk may be run again, and a plain loop, a pool of servers and a pool of threads have one answer.
//
// A row that came whole stands in the output as it came, with columns added. CSV gets `city,region,country,distanceKm[,rule],error`;
// NDJSON the same fields, `rule` and `error` only where there is one. Lines end with a newline alone.

import type { RowChunk } from 'skerry/servers/http';
import type { Cities } from '../cities.ts';
import type { NearestIndex } from '../nearest.ts';
import { csvField } from './csv.ts';
import { ADDED, type Columns, columnsOf, type InputRow, rowsOf } from './input-rows.ts';

/** A row that did not come out whole. */
export interface Problem {
  /** `malformed`: as it came; `threw`: its rule threw, or did not end in time; `guilty`: its rule ended the server it ran in. */
  readonly kind: 'malformed' | 'threw' | 'guilty';
  /** Number of its first line in the input, from 1. */
  readonly line: number;
  readonly reason: string;
}

export interface ChunkResult {
  readonly bytes: Uint8Array;
  readonly rows: number;
  readonly problems: readonly Problem[];
}

/** A row before its last columns: for those who add a rule's value. */
export interface OpenRow {
  readonly line: number;
  /** The row so far: `close()` ends it. */
  readonly text: string;
  readonly problem: string | undefined;
  /** All fields by name, for a rule; undefined where there is a problem. */
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

/** Longer ones become bytes: a string that grows by many parts is a tree, which the collector walks and copies until it is dropped. */
const PIECE_CHARS = 1_000;

export class Enricher {
  readonly #cities: Cities;
  readonly #index: NearestIndex;

  constructor(cities: Cities, index: NearestIndex) {
    this.#cities = cities;
    this.#index = index;
  }

  /** @throws SkerryError SKERRY_INVALID for a header without coordinates */
  chunk(chunk: RowChunk): ChunkResult {
    const columns = chunk.format === 'csv' ? columnsOf(chunk.header) : undefined;
    const problems: Problem[] = [];
    const pieces: Buffer[] = [];
    let text = headOf(chunk, false);
    let rows = 0;
    for (const row of rowsOf(chunk, columns)) {
      rows += 1;
      if (row.problem !== undefined) problems.push({ kind: 'malformed', line: row.line, reason: row.problem });
      text += close(chunk.format, this.#open(row, columns), undefined, row.problem);
      if (text.length < PIECE_CHARS) continue;
      pieces.push(Buffer.from(text));
      text = '';
    }
    pieces.push(Buffer.from(text));
    return { bytes: Buffer.concat(pieces), rows, problems };
  }

  /** The same rows for rules. */
  rows(chunk: RowChunk): OpenRow[] {
    const columns = chunk.format === 'csv' ? columnsOf(chunk.header) : undefined;
    const rows: OpenRow[] = [];
    for (const row of rowsOf(chunk, columns)) {
      const { line, problem } = row;
      const text = this.#open(row, columns);
      rows.push({ line, text, problem, fields: problem === undefined ? this.#fieldsOf(row, columns) : undefined });
    }
    return rows;
  }

  #open(row: InputRow, columns: Columns | undefined): string {
    if (row.problem !== undefined) return columns === undefined ? brokenObject(row) : `${brokenFields(row, columns)},,,,`;
    const { name, admin1, country, distanceKm } = this.#nearest(row);
    if (columns !== undefined) return `${row.raw},${csvField(name)},${csvField(admin1)},${country},${distanceKm}`;
    const added = `"city":${JSON.stringify(name)},"region":${JSON.stringify(admin1)},"country":"${country}","distanceKm":${distanceKm}`;
    return `${openObject(row)},${added}`;
  }

  #fieldsOf(row: InputRow, columns: Columns | undefined): Record<string, unknown> {
    const { name: city, admin1: region, country, distanceKm } = this.#nearest(row);
    const own: [string, unknown][] =
      columns === undefined ? Object.entries(row.object ?? {}) : columns.names.map((name, i) => [name, row.fields[i]]);
    return { ...Object.fromEntries(own.filter(([name]) => name !== '__proto__')), city, region, country, distanceKm };
  }

  #nearest({ lat, lng }: InputRow): { name: string; admin1: string; country: string; distanceKm: number } {
    const [{ index, distanceKm }] = this.#index.nearest(lat, lng, 1);
    const { name, admin1, country } = this.#cities.at(index);
    return { name, admin1, country, distanceKm: Math.round(distanceKm * 1000) / 1000 };
  }
}

/** What stands before the rows of a chunk: the header of CSV, once. */
export function headOf({ format, first, header }: RowChunk, hasRule: boolean): string {
  if (format !== 'csv' || !first) return '';
  return `${header},${ADDED.filter((name) => hasRule || name !== 'rule').join(',')}\n`;
}

/** @param rule its value as JSON; undefined where there are no rules, empty where there is no value */
export function close(format: RowChunk['format'], text: string, rule: string | undefined, problem: string | undefined): string {
  if (format === 'csv') return `${text}${rule === undefined ? '' : `,${csvRule(rule)}`},${csvField(problem ?? '')}\n`;
  return `${text}${rule ? `,"rule":${rule}` : ''}${problem === undefined ? '' : `,"error":${JSON.stringify(problem)}`}}\n`;
}

/** A string as it is, anything else as JSON. */
function csvRule(json: string): string {
  const value: unknown = json.startsWith('"') ? JSON.parse(json) : json === 'null' ? '' : json;
  return csvField(String(value));
}

/** As many columns as the header has: what is beyond stays in the last one, so that nothing is lost. */
function brokenFields({ fields, raw }: InputRow, { names }: Columns): string {
  if (raw === '') return ','.repeat(names.length - 1);
  const kept = fields.slice(0, names.length - 1);
  while (kept.length < names.length - 1) kept.push(fields[kept.length] ?? '');
  kept.push(fields.slice(names.length - 1).join(','));
  return kept.map(csvField).join(',');
}

/** Without its closing brace. What has fields of our names, or none, is written anew: a name must not stand there twice. */
function openObject({ object = {}, raw }: InputRow): string {
  if (ADDED.some((name) => Object.hasOwn(object, name))) {
    const kept = Object.entries(object).filter(([name]) => !ADDED.includes(name));
    return JSON.stringify(Object.fromEntries(kept)).slice(0, -1);
  }
  return raw.slice(0, raw.lastIndexOf('}')).trimEnd();
}

/** What has nothing but fields of our names stands there as it came. */
function brokenObject(row: InputRow): string {
  const { object } = row;
  if (object === undefined || Object.keys(object).every((name) => ADDED.includes(name)))
    return `{"input":${JSON.stringify(row.raw)}`;
  return openObject(row);
}
