import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BLACK_BOX_BYTES, BlackBox, CallState, isLater, readCalls, readTexts, TextKind } from './black-box.ts';
import type { Region } from './region.ts';

function region(): Region {
  const buffer = new ArrayBuffer(BLACK_BOX_BYTES);
  return { i32: new Int32Array(buffer), f64: new Float64Array(buffer), u8: new Uint8Array(buffer) } as unknown as Region;
}

test('the last 255 calls are there, in order, each as it stands', () => {
  const box = region();
  const pen = new BlackBox(box);
  pen.methods(['add', 'find']);
  pen.client(1, 'web (server:web)');
  const entries = Array.from({ length: 700 }, (_, n) => pen.begin(n % 2, 1, 1000 + n));
  pen.end(entries[699] as number, CallState.answered, 1.5);
  pen.end(entries[698] as number, CallState.failed, -1);
  pen.end(entries[697] as number, CallState.refused, 0);
  pen.end(entries[3] as number, CallState.failed, 9); // its place has another call now
  const calls = readCalls(box);
  assert.equal(calls.length, 255);
  assert.deepEqual(
    calls.map(({ seq }) => seq),
    Array.from({ length: 255 }, (_, n) => n + 446),
  );
  const last = { seq: 700, method: 'find', client: 'web (server:web)', startMs: 1699, state: 'answered', ms: 1.5 };
  assert.deepEqual(calls.at(-1), last);
  assert.deepEqual(
    [calls.at(-2)?.state, calls.at(-2)?.ms, calls.at(-3)?.state, calls[0]?.state],
    ['failed', undefined, 'refused', 'running'],
  );
});

test('numbers begin again after 2^32 calls: the order is that of the calls', () => {
  const box = region();
  const pen = new BlackBox(box);
  box.i32.fill(0);
  const entries = Array.from({ length: 10 }, (_, n) => pen.begin(n, 1, 1000 + n));
  // The same entries, as if the first of them had been number 2^32 - 4: what is in place n then has that number.
  const [first, base] = [0xffff_fffc, 1024];
  const kept = entries.map((seq) => box.i32.slice(base + (seq & 255) * 4, base + (seq & 255) * 4 + 4));
  for (const seq of entries) box.i32.fill(0, base + (seq & 255) * 4, base + (seq & 255) * 4 + 4);
  kept.forEach((words, n) => {
    const seq = (first + n) | 0;
    words[0] = seq;
    box.i32.set(words, base + (seq & 255) * 4);
  });
  const seen = readCalls(box);
  assert.deepEqual(
    seen.map(({ seq }) => seq),
    [0xffff_fffc, 0xffff_fffd, 0xffff_fffe, 0xffff_ffff, 1, 2, 3, 4, 5], // number 0 is none: so says an empty place
  );
  assert.deepEqual(
    seen.map(({ startMs }) => startMs),
    [1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009],
  );
  assert.ok(isLater(2, 0xffff_fffe) && !isLater(0xffff_fffe, 2) && isLater(2, 1) && !isLater(2, 2));
});

test('one that is damaged is lost alone', () => {
  const box = region();
  const pen = new BlackBox(box);
  for (let n = 0; n < 1000; n++) pen.begin(0, 1, n);
  const at = 1024 + (800 & 255) * 4;
  box.i32[at] = (box.i32[at] as number) ^ (1 << 20);
  const seqs = readCalls(box).map(({ seq }) => seq);
  assert.deepEqual([seqs.length, seqs.at(-1), seqs.includes(800)], [254, 1000, false]);
});

test('one that is half written when the writer dies is not taken for the one whose place it has', () => {
  const box = region();
  const pen = new BlackBox(box);
  for (let n = 0; n < 1000; n++) pen.begin(0, 1, n);
  const at = 1024 + (1001 & 255) * 4;
  box.i32[at + 1] = (1 << 16) | 2; // the method and the client of call 1001, under the number of call 745
  const calls = readCalls(box);
  assert.deepEqual([calls.length, calls[0]?.seq, calls.at(-1)?.seq], [255, 746, 1000]);
});

test('a call may take ten minutes', () => {
  const box = region();
  const pen = new BlackBox(box);
  pen.end(pen.begin(0, 1, 1), CallState.answered, 600_000);
  assert.equal(readCalls(box)[0]?.ms, 600_000);
});

test('texts are cut to what fits, clients that share a place are told apart', () => {
  const box = region();
  const pen = new BlackBox(box);
  pen.text(TextKind.log, 'ü'.repeat(500));
  for (let n = 0; n < 100; n++) pen.text(n === 99 ? TextKind.end : TextKind.error, `text ${n}`);
  const texts = readTexts(box);
  assert.equal(texts.length, 96);
  assert.deepEqual([texts.at(-1)?.kind, texts.at(-1)?.text, texts[0]?.text], ['end', 'text 99', 'text 4']);
  pen.client(5, 'early');
  pen.begin(0, 5, 1);
  pen.client(5 + 64, 'late');
  pen.begin(0, 69, 1);
  assert.deepEqual(
    readCalls(box).map(({ client, method }) => [client, method]),
    [
      ['client 5', ''],
      ['late', ''],
    ],
  );
  const cut = region();
  new BlackBox(cut).text(TextKind.log, 'ü'.repeat(500));
  assert.equal(readTexts(cut)[0]?.text, 'ü'.repeat(116));
});

test('whatever a box says, it is read in bounded work and without an error', () => {
  fc.assert(
    fc.property(fc.infiniteStream(fc.integer()), (numbers) => {
      const box = region();
      for (let word = 16; word < box.i32.length; word++) box.i32[word] = numbers.next().value as number;
      box.i32[16] = numbers.next().value as number;
      assert.ok(readCalls(box).length <= 256);
      assert.ok(readTexts(box).every(({ text }) => text.length <= 232));
    }),
    { numRuns: 20 },
  );
});

test('random sequences of beginnings and ends, against a plain list', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(1200)), { maxLength: 1500 }), (steps) => {
      const box = region();
      const pen = new BlackBox(box);
      const model: { seq: number; state: string }[] = [];
      for (const [begins, which] of steps) {
        if (begins || model.length === 0) model.push({ seq: pen.begin(0, 0, 1), state: 'running' });
        else {
          const one = model[which % model.length] as { seq: number; state: string };
          pen.end(one.seq, CallState.answered, -1);
          one.state = 'answered';
        }
      }
      assert.deepEqual(
        readCalls(box).map(({ seq, state }) => ({ seq, state })),
        model.slice(-255),
      );
    }),
    { numRuns: 100 },
  );
});

test('without a region nothing is written, and nothing fails', () => {
  const pen = new BlackBox(undefined);
  pen.methods(['a']);
  pen.client(1, 'a');
  pen.text(TextKind.log, 'a');
  pen.end(pen.begin(0, 1, 3), CallState.answered, 1);
});
