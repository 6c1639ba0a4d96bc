// One case of the suite: a fresh rig, a limit in time, and the check that everything was given back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSkerryError, type SkerryErrorCode } from '../../src/base/errors.ts';
import type { Rig } from './rig.ts';
import { type Methods, World, type WorldOptions } from './world.ts';

export type Cases = (name: string, makeRig: () => Rig) => void;

const LIMIT_MS = 30_000;

/** A world with one client and a running server of these methods; after `run`, all of it must be gone. */
export function inWorld(
  name: string,
  makeRig: () => Rig,
  sentence: string,
  methods: Methods,
  run: (world: World) => Promise<void>,
  options: WorldOptions = {},
): void {
  test(`${name}: ${sentence}`, { timeout: LIMIT_MS }, async () => {
    const world = await World.open(makeRig(), methods, options);
    try {
      await run(world);
      assert.deepEqual(world.broken, []);
    } finally {
      const leaks = await world.close();
      assert.deepEqual(leaks, [], 'what was not given back');
      for (const client of world.clients) assert.equal(client.holds, 0, 'calls that keep the process alive');
    }
  });
}

/** The rejection's code and whether the call may have been executed. */
export function outcome(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => ({ value }),
    (error) =>
      isSkerryError(error)
        ? { code: error.code, ...(error.maybeExecuted === undefined ? {} : { maybeExecuted: error.maybeExecuted }) }
        : { error },
  );
}

export async function rejectsWith(promise: Promise<unknown>, code: SkerryErrorCode): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(isSkerryError(error), `not a SkerryError: ${String(error)}`);
    assert.equal(error.code, code);
    return true;
  });
}

export interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

/** What a handler waits for. */
export function gate(): Gate {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** Waits until `condition` holds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const start = performance.now();
  while (!condition()) {
    if (performance.now() - start > 10_000) throw new Error(`waited 10 s in vain: ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 1);
    });
  }
}
