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
  let next = first;
  for (;;) {
    const operator = next;
    const leave = () => operator.close();
    signal.addEventListener('abort', leave, { once: true });
    try {
      await show(operator);
      return signal.aborted ? ExitCode.interrupted : ExitCode.ok;
    } catch (error) {
      if (signal.aborted) return ExitCode.interrupted;
      if (!isSkerryError(error, 'SKERRY_SERVER_DOWN')) throw error;
      const again = await openAgain(operator.system);
      if (again === undefined) {
        process.stderr.write('skerry: the system has ended\n');
        return ExitCode.failed;
      }
      next = again; // what the one before had kept is gone with it
    } finally {
      signal.removeEventListener('abort', leave);
      leave();
    }
  }
}

/** Takes all of a stream, as fast as standard output does. */
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
