// Requests: too many, to somebody who may not be called, to an endpoint that is no more.

import { CLIENT_REGION_BYTES } from '../../../src/channel/ring/layout.ts';
import { isSkerryError } from '../../../src/index.ts';
import { createRegion, RegionKind } from '../../../src/memory/region.ts';
import type { Deed, Misdeed } from '../misdeed.ts';
import { type Heard, hear, nextNumber, say, theAddon } from '../own-hands.ts';
import { SLOTS } from '../slots.ts';

const FLOOD_CALLS = 5_000;

export const calls: Readonly<Record<string, Misdeed>> = {
  /** All at once. @returns how many ended how */
  async flood({ means, mark }) {
    mark();
    const counts: Record<string, number> = {};
    const outcomes = Array.from({ length: FLOOD_CALLS }, () =>
      means.flood?.().then(
        () => 'answered',
        (error) => (isSkerryError(error) ? error.code : String(error)),
      ),
    );
    for (const outcome of await Promise.all(outcomes)) counts[outcome ?? 'none'] = (counts[outcome ?? 'none'] ?? 0) + 1;
    return counts;
  },

  async forbidden({ means, mark, random }) {
    const seq = nextNumber();
    if (random.chance(0.5)) {
      mark();
      say({ t: 'connect', seq, server: means.mayNotUse });
      return refusal(await hear((one) => one.seq === seq));
    }
    return openAt({ mark }, SLOTS[means.mayNotUse]);
  },

  /** Speaks of a channel that is closed, settles what nobody died of, or opens one for an interface of another time. */
  async stale({ means, mark, random }) {
    const slot = SLOTS[means.uses ?? means.mayNotUse];
    const how = random.int(0, 2);
    if (how === 0) return openAt({ mark }, slot, random.u32());
    const ref = openBare(slot);
    if ((await hear((one) => one.t === 'opened' && one.ref === ref)) === undefined) return 'no answer';
    if (how === 1) {
      mark();
      say({ t: 'settled', ref, from: 0, startedCalls: 0, suspects: 0 });
      return new Promise(() => {});
    }
    say({ t: 'close', ref });
    mark();
    say({ t: 'settled', ref, from: 0, startedCalls: 0, suspects: 0 });
    say({ t: 'retire', ref, region: 1, bytes: 4_096 });
    say({ t: 'broken', ref, error: { name: 'Error', message: 'of a channel that is closed' } });
    return 'ignored';
  },
};

/** @returns how it was refused, if it was: being ended is an answer too */
async function openAt({ mark }: Pick<Deed, 'mark'>, slot: number, hash?: number): Promise<string> {
  mark();
  const ref = openBare(slot, hash);
  const answer = await hear((one) => one.ref === ref);
  if (answer?.t === 'opened') say({ t: 'close', ref });
  return answer?.t === 'opened' ? 'opened' : refusal(answer);
}

/** A channel's own region, and the request to open it. */
function openBare(slot: number, hash?: number): number {
  const addon = theAddon();
  const ref = nextNumber();
  const region = createRegion(addon, RegionKind.client, CLIENT_REGION_BYTES, { node: 0, slot: 0, generation: 0 }, 'by hand');
  say({ t: 'open', ref, slot, ...(hash === undefined ? {} : { hash }) }, [region.descriptor]);
  addon.close(region.descriptor);
  region.release();
  return ref;
}

function refusal(answer: Heard | undefined): string {
  return answer === undefined ? 'no answer' : `refused: ${answer.error?.code ?? answer.t}`;
}
