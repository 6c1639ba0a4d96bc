// The facade of a remote server: an object whose methods are its methods.
//
// A method's function is made when it is asked for first and stays as an own property, so that the proxy's trap (which stands behind
// it, as its prototype) is not on the path of later calls. `then`, `toJSON` and symbols are no methods: an awaited or logged facade
// must not call the server.

import { SkerryError } from '../base/errors.ts';
import type { CallOptions, RemoteServer } from './remote-server.ts';

type Invoke = (method: string, args: readonly unknown[]) => unknown;

/** A symbol of the whole process: a facade is known also to another copy of this file (a bundle beside the package). */
const remoteMark = Symbol.for('skerry.remote');
/** On a method's function: whose it is. */
const methodMark = Symbol.for('skerry.remote.method');
const RESERVED = new Set(['then', 'toJSON', 'constructor', '__proto__']);

export function remoteFacade(remote: RemoteServer): object {
  return makeFacade(remote, {}, (method, args) => remote.invoke(method, args));
}

/** The same server with options on each call. @throws SkerryError SKERRY_INVALID when `server` is no facade. */
export function facadeWith(server: object, options: CallOptions): object {
  const remote = remoteOf(server, 'call');
  return makeFacade(remote, options, (method, args) => remote.invoke(method, args, options));
}

/** The same server, without answers: a method's promise resolves when the notification has been published. */
export function notifyFacade(server: object, options: CallOptions): object {
  const remote = remoteOf(server, 'notify');
  return makeFacade(remote, undefined, (method, args) => remote.notify(method, args, options));
}

export function remoteOf(server: object, what: string): RemoteServer {
  const remote = (server as { readonly [remoteMark]?: RemoteServer } | null | undefined)?.[remoteMark];
  if (remote !== undefined) return remote;
  throw new SkerryError(
    'SKERRY_INVALID',
    `${what}() takes a server (sys.servers.name or ctx.uses.name); it was given ${typeof server}`,
  );
}

/** What a method's function stands for. */
export interface RemoteMethodRef {
  readonly remote: RemoteServer;
  readonly name: string;
  readonly options: CallOptions;
}

/** @throws SkerryError SKERRY_INVALID when it is no method of a facade. */
export function methodOf(method: unknown, what: string): RemoteMethodRef {
  const ref = (method as { readonly [methodMark]?: RemoteMethodRef } | null | undefined)?.[methodMark];
  if (ref !== undefined) return ref;
  throw new SkerryError(
    'SKERRY_INVALID',
    `${what}() takes a method of a server (sys.servers.name.method); it was given ${typeof method}`,
  );
}

/** @param options of its calls; undefined where a method makes no call (notifications). */
function makeFacade(remote: RemoteServer, options: CallOptions | undefined, invoke: Invoke): object {
  const behind = new Proxy(Object.prototype, {
    get(_target, name, receiver: object): unknown {
      if (typeof name === 'symbol' || RESERVED.has(name)) return undefined;
      if (name in Object.prototype) return Reflect.get(Object.prototype, name);
      const method = (...args: unknown[]) => invoke(name, args);
      if (options !== undefined) Object.defineProperty(method, methodMark, { value: { remote, name, options } });
      Object.defineProperty(receiver, name, { value: method });
      return method;
    },
    has: (_target, name) => typeof name === 'string' && !RESERVED.has(name),
    set: () => false,
  });
  return Object.create(behind, {
    [Symbol.toStringTag]: { value: `SkerryServer ${remote.name}` },
    [remoteMark]: { value: remote },
  }) as object;
}
