import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { NativeAddon } from './native.ts';
import type { Region } from './region.ts';
import { LOOP_WORDS_OFFSET, readStatus, STATUS_REGION_BYTES, StatusCounters, watchPulse } from './status.ts';

test('how many run is exact for none and one, and to within a factor of two for more, whatever begins and ends', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(40), fc.boolean()), { maxLength: 60 }), (moves) => {
      const buffer = new ArrayBuffer(STATUS_REGION_BYTES);
      const region = { i32: new Int32Array(buffer) } as unknown as Region;
      const counters = new StatusCounters(region);
      let running = 0;
      const isRight = (): void => {
        const said = readStatus(region).running;
        assert.equal(counters.running, running);
        if (running <= 1 || said <= 1) assert.equal(said, running);
        else assert.ok(said < 2 * running && running < 2 * said, `${said} for ${running}`);
      };
      for (const [to, counted] of moves) {
        while (running < to) {
          counters.begin(++running);
          isRight();
        }
        while (running > to) {
          counters.end(--running, false);
          isRight();
        }
        if (counted) counters.count(0);
      }
    }),
    { numRuns: 300 },
  );
});

test('a pulse is looked at where the loop writes it, at whole milliseconds, and no more when it is over', () => {
  const calls: unknown[][] = [];
  const addon = {
    watchPulse: (...args: unknown[]) => {
      calls.push(args);
      return 7;
    },
    unwatchPulse: (watch: unknown) => calls.push([watch]),
  } as unknown as NativeAddon;
  const buffer = new ArrayBuffer(STATUS_REGION_BYTES);
  const onDoubt = () => {};
  watchPulse(addon, { buffer } as unknown as Region, 301 / 2, onDoubt)();
  assert.deepEqual(calls, [[buffer, LOOP_WORDS_OFFSET, 151, onDoubt], [7]]);
});
