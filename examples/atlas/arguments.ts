// What the atlas's methods take: checked when a call arrives, and numbers are made of the strings that a query has.

import * as v from 'valibot';
import { fold } from './fold.ts';
import { NEIGHBOURS_MAX } from './nearest.ts';

/** Longest text to search for; the longest name has 97. */
export const TEXT_MAX = 100;

/** A decimal number, or a string that is one as a whole. */
function decimal(expected: string) {
  const message = `expected ${expected}`;
  const fromText = v.pipe(v.string(), v.trim(), v.regex(/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i), v.transform(Number));
  return v.union([v.number(), fromText], message);
}

/** Degrees from `-most` to `most`. */
export function coordinate(name: string, most: number) {
  const expected = `a ${name} from -${most} to ${most} degrees`;
  const message = (issue: { received: string }): string => `expected ${expected}, got ${issue.received}`;
  return v.pipe(decimal(expected), v.number(), v.minValue(-most, message), v.maxValue(most, message));
}

/** How many of something, 1 to `most`; `otherwise` if it is not said. */
export function countOf(what: string, most: number, otherwise: number) {
  const expected = `a whole number of ${what} from 1 to ${most}`;
  const message = (issue: { received: string }): string => `expected ${expected}, got ${issue.received}`;
  return v.optional(
    v.pipe(decimal(expected), v.number(), v.integer(message), v.minValue(1, message), v.maxValue(most, message)),
    otherwise,
  );
}

/** How many cities; one if it is not said. */
export const count = countOf('cities', NEIGHBOURS_MAX, 1);

const textExpected = `expected a text of at most ${TEXT_MAX} characters with a letter or digit`;

/** The beginning of a name. */
export const searchText = v.pipe(
  v.string(textExpected),
  v.maxLength(TEXT_MAX, textExpected),
  v.check((text) => fold(text) !== '', textExpected),
);

const codeExpected = 'expected a country as two letters (ISO 3166-1), such as DE';

/** A country's code, in capitals from here on. */
export const countryCode = v.pipe(v.string(codeExpected), v.regex(/^[a-z]{2}$/i, codeExpected), v.toUpperCase());
