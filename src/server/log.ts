// ctx.log: one line a message, to standard error: time, server, level, message, fields. With SKERRY_LOG=json a JSON object a line.

import { inspect } from 'node:util';
import type { Logger } from './context.ts';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
type Level = (typeof LEVELS)[number];

/** @param write takes whole lines; @param now gives the time, ms since 1970. */
export function makeLogger(server: string, write: (line: string) => void, now: () => number = Date.now): Logger {
  const json = process.env.SKERRY_LOG === 'json';
  const least = LEVELS.indexOf((process.env.SKERRY_LOG_LEVEL ?? 'info') as Level);
  const log = (level: Level) => (message: string, data?: unknown) => {
    if (LEVELS.indexOf(level) < least) return;
    const time = new Date(now()).toISOString();
    if (json)
      return write(`${JSON.stringify({ time, level, server, message, ...(data === undefined ? {} : { data: plain(data) }) })}\n`);
    const more =
      data === undefined
        ? ''
        : ` ${data instanceof Error ? (data.stack ?? data.message) : inspect(data, { breakLength: Number.POSITIVE_INFINITY })}`;
    write(`${time.slice(11, 23)} [${server}] ${level === 'info' ? '' : `${level}: `}${String(message)}${more}\n`);
  };
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
}

function plain(data: unknown): unknown {
  return data instanceof Error ? { name: data.name, message: data.message, stack: data.stack } : data;
}
