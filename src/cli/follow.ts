// What a command shows until Ctrl-C (logs -f, trace): it goes on when the process server has died, and ends with the system.

import { isSkerryError } from '../base/errors.ts';
import { ExitCode } from './command.ts';
import { type Operator, openAgain } from './operator.ts';

/**
 * Shows with this operator, and with each that comes after it.
 * @param show ends by itself, or when `signal` aborts, or fails with SKERRY_SERVER_DOWN when the connection was closed
 * @returns interrupted, or ok when `show` has ended by itself, or failed (and says so) when the system has ended
 */
export async function follow(first: Operator, signal: AbortSignal, show: (operator: Operator) => Promise<void>): Promise<number> {
  let next: Operator | undefined = first;
  while (next !== undefined) {
    const operator: Operator = next;
    const leave = () => operator.close();
    signal.addEventListener('abort', leave, { once: true });
    try {
      if (!signal.aborted) await show(operator);
      return signal.aborted ? ExitCode.interrupted : ExitCode.ok;
    } catch (error) {
      if (signal.aborted) return ExitCode.interrupted;
      if (!isSkerryError(error, 'SKERRY_SERVER_DOWN')) throw error;
    } finally {
      signal.removeEventListener('abort', leave);
      leave();
    }
    const again = await unlessAborted(openAgain(operator.system), signal); // what the one before had kept is gone with it
    if (again === 'aborted') return ExitCode.interrupted;
    next = again;
  }
  process.stderr.write('skerry: the system has ended\n');
  return ExitCode.failed;
}

/** Takes all of a stream, as fast as standard output does, until it ends or `signal` aborts. */
export async function printAll<T>(
  stream: AsyncIterableIterator<T>,
  signal: AbortSignal,
  textOf: (item: T) => string,
): Promise<void> {
  const leave = () => void stream.return?.();
  signal.addEventListener('abort', leave, { once: true });
  try {
    for await (const item of stream)
      if (!process.stdout.write(textOf(item))) await new Promise((resolve) => process.stdout.once('drain', resolve));
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

/** An operator that comes too late is closed: nobody waits for it. */
async function unlessAborted(
  opening: Promise<Operator | undefined>,
  signal: AbortSignal,
): Promise<Operator | undefined | 'aborted'> {
  let hear = (): void => {};
  const aborted = new Promise<'aborted'>((resolve) => {
    hear = () => resolve('aborted');
    signal.addEventListener('abort', hear, { once: true });
    if (signal.aborted) hear();
  });
  const first = await Promise.race([opening, aborted]);
  signal.removeEventListener('abort', hear);
  if (first === 'aborted') opening.then((late) => late?.close()).catch(() => {});
  return first;
}
