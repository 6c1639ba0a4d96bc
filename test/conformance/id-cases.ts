// Call ids recur after 2^21 calls of a slot: what was said of a call long ago must not hit the one that has its id now.

import { Kind } from '../../src/protocol/record.ts';
import { getCurrentCall } from '../../src/rpc/call-context.ts';
import { writeCall } from '../../src/rpc/wire.ts';
import { type Cases, inWorld, until } from './case.ts';
import type { TestClient } from './world.ts';

/** The last of slot 1023, and of all. */
const LAST_ID = 2 ** 31 - 1;

/** A call without a channel's bookkeeping, so that it can have any id. */
function send({ end }: TestClient, callId: number): void {
  end.send(Kind.call, 0, 0, callId, writeCall, { deadline: 0, extra: undefined, args: [], encodedArgs: undefined });
}

export const idCases: Cases = (name, makeRig) => {
  for (const callId of [2 * 1024, 5 * 1024 + 7, LAST_ID]) {
    const seen = { runs: 0, aborts: 0 };
    inWorld(
      name,
      makeRig,
      `the cancel of call ${callId} does not hit a later call with its id`,
      {
        once: () => {
          seen.runs += 1;
          if (seen.runs > 1) return undefined;
          const signal = getCurrentCall()?.signal as AbortSignal;
          return new Promise<void>((resolve) => {
            signal.addEventListener('abort', () => {
              seen.aborts += 1;
              resolve();
            });
          });
        },
        ping: () => {},
      },
      async (world) => {
        const { only } = world;
        send(only, callId);
        await until(() => seen.runs === 1, 'the first call to run');
        only.end.cancel(callId);
        await until(() => seen.aborts === 1 && world.dispatcher.running === 0, 'the first call to be aborted');
        await only.call('ping'); // the answer of the first has come before this one's
        only.end.settled(callId);
        send(only, callId);
        await until(() => seen.runs === 2, 'the second call to run');
        only.end.settled(callId);
      },
    );
  }

  const seen = { runs: 0 };
  inWorld(
    name,
    makeRig,
    'nor one that waits for the next instance',
    {
      once: () => {
        seen.runs += 1;
      },
      ping: () => {},
    },
    async (world) => {
      const { only } = world;
      const callId = 5 * 1024 + 7;
      seen.runs = 0;
      send(only, callId);
      await until(() => seen.runs === 1, 'the first call to run');
      only.end.cancel(callId);
      await only.call('ping');
      only.end.settled(callId);
      await world.kill();
      send(only, callId);
      await world.run();
      await until(() => seen.runs === 2, 'the second call to run');
      only.end.settled(callId);
    },
  );
};
