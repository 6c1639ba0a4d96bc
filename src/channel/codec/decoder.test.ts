// The decoder against bytes that nobody's encoder wrote: a value or SKERRY_CORRUPT, never anything else, after bounded work.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isSkerryError, SkerryError } from '../../base/errors.ts';
import { Decoder, Encoder } from './codec.ts';
import { ERROR_KINDS, VIEW_KINDS } from './tags.ts';

const encoder = new Encoder();
const decoder = new Decoder();
const MUTATIONS = 20_000;

test('every byte sequence decodes to a value or is reported as corrupt', () => {
  const bytes = fc.uint8Array({ maxLength: 300 });
  const tags = fc.array(fc.oneof(fc.nat(0x25), fc.nat(255)), { maxLength: 100 }).map((list) => Uint8Array.from(list));
  fc.assert(
    fc.property(fc.oneof(bytes, tags), (record) => {
      tryDecode(record);
      tryDecode(Uint8Array.from([0x1e, ...record]));
    }),
    { numRuns: 10_000 },
  );
});

test('a record with some bytes changed, cut or repeated decodes to a value or is reported as corrupt', () => {
  const seed = Number(process.env.SKERRY_SEED ?? Date.now() % 1_000_000);
  const random = mulberry32(seed);
  const records = corpus().map((value) => encode(value));
  const below = (n: number): number => Math.floor(random() * n);
  let values = 0;
  for (let i = 0; i < MUTATIONS; i++) {
    const record = Uint8Array.from(records[below(records.length)]);
    for (let k = below(4); k >= 0; k--) record[below(record.length)] = random() < 0.5 ? below(0x24) : below(256);
    const cut = random() < 0.3 ? record.subarray(0, below(record.length + 1)) : record;
    try {
      if (tryDecode(cut)) values++;
    } catch (error) {
      throw new Error(`SKERRY_SEED=${seed}, mutation ${i}: ${Buffer.from(cut).toString('hex')}`, { cause: error });
    }
  }
  assert.ok(values > 0 && values < MUTATIONS);
});

test('a record cut anywhere is corrupt', () => {
  for (const value of corpus()) {
    const record = encode(value);
    for (let n = 0; n < record.length; n++) assert.equal(tryDecode(record.subarray(0, n)), false, `${n} of ${record.length}`);
    assert.equal(tryDecode(record), true);
  }
});

test('bytes after the value are corrupt, and the message says where', () => {
  decoder.begin(Uint8Array.from([9, 9, 0x1d, 0x03, 7, 7]), 2, 6);
  assert.equal(decoder.value(), true);
  assert.throws(() => decoder.end(), { code: 'SKERRY_CORRUPT', message: /^byte 2 of a record of 4: found 2 more bytes/ });
});

test('nothing is read beyond the end of the record, though the memory goes on', () => {
  const record = encode({ text: 'x'.repeat(100), n: 1.5 });
  const memory = new Uint8Array(record.length + 100).fill(0x61);
  memory.set(record);
  for (let n = 0; n < record.length; n++) {
    decoder.begin(memory, 0, n);
    assert.throws(
      () => decoder.value(),
      (error) => isSkerryError(error, 'SKERRY_CORRUPT'),
    );
  }
});

test('a handle is not supported yet', () => {
  decoder.begin(Uint8Array.from([0x1d, 0x1a]), 0, 2);
  assert.throws(
    () => decoder.value(),
    (error) => isSkerryError(error, 'SKERRY_UNSUPPORTED'),
  );
});

test('a few bytes cannot claim much memory', () => {
  const before = process.memoryUsage();
  const length = [0xff, 0xff, 0xff, 0xff, 0x0f];
  const long = [0x0e, ...length, 0x0f];
  assert.equal(tryDecode(Uint8Array.from([0x1d, ...long, 0x0c])), true); // 2^32-1 holes
  assert.equal(tryDecode(Uint8Array.from([0x1d, ...long, 0x03, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0x83, 0x0c])), true);
  const million = [0x0e, 0xc0, 0x84, 0x3d, 0x0f, 0x0c];
  const thousand = [0x0e, 0x80, 0x08, 0x0f, 0x0c];
  for (const each of [million, thousand]) {
    const many = Array.from({ length: 20_000 }, () => each).flat();
    assert.equal(tryDecode(Uint8Array.from([0x1d, 0x11, ...many, 0x0c])), true);
  }
  for (const tag of [0x0a, 0x0b, 0x15, 0x16]) assert.equal(tryDecode(Uint8Array.from([0x1d, tag, ...length])), false);
  assert.equal(tryDecode(Uint8Array.from([0x1d, 0x17, 0x08, ...length])), false);
  const after = process.memoryUsage();
  assert.ok(after.rss - before.rss < 300e6, `grew by ${after.rss - before.rss} bytes`);
});

test('keys of hostile records set no prototype and call no setter', () => {
  let called = 0;
  Object.defineProperty(Object.prototype, 'trap', { configurable: true, set: () => called++ });
  try {
    const key = (text: string): number[] => [0x40 | text.length, ...Buffer.from(text)];
    const proto = [...key('__proto__'), 0x0d, ...key('polluted'), 0x81, 0x0c];
    const block = [...key('__proto__'), ...key('trap')];
    for (let i = 0; i < 40; i++) {
      const generic = decodeBytes([0x1d, 0x0d, ...proto, ...key('trap'), 0x81, 0x0c]) as object;
      assert.deepEqual(Object.keys(generic), ['__proto__', 'trap']);
      const shaped = decodeBytes([0x1d, 0x1b, 0x01, 0x00, block.length, 0, ...block, 0x0d, 0x0c, 0x81]) as object;
      assert.deepEqual(Object.keys(shaped), ['__proto__', 'trap']);
      assert.equal(Object.getPrototypeOf(shaped), Object.prototype);
      assert.equal((shaped as { polluted?: unknown }).polluted, undefined);
    }
    const error = decodeBytes([0x1d, 0x14, 0, 0x41, 0x6d, 0x01, 0x01, 0x01, ...proto, ...key('trap'), 0x81, 0x0c]) as Error;
    assert.ok(error instanceof Error);
    assert.equal((error as { polluted?: unknown }).polluted, undefined);
  } finally {
    delete (Object.prototype as { trap?: unknown }).trap;
  }
  assert.equal(called, 0);
});

test('references, shapes, classes and indices out of range are corrupt', () => {
  const bad: number[][] = [
    [0x1e, 0x19, 0x00],
    [0x1d, 0x21, 0x19, 0x00],
    [0x1d, 0x1c, 0x00],
    [0x1d, 0x1b, 0, 0, 2, 0, 0x42, 0x61],
    [0x1d, 0x1b, 0, 0, 1, 0, 0x03, 0x01],
    [0x1d, 0x14, ERROR_KINDS.length, 0x01, 0x01, 0x01, 0x01, 0x0c],
    [0x1d, 0x17, VIEW_KINDS.length, 0x00],
    [0x1d, 0x17, 8, 0x03, 1, 2, 3],
    [0x1d, 0x13, 0x41, 0x28, 0x40],
    [0x1d, 0x13, 0x41, 0x61, 0x42, 0x67, 0x67],
    [0x1d, 0x09, 0x00, 0x42, 0x30, 0x20],
    [0x1d, 0x18, 0x18, 0x81],
    [0x1d, 0x18, 0x0d, 0x0c],
    [0x1d, 0x18, 0x00],
    [0x1d, 0x22, 0x81, 0x0f, 0x03, 0x00, 0x81, 0x0c],
    [0x1d, 0x22, 0x81, 0x0f, 0x03, 0x02, 0x81, 0x0c],
    [0x1d, 0x0b, 0x03, 0x61, 0x61, 0x61],
    [0x81],
  ];
  for (const record of bad) assert.equal(tryDecode(Uint8Array.from(record)), false, Buffer.from(record).toString('hex'));
});

test('a decoder that met a corrupt record reads the next one', () => {
  for (let i = 0; i < 5; i++) {
    assert.equal(tryDecode(Uint8Array.from([0x1e, 0x22, 0x0d, 0x0c])), false);
    assert.equal(tryDecode(encode([{ a: 1 }, { a: 2 }])), true);
  }
});

test('a class of views that this process does not have is corrupt, one that it has arrives', () => {
  for (const name of VIEW_KINDS) {
    const View = (globalThis as unknown as Record<string, (new (buffer: ArrayBuffer) => ArrayBufferView) | undefined>)[name];
    const record = Uint8Array.from([0x1d, 0x17, VIEW_KINDS.indexOf(name), 8, 1, 2, 3, 4, 5, 6, 7, 8]);
    if (View === undefined) assert.equal(tryDecode(record), false);
    else assert.equal((decodeBytes([...record]) as object).constructor, View);
  }
});

function encode(value: unknown): Uint8Array {
  encoder.beginScratch(1e6);
  encoder.value(value, 'value');
  return encoder.bytes.slice(0, encoder.finish());
}

function decodeBytes(record: number[]): unknown {
  decoder.begin(Uint8Array.from(record), 0, record.length);
  const value = decoder.value();
  decoder.end();
  return value;
}

/** Whether the record held a value; throws when the decoder failed in any way but the one that it promises. */
function tryDecode(record: Uint8Array): boolean {
  decoder.begin(record, 0, record.length);
  try {
    decoder.value();
    decoder.end();
    return true;
  } catch (error) {
    if (isSkerryError(error, 'SKERRY_CORRUPT') || isSkerryError(error, 'SKERRY_UNSUPPORTED')) return false;
    throw error;
  }
}

function corpus(): unknown[] {
  const shared = { id: 7, tags: ['a', 'é', '☃'] };
  return [
    { id: 1, name: 'alice', tags: ['a', 'b'], score: 1.5 },
    [shared, shared, { id: 8, tags: [] }, -1, 300, 70_000, 1e300, 5n, -(2n ** 90n)],
    new Map<unknown, unknown>([[{ k: 1 }, new Set([1, 'two', null])], ['d', new Date(99)], [/a+/giu, undefined]]), // biome-ignore format: small
    new SkerryError('SKERRY_BUSY', 'full', { data: { depth: 5 }, cause: new AggregateError([new TypeError('t')], 'all') }),
    // biome-ignore lint/suspicious/noSparseArray: that is the subject
    [1, , 3, { a: Object('boxed') }],
    {
      bytes: Uint8Array.of(1, 2, 3),
      floats: Float64Array.of(1, 2),
      view: new DataView(new ArrayBuffer(3)),
      raw: new ArrayBuffer(5),
    },
    { long: 'x'.repeat(200), wide: '日本'.repeat(50), 'not a name': true, __proto__: null, nested: { a: { b: { c: [[[]]] } } } },
  ];
}

function mulberry32(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
