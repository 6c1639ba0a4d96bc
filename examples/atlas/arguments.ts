// What `nearest` takes: checked when a call arrives, and numbers are made of the strings that a query has.

import * as v from 'valibot';
import { NEIGHBOURS_MAX } from './nearest.ts';

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

const countExpected = `a whole number of cities from 1 to ${NEIGHBOURS_MAX}`;
const countMessage = (issue: { received: string }): string => `expected ${countExpected}, got ${issue.received}`;

/** How many cities; one if it is not said. */
export const count = v.optional(
  v.pipe(
    decimal(countExpected),
    v.number(),
    v.integer(countMessage),
    v.minValue(1, countMessage),
    v.maxValue(NEIGHBOURS_MAX, countMessage),
  ),
  1,
);
