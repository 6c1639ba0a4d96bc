// Which modules this process loads, told as they are loaded: for `skerry dev`, which restarts a server when one of its files changes.
// Node's packages and those under node_modules are nobody's work in progress.

import module from 'node:module';
import { MessageChannel } from 'node:worker_threads';

interface SyncHooks {
  registerHooks?(hooks: { load(url: string, context: unknown, next: (url: string, context: unknown) => unknown): unknown }): void;
}

/** @param hear is given URLs of files, each perhaps more than once. */
export function reportLoadedModules(hear: (url: string) => void): void {
  const tell = (url: string) => {
    if (url.startsWith('file:') && !url.includes('/node_modules/')) hear(url);
  };
  const { registerHooks } = module as SyncHooks;
  if (registerHooks !== undefined) {
    registerHooks({
      load(url, context, next) {
        tell(url);
        return next(url, context);
      },
    });
    return;
  }
  const { port1, port2 } = new MessageChannel();
  port1.on('message', tell);
  port1.unref();
  module.register(new URL('../server/loaded-modules-hooks.js', import.meta.url), { data: port2, transferList: [port2] });
}
