// Stores effects: a line of a file for each, written before it is acknowledged. The page cache survives a SIGKILL, so after any death the
// file says what was executed, and how often.
//
//   a <id> <token> <pid>     by add, which is not idempotent
//   p <id> <token> <pid>     by put, which is

import { openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { method, server } from '../../src/index.ts';
import { LEDGER_FILE, SABOTAGE } from '../environment.ts';
import { faultPort } from './fault-port.ts';

export interface Ack {
  readonly id: number;
  readonly token: number;
}

/** Ways in which a ledger can be wrong: for the checker's own test. */
export type Sabotage = 'acknowledges before it writes' | 'writes twice' | 'forgets';
const SABOTAGED_EVERY = 10;

export default server((ctx) => {
  const file = openSync(ctx.env[LEDGER_FILE] ?? '/dev/null', 'a');
  const sabotage = ctx.env[SABOTAGE] as Sabotage | undefined;

  function write(kind: 'a' | 'p', id: number, token: number): Ack {
    const line = `${kind} ${id} ${token} ${process.pid}\n`;
    if (writeSync(file, line) !== line.length) throw new Error('the ledger took half a line');
    return { id, token };
  }

  function wrongly(kind: 'a' | 'p', id: number, token: number): Ack | Promise<Ack> {
    if (id % SABOTAGED_EVERY !== 0 || sabotage === undefined) return write(kind, id, token);
    if (sabotage === 'forgets') return new Promise(() => {});
    if (sabotage === 'writes twice') write(kind, id, token);
    else setTimeout(() => write(kind, id, token), 50);
    return sabotage === 'writes twice' ? write(kind, id, token) : { id, token };
  }

  async function store(kind: 'a' | 'p', id: number, token: number): Promise<Ack> {
    if ((token & 7) === 0) await sleep(token & 3);
    const ack = wrongly(kind, id, token);
    if ((token & 24) === 0) await sleep((token >>> 5) & 3); // a death may fall between effect and answer
    return ack;
  }

  return {
    ...faultPort({ mayNotUse: 'compute' }),

    nothing: method({ idempotent: true }, (): void => {}),
    add: (id: number, token: number): Promise<Ack> => store('a', id, token),
    put: method({ idempotent: true }, (id: number, token: number): Promise<Ack> => store('p', id, token)),
  };
});
