// ctx.log: what becomes of a message: a record, and of a record a line.
//
// Where a server's stderr is a pipe that the process server reads, records travel in it as JSON lines behind a mark (RS, as in JSON text
// sequences, RFC 7464) among whatever else the server writes there; the process server keeps them and shows them. Elsewhere they are
// shown at once. A line: time, server, level, message, fields; with SKERRY_LOG=json a JSON object.

import { inspect } from 'node:util';
import type { Logger } from './context.ts';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LEVELS)[number];

export interface LogRecord {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly level: LogLevel;
  readonly message: string;
  /** Fields beside the message, as JSON has them. */
  readonly data?: unknown;
  /** The same as text, for people. */
  readonly shown?: string;
}

const MARK = '\x1e';
/** Of a record's fields as text, characters. */
const SHOWN_MAX = 16_384;
/** Objects and arrays within each other, in a record's fields: well below what a channel carries (codec/tags.ts). */
const NESTING_MAX = 64;

/** @param now gives the time, ms since 1970. */
export function makeLogger(emit: (record: LogRecord) => void, now: () => number = Date.now): Logger {
  const least = LEVELS.indexOf((process.env.SKERRY_LOG_LEVEL ?? 'info') as LogLevel);
  const log = (level: LogLevel) => (message: string, data?: unknown) => {
    if (LEVELS.indexOf(level) < least) return;
    emit({ time: now(), level, message: String(message), ...(data === undefined ? {} : fields(data)) });
  };
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
}

/** The line that people, or with `asJson` programs, read; ends with a newline. */
export function showRecord({ time, level, message, data, shown }: LogRecord, server: string, asJson: boolean): string {
  const iso = new Date(time).toISOString();
  if (asJson) return `${JSON.stringify({ time: iso, level, server, message, ...(data === undefined ? {} : { data }) })}\n`;
  return `${iso.slice(11, 23)} [${server}] ${level === 'info' ? '' : `${level}: `}${message}${shown === undefined ? '' : ` ${shown}`}\n`;
}

export function logsAsJson(): boolean {
  return process.env.SKERRY_LOG === 'json';
}

/** A record as a line of a pipe. */
export function packRecord(record: LogRecord): string {
  return `${MARK}${JSON.stringify(record)}\n`;
}

/** @returns undefined when the line is not one of `packRecord`: a server may write anything. */
export function unpackRecord(line: string): LogRecord | undefined {
  if (!line.startsWith(MARK)) return undefined;
  if (nestingOf(line) > NESTING_MAX + 1) return undefined;
  let record: Partial<LogRecord> | null;
  try {
    record = JSON.parse(line.slice(MARK.length)) as Partial<LogRecord> | null;
  } catch {
    return undefined;
  }
  if (typeof record !== 'object' || record === null) return undefined;
  const { time, level, message, data, shown } = record;
  if (
    typeof time !== 'number' ||
    !(Math.abs(time) < 8.64e15) ||
    !LEVELS.includes(level as LogLevel) ||
    typeof message !== 'string'
  )
    return undefined;
  return {
    time,
    level: level as LogLevel,
    message,
    ...(data === undefined ? {} : { data }),
    ...(typeof shown === 'string' ? { shown } : {}),
  };
}

function fields(data: unknown): Pick<LogRecord, 'data' | 'shown'> {
  const isError = data instanceof Error;
  const shown = isError ? (data.stack ?? data.message) : inspect(data, { breakLength: Number.POSITIVE_INFINITY });
  const clipped = shown.length <= SHOWN_MAX ? shown : `${shown.slice(0, SHOWN_MAX)} …`;
  const plain = isError ? { name: data.name, message: data.message, stack: data.stack } : data;
  return { data: asJson(plain, clipped), shown: clipped };
}

/** What JSON cannot have (circles, bigints), and what is large or deep, is there as text. */
function asJson(data: unknown, text: string): unknown {
  try {
    const json = JSON.stringify(data);
    const isFine = json !== undefined && json.length <= 4 * SHOWN_MAX && nestingOf(json) <= NESTING_MAX;
    return isFine ? (JSON.parse(json) as unknown) : text;
  } catch {
    return text;
  }
}

/** How deep objects and arrays lie within each other in a JSON text; of one that is not JSON, at least as deep as a parser would go. */
function nestingOf(json: string): number {
  let depth = 0;
  let most = 0;
  let isString = false;
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (isString) {
      if (character === '\\') at++;
      else if (character === '"') isString = false;
    } else if (character === '"') isString = true;
    else if (character === '{' || character === '[') most = Math.max(most, ++depth);
    else if (character === '}' || character === ']') depth--;
  }
  return most;
}
