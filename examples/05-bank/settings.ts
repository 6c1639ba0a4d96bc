// What the command line says.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const USAGE = 'valid are --seconds <number> --seed <whole number> --kills off --journal <file>';

export interface Settings {
  readonly seconds: number;
  readonly seed: number;
  readonly kills: boolean;
  readonly journal: string;
}

/** Without `--journal` it is in a temporary folder, which goes when this process ends in an orderly way. @throws Error for people */
export function readSettings(): Settings {
  const { seconds = '10', seed = String(Date.now() % 1_000_000), kills = 'on', journal } = readOptions();
  if (!(Number(seconds) > 0)) throw new Error(`--seconds is ${seconds}; it must be a number above 0`);
  if (!/^\d{1,9}$/.test(seed)) throw new Error(`--seed is ${seed}; it must be a whole number of at most 9 digits`);
  if (kills !== 'on' && kills !== 'off') throw new Error(`--kills is ${kills}; it must be on or off`);
  return {
    seconds: Number(seconds),
    seed: Number(seed),
    kills: kills === 'on',
    journal: journal === undefined ? temporaryFile() : resolve(journal),
  };
}

function readOptions(): Partial<Record<'seconds' | 'seed' | 'kills' | 'journal', string>> {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({ options: { seconds: text, seed: text, kills: text, journal: text } }).values;
  } catch (error) {
    throw new Error(`${(error as Error).message}; ${USAGE}`);
  }
}

function temporaryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-bank-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'journal');
}
