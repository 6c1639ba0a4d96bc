import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cutRows } from 'skerry/servers/http';
import { CsvCursor, csvField } from './csv.ts';

interface Row {
  readonly line: number;
  readonly raw: string;
  readonly fields: readonly string[];
  readonly problem: string | undefined;
}

function rowsOf(text: string, line?: number): Row[] {
  const cursor = new CsvCursor(text, line);
  const rows: Row[] = [];
  while (cursor.next()) rows.push({ line: cursor.line, raw: cursor.raw, fields: cursor.fields, problem: cursor.problem });
  return rows;
}

test('fields come out as they were written, whatever is in them', () => {
  const value = fc.stringMatching(/^[a-z"\n\r,ü ]{0,12}$/);
  const row = fc.array(value, { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(fc.array(row, { maxLength: 20 }), fc.constantFrom('\n', '\r\n'), (rows, end) => {
      const texts = rows.map((fields) => fields.map(csvField).join(','));
      const found = rowsOf(texts.map((text) => text + end).join(''));
      assert.deepEqual(
        found.map(({ fields, problem, raw }) => ({ fields, problem, raw })),
        rows.map((fields, i) => ({ fields, problem: undefined, raw: texts[i] })),
      );
      let line = 1;
      for (const [i, one] of found.entries()) {
        assert.equal(one.line, line);
        line += (texts[i] + end).split('\n').length - 1;
      }
    }),
  );
});

test('rows end where the chunks of the http driver end them, also with broken quotes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.stringMatching(/^[a",\n\r]{0,60}$/), async (text) => {
      const whole = rowsOf(`h\n${text}`).slice(1);
      const found: Row[] = [];
      const source = (async function* () {
        yield Buffer.from(`h\n${text}`);
      })();
      for await (const { bytes, line } of cutRows(source, 'csv', { chunkBytes: 1 }))
        found.push(...rowsOf(Buffer.from(bytes).toString(), line));
      assert.deepEqual(found, whole);
    }),
    { numRuns: 2000 },
  );
});

test('a quote within a field is a character; text after a closing quote, and a quote that is not closed, are problems', () => {
  const [pipe, late, open, next] = rowsOf('5" pipe,b\n"a" late,b\n"a,\nb');
  assert.deepEqual([pipe.fields, pipe.problem], [['5" pipe', 'b'], undefined]);
  assert.deepEqual([late.fields, late.problem], [['a late', 'b'], 'there is text after a closing quote: " late"']);
  assert.deepEqual([open.fields, open.problem, open.line], [['"a', ''], 'a quote is opened and not closed', 3]);
  assert.deepEqual([next.fields, next.problem, next.line], [['b'], undefined, 4]);
});
