// The ring transport against the suite, at the start of its position space, across 2^32, and with a memory budget that is used up.

import assert from 'node:assert/strict';
import { inWorld, outcome } from './case.ts';
import { RingRig } from './ring-rig.ts';
import { transportConformance } from './transport.ts';

transportConformance('ring', () => new RingRig('ring'));
transportConformance('ring below 2^32', () => new RingRig('ring below 2^32', { position: 2 ** 32 - 64 }));

const poor = () => new RingRig('ring without memory', { regionMaxBytes: 16 * 1024 });
const methods = { echo: (value: unknown) => value, make: (size: number) => new Uint8Array(size) };

inWorld('ring without memory', poor, 'the small ring stays, and carries what fits, in order', methods, async ({ only }) => {
  const calls = Array.from({ length: 300 }, (_, id) => only.call('echo', [id, 'x'.repeat(1000)]));
  const answers = (await Promise.all(calls)) as [number, string][];
  assert.deepEqual(
    answers.map(([id]) => id),
    Array.from({ length: 300 }, (_, id) => id),
  );
});

inWorld(
  'ring without memory',
  poor,
  'what needs a region is refused with SKERRY_MEMORY in both directions; the rest goes on',
  methods,
  async ({ only }) => {
    for (let round = 0; round < 3; round++) {
      const large = outcome(only.call('echo', new Uint8Array(50_000)));
      const result = outcome(only.call('make', 50_000));
      const small = Array.from({ length: 20 }, (_, id) => only.call('echo', id));
      assert.equal(((await large) as { code: string }).code, 'SKERRY_MEMORY');
      assert.equal(((await result) as { code: string }).code, 'SKERRY_MEMORY');
      assert.deepEqual(
        await Promise.all(small),
        Array.from({ length: 20 }, (_, id) => id),
      );
    }
  },
);

inWorld(
  'ring without memory',
  poor,
  'a notification that needs a region is refused with SKERRY_MEMORY, one that waits behind it goes out',
  methods,
  async ({ only }) => {
    const large = outcome(only.notify('echo', new Uint8Array(50_000)));
    const small = only.notify('echo', 1);
    assert.equal(((await large) as { code: string }).code, 'SKERRY_MEMORY');
    await small;
  },
);

const silent = () => new RingRig('ring, silent kernel', { silent: true });

for (const [what, bytes] of [
  ['growth', 50_000],
  ['a one-off', 3_000_000],
] as const) {
  inWorld(
    'ring, silent kernel',
    silent,
    `calls and notifications that wait for ${what} end at their deadlines, unexecuted; what waits behind them goes on`,
    methods,
    async ({ only, dispatcher }) => {
      const large = new Uint8Array(bytes);
      const call = outcome(only.callWith({ timeoutMs: 20 }, 'echo', large));
      const behind = Array.from({ length: 20 }, (_, id) => only.call('echo', id));
      assert.equal(dispatcher.options.status.started, 0);
      assert.deepEqual(await call, { code: 'SKERRY_TIMEOUT', maybeExecuted: false });
      assert.deepEqual(await Promise.all(behind), [...Array(20).keys()]);
      const { code } = (await outcome(only.notifyWith({ timeoutMs: 20 }, 'echo', large))) as { code: string };
      assert.equal(code, 'SKERRY_TIMEOUT');
    },
  );
}
