// The queue in front of a ring, while the kernel has not answered for a region that a record of it needs.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Deferred, deferred } from '../../base/deferred.ts';
import { SkerryError } from '../../base/errors.ts';
import type { OwnRegion } from '../../memory/region.ts';
import { Kind } from '../../protocol/record.ts';
import { ringArea } from './layout.ts';
import { type RegionHost, RingSender } from './sender.ts';
import { RingWriter } from './writer.ts';

/** Beyond every ring: it needs a region of its own. */
const LARGE_BYTES = 600_000;
const turn = () => new Promise((resolve) => setImmediate(resolve));

class Rig {
  readonly asked: Deferred<OwnRegion>[] = [];
  readonly offered: number[] = [];
  readonly retired: number[] = [];
  readonly placed: number[] = [];
  readonly failed: number[] = [];
  readonly sender: RingSender;

  constructor() {
    const host: RegionHost = {
      makeRegion: () => {
        const answer = deferred<OwnRegion>();
        this.asked.push(answer);
        return answer.promise;
      },
      offer: ({ id }) => this.offered.push(id),
      retire: ({ id }) => this.retired.push(id),
    };
    const writer = new RingWriter(ringArea(new ArrayBuffer(4096), 0, 0, 4096, 0), new Int32Array(1), 0);
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
    const buffer = new ArrayBuffer(LARGE_BYTES + 4096);
    this.asked[index]?.resolve({ id: 10 + index, u8: new Uint8Array(buffer) } as OwnRegion);
    await turn();
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
