// What an instance needs to misbehave by hand: its control socket, and the regions that it has made or mapped.
//
// The addon's object is this process's: calls of the runtime are wrapped, so that socket and regions become known, and answers to what is
// sent by hand are taken out before the link sees them (as in test/fixtures/fault/hostile.server.ts).

import { setTimeout as sleep } from 'node:timers/promises';
import { loadNative } from '../../src/memory/load-native.ts';
import type { Descriptor, NativeAddon } from '../../src/memory/native.ts';

export interface Heard {
  readonly t: string;
  readonly ref?: number;
  readonly seq?: number;
  readonly error?: { readonly code?: string };
}

/** Numbers from here on are those of what is said by hand. */
const FIRST_OWN = 1_000_000;
const HEAR_MS = 2_000;

const addon = loadNative().addon;
const own = new Map<ArrayBuffer, string>();
const mapped = new Map<ArrayBuffer, string>();
const heard: { readonly message: Heard; readonly descriptors: readonly Descriptor[] }[] = [];
let socket: Descriptor | undefined;
let send: NativeAddon['send'] | undefined;
let last = FIRST_OWN;

if (addon !== undefined) wrap(addon);

/** Regions that this process may write, by name. */
export function ownRegions(): [ArrayBuffer, string][] {
  return [...own];
}

/** Regions of others that this process may only read. */
export function mappedRegions(): [ArrayBuffer, string][] {
  return [...mapped];
}

export function theAddon(): NativeAddon {
  if (addon === undefined) throw new Error('this fault needs shared memory');
  return addon;
}

export function nextNumber(): number {
  last += 1;
  return last;
}

/** Sends bytes on this process's control socket. */
export function sayBytes(bytes: Uint8Array, descriptors: readonly Descriptor[] = []): void {
  if (socket === undefined || send === undefined) throw new Error('the control socket is not known yet');
  const end = performance.now() + HEAR_MS;
  while (!send(socket, bytes, descriptors)) if (performance.now() > end) throw new Error('the control socket stays full');
}

export function say(message: unknown, descriptors: readonly Descriptor[] = []): void {
  sayBytes(Buffer.from(JSON.stringify(message)), descriptors);
}

/** @returns the first message of that kind, or nothing within two seconds. What came with it is closed. */
export async function hear(wanted: (message: Heard) => boolean): Promise<Heard | undefined> {
  for (const end = performance.now() + HEAR_MS; performance.now() < end; await sleep(1)) {
    const at = heard.findIndex(({ message }) => wanted(message));
    if (at < 0) continue;
    const [found] = heard.splice(at, 1);
    for (const descriptor of found?.descriptors ?? []) addon?.close(descriptor);
    return found?.message;
  }
  return undefined;
}

function wrap(target: NativeAddon): void {
  const { receive, createRegion, mapRegion, releaseRegion } = target;
  const original = target.send;
  send = original;
  target.send = (to, bytes, descriptors) => {
    socket = to;
    return original(to, bytes, descriptors);
  };
  target.receive = (from) => {
    for (;;) {
      const received = receive(from);
      if (received === undefined || received === null || received.truncated) return received;
      const message = JSON.parse(Buffer.from(received.bytes).toString()) as Heard;
      if ((message.ref ?? message.seq ?? 0) < FIRST_OWN) return received;
      heard.push({ message, descriptors: received.descriptors });
    }
  };
  target.createRegion = (sizeBytes, name) => {
    const made = createRegion(sizeBytes, name);
    own.set(made.buffer, name);
    return made;
  };
  target.mapRegion = (descriptor, name) => {
    const buffer = mapRegion(descriptor, name);
    mapped.set(buffer, name);
    return buffer;
  };
  target.releaseRegion = (buffer) => {
    own.delete(buffer);
    mapped.delete(buffer);
    releaseRegion(buffer);
  };
}
