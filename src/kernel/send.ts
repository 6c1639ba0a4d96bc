// Sending to a process. A message has a longest length, and what it tells is in part other people's text: where that is too much it is told
// briefly, and what is too much even so is not told: nobody else may suffer for it.

import type { Descriptor } from '../memory/native.ts';
import type { ErrorInfo, FromKernel } from '../protocol/control.ts';
import { brief } from './messages.ts';
import type { Process } from './process-record.ts';

const REASON_MAX = 300;

/** @returns false when the message is longer than a message may be, however briefly it is told. */
export function sendTo(to: Process, message: FromKernel, descriptors: readonly Descriptor[] = []): boolean {
  if (to.dead) return true;
  for (const told of [() => message, () => withBriefTexts(message)]) {
    try {
      to.port.send(told(), descriptors);
      return true;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  return false;
}

function withBriefTexts(message: FromKernel): FromKernel {
  const text = JSON.stringify(message, (key, value: unknown) => {
    if (key === 'error' && typeof value === 'object' && value !== null) return brief(value as ErrorInfo);
    return key === 'reason' && typeof value === 'string' ? value.slice(0, REASON_MAX) : value;
  });
  return JSON.parse(text) as FromKernel;
}
