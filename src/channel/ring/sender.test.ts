// The queue in front of a ring, while the kernel has not answered for a region that a record of it needs.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Deferred, deferred } from '../../base/deferred.ts';
import { SkerryError } from '../../base/errors.ts';
import { type OwnRegion, REGION_HEADER_BYTES, RegionKind } from '../../memory/region.ts';
import { RING_MAX_BYTES } from '../../protocol/limits.ts';
import { Kind } from '../../protocol/record.ts';
import { ringArea } from './layout.ts';
import { type RegionHost, RingSender } from './sender.ts';
import { RingWriter } from './writer.ts';

/** Beyond every ring: it needs a region of its own. */
const LARGE_BYTES = RING_MAX_BYTES / 2 + 1;
const turn = () => new Promise((resolve) => setImmediate(resolve));

class Rig {
  readonly asked: Deferred<OwnRegion>[] = [];
  readonly offered: number[] = [];
  readonly retired: number[] = [];
  readonly placed: number[] = [];
  readonly failed: number[] = [];
  onRetire: () => void = () => {};
  /** The tail, and what the consumer has taken. */
  readonly words = new Int32Array(2);
  readonly sender: RingSender;

  constructor() {
    const host: RegionHost = {
      makeRegion: () => {
        const answer = deferred<OwnRegion>();
        this.asked.push(answer);
        return answer.promise;
      },
      offer: ({ id }) => this.offered.push(id),
      retire: ({ id }) => {
        this.retired.push(id);
        this.onRetire();
      },
    };
    const writer = new RingWriter(ringArea(new ArrayBuffer(4096), 0, 0, 4096, 0), this.words, 0);
    writer.setConsumer(this.words, 1);
    this.sender = new RingSender(writer, host, {
      onPlaced: (callId) => this.placed.push(callId),
      onFailed: (callId) => this.failed.push(callId),
      onWaiting: () => {},
      onPublish: () => {},
      onDrained: () => {},
      onCorrupt: (error) => assert.fail(error),
    });
  }

  send(callId: number, bytes: number, onPublished?: (error?: SkerryError) => void): void {
    this.sender.send(Kind.call, 0, 0, callId, (encoder, body) => encoder.raw(body), new Uint8Array(bytes), onPublished);
  }

  /** The kernel answers. */
  async grant(index: number): Promise<void> {
    const u8 = new Uint8Array(LARGE_BYTES + 4096);
    const region = { id: 10 + index, kind: RegionKind.oneOff, u8, sizeBytes: u8.length } as unknown as OwnRegion;
    this.asked[index]?.resolve(region);
    await turn();
  }

  /** The consumer takes all that is published. */
  consume(): void {
    this.words[1] = this.words[0] as number;
    this.sender.flush();
  }

  async refuse(index: number): Promise<void> {
    this.asked[index]?.reject(new SkerryError('SKERRY_MEMORY', 'over the budget'));
    await turn();
  }
}

test('a region that is refused for a record that was taken back drops no other record', async () => {
  const rig = new Rig();
  rig.send(1, LARGE_BYTES);
  rig.send(2, LARGE_BYTES);
  rig.send(3, 10);
  assert.equal(rig.sender.unqueue(1), true);
  assert.equal(rig.asked.length, 2, 'the second asks for its own');
  await rig.refuse(0);
  assert.equal(rig.sender.queued, 2);
  await rig.grant(1);
  assert.deepEqual([rig.placed, rig.failed, rig.offered], [[2, 3], [], [11]]);
});

test('a region that is granted for a record that was taken back is given back', async () => {
  const rig = new Rig();
  rig.send(1, LARGE_BYTES);
  rig.send(2, 10);
  assert.equal(rig.sender.unqueue(1), true);
  assert.equal(rig.sender.unqueue(1), false);
  await rig.grant(0);
  assert.deepEqual([rig.placed, rig.offered, rig.retired], [[2], [], [10]]);
});

test('a record whose region is refused fails alone, and says so once', async () => {
  const rig = new Rig();
  const said: (string | undefined)[] = [];
  rig.send(1, LARGE_BYTES, (error) => said.push(error?.code));
  rig.send(2, 10, (error) => said.push(error?.code));
  await rig.refuse(0);
  assert.deepEqual([rig.placed, rig.failed, said], [[2], [1], ['SKERRY_MEMORY', undefined]]);
});

test('a region that is refused or granted after the sender was closed changes nothing; what waited was told', async () => {
  for (const answer of ['grant', 'refuse'] as const) {
    const rig = new Rig();
    const said: (string | undefined)[] = [];
    rig.send(1, LARGE_BYTES, (error) => said.push(error?.code));
    rig.send(2, 10, (error) => said.push(error?.code));
    rig.sender.close();
    assert.deepEqual(said, ['SKERRY_SERVER_DOWN', 'SKERRY_SERVER_DOWN']);
    await rig[answer](0);
    assert.deepEqual([rig.placed, rig.failed, said.length], [[], [], 2]);
    assert.deepEqual(rig.retired, answer === 'grant' ? [10] : []);
  }
});

test('a one-off region serves the next large record once it was copied, and is given back when none comes', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const rig = new Rig();
  rig.send(1, LARGE_BYTES);
  await rig.grant(0);
  rig.send(2, LARGE_BYTES);
  assert.equal(rig.asked.length, 2, 'the first region has not been copied yet');
  await rig.grant(1);
  rig.consume();
  assert.deepEqual([rig.placed, rig.retired], [[1, 2], [11]], 'one is enough');
  rig.send(3, LARGE_BYTES);
  assert.deepEqual([rig.placed, rig.asked.length, rig.offered], [[1, 2, 3], 2, [10, 11]]);
  rig.send(4, LARGE_BYTES + 4096 - REGION_HEADER_BYTES + 1);
  assert.equal(rig.asked.length, 3, 'it is too small for that');
  rig.sender.unqueue(4);
  rig.consume();
  t.mock.timers.tick(999);
  assert.deepEqual(rig.retired, [11]);
  t.mock.timers.tick(1);
  assert.deepEqual(rig.retired, [11, 10]);
});

test('a consumer that moves between a try and the end of the look is seen to have moved', async () => {
  const rig = new Rig();
  for (const callId of [1, 2]) {
    rig.send(callId, LARGE_BYTES);
    await rig.grant(callId - 1);
  }
  const behindBoth = rig.words[0] as number;
  let callId = 3;
  for (; rig.sender.queued < 2; callId++) rig.send(callId, 1500);
  const published = rig.words[0] as number;
  assert.ok(published > behindBoth);
  rig.words[1] = behindBoth; // no room for one more by that
  rig.onRetire = () => {
    rig.words[1] = published;
  };
  assert.equal(rig.sender.wantsFlush(), true);
  rig.sender.flush();
  assert.deepEqual([rig.retired, rig.sender.queued], [[11], 2], 'of two regions one is enough; nothing found room');
  assert.equal(rig.sender.wantsFlush(), true, 'what moved meanwhile is a reason to try again');
  rig.sender.flush();
  assert.equal(rig.sender.queued, 0);
  assert.equal(rig.placed.length, callId - 1, 'each once');
});

test('a region that was passed when a record was refused is given back at the next look', async () => {
  const rig = new Rig();
  for (const callId of [1, 2]) {
    rig.send(callId, LARGE_BYTES);
    await rig.grant(callId - 1);
  }
  rig.send(3, 1900);
  rig.send(4, 500);
  rig.words[1] = rig.words[0] as number;
  const unsendable = () => {
    throw new Error('cannot travel');
  };
  assert.throws(() => rig.sender.send(Kind.call, 0, 0, 5, unsendable, undefined), /cannot travel/);
  assert.deepEqual(rig.retired, []);
  assert.equal(rig.sender.wantsFlush(), true);
  rig.sender.flush();
  assert.deepEqual(rig.retired, [11]);
  assert.equal(rig.sender.wantsFlush(), false);
});
