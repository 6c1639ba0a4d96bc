import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSkerryError } from '../base/errors.ts';
import { system } from '../server/system.ts';
import { boot } from './boot.ts';

const empty = system('file:///empty.js', {});
const bootWith = boot as unknown as (system: unknown, options: unknown) => Promise<unknown>;

test('options of boot() are checked before anything is started', { timeout: 10_000 }, async () => {
  const wrong: readonly (readonly [options: unknown, pattern: RegExp])[] = [
    [null, /^boot\(\) takes a system and options; the options are null$/],
    [{ transprot: 'ring' }, /^boot\(\) has no option "transprot"; it has: transport, budgetMb, env, name, operator, onChange$/],
    [{ transport: 'pigeon' }, /^boot\(\): transport must be 'ring' or 'stream'; it is "pigeon"$/],
    [{ budgetMb: 0 }, /^boot\(\): budgetMb must be a number of megabytes, 1 or more; it is 0$/],
    [{ budgetMb: Number.NaN }, /budgetMb .*; it is NaN$/],
    [{ budgetMb: '64' }, /budgetMb .*; it is "64"$/],
  ];
  for (const [options, pattern] of wrong)
    await assert.rejects(
      bootWith(empty, options),
      (error) => isSkerryError(error, 'SKERRY_INVALID') && pattern.test(error.message),
      String(pattern),
    );
  await assert.rejects(
    bootWith({}, {}),
    (error) => isSkerryError(error, 'SKERRY_INVALID') && /takes what system/.test(error.message),
  );
});
