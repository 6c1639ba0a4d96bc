// How far a job is, for a terminal (one line, written over), for a log (a line now and then), and for programs (an event a line).

import type { Counts } from './job.ts';

export type ProgressKind = 'terminal' | 'log' | 'json';

/** What a progress event says. */
export interface Progress extends Counts {
  readonly rowsPerS: number;
  /** Of the source; undefined where its size is not known. */
  readonly percent: number | undefined;
  /** Seconds left, at the average rate. */
  readonly leftS: number | undefined;
}

const EVERY_MS: Readonly<Record<ProgressKind, number>> = { terminal: 100, log: 3_000, json: 1_000 };

export class ProgressReport {
  readonly #kind: ProgressKind;
  readonly #totalBytes: number | undefined;
  readonly #write: (text: string) => void;
  readonly #startedMs: number;
  #saidMs: number;
  #hasLine = false;

  constructor(kind: ProgressKind, totalBytes: number | undefined, write: (text: string) => void, nowMs: number) {
    this.#kind = kind;
    this.#totalBytes = totalBytes;
    this.#write = write;
    this.#startedMs = nowMs;
    this.#saidMs = nowMs;
  }

  /** Says it if it is time to. */
  update(counts: Counts, nowMs: number): void {
    if (nowMs - this.#saidMs < EVERY_MS[this.#kind]) return;
    this.#saidMs = nowMs;
    const progress = progressOf(counts, this.#totalBytes, nowMs - this.#startedMs);
    if (this.#kind === 'json') this.event('progress', progress);
    else this.#line(lineOf(progress));
  }

  /** An event for programs; nothing for people. */
  event(event: string, data: object): void {
    if (this.#kind === 'json') this.#write(`${JSON.stringify({ event, ...data })}\n`);
  }

  /** A line for people, which stays; nothing for programs. */
  say(line: string): void {
    if (this.#kind === 'json') return;
    if (this.#hasLine) this.#write('\r\x1b[K');
    this.#hasLine = false;
    this.#write(`${line}\n`);
  }

  #line(text: string): void {
    this.#hasLine = this.#kind === 'terminal';
    this.#write(this.#hasLine ? `\r${text}\x1b[K` : `${text}\n`);
  }
}

/** @param elapsedMs since the start */
export function progressOf(counts: Counts, totalBytes: number | undefined, elapsedMs: number): Progress {
  const share = totalBytes === undefined || totalBytes === 0 ? undefined : Math.min(1, counts.bytes / totalBytes);
  const seconds = elapsedMs / 1000;
  return {
    ...counts,
    rowsPerS: seconds > 0 ? Math.round(counts.rows / seconds) : 0,
    percent: share === undefined ? undefined : Math.round(share * 1000) / 10,
    leftS: share === undefined || share === 0 ? undefined : Math.round(seconds / share - seconds),
  };
}

export function lineOf({ rows, rowsPerS, percent, leftS, malformed, threw, guilty }: Progress): string {
  const parts = [
    percent === undefined ? undefined : `${percent.toFixed(1)}%`,
    `${rows.toLocaleString('en')} rows`,
    `${rowsPerS.toLocaleString('en')}/s`,
    leftS === undefined ? undefined : `${clock(leftS)} left`,
    `${malformed} malformed`,
    threw > 0 ? `${threw} threw` : undefined,
    guilty > 0 ? `${guilty} guilty` : undefined,
  ];
  return parts.filter((part) => part !== undefined).join('  ');
}

function clock(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  return minutes === 0 ? `${seconds} s` : `${minutes} min ${seconds % 60} s`;
}
