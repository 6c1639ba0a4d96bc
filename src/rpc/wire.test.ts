import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Decoder } from '../channel/codec/decoder.ts';
import { encodeRecord } from '../channel/encode-record.ts';
import { type CallExtra, readExtra, writeArgs, writeCall } from './wire.ts';

const shared = { id: 1, name: 'a' };
const args = [[shared, { id: 2, name: 'b' }, shared, { path: ['x'] }], shared];

/** What a server makes of a call. */
function received(extra: CallExtra | undefined, encodedArgs: Uint8Array | undefined): { extra: unknown; args: unknown[] } {
  const bytes = encodeRecord(writeCall, { deadline: 5, extra, args, encodedArgs });
  const decoder = new Decoder();
  decoder.begin(bytes, 0, bytes.length);
  assert.equal(decoder.f64(), 5);
  const read = { extra: extra === undefined ? undefined : readExtra(decoder), args: decoder.args() };
  decoder.end();
  return read;
}

test('arguments that were encoded ahead arrive as they were, with and without something said besides', () => {
  for (const extra of [undefined, { path: ['caller', 'jobs'] }, { trace: 't', path: ['caller'] }]) {
    for (const encodedArgs of [undefined, encodeRecord(writeArgs, args)]) {
      const read = received(extra, encodedArgs);
      assert.deepEqual(read, { extra, args });
      const [[first, , third], last] = read.args as [unknown[], unknown];
      assert.ok(first === third && first === last, 'one object arrives as one');
    }
  }
});
