import { setImmediate } from 'node:timers/promises';

const all: Buffer[] = [];

/** Takes 300 MB, a piece at a time, and keeps them. */
export default async (n: number): Promise<never> => {
  for (; all.length < 300; await setImmediate()) all.push(Buffer.alloc(1024 * 1024, n));
  return new Promise(() => {});
};
