// The quarantine: calls that were rejected with SKERRY_POISON, kept until an operator drops them or one of them has been answered after all.
// They lie here, unread, so that they outlive clients and process servers.
//
// Invariant: of one client at most KEPT_OF_CLIENT_MAX, in all at most KEPT_MAX; the oldest goes first, so that no client can push out what
// others have sent while it has more than its share.

import { KEPT_MAX, KEPT_OF_CLIENT_MAX, type PoisonedCall, type QuarantinedCall } from '../protocol/quarantine.ts';
import type { Channel } from './channels.ts';
import type { Process } from './process-record.ts';

const MINUTE_MS = 60_000;
const TOLD_IN_A_MINUTE_MAX = 512;

interface Kept {
  readonly call: QuarantinedCall;
  /** The client's slot; its later instances are the same client. */
  readonly from: number;
}

export class Quarantine {
  #kept: Kept[] = [];
  #lastId = 0;
  /** When, by the client's slot. */
  readonly #told = new Map<number, number[]>();

  /** Each takes two deaths of a server: an honest client does not come near what one may tell in a minute. */
  mayTell({ endpoint }: Process): boolean {
    const now = performance.now();
    const times = (this.#told.get(endpoint.slot) ?? []).filter((time) => now - time < MINUTE_MS);
    this.#told.set(endpoint.slot, [...times, now]);
    return times.length < TOLD_IN_A_MINUTE_MAX;
  }

  get all(): readonly QuarantinedCall[] {
    return this.#kept.map(({ call }) => call);
  }

  /** @returns what is kept now, and the ids of those that had to go for it. */
  keep(client: Process, { slot, principal }: Channel, poisoned: PoisonedCall): { call: QuarantinedCall; gone: number[] } {
    this.#lastId += 1;
    const { method, deaths, reason, bytes, payload, hasExtra } = poisoned;
    const call = {
      id: this.#lastId,
      time: Date.now(),
      server: slot.server.name,
      replica: slot.replica,
      client: client.role === 'client' ? 'the caller' : client.name,
      principal,
      method,
      deaths,
      reason,
      bytes,
      payload,
      hasExtra,
    };
    const from = client.endpoint.slot;
    this.#kept.push({ call, from });
    const own = this.#kept.filter((kept) => kept.from === from);
    const oldest = own.length > KEPT_OF_CLIENT_MAX ? own[0] : this.#kept.length > KEPT_MAX ? this.#kept[0] : undefined;
    if (oldest === undefined) return { call, gone: [] };
    this.pardon(oldest.call.id);
    return { call, gone: [oldest.call.id] };
  }

  /** It is kept no more. */
  pardon(id: number): void {
    this.#kept = this.#kept.filter(({ call }) => call.id !== id);
  }
}
