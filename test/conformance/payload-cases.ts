// Payloads of all sizes, in both directions: across the end of a ring, through its growth, and in regions of their own.

import assert from 'node:assert/strict';
import { type Cases, gate, inWorld, until } from './case.ts';
import { sleep } from './rig.ts';

const SIZES = [
  0, 1, 15, 16, 17, 255, 256, 257, 4095, 8_000, 16_300, 16_384, 40_000, 65_536, 262_144, 520_000, 1_048_576, 3_000_000,
];

/** Bytes that depend on their place, so that a shifted or torn payload shows. */
function pattern(size: number, seed = 0): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = (i * 31 + (i >> 8) + seed) & 0xff;
  return bytes;
}

function check(bytes: unknown, size: number, seed = 0): void {
  assert.ok(bytes instanceof Uint8Array);
  assert.equal(bytes.length, size);
  assert.equal(Buffer.compare(bytes, pattern(size, seed)), 0, `the bytes of a payload of ${size}`);
}

const echo = (value: unknown): unknown => value;

export const payloadCases: Cases = (name, makeRig) => {
  inWorld(
    name,
    makeRig,
    'payloads from nothing to 3 MB come back as they were, one after the other',
    { echo },
    async ({ only }) => {
      for (const size of SIZES) check(await only.call('echo', pattern(size)), size);
      for (const size of [...SIZES].reverse()) check(await only.call('echo', pattern(size, 1)), size, 1);
    },
  );

  inWorld(
    name,
    makeRig,
    'payloads of mixed sizes at once come back as they were, each to its caller',
    { echo },
    async ({ only }) => {
      const sizes = Array.from({ length: 150 }, (_, i) => (i % 25 === 0 ? 2_500_000 : SIZES[(i * 5) % 14]) as number);
      const answers = await Promise.all(sizes.map((size, seed) => only.call('echo', pattern(size, seed))));
      for (const [seed, size] of sizes.entries()) check(answers[seed], size, seed);
    },
  );

  const seen: number[] = [];
  inWorld(
    name,
    makeRig,
    'the order of starts holds through growth and payloads in regions of their own',
    { mark: (id: number, _bytes: Uint8Array) => seen.push(id) },
    async ({ only }) => {
      const sent: Promise<unknown>[] = [];
      for (let id = 0; id < 200; id++) sent.push(only.call('mark', id, pattern(id % 50 === 7 ? 2_500_000 : (id * 997) % 9_000)));
      await Promise.all(sent);
      assert.deepEqual(
        seen,
        Array.from({ length: 200 }, (_, id) => id),
      );
    },
  );

  inWorld(
    name,
    makeRig,
    'many answers larger than the client has asked for wait their turn',
    { make: (size: number, seed: number) => pattern(size, seed) },
    async ({ only }) => {
      const answers = await Promise.all(Array.from({ length: 60 }, (_, seed) => only.call('make', 200_000, seed)));
      for (const [seed, answer] of answers.entries()) check(answer, 200_000, seed);
    },
  );

  const door = gate();
  inWorld(
    name,
    makeRig,
    'a large call that waits behind others can be taken back',
    { wait: () => door.opened, echo },
    async ({ only }) => {
      const blocked = only.call('wait');
      await until(() => only.end.unstarted === 0, 'the first call to start');
      const controller = new AbortController();
      const large = Array.from({ length: 5 }, () => only.callWith({ signal: controller.signal }, 'echo', pattern(2_500_000)));
      const settled = Promise.allSettled(large);
      const behind = only.call('echo', 'behind');
      await sleep(5);
      controller.abort();
      for (const one of await settled) assert.equal(one.status, 'rejected');
      door.open();
      await blocked;
      assert.equal(await behind, 'behind');
    },
    { concurrency: 1 },
  );
};
