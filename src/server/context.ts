// What a server's init function is given.

import type { Server } from 'node:net';
import type { UsedApi, UsesMap } from './definition.ts';
import type { ListenOptions } from './listen.ts';
import type { Remote } from './remote.ts';

export interface Logger {
  /** `data`: fields beside the message; an Error is shown with its stack. */
  debug(message: string, data?: unknown): void;
  info(message: string, data?: unknown): void;
  warn(message: string, data?: unknown): void;
  error(message: string, data?: unknown): void;
}

export interface ServerContext<Options = undefined, U extends UsesMap = UsesMap> {
  /** From the system module. */
  readonly options: Options;
  /** Its name in the system. */
  readonly name: string;
  /** Its number among the replicas, from 0. */
  readonly replica: number;
  /** How many replicas the server has. */
  readonly replicas: number;
  /** The servers that the manifest (or the system) says it uses, ready to be called. */
  readonly uses: { readonly [K in keyof U]: Remote<UsedApi<U[K]>> };
  /** Environment variables that the system lets it have. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Secrets that the system lets it have; they are in no environment. */
  readonly secrets: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
  /** Aborts when the server is asked to stop. */
  readonly signal: AbortSignal;
  /**
   * Announces synchronous work that lets the event loop make no turn: `limits.heartbeatMs` ends nobody meanwhile. Announce as little as it
   * takes: until then a hang is not noticed either.
   * @param ms how long at most, 1 to 3,600,000, from now on. A later announcement takes the place of an earlier one.
   * @returns to be called when it is done.
   * @throws SKERRY_INVALID
   */
  longTask(ms: number): () => void;
  /**
   * Has a server of node:net, node:http … listen on a socket that the kernel keeps: while this instance is dead and the next is not there yet,
   * connections wait, and none is refused. All replicas, and all later instances, share the socket. It is closed when the system stops, when
   * all replicas are down, or when all of them have closed their servers. Without the addon it is the process's own, and ends with it.
   * @param server not listening yet.
   * @throws SkerryError SKERRY_INIT that says what is wrong with the address, such as `port 4180 on 127.0.0.1 is in use`; SKERRY_INVALID
   */
  listen(server: Server, options: ListenOptions): Promise<void>;
  /**
   * Called when the server is asked to stop, after running calls have ended or `drainMs` of the system entry (default 5,000) has
   * passed; last registered first. The process ends when they have settled, or is killed after `drainMs` more.
   */
  onStop(stop: () => void | Promise<void>): void;
}
