// JSON from strangers: parsed by the platform, refused where it could do harm, and with the place of a mistake.
//
// Refused are keys named `__proto__` (harmless in the parsed object, not in what somebody copies it to) and values nested deeper
// than NESTING_MAX. The platform's own messages name a position only sometimes, so it is searched here, once parsing has failed.

import { HttpError } from './errors.ts';

/** Deepest nesting of arrays and objects. */
export const NESTING_MAX = 100;

/** @throws HttpError 400 that says where the mistake is */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const at = findJsonMistake(text);
    const line = text.slice(0, at).split('\n');
    const place = `position ${at} (line ${line.length}, column ${line[line.length - 1].length + 1})`;
    throw badRequest(
      at >= text.length ? `the body ends in the middle of JSON at ${place}` : `the body is not valid JSON at ${place}`,
    );
  }
  checkValue(value, 0);
  return value;
}

function checkValue(value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth === NESTING_MAX) throw badRequest(`the body is nested deeper than ${NESTING_MAX} levels`);
  if (Array.isArray(value)) {
    for (const item of value) checkValue(item, depth + 1);
    return;
  }
  for (const [key, item] of Object.entries(value)) {
    if (key === '__proto__') throw badRequest('the body has a key "__proto__", which is not accepted');
    checkValue(item, depth + 1);
  }
}

/** Index of the first character that cannot stand where it does (the text's length if it only ends too early). */
export function findJsonMistake(text: string): number {
  const open: string[] = [];
  let at = skipSpace(text, 0);
  // What may come next: a value, a value or the end of an array, a key, a key or the end of an object, or what follows a value.
  let expect: 'value' | 'valueOrEnd' | 'key' | 'keyOrEnd' | 'after' = 'value';
  while (at < text.length) {
    const c = text[at];
    if (expect === 'after') {
      if (open.length === 0) return at;
      const opener = open[open.length - 1];
      if (c === ',') expect = opener === '{' ? 'key' : 'value';
      else if (c === (opener === '{' ? '}' : ']')) open.pop();
      else return at;
      at++;
    } else if ((expect === 'keyOrEnd' && c === '}') || (expect === 'valueOrEnd' && c === ']')) {
      open.pop();
      expect = 'after';
      at++;
    } else if (expect === 'key' || expect === 'keyOrEnd') {
      if (c !== '"') return at;
      const key = skipString(text, at);
      if (!key.ok) return key.at;
      at = skipSpace(text, key.at);
      if (text[at] !== ':') return at;
      expect = 'value';
      at++;
    } else if (c === '{' || c === '[') {
      open.push(c);
      expect = c === '{' ? 'keyOrEnd' : 'valueOrEnd';
      at++;
    } else {
      const scalar = c === '"' ? skipString(text, at) : skipWord(text, at);
      if (!scalar.ok) return scalar.at;
      at = scalar.at;
      expect = 'after';
    }
    at = skipSpace(text, at);
  }
  return text.length;
}

/** Where a token ends, or where it goes wrong. */
interface End {
  readonly ok: boolean;
  readonly at: number;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && ' \t\n\r'.includes(text[at])) at++;
  return at;
}

function skipString(text: string, quote: number): End {
  for (let at = quote + 1; at < text.length; at++) {
    if (text[at] === '"') return { ok: true, at: at + 1 };
    if (text[at] < ' ') return { ok: false, at };
    if (text[at] !== '\\') continue;
    at++;
    if (at === text.length) break;
    if (text[at] === 'u') {
      for (let digits = 0; digits < 4; digits++) {
        at++;
        if (at === text.length || !/[0-9a-fA-F]/.test(text[at])) return { ok: false, at };
      }
    } else if (!'"\\/bfnrt'.includes(text[at])) {
      return { ok: false, at };
    }
  }
  return { ok: false, at: text.length };
}

/** A number, true, false or null. */
function skipWord(text: string, from: number): End {
  const word = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/y;
  word.lastIndex = from;
  return word.test(text) ? { ok: true, at: word.lastIndex } : { ok: false, at: from };
}

function badRequest(message: string): HttpError {
  return new HttpError(400, 'SKERRY_INVALID', message);
}
