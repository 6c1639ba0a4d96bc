/**
 * Closed loops: so many calls in flight, each lane sends its next one when its answer is there.
 *
 * `pipelined` counts calls for a time rather than for a number, so that slow and fast subjects take equally long; the clock
 * is looked at once in 32 calls.
 */
import { check, sample } from './sample.ts';
import type { EchoSubject } from './subject.ts';

/** As many calls with an id of their own each as given, all in flight at once: shows that answers are not mixed up. */
export async function verifyAnswers(subject: EchoSubject, name: string, calls: number): Promise<void> {
  const one = async (id: number): Promise<void> => check(name, await subject.call(sample(id)), id);
  await Promise.all(Array.from({ length: calls }, (_, i) => one(i + 1)));
}

/** Calls in `lanes` lanes for about `ms`; answers with the number of calls done and the time that they took in us. */
export async function pipelined(
  subject: EchoSubject,
  name: string,
  lanes: number,
  ms: number,
): Promise<{ calls: number; tookUs: number }> {
  const value = sample();
  const start = performance.now();
  let calls = 0;
  let over = false;
  async function lane(): Promise<void> {
    while (!over) {
      check(name, await subject.call(value));
      if ((++calls & 31) === 0) over = performance.now() - start >= ms;
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane));
  return { calls, tookUs: (performance.now() - start) * 1000 };
}
