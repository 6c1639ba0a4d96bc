// mount(): a server in the test's own process, with fakes for the servers that it uses.

import { SkerryError } from '../base/errors.ts';
import { OptionCheck } from '../base/options.ts';
import { enableCallContext } from '../rpc/call-context.ts';
import { remoteFacade } from '../rpc/proxy.ts';
import { RemoteServer } from '../rpc/remote-server.ts';
import type { ServerContext } from '../server/context.ts';
import {
  type AnyServer,
  type ApiOf,
  isServerDefinition,
  type OptionsOf,
  server,
  type UsedApi,
  type UsesOf,
} from '../server/definition.ts';
import { Listening } from '../server/listen.ts';
import { makeLogger, showRecord } from '../server/log.ts';
import type { Remote } from '../server/remote.ts';
import { Stage } from './stage.ts';

/** What stands for a server that is used: some of its methods, or a server. */
export type Fake<Api> = AnyServer | { readonly [K in keyof Api]?: Api[K] | FakeMethod<Api[K]> };
/** The same method without the properties that `method()` gave it; it may answer at once. */
type FakeMethod<F> = F extends (...args: infer A) => infer R ? (...args: A) => R | Awaited<R> : never;

interface Given<D extends AnyServer> {
  /** For each server that it uses. A method that the fake does not have is SKERRY_NOT_FOUND. */
  readonly uses?: { readonly [K in keyof UsesOf<D>]?: Fake<UsedApi<UsesOf<D>[K]>> };
  /** Its name in messages and in `ctx.name`. Default `server`. */
  readonly name?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, string>>;
  /** On whose behalf `mounted.server` calls. Default `operator`. */
  readonly principal?: string;
}
export type MountOptions<D extends AnyServer> = Given<D> &
  (undefined extends OptionsOf<D> ? { readonly options?: OptionsOf<D> } : { readonly options: OptionsOf<D> });

export interface Mounted<D extends AnyServer> {
  /** As a client has it: `await mounted.server.nearest(52.5, 13.4)`. */
  readonly server: Remote<ApiOf<D>>;
  /** The lines that it logged. */
  readonly log: readonly string[];
  /** The same server on somebody else's behalf. */
  as(principal: string): Remote<ApiOf<D>>;
  /**
   * Its instance is gone, as by a signal, and the next one starts: `init` runs again. Calls that had not started go to it; started ones are
   * run again if idempotent, else rejected with SKERRY_SERVER_DIED. What the dead one had going in this process (timers, files) goes on,
   * but its answers reach nobody. Resolves when the next instance is ready.
   * @param reason as the callers see it. Default `SIGKILL`.
   * @throws whatever its init throws; then callers get SKERRY_SERVER_DOWN
   */
  crash(reason?: string): Promise<void>;
  /** Stops it: running calls first, then `ctx.onStop`; its fakes too. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const KNOWN = ['uses', 'name', 'env', 'secrets', 'principal', 'options'];
const DRAIN_MS = 5_000;

/**
 * Runs a server within this process, for a test of it: calls go through the real codec, with deadlines, credit and cancellation, and each
 * value is a copy.
 * @param definition what `server()` returned.
 * @throws SkerryError SKERRY_INVALID when it is none, or uses a server for which there is no fake; whatever its init throws
 */
export async function mount<D extends AnyServer>(
  definition: D,
  ...[options]: undefined extends OptionsOf<D> ? [options?: MountOptions<D>] : [options: MountOptions<D>]
): Promise<Mounted<D>> {
  if (!isServerDefinition(definition)) throw new SkerryError('SKERRY_INVALID', 'mount() takes what server() returns');
  const check = new OptionCheck('mount()', options ?? {}, KNOWN, 'a server and options');
  check.string('name');
  check.string('principal');
  enableCallContext();
  const { name = 'server', uses = {}, env = {}, secrets = {}, principal = 'operator' } = (options ?? {}) as Given<D>;
  const given = (options as { options?: unknown } | undefined)?.options;
  const used = Object.keys(definition.manifest.uses ?? {});
  checkFakes(used, Object.keys(uses), name);
  const fakes = new Map<string, Mounted<AnyServer>>();
  for (const [other, fake] of Object.entries(uses)) {
    const stands = isServerDefinition(fake) ? fake : server(() => fake as object);
    fakes.set(other, await mount(stands as AnyServer, { name: other, principal: `server:${name}` } as never));
  }
  const log: string[] = [];
  const listening = new Listening(undefined);
  let stopping = new AbortController();
  let stops: (() => void | Promise<void>)[] = [];
  const context = (): ServerContext<unknown> => {
    stopping = new AbortController();
    stops = [];
    return {
      options: given,
      name,
      replica: 0,
      replicas: 1,
      uses: Object.fromEntries([...fakes].map(([other, fake]) => [other, fake.server])) as never,
      env,
      secrets,
      log: makeLogger((record) => log.push(showRecord(record, name, false).trimEnd())),
      signal: stopping.signal,
      longTask: () => () => {}, // nobody watches
      listen: (listener, where) => listening.listen(listener, where),
      onStop: (stop) => void stops.push(stop),
    };
  };
  const stage = new Stage(name, definition, async () => definition.init(context()));
  const stopFakes = async (): Promise<void> => {
    for (const fake of fakes.values()) await fake.stop();
  };
  try {
    await stage.start();
  } catch (error) {
    await stopFakes();
    throw error;
  }
  const as = (who: string) => remoteFacade(new RemoteServer(name, stage.connectorFor(who))) as Remote<ApiOf<D>>;

  let stopped: Promise<void> | undefined;
  /** A crash and the stop take turns. */
  let last: Promise<unknown> = Promise.resolve();
  const stop = async (): Promise<void> => {
    stopping.abort();
    await stage.stop(DRAIN_MS);
    const failed: unknown[] = [];
    for (const one of stops.reverse()) {
      try {
        await one();
      } catch (error) {
        failed.push(error);
      }
    }
    await stopFakes();
    if (failed.length > 0) throw failed[0];
  };
  const crash = async (reason: string): Promise<void> => {
    if (stopped !== undefined) throw new SkerryError('SKERRY_SERVER_DOWN', `the mounted server "${name}" has been stopped`);
    await stage.crash(reason);
    try {
      await stage.start();
    } catch (error) {
      stage.down(new SkerryError('SKERRY_SERVER_DOWN', `server "${name}" did not start again`, { cause: error }));
      throw error;
    }
  };
  const mounted: Mounted<D> = {
    server: as(principal),
    log,
    as,
    crash(reason = 'SIGKILL') {
      const turn = last.catch(() => {}).then(() => crash(reason));
      last = turn;
      return turn;
    },
    stop() {
      stopped ??= last.catch(() => {}).then(stop);
      return stopped;
    },
    [Symbol.asyncDispose]: () => mounted.stop(),
  };
  return mounted;
}

function checkFakes(used: readonly string[], given: readonly string[], name: string): void {
  const missing = used.filter((other) => !given.includes(other));
  if (missing.length > 0) {
    const fakes = missing.map((other) => `${other}: { … }`).join(', ');
    throw new SkerryError(
      'SKERRY_INVALID',
      `mount(): server "${name}" uses ${missing.join(', ')}; give fakes: { uses: { ${fakes} } }`,
    );
  }
  const unknown = given.find((other) => !used.includes(other));
  if (unknown !== undefined)
    throw new SkerryError(
      'SKERRY_INVALID',
      `mount(): server "${name}" does not use "${unknown}"; it uses: ${used.join(', ') || 'none'}`,
    );
}
