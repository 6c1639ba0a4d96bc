/**
 * node overhead-main.js <folder> <folder> <ms>: one round of `overhead`. Boots the echo server with the `skerry` of each folder, measures
 * them in turn, for `ms` in all each, and prints us for a call of the first and of the second.
 */
import { pipelined, verifyAnswers } from './lanes.ts';
import { median } from './stats.ts';
import type { EchoSubject } from './subject.ts';

/** Short, so that both have the same hour; long beside what a server that slept takes to wake. */
const TURN_MS = 20;
const WARM_TURNS = 40;
const LANES = 64;

process.on('disconnect', () => process.exit(1)); // nobody waits for it any more
const [, , first, second, ms] = process.argv as [string, string, string, string, string];
const subjects: EchoSubject[] = [];
for (const folder of [first, second]) {
  const { echoServer } = (await import(new URL('subjects/skerry.js', folder).href)) as typeof import('./subjects/skerry.ts');
  subjects.push(echoServer('ring'));
}
for (const subject of subjects) await subject.start();
for (const subject of subjects) await verifyAnswers(subject, 'overhead', LANES);
await inTurn(WARM_TURNS);
const us = await inTurn(Math.ceil(Number(ms) / TURN_MS));
for (const subject of subjects) await subject.stop();
console.log(us.join(' '));
process.removeAllListeners('disconnect');
process.disconnect?.();

/** @returns us for a call of each: the median of its turns. */
async function inTurn(turns: number): Promise<number[]> {
  const seen: number[][] = subjects.map(() => []);
  for (let turn = 0; turn < turns; turn++) {
    const order = turn % 2 === 0 ? [0, 1] : [1, 0];
    for (const index of order) {
      const { calls, tookUs } = await pipelined(subjects[index] as EchoSubject, 'overhead', LANES, TURN_MS);
      (seen[index] as number[]).push(tookUs / calls);
    }
  }
  return seen.map(median);
}
