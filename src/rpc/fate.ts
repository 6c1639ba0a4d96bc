// The fate of a request whose server died: a pure decision, the table of DESIGN section 6 in code.
//
//   the call was                         outcome
//   answered                             (not asked: the answer has been delivered)
//   not started                          carry    it stays where it is; the successor takes it
//   started, idempotent                  suspect  it goes again, ahead of the others, alone; `again` when the kernel ordered the death
//   ... and alone at `poisonAfter` deaths  poison
//   started, not idempotent, or a stream reject   maybe executed

import { POISON_AFTER } from '../protocol/limits.ts';

export interface CallAtDeath {
  readonly started: boolean;
  readonly idempotent: boolean;
  readonly stream: boolean;
  /** Deaths at which this call was the only one running, this one included. */
  readonly deathsAlone: number;
  /** The kernel ordered the death (an operator's kill, a restart): nobody is suspected. */
  readonly ordered: boolean;
}

export type Outcome = 'carry' | 'again' | 'suspect' | 'poison' | 'reject';

export function decideFate(call: CallAtDeath): Outcome {
  if (!call.started) return 'carry';
  if (!call.idempotent || call.stream) return 'reject';
  if (call.ordered) return 'again';
  return call.deathsAlone >= POISON_AFTER ? 'poison' : 'suspect';
}
