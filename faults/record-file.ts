// A campaign's record on disk, a line of JSON for each thing told: what a run that is interrupted has done stands, and the next one goes on.

import { appendFileSync, existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import type { Telling } from './record.ts';

/** What steps are drawn from: a record holds for the same alone. */
export interface Origin {
  readonly seed: number;
  readonly from: number;
  readonly kinds: readonly string[];
}

/** @throws Error when the file is the record of another campaign. @returns what has been told before, nothing for a new file */
export function openRecord(path: string, origin: Origin): Telling[] {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const first = `${JSON.stringify(origin)}\n`;
  if (first.startsWith(text))
    writeFileSync(path, first); // new, or torn at once
  else if (!text.startsWith(first))
    throw new Error(`--record ${path} is of another campaign: it begins with ${text.slice(0, 200)}`);
  const whole = text.slice(0, text.lastIndexOf('\n') + 1); // the last line may be torn
  if (whole.length < text.length && whole !== '') truncateSync(path, Buffer.byteLength(whole));
  return whole
    .split('\n')
    .slice(1, -1)
    .map((line, index) => {
      try {
        return JSON.parse(line) as Telling;
      } catch {
        throw new Error(`--record ${path}: line ${index + 2} is no JSON: ${line.slice(0, 200)}`);
      }
    });
}

export function addToRecord(path: string, telling: Telling): void {
  appendFileSync(path, `${JSON.stringify(telling)}\n`);
}
