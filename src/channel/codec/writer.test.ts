// Targets: not a byte outside of a direct one, and a scratch that grows to its limit and not beyond.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isSkerryError } from '../../base/errors.ts';
import { Decoder, Encoder, Overflow } from './codec.ts';

const encoder = new Encoder();
const decoder = new Decoder();

const sample = {
  id: 1,
  name: 'alice',
  long: 'x'.repeat(90),
  wide: '☃'.repeat(20),
  floats: [1.5, -2, 300, 70_000, 5n, 2n ** 80n],
  bytes: Uint8Array.from([1, 2, 3]),
  more: new Map<unknown, unknown>([['k', new Date(1)], [/r/g, new Set([new Error('e')])]]), // biome-ignore format: small
};

test('a direct target that is too small throws Overflow, and nothing outside of it is touched', () => {
  encoder.beginScratch(1e6);
  encoder.args([sample]);
  const needed = encoder.finish();
  for (const start of [0, 1, 7, 16]) {
    let fitted = false;
    for (let size = 0; size <= needed + 8; size++) {
      const memory = new Uint8Array(start + needed + 40).fill(0xee);
      encoder.begin(memory, start, start + size);
      try {
        encoder.args([sample]);
        encoder.finish();
        fitted = true;
        assert.ok(size >= needed);
        decoder.begin(memory, start, encoder.position);
        decoder.args();
        decoder.end();
      } catch (error) {
        if (error !== Overflow) throw error;
        assert.ok(!fitted);
      }
      assert.ok(memory.subarray(0, start).every((byte) => byte === 0xee));
      assert.ok(memory.subarray(start + size).every((byte) => byte === 0xee));
    }
    assert.ok(fitted);
  }
});

test('what a direct target held before does not matter', () => {
  const value = [sample, sample, { id: 2 }];
  const outcomes = [0, 0xff, 0x1e].map((fill) => {
    const memory = new Uint8Array(4096).fill(fill);
    encoder.begin(memory, 8, 4096);
    encoder.args(value);
    return Buffer.from(memory.subarray(8, encoder.finish())).toString('hex');
  });
  assert.equal(outcomes[1], outcomes[0]);
  assert.equal(outcomes[2], outcomes[0]);
});

test('after Overflow the same encoder writes the same record into scratch', () => {
  const memory = new Uint8Array(64);
  encoder.begin(memory, 0, 64);
  assert.throws(
    () => encoder.args([sample]),
    (error) => error === Overflow,
  );
  encoder.beginScratch(1e6);
  encoder.args([sample]);
  decoder.begin(encoder.bytes, 0, encoder.finish());
  assert.equal((decoder.args()[0] as typeof sample).wide, sample.wide);
  decoder.end();
});

test('a scratch grows up to its limit to the byte', () => {
  for (const max of [10, 4096, 10_000, 100_000]) {
    encoder.beginScratch(max);
    const text = 'x'.repeat(max - 6);
    encoder.value(text, 'v');
    const used = encoder.finish();
    assert.ok(used <= max);
    while (encoder.position < max) encoder.u8(0);
    assert.equal(encoder.finish(), max);
    assert.throws(
      () => {
        encoder.u8(0);
        encoder.finish();
      },
      (error) => isSkerryError(error, 'SKERRY_LIMIT'),
    );
    encoder.beginScratch(max);
    assert.throws(
      () => encoder.value('x'.repeat(max + 32), 'v'),
      (error) => isSkerryError(error, 'SKERRY_LIMIT') && /grant/.test(error.message),
    );
  }
});

test('fields of a record beside values arrive', () => {
  fc.assert(
    fc.property(fc.double(), fc.nat(0xffff_ffff), fc.nat(255), fc.uint8Array(), fc.nat(20), (f, u, b, raw, start) => {
      const memory = new Uint8Array(start + 64 + raw.length);
      encoder.begin(memory, start, memory.length);
      encoder.f64(f);
      encoder.u32(u);
      encoder.u8(b);
      encoder.raw(raw);
      const end = encoder.finish();
      decoder.begin(memory, start, end);
      assert.ok(Object.is(decoder.f64(), f));
      assert.equal(decoder.u32(), u);
      assert.equal(decoder.u8(), b);
      assert.deepEqual(decoder.raw(raw.length), new Uint8Array(raw));
      assert.equal(decoder.position, end);
      decoder.end();
    }),
  );
});

test('many targets in turn do not mix', () => {
  const targets = Array.from({ length: 9 }, () => new Uint8Array(128));
  for (let round = 0; round < 3; round++) {
    targets.forEach((memory, i) => {
      encoder.begin(memory, round, 128);
      encoder.args([i + 0.5, round]);
      encoder.finish();
    });
    targets.forEach((memory, i) => {
      decoder.begin(memory, round, 128);
      assert.deepEqual(decoder.args(), [i + 0.5, round]);
    });
  }
});
