// One run of a server: import, manifest, init, ready, stop. Each step that fails says so with its own stack and ends the process.

import { nowMs } from '../base/clock.ts';
import { deferred } from '../base/deferred.ts';
import { SkerryError } from '../base/errors.ts';
import { isIntegerWithin, show } from '../base/options.ts';
import type { Link } from '../link/link.ts';
import { TextKind } from '../memory/black-box.ts';
import type { NativeAddon } from '../memory/native.ts';
import { LONG_TASK_MAX_MS } from '../memory/status.ts';
import { type BirthConfig, errorInfo } from '../protocol/control.ts';
import { enableCallContext } from '../rpc/call-context.ts';
import { Dispatcher } from '../rpc/dispatcher.ts';
import { remoteFacade } from '../rpc/proxy.ts';
import { RemoteServer } from '../rpc/remote-server.ts';
import { stepBack } from './background.ts';
import type { ServerContext } from './context.ts';
import { type AnyServer, concurrencyOf, methodTable, queueMaxOf } from './definition.ts';
import type { Instance } from './instance.ts';
import { Listening } from './listen.ts';
import { loadServer, loadSystem } from './load.ts';
import { type LogRecord, logsAsJson, makeLogger, packRecord, showRecord } from './log.ts';
import { PipeLog } from './pipe-log.ts';
import type { ServerEntry } from './system.ts';

export class ServerInstance implements Instance {
  readonly #link: Link;
  readonly #config: BirthConfig;
  readonly #mayInit = deferred<void>();
  readonly #stopping = new AbortController();
  readonly #onStop: (() => void | Promise<void>)[] = [];
  #dispatcher: Dispatcher | undefined;

  readonly #listening: Listening;

  /** @param addon takes the descriptors of listening sockets; undefined over streams. */
  constructor(link: Link, config: BirthConfig, addon: NativeAddon | undefined) {
    this.#link = link;
    this.#config = config;
    this.#listening = new Listening(
      addon && {
        open: async (where) => addon.disown(await link.listen(where)),
        // Who stops leaves it to the next instance.
        leave: (where) => this.#stopping.signal.aborted || link.send({ t: 'unlisten', ...where }),
      },
    );
  }

  async run(): Promise<void> {
    let stage: 'import' | 'init' = 'import';
    try {
      const { name } = this.#config;
      const system = await loadSystem(this.#config.systemUrl);
      const entry = system.servers[name];
      if (entry === undefined)
        throw new SkerryError('SKERRY_INIT', `the system at ${system.url} no longer has a server "${name}"`);
      const definition = await loadServer(name, entry);
      const used = usesOf(definition, entry);
      this.#link.send({ t: 'manifest', uses: used });
      if (Object.keys(used).length > 0) enableCallContext(); // deadline and path are inherited by the calls it makes
      await this.#mayInit.promise;
      stage = 'init';
      await this.#serve(definition, entry, Object.keys(used));
    } catch (error) {
      process.exitCode = 1;
      this.#link.send({ t: 'failed', stage, error: errorInfo(error) }, [], [], () => process.exit(1));
    }
  }

  init(): void {
    this.#mayInit.resolve();
  }

  async stop(drainMs: number): Promise<void> {
    this.#stopping.abort(new SkerryError('SKERRY_ABORTED', 'the server is asked to stop'));
    await Promise.race([this.#dispatcher?.drain(drainMs).then(() => this.#link.carrier.flushed?.()), delay(drainMs)]);
    const stops = [...this.#onStop].reverse();
    const stopped = (async () => {
      for (const stop of stops) {
        try {
          await stop();
        } catch (error) {
          process.stderr.write(`${process.title}: onStop failed: ${error instanceof Error ? error.stack : String(error)}\n`);
        }
      }
    })();
    await Promise.race([stopped, delay(drainMs)]);
    process.exit(0);
  }

  async #serve(definition: AnyServer, entry: ServerEntry, used: readonly string[]): Promise<void> {
    const { name } = this.#config;
    const api: unknown = await definition.init(this.#context(entry, used));
    if (typeof api !== 'object' || api === null) {
      throw new SkerryError(
        'SKERRY_INIT',
        `the init function of server "${name}" must return an object with methods; it returned ${String(api)}`,
      );
    }
    const { infos, handlers } = methodTable(api);
    const concurrency = concurrencyOf(definition.manifest);
    const { carrier, connections } = this.#link;
    const { status, box } = carrier;
    box.methods(handlers.map((handler) => handler.name));
    this.#dispatcher = new Dispatcher({ server: name, handlers, concurrency, status, box });
    connections.use(this.#dispatcher);
    carrier.onIdle?.(this.#dispatcher.recount);
    const address = await carrier.address();
    stepBack();
    this.#link.send({
      t: 'ready',
      methods: infos,
      concurrency,
      queueMax: queueMaxOf(definition.manifest),
      ...(address === undefined ? {} : { address }),
    });
  }

  /** Clients of what it uses; another name is refused here, in words, and by the kernel. */
  #uses(used: readonly string[]): object {
    const clients = Object.fromEntries(used.map((other) => [other, remoteFacade(new RemoteServer(other, this.#link.clients))]));
    const { name } = this.#config;
    return new Proxy(clients, {
      get(target, other) {
        if (typeof other === 'symbol' || Object.hasOwn(target, other) || other === 'then' || other === 'toJSON')
          return Reflect.get(target, other);
        const declared = used.join(', ') || 'none';
        throw new SkerryError(
          'SKERRY_DENIED',
          `server "${name}" does not declare that it uses "${other}"; it declares: ${declared}`,
        );
      },
    });
  }

  #context(entry: ServerEntry, used: readonly string[]): ServerContext<unknown> {
    const { name, replica, replicas, secrets, piped } = this.#config;
    const env = Object.fromEntries((entry.env ?? []).map((variable) => [variable, process.env[variable]]));
    const label = replicas > 1 ? `${name}.${replica}` : name;
    const write = piped ? logToPipe() : (record: LogRecord) => process.stderr.write(showRecord(record, label, logsAsJson()));
    const { box } = this.#link.carrier;
    return {
      options: entry.options,
      name,
      replica,
      replicas,
      uses: this.#uses(used) as never,
      env,
      secrets,
      log: makeLogger((record) => {
        box.text(TextKind.log, `${record.level}: ${record.message}`);
        write(record);
      }),
      signal: this.#stopping.signal,
      longTask: (ms) => {
        if (!isIntegerWithin(ms, 1, LONG_TASK_MAX_MS))
          throw new SkerryError(
            'SKERRY_INVALID',
            `ctx.longTask() takes milliseconds, 1 to ${LONG_TASK_MAX_MS}; it was given ${show(ms)}`,
          );
        const { status } = this.#link.carrier;
        status.markLongTask(nowMs(), ms);
        return () => status.markLongTask(nowMs(), 0);
      },
      listen: (server, options) => this.#listening.listen(server, options),
      onStop: (stop) => {
        if (typeof stop !== 'function')
          throw new SkerryError('SKERRY_INVALID', `ctx.onStop() takes a function; it was given a value of type ${typeof stop}`);
        this.#onStop.push(stop);
      },
    };
  }
}

function usesOf(definition: AnyServer, entry: ServerEntry): Record<string, readonly string[] | true> {
  const uses: Record<string, readonly string[] | true> = {};
  for (const [name, use] of Object.entries(definition.manifest.uses ?? {}))
    uses[name] = (use as { methods: readonly string[] | true }).methods;
  for (const name of entry.uses ?? []) uses[name] ??= true;
  return uses;
}

function logToPipe(): (record: LogRecord) => void {
  const dropped = (lines: number): LogRecord => {
    return {
      time: Date.now(),
      level: 'warn',
      message: `${lines} log lines before this one were dropped: nobody read them in time`,
    };
  };
  const log = new PipeLog((lines) => packRecord(dropped(lines)));
  return (record) => log.write(packRecord(record));
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
