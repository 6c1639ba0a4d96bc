// ctx.listen(): a server of node:net, node:http … on a socket that the kernel keeps, so that the death of this process refuses no connection.

import { closeSync } from 'node:fs';
import type { Server } from 'node:net';
import { SkerryError } from '../base/errors.ts';
import { OptionCheck } from '../base/options.ts';

/** Of a name, in a message. */
const HOST_SHOWN_MAX = 80;

export interface ListenOptions {
  /** TCP port, 0 to 65535; 0 lets the operating system choose, once for all replicas and all later instances. */
  readonly port: number;
  /** An address of this machine, or a name of one. Default `127.0.0.1`. */
  readonly host?: string;
}

/** Where sockets come from. */
export interface SocketKeeper {
  /** @returns the number of a descriptor, which is the caller's. @throws Error with the errno's name as its code */
  open(where: { readonly address: string; readonly port: number; readonly nth: number }): Promise<number>;
  /** This process listens there no more, and lives on. */
  leave(where: { readonly address: string; readonly port: number; readonly nth: number }): void;
}

export class Listening {
  readonly #keeper: SocketKeeper | undefined;
  /** Sockets with port 0 that were opened here, by address. */
  readonly #chosen = new Map<string, number>();

  /** @param keeper undefined: this process opens its own sockets, and they end with it. */
  constructor(keeper: SocketKeeper | undefined) {
    this.#keeper = keeper;
  }

  /** See ServerContext.listen. */
  async listen(server: Server, options: ListenOptions): Promise<void> {
    const check = new OptionCheck('ctx.listen()', options, ['port', 'host'], 'a server of node:net and a port');
    check.integer('port', 0, 65_535);
    check.optional('host', 'an address or the name of a host', (given) => typeof given === 'string' && given !== '');
    if (typeof (server as Partial<Server> | undefined)?.listen !== 'function')
      throw new SkerryError('SKERRY_INVALID', 'ctx.listen() takes a server of node:net, node:http …, and where it is to listen');
    if (server.listening)
      throw new SkerryError('SKERRY_INVALID', 'ctx.listen() takes a server that does not listen yet; this one does');
    const { port, host = '127.0.0.1' } = options;
    try {
      if (this.#keeper === undefined) return await begin(server, { port, host });
      const { lookup } = await import('node:dns/promises'); // now: few servers listen, and it costs each of them half a megabyte
      const { address } = await lookup(host);
      const nth = port === 0 ? (this.#chosen.get(address) ?? 0) : 0;
      if (port === 0) this.#chosen.set(address, nth + 1);
      const where = { address, port, nth };
      const fd = await this.#keeper.open(where);
      try {
        await begin(server, { fd });
      } catch (error) {
        closeSync(fd);
        this.#keeper.leave(where);
        throw error;
      }
      leaveAtClose(server, () => this.#keeper?.leave(where));
    } catch (error) {
      throw listenError(error as NodeJS.ErrnoException, port, host);
    }
  }
}

/** At the call: the event comes when the last connection has ended, and until then nobody would take new ones. */
function leaveAtClose(server: Server, leave: () => void): void {
  const { close } = server;
  server.close = (...args) => {
    server.close = close;
    leave();
    return server.close(...args);
  };
}

async function begin(server: Server, where: { port: number; host: string } | { fd: number }): Promise<void> {
  let failed!: (error: Error) => void;
  try {
    await new Promise<void>((resolve, reject) => {
      failed = reject;
      server.once('error', failed);
      server.listen(where, resolve);
    });
  } finally {
    server.removeListener('error', failed);
  }
}

function listenError(error: NodeJS.ErrnoException, port: number, given: string): SkerryError {
  const host = given.length > HOST_SHOWN_MAX ? `${given.slice(0, HOST_SHOWN_MAX)}…` : given;
  const messages: Record<string, string> = {
    EADDRINUSE: `port ${port} on ${host} is in use`,
    EACCES: `port ${port} on ${host} may not be opened by this user`,
    EADDRNOTAVAIL: `${host} is not an address of this machine`,
    ENOTFOUND: `host ${host} is not known`,
  };
  return new SkerryError(
    'SKERRY_INIT',
    messages[error.code ?? ''] ?? `cannot listen on port ${port} of ${host}: ${error.message.replaceAll(given, () => host)}`,
    { cause: error, data: { port, host: given } },
  );
}
