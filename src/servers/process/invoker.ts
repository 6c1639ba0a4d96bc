// Calls a server's method for an operator who is not part of the system: a stream of what it gives, one item for a method that is none.

import { SkerryError } from '../../base/errors.ts';
import type { LinkClients } from '../../link/clients.ts';
import { isUser, OPERATOR } from '../../protocol/principal.ts';
import { type CurrentCall, getCurrentCall } from '../../rpc/call-context.ts';
import { type Connector, RemoteServer } from '../../rpc/remote-server.ts';

export interface InvokeOptions {
  /** Deadline, ms; for a stream the longest wait for an item. Default: the method's. */
  readonly timeoutMs?: number;
  /** On whose behalf. Default: the operator's. */
  readonly as?: string;
}

interface Used {
  readonly remote: RemoteServer;
  calls: number;
}

export class Invoker {
  readonly #clients: LinkClients;
  readonly #remotes = new Map<string, Used>();

  constructor(clients: LinkClients) {
    this.#clients = clients;
  }

  /** @throws SKERRY_INVALID; what the method throws */
  async *invoke(server: string, method: string, args: readonly unknown[], options: InvokeOptions): AsyncGenerator<unknown, void> {
    const call = getCurrentCall() as CurrentCall;
    const { signal } = call;
    const { timeoutMs } = options;
    const { remote, leave } = this.#remoteOf(server, options.as ?? OPERATOR);
    const waiting = async <T>(promise: Promise<T> | T): Promise<T> => {
      call.idle(true); // it computes nothing meanwhile
      try {
        return await promise;
      } finally {
        call.idle(false);
      }
    };
    try {
      const given = remote.invoke(method, args, timeoutMs === undefined ? { signal } : { signal, timeoutMs });
      const result: unknown = await waiting(given as Promise<unknown>);
      if (!isStream(result)) {
        yield result;
        return;
      }
      const items = result[Symbol.asyncIterator]();
      try {
        for (let item = await waiting(items.next()); item.done !== true; item = await waiting(items.next())) yield item.value;
      } finally {
        await items.return?.();
      }
    } finally {
      leave();
    }
  }

  /** The operator's channels are kept, one for each server; those of users as long as they are used: there is no end of users. */
  #remoteOf(server: string, user: string): { readonly remote: RemoteServer; leave(): void } {
    const key = `${user} ${server}`;
    const connector: Connector = user === OPERATOR ? this.#clients : this.#clients.as(user);
    const used = this.#remotes.get(key) ?? { remote: new RemoteServer(server, connector), calls: 0 };
    this.#remotes.set(key, used);
    used.calls += 1;
    const leave = () => {
      used.calls -= 1;
      if (used.calls > 0 || user === OPERATOR) return;
      this.#remotes.delete(key);
      used.remote.leave(new SkerryError('SKERRY_ABORTED', 'the operator has left'));
    };
    return { remote: used.remote, leave };
  }
}

/** A call with channels of its own, made for a call in quarantine: should it be poison again, that is known. */
export async function callOnce(
  clients: LinkClients,
  server: string,
  method: string,
  args: readonly unknown[],
  principal: string,
): Promise<unknown> {
  const remote = new RemoteServer(server, clients.as(principal === OPERATOR ? undefined : principal, false));
  try {
    return await remote.invoke(method, args, { signal: (getCurrentCall() as CurrentCall).signal });
  } finally {
    remote.leave(new SkerryError('SKERRY_ABORTED', 'the operator has left'));
  }
}

/** @throws SKERRY_INVALID */
export function checkInvoke(server: unknown, method: unknown, args: unknown, options: unknown): void {
  const { timeoutMs, as, ...others } = Object(options) as InvokeOptions;
  const isFine =
    typeof server === 'string' &&
    typeof method === 'string' &&
    Array.isArray(args) &&
    typeof options === 'object' &&
    Object.keys(others).length === 0 &&
    (timeoutMs === undefined || (typeof timeoutMs === 'number' && timeoutMs >= 0)) &&
    (as === undefined || as === OPERATOR || isUser(as));
  if (isFine) return;
  const valid = "invoke('server', 'method', [arguments], { timeoutMs?: number, as?: 'user' })";
  throw new SkerryError(
    'SKERRY_INVALID',
    `invoke() takes ${valid}; it was given ${JSON.stringify([server, method, args, options])}`,
  );
}

function isStream(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
