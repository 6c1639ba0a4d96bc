// The types of a server as its clients see it.

import type { ApiOf } from './definition.ts';

type AnyFunction = (...args: never[]) => unknown;

/** A method as a client calls it: a promise for what it returns, an async iterable for an `async *` method. */
export type RemoteMethod<F> = F extends (...args: infer A) => infer R
  ? [R] extends [never]
    ? (...args: A) => Promise<never>
    : R extends AsyncIterable<infer Item>
      ? (...args: A) => AsyncIterableIterator<Item>
      : (...args: A) => Promise<Awaited<R>>
  : never;

/** A server as a client calls it: its methods, asynchronous. `T` is a server definition or an interface. */
export type Remote<T> = {
  readonly [K in keyof ApiOf<T> as K extends string ? (ApiOf<T>[K] extends AnyFunction ? K : never) : never]: RemoteMethod<
    ApiOf<T>[K]
  >;
};

/** The same for notifications: nothing comes back. */
export type Notified<R> = {
  readonly [K in keyof R]: R[K] extends (...args: infer A) => unknown ? (...args: A) => Promise<void> : never;
};
