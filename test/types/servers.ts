// Servers that the tests of the types put together: each in a module of its own in a real program.

import * as v from 'valibot';
import { method, options, server, uses } from '../../src/index.ts';

export interface City {
  readonly name: string;
  readonly distanceKm: number;
}

/** Methods with and without properties, a stream, optional arguments, a plain function. */
export const geo = server(async () => ({
  nearest: method(
    { idempotent: true, timeoutMs: 200 },
    async (lat: number, lng: number, k = 1): Promise<City[]> => [{ name: `${lat} ${lng}`, distanceKm: k }],
  ),
  checked: method({ input: [v.string(), v.optional(v.number(), 1)] }, async (name, count) => `${name} ${count.toFixed()}`),
  parsed: method({ input: v.pipe(v.string(), v.transform(Number)) }, (count) => count + 1),
  count: (): number => 3,
  async *within(box: { north: number; south: number }): AsyncGenerator<City> {
    yield { name: 'a', distanceKm: box.north };
  },
  forget: async (): Promise<void> => {},
}));

export interface Settings {
  readonly folder: string;
  readonly limit?: number;
}

/** Required options, and the use of another server by its type. */
export const files = server({ options: options<Settings>(), uses: { geo: uses<typeof geo>() } }, async (ctx) => ({
  read: async (name: string): Promise<string> => `${ctx.options.folder}/${name} ${(await ctx.uses.geo.nearest(1, 2))[0].name}`,
}));

/** Options that may be left out altogether. */
export const lenient = server({ options: options<Settings | undefined>() }, (ctx) => ({
  folder: () => ctx.options?.folder ?? '',
}));

// Two servers that use each other, by way of explicit interfaces.

export interface Ping {
  ping(turns: number): Promise<string>;
}
export interface Pong {
  pong(turns: number): Promise<string>;
}
export const ping = server({ uses: { pong: uses<Pong>() } }, (ctx) => ({
  ping: async (turns: number): Promise<string> => (turns === 0 ? 'ping' : ctx.uses.pong.pong(turns - 1)),
}));
export const pong = server({ uses: { ping: uses<Ping>(['ping']) } }, (ctx) => ({
  pong: async (turns: number): Promise<string> => (turns === 0 ? 'pong' : ctx.uses.ping.ping(turns - 1)),
}));

/** What a module with a default export looks like to `load`. */
export function module<T>(server: T): () => Promise<{ readonly default: T }> {
  return async () => ({ default: server });
}
