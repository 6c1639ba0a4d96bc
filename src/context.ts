// `skerry/context`: the call that a handler serves. Importing it switches the tracking on in this process; those who do not import it
// do not pay for it.

import { SkerryError } from './base/errors.ts';
import { type CurrentCall, enableCallContext, getCurrentCall } from './rpc/call-context.ts';

enableCallContext();

export type { CurrentCall };

/**
 * The call that the running code serves: its signal, deadline, principal, trace and path; also after an `await`.
 * Deadline, trace and path are inherited by the calls that a handler makes, without any help.
 * @throws SkerryError SKERRY_UNSUPPORTED outside of a handler.
 */
export function currentCall(): CurrentCall {
  const call = getCurrentCall();
  if (call === undefined) throw new SkerryError('SKERRY_UNSUPPORTED', 'currentCall() was used outside of a method of a server');
  return call;
}
