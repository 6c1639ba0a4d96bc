// What operators see of the quarantine and do with it. The kernel keeps the calls; here they are read.

import { SkerryError } from '../../base/errors.ts';
import { isIntegerWithin, show } from '../../base/options.ts';
import { Decoder } from '../../channel/codec/decoder.ts';
import type { QuarantinedCall } from '../../protocol/quarantine.ts';
import { readExtra } from '../../rpc/wire.ts';
import type { QuarantinedEntry } from './process-api.ts';

export interface QuarantineOptions {
  /** The kernel keeps it no more. */
  pardon(id: number): void;
  /** Calls the method once more; a rejection as poison is not told to the kernel again. */
  call(server: string, method: string, args: readonly unknown[], principal: string): Promise<unknown>;
  warn(line: string): void;
}

export class Quarantine {
  readonly #options: QuarantineOptions;
  readonly #calls = new Map<number, QuarantinedCall>();
  /** What an operator tries again now. */
  readonly #retried = new Set<number>();

  constructor(options: QuarantineOptions) {
    this.#options = options;
  }

  /** The kernel keeps another one. @param isNew it was not there before this process server came. */
  add(call: QuarantinedCall, isNew: boolean): void {
    this.#calls.set(call.id, call);
    if (!isNew) return;
    const { id, server, method, deaths, reason } = call;
    this.#options.warn(
      `skerry: ${server}.${method.replace(/\p{Cc}/gu, '?')}() was alone in the server at ${deaths} deaths (the last: ${reason}) and is in quarantine: skerry poison show ${id}`,
    );
  }

  gone(id: number): void {
    this.#calls.delete(id);
  }

  list(): QuarantinedEntry[] {
    return [...this.#calls.values()].map(entryOf);
  }

  /** @throws SKERRY_NOT_FOUND; SKERRY_LIMIT when its arguments were not kept; SKERRY_CORRUPT when they cannot be read */
  arguments(id: number): unknown[] {
    return argumentsOf(this.#find(id));
  }

  /** @throws what the method throws; the call stays in quarantine then */
  async retry(id: number): Promise<unknown> {
    const call = this.#find(id);
    const args = argumentsOf(call);
    if (this.#retried.has(id)) throw new SkerryError('SKERRY_BUSY', `call ${id} is being tried again already`);
    this.#retried.add(id);
    try {
      const answer = await this.#options.call(call.server, call.method, args, call.principal);
      if (this.#calls.has(id)) this.drop(id); // an operator may have dropped it meanwhile
      return answer;
    } finally {
      this.#retried.delete(id);
    }
  }

  /** @throws SKERRY_NOT_FOUND */
  drop(id: number): void {
    this.#find(id);
    this.#calls.delete(id);
    this.#options.pardon(id);
  }

  #find(id: number): QuarantinedCall {
    if (!isIntegerWithin(id, 1, Number.MAX_SAFE_INTEGER))
      throw new SkerryError('SKERRY_INVALID', `a call in quarantine is named by its number, 1 or more; it was given ${show(id)}`);
    const call = this.#calls.get(id);
    if (call !== undefined) return call;
    const ids = [...this.#calls.keys()].join(', ');
    throw new SkerryError(
      'SKERRY_NOT_FOUND',
      `there is no call ${id} in quarantine; ${ids === '' ? 'there is none at all' : `there are: ${ids}`}`,
    );
  }
}

function entryOf({ payload, hasExtra: _, ...call }: QuarantinedCall): QuarantinedEntry {
  return { ...call, isWhole: payload !== undefined };
}

/** What a client has encoded is input. */
function argumentsOf({ id, payload, bytes, hasExtra }: QuarantinedCall): unknown[] {
  if (payload === undefined)
    throw new SkerryError('SKERRY_LIMIT', `call ${id} was kept without its arguments: they take ${bytes} bytes`);
  try {
    const encoded = Buffer.from(payload, 'base64');
    const decoder = new Decoder();
    decoder.begin(encoded, 0, encoded.length);
    decoder.f64(); // its deadline
    if (hasExtra) readExtra(decoder);
    const args = decoder.args();
    decoder.end();
    return args;
  } catch (error) {
    throw new SkerryError('SKERRY_CORRUPT', `the arguments of call ${id} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
