// A ring against a plain queue: whatever is written comes out, in order, unchanged, at every position and over every switch.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Kind } from '../../protocol/record.ts';
import { Encoder } from '../codec/encoder.ts';
import { type RingArea, ringArea } from './layout.ts';
import { RingReader } from './reader.ts';
import { RingWriter } from './writer.ts';

const TAIL = 0;
const TAKEN = 1;

class Rig {
  readonly words = new Int32Array(2);
  readonly areas = new Map<number, RingArea>();
  readonly writer: RingWriter;
  readonly reader: RingReader;
  readonly encoder = new Encoder();
  #regions = 1;

  constructor(capacity: number, position: number) {
    const first = ringArea(new ArrayBuffer(capacity), 1, 0, capacity, position);
    this.writer = new RingWriter(first, this.words, TAIL, position);
    this.words[TAKEN] = position | 0;
    this.writer.setConsumer(this.words, TAKEN);
    this.reader = new RingReader(
      first,
      this.words,
      TAIL,
      { ring: (id) => this.areas.get(id), oneOff: () => undefined },
      position,
    );
  }

  write(payload: Uint8Array, callId: number): boolean {
    return this.writer.write(this.encoder, Kind.call, 0, 7, callId, (encoder, bytes) => encoder.raw(bytes), payload) !== 0;
  }

  grow(capacity: number): void {
    this.#regions += 1;
    const id = this.#regions;
    this.writer.switchTo(id, (start) => {
      const area = ringArea(new ArrayBuffer(capacity), id, 0, capacity, start);
      this.areas.set(id, area);
      return area;
    });
  }

  read(): { callId: number; payload: Uint8Array } | undefined {
    if (!this.reader.next()) return undefined;
    const { callId, payload, offset, length, head } = this.reader;
    this.words[TAKEN] = head | 0;
    return { callId, payload: payload.slice(offset, offset + length) };
  }
}

/** One of two rings: their readers share the memory that they copy into. */
const which = fc.constantFrom(0, 1);
const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('write' as const), which, size: fc.integer({ min: 0, max: 600 }) }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('read' as const), which, size: fc.constant(0) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('grow' as const), which, size: fc.constant(0) }) },
  ),
  { minLength: 1, maxLength: 200 },
);
const positions = fc.constantFrom(0, 2 ** 31 - 64, 2 ** 32 - 64, 2 ** 32 - 16, 2 ** 40 - 1024);

test('two rings are queues, also around 2^32, over switches, and with records longer than what is copied at once', () => {
  fc.assert(
    fc.property(steps, positions, fc.constantFrom(1, 20), (script, position, times) => {
      const least = 4096 * (times === 1 ? 1 : 8);
      const pair = [0, 1].map(() => ({
        rig: new Rig(least, position),
        model: [] as { callId: number; payload: Uint8Array }[],
        capacity: least,
      }));
      let id = 0;
      for (const { kind, which, size } of script) {
        const one = pair[which] as (typeof pair)[number];
        if (kind === 'write') {
          id += 1;
          const payload = Uint8Array.from({ length: size * times }, (_, i) => (i * 31 + id) & 0xff);
          if (one.rig.write(payload, id)) one.model.push({ callId: id, payload });
        } else if (kind === 'grow' && one.capacity < 65536) {
          one.capacity *= 2;
          one.rig.grow(one.capacity);
        } else {
          assert.deepEqual(one.rig.read(), one.model.shift());
        }
      }
      for (const { rig, model } of pair) {
        for (const expected of model) assert.deepEqual(rig.read(), expected);
        assert.equal(rig.read(), undefined);
      }
    }),
    { numRuns: 500 },
  );
});

test('a full ring refuses and leaves what is in it alone; there is always room for a switch', () => {
  const rig = new Rig(4096, 2 ** 32 - 64);
  const payload = new Uint8Array(100).fill(7);
  let written = 0;
  while (rig.write(payload, written + 1)) written += 1;
  assert.ok(written > 25);
  rig.grow(8192);
  assert.ok(rig.write(payload, written + 1));
  for (let id = 1; id <= written + 1; id++) assert.deepEqual(rig.read(), { callId: id, payload });
});

test('a consumer that goes back, or beyond what was published, is found out', () => {
  const rig = new Rig(4096, 0);
  rig.write(new Uint8Array(10), 1);
  rig.words[TAKEN] = 4000;
  assert.throws(() => rig.writer.refresh(), /SKERRY_CORRUPT|says it has taken 4000/);
  rig.words[TAKEN] = -16;
  assert.throws(() => rig.writer.refresh(), /says it has taken -16/);
  rig.words[TAKEN] = 8;
  assert.throws(() => rig.writer.refresh(), /says it has taken 8; .* in steps of 16/);
});

test('of a dead consumer that said two things, the one further on holds, if it can be', () => {
  const around = (position: number) => {
    const rig = new Rig(4096, position);
    for (let id = 1; id <= 3; id++) rig.write(new Uint8Array(16), id); // 32 bytes each
    rig.read(); // its word is at 32 from here on
    return rig;
  };
  const settled = (position: number, word: number, copy: number) => {
    const rig = around(position);
    rig.words[TAKEN] = (position + word) | 0;
    if (word < 0) rig.writer.look(); // it has seen the lie
    rig.writer.settle((position + copy) | 0);
    assert.equal(rig.writer.lie, undefined);
    return rig.writer.taken - position;
  };
  for (const position of [0, 2 ** 31 - 64, 2 ** 32 - 64, 2 ** 40 - 1024]) {
    assert.equal(settled(position, 64, 64), 64);
    assert.equal(settled(position, 64, 32), 64, 'it died between the two stores');
    assert.equal(settled(position, 32, 64), 64, 'its word went back');
    assert.equal(settled(position, -16, 64), 64, 'its word is impossible');
    assert.equal(settled(position, 4000, 64), 64, 'its word is impossible');
    assert.equal(settled(position, 64, 4000), 64, 'the copy is impossible');
    assert.equal(settled(position, 64, 72), 64, 'the copy is impossible');
    assert.equal(settled(position, 68, 64), 64, 'its word is impossible');
    assert.equal(settled(position, 64, 80), 64, 'no record begins where the copy says');
    assert.equal(settled(position, 80, 64), 64, 'no record begins where its word says');
    assert.equal(settled(position, 64, 96), 96, 'all were consumed');
    assert.throws(() => settled(position, 4000, 112), /SKERRY_CORRUPT|says it has taken/, 'both are');
  }
});

test('a record of the largest size finds room at every position of an empty ring', () => {
  const capacity = 4096;
  for (let position = 0; position < capacity; position += 16) {
    for (const position32 of [position, 2 ** 32 - capacity + position]) {
      const words = new Int32Array(2);
      const writer = new RingWriter(ringArea(new ArrayBuffer(capacity), 1, 0, capacity, position32), words, TAIL, position32);
      words[TAKEN] = position32 | 0;
      writer.setConsumer(words, TAKEN);
      const payload = new Uint8Array((writer.largest & ~15) - 16);
      assert.notEqual(writer.put(Kind.call, 0, 0, 1, payload), 0, `at ${position}`);
    }
  }
});
