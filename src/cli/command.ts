// What a command of `skerry` is.

import type { ParseArgsConfig } from 'node:util';

/** As shells have it. */
export const ExitCode = { ok: 0, failed: 1, usedWrongly: 2, interrupted: 130 } as const;

/** Of every command that goes to a system. */
export const SYSTEM = { system: { type: 'string', short: 's' } } as const;

export type Options = Readonly<Record<string, string | boolean | undefined>>;

export interface Command {
  /** `skerry call [-s <system>] <server> <method> [json…]` */
  readonly usage: string;
  readonly about: string;
  readonly options: NonNullable<ParseArgsConfig['options']>;
  /** How many words it takes, at least and at most. */
  readonly words: readonly [min: number, max: number];
  /** What each word and option is, a line each. */
  readonly help: readonly string[];
  /** What the first word is: for the completion of shells. */
  readonly completes?: 'servers' | 'replicas' | 'files' | 'commands' | 'shells' | 'acts';
  /** @returns the exit code. @throws UsageError; SkerryError with what is wrong */
  execute(words: readonly string[], options: Options): Promise<number>;
}

/** It was called wrongly: the message and its usage are shown. */
export class UsageError extends Error {}

/** @throws UsageError */
export function wholeNumber(name: string, text: string | boolean | undefined, min: number, max: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (typeof text === 'string' && /^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new UsageError(`--${name} takes a whole number from ${min} to ${max}; it was given ${JSON.stringify(text)}`);
}
