// A campaign's record on disk, a line of JSON for each thing told: what a run that is interrupted has done stands, and the next one goes on.

import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { Telling } from './record.ts';

/** What steps are drawn from: a record holds for the same alone. */
export interface Origin {
  readonly seed: number;
  readonly from: number;
  readonly kinds: readonly string[];
}

/** @throws Error when the file is the record of another campaign. @returns what has been told before, nothing for a new file */
export function openRecord(path: string, origin: Origin): Telling[] {
  if (!existsSync(path)) {
    appendFileSync(path, `${JSON.stringify(origin)}\n`);
    return [];
  }
  const [head, ...lines] = readFileSync(path, 'utf8').split('\n');
  if (head !== JSON.stringify(origin))
    throw new Error(`--record ${path} is of another campaign: it begins with ${head?.slice(0, 200)}`);
  return lines.filter((line) => line.endsWith('}')).map((line) => JSON.parse(line) as Telling); // the last one may be torn
}

export function addToRecord(path: string, telling: Telling): void {
  appendFileSync(path, `${JSON.stringify(telling)}\n`);
}
