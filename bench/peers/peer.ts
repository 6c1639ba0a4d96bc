/** What a general peer can do: echo an object, and answer late. */
import type { Sample } from '../sample.ts';
import type { EchoSubject, LateSubject } from '../subject.ts';

export type Peer = EchoSubject & LateSubject;

/** The functions of `handlers.mjs` by name, with what they take and give. */
export interface Handlers {
  echo: { takes: Sample; gives: Sample };
  late: { takes: number; gives: number };
}

/** One call of a handler by its name; how it gets to the worker is what is measured. */
export type Request = <K extends keyof Handlers>(name: K, argument: Handlers[K]['takes']) => Promise<Handlers[K]['gives']>;
