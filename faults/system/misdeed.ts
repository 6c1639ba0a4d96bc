// The contract of a misdeed: what a server does wrong when its fault port is told to.

import { appendFileSync } from 'node:fs';
import { nowMs } from '../../src/base/clock.ts';
import type { Random } from '../../test/fault/random.ts';
import { MARKS_FILE } from '../environment.ts';
import type { ServerName } from '../kinds/kind.ts';

export interface Deed {
  readonly step: number;
  readonly random: Random;
  /** What the call that ordered it is answered with; a misdeed may tamper with the answer on its way. */
  readonly answer: object;
  readonly means: Means;
  /** Says that it is done now: to be called right before. */
  mark(): void;
}

/** What a server has to do wrong with. */
export interface Means {
  /** A server that it uses. */
  readonly uses?: ServerName;
  readonly mayNotUse: ServerName;
  /** One call, to be made often. */
  readonly flood?: () => Promise<void>;
}

/** What it resolves with is for the campaign to know, as `note`. */
export type Misdeed = (deed: Deed) => unknown;

/** With one write, that survives the death of its writer. */
export function writeMark(step: number): void {
  const file = process.env[MARKS_FILE];
  if (file !== undefined) appendFileSync(file, `${step} ${nowMs()}\n`);
}
