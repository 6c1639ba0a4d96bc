// Sending to a process. A message has a longest length, and errors in it are other people's text: where they are too much they are told
// briefly.

import type { Descriptor } from '../memory/native.ts';
import type { ErrorInfo, FromKernel } from '../protocol/control.ts';
import { brief } from './messages.ts';
import type { Process } from './process-record.ts';

export function sendTo(to: Process, message: FromKernel, descriptors: readonly Descriptor[] = []): void {
  if (to.dead) return;
  try {
    to.port.send(message, descriptors);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    to.port.send(withBriefErrors(message), descriptors);
  }
}

function withBriefErrors(message: FromKernel): FromKernel {
  const text = JSON.stringify(message, (key, value: unknown) => (key === 'error' ? brief(value as ErrorInfo) : value));
  return JSON.parse(text) as FromKernel;
}
