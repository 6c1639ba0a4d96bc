import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isSkerryError } from '../../base/errors.ts';
import { type CutOptions, cutRows, type RowChunk, RowCutter, type RowFormat } from './cut-rows.ts';

const TIMEOUT = { timeout: 60_000 };

function cut(pieces: readonly Uint8Array[], format: RowFormat, options?: CutOptions): RowChunk[] {
  const cutter = new RowCutter(format, options);
  return [...pieces.flatMap((piece) => [...cutter.push(piece)]), ...cutter.end()];
}

const textOf = (chunks: readonly RowChunk[]): string => Buffer.concat(chunks.map(({ bytes }) => bytes)).toString();

/** Cuts bytes at the given places, in any order and number. */
function piecesOf(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const cuts = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...cuts].map((from, i) => bytes.subarray(from, cuts[i] ?? bytes.length));
}

const field = fc.oneof(
  fc.stringMatching(/^[a-z0-9.ü -]{0,12}$/),
  fc.stringMatching(/^[a-z"\n\r,ü]{0,12}$/).map((text) => `"${text.replaceAll('"', '""')}"`),
  fc.constantFrom('5" pipe', '"shut" late', '"a""b"', '""'), // a quote within a field; one that is shut too early; doubled ones
);
const row = fc.array(field, { minLength: 1, maxLength: 5 }).map((fields) => fields.join(','));
const places = fc.array(fc.nat(5_000), { maxLength: 40 });

test('however the bytes arrive, the chunks hold the same rows whole, with their line numbers', TIMEOUT, () => {
  const lineEnd = fc.constantFrom('\n', '\r\n');
  const chunkBytes = fc.integer({ min: 1, max: 300 });
  fc.assert(
    fc.property(
      fc.array(row, { maxLength: 40 }),
      row,
      lineEnd,
      fc.boolean(),
      places,
      chunkBytes,
      (rows, header, end, isEnded, cuts, size) => {
        const ended = isEnded || rows.at(-1) === ''; // an empty row is there by its end alone
        const all = [header, ...rows].map((text) => text + end).join('');
        const bytes = Buffer.from(ended || rows.length === 0 ? all : all.slice(0, -end.length));
        const chunks = cut(piecesOf(bytes, cuts), 'csv', { chunkBytes: size });
        const expected = rows.map((text, i) => (i < rows.length - 1 || ended ? text + end : text));

        // The rows, in order, each whole in one chunk; a chunk is complete with the row that reaches the size.
        let next = 0;
        let line = 1 + all.slice(0, header.length + end.length).split('\n').length - 1;
        chunks.forEach((chunk, i) => {
          assert.equal(chunk.header, header);
          assert.equal(chunk.first, i === 0);
          assert.equal(chunk.line, line);
          let text = '';
          while (Buffer.byteLength(text) < chunk.bytes.length) text += expected[next++];
          assert.equal(Buffer.from(chunk.bytes).toString(), text);
          if (i < chunks.length - 1) assert.ok(chunk.bytes.length >= size);
          line += text.split('\n').length - 1;
        });
        assert.equal(next, expected.length);
        assert.deepEqual(chunks, cut([bytes], 'csv', { chunkBytes: size }));
      },
    ),
    { numRuns: 500 },
  );
});

test('the same memory may come again, with the same bytes or others', () => {
  const block = Buffer.from('1,"a\nb"\n2,c\n');
  const chunks = cut([Buffer.from('h\n'), ...Array.from({ length: 50 }, () => block)], 'csv', { chunkBytes: 40 });
  for (const { bytes } of chunks) assert.match(Buffer.from(bytes).toString(), /^(1,"a\nb"\n(2,c\n)?|2,c\n)+$/);
  assert.equal(textOf(chunks), block.toString().repeat(50));
});

test('a large piece without quotes is looked through once, not once for each chunk', () => {
  const searched: number[] = [];
  class Watched extends Uint8Array {
    override indexOf(byte: number, from = 0): number {
      const found = super.indexOf(byte, from);
      searched.push((found < 0 ? this.length : found) - from);
      return found;
    }
  }
  const piece = new Watched(Buffer.from('a,b,c\n'.repeat(100_000)));
  assert.ok(cut([piece], 'csv', { chunkBytes: 1_000 }).length > 500);
  const bytes = searched.reduce((sum, one) => sum + one, 0);
  assert.ok(bytes < 4 * piece.length, `${bytes} bytes were looked at, of ${piece.length}`);
});

test('NDJSON ends a row at each newline, whatever quotes there are', TIMEOUT, () => {
  const line = fc.stringMatching(/^[{}":a-z, ü]{0,20}$/);
  fc.assert(
    fc.property(fc.array(line, { maxLength: 40 }), places, (lines, cuts) => {
      const text = lines.map((one) => `${one}\n`).join('');
      const chunks = cut(piecesOf(Buffer.from(text), cuts), 'ndjson', { chunkBytes: 1 });
      assert.equal(textOf(chunks), text);
      assert.equal(chunks.length, Math.max(1, lines.length));
      assert.deepEqual(
        chunks.map((chunk) => chunk.line),
        chunks.map((_, i) => 1 + i),
      );
    }),
  );
});

test('a byte order mark in pieces belongs to nothing; its beginning alone is text', () => {
  const marked = Buffer.from('\uFEFF"a\nb",c\n1,2\n');
  const pieces = [...marked].map((byte) => Uint8Array.of(byte));
  for (const format of ['csv', 'ndjson'] as const) assert.ok(!textOf(cut(pieces, format)).startsWith('\uFEFF'));
  const [chunk] = cut(pieces, 'csv');
  assert.equal(chunk.header, '"a\nb",c');
  assert.deepEqual([chunk.line, textOf([chunk])], [3, '1,2\n']);
  const torn = [Uint8Array.of(0xef), Uint8Array.of(0xbb, 0x0a)];
  assert.deepEqual(Buffer.concat(cut(torn, 'ndjson').map(({ bytes }) => bytes)), Buffer.from([0xef, 0xbb, 0x0a]));
});

test('there is a first chunk, also of nothing and of a header alone', () => {
  for (const text of ['', 'lat,lng', 'lat,lng\r\n']) {
    const chunks = cut([Buffer.from(text)], 'csv');
    assert.equal(chunks.length, 1);
    assert.deepEqual([chunks[0].first, chunks[0].header, chunks[0].bytes.length], [true, text.trim(), 0]);
  }
});

test('a row that is too long is an error that says where it begins, after the rows before it', async () => {
  const rows = 'a,b\n1,2\n3,4\n';
  for (const long of [`"${'x'.repeat(200)}`, `"${'x'.repeat(200)}\n5,6\n`, `${'y'.repeat(200)}\n5,6\n`]) {
    for (const size of [1, 7, 1000]) {
      const taken: RowChunk[] = [];
      const bytes = Buffer.from(rows + long);
      const source = async function* () {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
      };
      await assert.rejects(
        async () => {
          for await (const chunk of cutRows(source(), 'csv', { rowBytesMax: 100 })) taken.push(chunk);
        },
        (error) => isSkerryError(error, 'SKERRY_LIMIT') && error.data?.line === 4 && /begins at line 4/.test(error.message),
      );
      assert.equal(textOf(taken), '1,2\n3,4\n');
    }
  }
  const huge = Buffer.from('h'.repeat(70_000));
  assert.throws(() => cut([huge], 'csv'), /the header has 70000 bytes/);
});

test('a row that is too long may be passed over: a chunk tells of it in its place, however the bytes arrive', () => {
  const x = 'x'.repeat(200);
  const cases: [string, RowFormat, [number, string | number][]][] = [
    [
      `h\n1,2\n${x}\n3,4\n`,
      'csv',
      [
        [2, '1,2\n'],
        [3, 201],
        [4, '3,4\n'],
      ],
    ],
    [
      `h\n${x}\n"${x}\n3,4\n`,
      'csv',
      [
        [2, 201],
        [3, 202],
        [4, '3,4\n'],
      ],
    ],
    [
      `h\n"a\nb",${x}\n3,4`,
      'csv',
      [
        [2, 207],
        [4, '3,4'],
      ],
    ],
    [
      `h\n${x}"a,"\n"\n3,4\n`,
      'csv',
      [
        [2, 205],
        [3, '"\n'],
        [4, '3,4\n'],
      ],
    ],
    [
      `h\n"a\n${x}\n3,4\n`,
      'csv',
      [
        [2, '"a\n'],
        [3, 201],
        [4, '3,4\n'],
      ],
    ],
    [
      `${x}\n{}\n${x}`,
      'ndjson',
      [
        [1, 201],
        [2, '{}\n'],
        [3, 200],
      ],
    ],
  ];
  for (const [text, format, expected] of cases) {
    const bytes = Buffer.from(text);
    for (const size of [1, 7, 100, 101, 1000]) {
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
      const chunks = cut(pieces, format, { rowBytesMax: 100, longRows: 'skip' });
      assert.deepEqual(
        chunks.map((chunk) => [chunk.line, chunk.skippedBytes ?? textOf([chunk])]),
        expected,
        `${JSON.stringify(text)} in pieces of ${size}`,
      );
      assert.deepEqual(
        chunks.map(({ first, header }) => [first, header]),
        chunks.map((_, i) => [i === 0, format === 'csv' ? 'h' : '']),
      );
    }
  }
  assert.throws(() => cut([Buffer.from(x)], 'csv', { rowBytesMax: 100, longRows: 'skip' }), /begins at line 1 is longer/);
});

test('what is passed over is not held', () => {
  const piece = Buffer.alloc(1024 * 1024, 'x');
  const cutter = new RowCutter('ndjson', { longRows: 'skip' });
  let grown = 0;
  const before = process.memoryUsage().arrayBuffers;
  for (let n = 0; n < 64; n++) {
    for (const _ of cutter.push(n < 2 ? Buffer.from(piece) : piece)) assert.fail('it has not ended');
    grown = Math.max(grown, process.memoryUsage().arrayBuffers - before);
  }
  assert.deepEqual(
    [...cutter.end()].map(({ skippedBytes }) => skippedBytes),
    [64 * 1024 * 1024],
  );
  assert.ok(grown < 16 * 1024 * 1024, `${grown} bytes`);
});

test('a quote that nobody closes costs its own row, in the midst and at the end', () => {
  const rows = Array.from({ length: 50 }, (_, i) => `${i},x\n`);
  const broken = '7,"open\n';
  for (const at of [0, 20, 49, 50]) {
    const all = [...rows.slice(0, at), broken, ...rows.slice(at)];
    const bytes = Buffer.from(`a,b\n${all.join('')}`);
    for (const rowBytesMax of [40, 100, 100_000]) {
      for (const size of [1, 13, bytes.length]) {
        const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
        const chunks = cut(pieces, 'csv', { chunkBytes: 60, rowBytesMax });
        assert.equal(textOf(chunks), all.join(''));
        const guilty = chunks.find((chunk) => textOf([chunk]).includes('open')) as RowChunk;
        assert.ok(textOf([guilty]).endsWith(broken), 'it is the last of its chunk: nobody else is taken for its field');
        let line = 2;
        for (const chunk of chunks) {
          assert.equal(chunk.line, line);
          line += textOf([chunk]).split('\n').length - 1;
        }
      }
    }
  }
});
