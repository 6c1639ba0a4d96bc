// Module hooks that say what is loaded, on Nodes whose hooks run on the loader's own thread.

import type { MessagePort } from 'node:worker_threads';

let port: MessagePort | undefined;

export function initialize(given: MessagePort): void {
  port = given;
}

export async function load<C, R>(url: string, context: C, next: (url: string, context: C) => Promise<R>): Promise<R> {
  port?.postMessage(url);
  return next(url, context);
}
