import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findJsonMistake, NESTING_MAX, parseJson } from './json.ts';

test('what is JSON is parsed', () => {
  for (const text of ['1', ' {"a":[1,{"b":null}],"c":"\\u00e9\\n"} ', '[]', '{}', '"x"', '-0.5e+3', 'true']) {
    assert.deepEqual(parseJson(text), JSON.parse(text));
  }
});

test('a mistake is told with its place', () => {
  assert.throws(() => parseJson('{\n  "a": 1,\n  b: 2}'), {
    status: 400,
    message: 'the body is not valid JSON at position 14 (line 3, column 3)',
  });
  assert.throws(() => parseJson('{"a": '), { status: 400, message: /ends in the middle of JSON at position 6 / });
});

test('the place is that of the first character that cannot stand there', () => {
  const cases: [text: string, at: number][] = [
    ['', 0],
    ['x', 0],
    ['{"a":}', 5],
    ['{"a" 1}', 5],
    ['{"a":1,}', 7],
    ['{,}', 1],
    ['[1,]', 3],
    ['[1 2]', 3],
    ['[1}', 2],
    ['{]', 1],
    ['1 2', 2],
    ['01', 1],
    ['[-]', 1],
    ['"a\nb"', 2],
    ['"\\x"', 2],
    ['"\\u12g4"', 5],
    ['"abc', 4],
    ['"abc\\', 5],
    ['nul', 0],
    ['[NaN]', 1],
    ['{"a":1} // x', 8],
    ["{'a':1}", 1],
  ];
  for (const [text, at] of cases) {
    assert.throws(() => JSON.parse(text), SyntaxError);
    assert.equal(findJsonMistake(text), at, text);
  }
});

test('a text that is cut or spoilt anywhere has its mistake there, or at the start of the word that is cut', () => {
  const text = '{"a":[1,-2.5e3,{"b":"x\\"\\u00e9"}],"c":true, "d" : null}';
  for (let i = 0; i < text.length; i++) {
    const cut = findJsonMistake(text.slice(0, i));
    assert.ok(cut <= i && cut > i - 'true'.length, text.slice(0, i));
    const spoilt = `${text.slice(0, i)}\u0001${text.slice(i + 1)}`;
    assert.ok(findJsonMistake(spoilt) <= i, spoilt);
  }
  assert.equal(findJsonMistake(text), text.length);
});

test('keys named __proto__ are refused at any depth and in any spelling', () => {
  for (const text of ['{"__proto__":1}', '[{"a":{"__proto__":{}}}]', '{"\\u005f_proto__":1}']) {
    assert.throws(() => parseJson(text), { status: 400, message: /__proto__/ });
  }
  assert.deepEqual(parseJson('{"a":"__proto__","constructor":1}'), { a: '__proto__', constructor: 1 });
});

test('deep nesting is refused, also when it is broken or huge', () => {
  const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
  parseJson(nested(NESTING_MAX));
  assert.throws(() => parseJson(nested(NESTING_MAX + 1)), { status: 400, message: /nested deeper/ });
  assert.throws(() => parseJson(nested(500_000)), { status: 400 });
  assert.throws(() => parseJson('['.repeat(1_000_000)), { status: 400, message: /position 1000000 / });
  assert.throws(() => parseJson(`"${'x'.repeat(1_000_000)}`), { status: 400, message: /position 1000001 / });
});
