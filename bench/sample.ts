/**
 * The object that every call of the benchmarks carries, and the check of its answer.
 *
 * The same small object as in the table of the README: a number, a string, an array of strings, a fraction. An answer is checked
 * field by field; the check costs some 10 ns and stands in every subject's time alike.
 */

export interface Sample {
  id: number;
  name: string;
  tags: string[];
  score: number;
}

export const sample = (id = 1): Sample => ({ id, name: 'alice', tags: ['a', 'b'], score: 1.5 });

/** A subject gave an answer that is not what was asked for: the run fails. */
export class WrongAnswer extends Error {
  constructor(subject: string, expected: string, found: unknown) {
    super(`wrong answer from ${subject}: expected ${expected}, found ${show(found)}`);
    this.name = 'WrongAnswer';
  }
}

export function check(subject: string, answer: Sample, id = 1): void {
  if (
    answer.id !== id ||
    answer.name !== 'alice' ||
    answer.score !== 1.5 ||
    answer.tags.length !== 2 ||
    answer.tags[0] !== 'a' ||
    answer.tags[1] !== 'b'
  )
    throw new WrongAnswer(subject, show(sample(id)), answer);
}

function show(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}
