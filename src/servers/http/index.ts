// The http driver as a server: put together from what the context gives.

import { facadeWith, remoteOf } from '../../rpc/proxy.ts';
import type { ServerContext } from '../../server/context.ts';
import { server } from '../../server/definition.ts';
import { createDriver } from './driver.ts';
import type { Probe } from './health.ts';
import { checkOptions, type HttpOptions } from './options.ts';
import { readPages } from './pages.ts';

export { type CutOptions, cutRows, type RowChunk, type RowFormat } from './cut-rows.ts';
export type { HttpOptions, PageOptions, RouteOptions } from './options.ts';
export type { RowAnswer, RowRequest } from './row-exchange.ts';

/** What the driver takes from a server's context. */
export interface HttpContext {
  readonly options: HttpOptions;
  /** Clients of the servers that it uses, by name. */
  readonly uses: Readonly<Record<string, unknown>>;
  readonly log: { info(message: string): void; error(message: string, error: unknown): void };
  readonly listen: ServerContext['listen'];
  onStop(stop: () => Promise<void>): void;
}

/** Makes calls of a client carry a deadline and a signal. */
export type CallWith = (
  client: unknown,
  options: { readonly signal: AbortSignal; readonly timeoutMs?: number },
) => Readonly<Record<string, (...args: readonly unknown[]) => Promise<unknown>>>;

/** How many calls the server behind a client runs at once. */
export type PlacesOf = (client: unknown) => Promise<number>;

/** Starts listening; rejects with what is wrong with the options or the address. */
export async function serve(ctx: HttpContext, callWith: CallWith, probe: Probe, placesOf: PlacesOf): Promise<object> {
  const servers = Object.keys(ctx.uses);
  const options = checkOptions(ctx.options, servers);
  const driver = createDriver({
    options,
    pages: await readPages(options.pages, options.contentSecurityPolicy),
    servers,
    probe,
    invoke: (server, method, args, options) => callWith(ctx.uses[server], options)[method](...args),
    placesOf: (server) => placesOf(ctx.uses[server]),
    listen: (server, where) => ctx.listen(server, where),
    onFault: (message, error) => ctx.log.error(message, error),
  });
  ctx.onStop(() => driver.close());
  await driver.listen();
  ctx.log.info(`listening on ${driver.url}`);
  return {};
}

export default server((ctx: ServerContext<HttpOptions>) =>
  serve(
    ctx,
    (client, options) => facadeWith(client as object, options) as never,
    (name) => remoteOf((ctx.uses as HttpContext['uses'])[name] as object, 'the http driver').running(),
    (client) => remoteOf(client as object, 'the http driver').places(),
  ),
);
