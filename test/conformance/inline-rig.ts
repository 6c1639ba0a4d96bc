// The inline transport.

import { InlineInstance, inlineClient, introduceInline } from '../../src/channel/inline/pair.ts';
import type { ClientEvents } from '../../src/channel/transport.ts';
import { StatusCounters } from '../../src/memory/status.ts';
import type { Rig, RigClient, RigInstance } from './rig.ts';

interface Inline extends RigInstance {
  readonly instance: InlineInstance;
}

export class InlineRig implements Rig {
  readonly name = 'inline';

  leaks(): readonly string[] {
    return []; // memory only
  }

  instance(): Inline {
    const status = new StatusCounters(undefined);
    return { status, instance: new InlineInstance(status) };
  }

  client(events: ClientEvents): RigClient {
    const end = inlineClient(events);
    return {
      end,
      introduce: async (instance, serverEvents, suspects) => {
        const { end: made, kill } = introduceInline(end, (instance as Inline).instance, serverEvents, suspects.length);
        return { end: made, start: () => made.start(), kill };
      },
      ended: async () => end.ended(),
    };
  }
}
