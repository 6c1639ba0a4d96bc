// Opens and closes the debugger of an instance.

import { deferred } from '../../base/deferred.ts';
import { SkerryError } from '../../base/errors.ts';
import type { FromProcessServer } from '../../protocol/control.ts';
import type { LogBook } from './log-book.ts';
import type { LogLine } from './process-api.ts';
import { type Supervised, title } from './supervised.ts';

/** Time for an instance to open its debugger, before it is taken for one that hangs. */
const INSPECT_MS = 500;

/**
 * Opens or closes the debugger of an instance. One whose loop hangs cannot answer: a signal opens it there, in the midst of a loop.
 * @returns its address.
 * @throws SKERRY_SERVER_DOWN, SKERRY_TIMEOUT
 */
export async function inspect(
  supervised: Supervised,
  on: boolean,
  book: LogBook,
  send: (message: FromProcessServer) => void,
): Promise<string> {
  const { pid, slot } = supervised;
  if (pid === 0) throw new SkerryError('SKERRY_SERVER_DOWN', `server "${title(supervised)}" has no process to look into`);
  const answer = deferred<string>();
  supervised.onInspecting.push(answer.resolve);
  const wanted = (line: LogLine) => line.name === supervised.name && line.replica === supervised.replica;
  const unlisten = book.listen((line) => {
    const [, url] = (wanted(line) && /^Debugger listening on (ws:\S+)/.exec(line.text)) || [];
    if (url !== undefined && on) answer.resolve(url);
  });
  const nudge = setTimeout(() => {
    if (on && supervised.pid === pid) openDebugger(pid);
  }, INSPECT_MS);
  const failure = new SkerryError(
    'SKERRY_TIMEOUT',
    `the debugger of "${title(supervised)}" did not answer within ${3 * INSPECT_MS} ms`,
  );
  const late = setTimeout(() => answer.reject(failure), 3 * INSPECT_MS);
  send({ t: 'inspect', slot, on });
  try {
    return await answer.promise;
  } finally {
    clearTimeout(nudge);
    clearTimeout(late);
    unlisten();
  }
}

/** It may have ended, and not been told of. */
function openDebugger(pid: number): void {
  try {
    process.kill(pid, 'SIGUSR1');
  } catch {}
}
