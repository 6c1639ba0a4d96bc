// Where requests come in: passes them on, does nothing itself.

import { call, method, server, uses } from '../../src/index.ts';
import type compute from './compute.server.ts';
import type driver from './driver.server.ts';
import { faultPort } from './fault-port.ts';
import type { Ack } from './ledger.server.ts';

/** What a probe through the whole service brings back. */
export interface Probed {
  readonly stored: Ack;
  readonly work: number;
  readonly echoed: Ack;
}

export default server({ uses: { compute: uses<typeof compute>(), driver: uses<typeof driver>() } }, (ctx) => {
  const { compute, driver } = ctx.uses;
  return {
    ...faultPort({ uses: 'compute', mayNotUse: 'ledger', flood: () => compute.nothing() }),

    add: (id: number, token: number): Promise<Ack> => compute.add(id, token),
    put: method({ idempotent: true }, (id: number, token: number): Promise<Ack> => compute.put(id, token)),
    work: method({ idempotent: true }, (id: number, token: number): Promise<number> => compute.work(id, token)),
    echo: method({ idempotent: true }, (id: number, token: number): Promise<Ack> => driver.echo(id, token)),

    /** @param key of the replica of `compute` that is to take part. */
    probe: method({ idempotent: true }, async (id: number, token: number, key: string): Promise<Probed> => {
      const one = call(compute, { key });
      const [stored, work, echoed] = await Promise.all([one.put(id, token), one.work(id, token), driver.echo(id, token)]);
      return { stored, work, echoed };
    }),
  };
});
