// What boot() returns: the servers of a system, its processes, and the way to stop it.

import { SkerryError } from '../base/errors.ts';
import type { Link } from '../link/link.ts';
import { DRAIN_MS } from '../protocol/limits.ts';
import { remoteFacade } from '../rpc/proxy.ts';
import { RemoteServer } from '../rpc/remote-server.ts';
import type { Remote } from '../server/remote.ts';
import type { Entries, ServersOf, System } from '../server/system.ts';
import type { ProcessServerApi } from '../servers/process/process-api.ts';
import type { KernelHandle } from './start-system.ts';

const STOP_SLACK_MS = 10_000;

export class OperatingSystem<S extends Entries = Entries> {
  /** The servers by name: a method call is a call to the server. */
  readonly servers: ServersOf<S>;
  /** The process server: `list()`, `kill(name, { restart })`, `boot(name)`. */
  readonly processes: Remote<ProcessServerApi>;
  readonly #remotes: RemoteServer[];
  readonly #link: Link;
  readonly #kernel: KernelHandle;
  readonly #over: Promise<SkerryError | undefined>;
  /** Longer than an honest stop takes: each server may drain, and end, one after the other. */
  readonly #stopMaxMs: number;
  #stopping: Promise<void> | undefined;

  constructor(system: System<S>, link: Link, kernel: KernelHandle, over: Promise<SkerryError | undefined>) {
    this.#link = link;
    this.#kernel = kernel;
    this.#over = over;
    const names = Object.keys(system.servers);
    this.#stopMaxMs = Object.values(system.servers).reduce((sum, { drainMs = DRAIN_MS }) => sum + 2 * drainMs, STOP_SLACK_MS);
    this.#remotes = names.map((name) => new RemoteServer(name, link.clients));
    const facades = Object.fromEntries(this.#remotes.map((remote) => [remote.name, remoteFacade(remote)]));
    this.servers = new Proxy(facades, {
      get(target, name) {
        if (typeof name === 'symbol' || name in target || name === 'then' || name === 'toJSON') return Reflect.get(target, name);
        throw new SkerryError('SKERRY_NOT_FOUND', `there is no server "${name}" in this system; it has: ${names.join(', ')}`);
      },
    }) as ServersOf<S>;
    this.processes = remoteFacade(new RemoteServer('process', link.clients)) as Remote<ProcessServerApi>;
  }

  /** @internal Connects to the servers, so that the first call waits for nothing. */
  async prepare(): Promise<void> {
    await Promise.all(this.#remotes.map((remote) => remote.prepare()));
  }

  /**
   * Stops the system: servers end in reverse order of need, running calls first (`drainMs` of their entries), then the kernel. Calls
   * that are still pending are rejected. Resolves when no process is left; a second call waits for the same.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /**
   * Keeps this process alive until the system has ended, for programs that only serve: otherwise nothing but a pending call does.
   * Resolves after `stop()`, also when the kernel was told to stop by a signal.
   * @throws SkerryError SKERRY_SERVER_DOWN when the kernel has ended otherwise; then no server is left.
   */
  async ended(): Promise<void> {
    this.#kernel.setRef(true);
    const fault = await this.#over;
    await this.#kernel.ended;
    if (fault !== undefined) throw fault;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stop(): Promise<void> {
    this.#kernel.setRef(true);
    this.#link.expectEnd();
    this.#link.send({ t: 'stop' });
    const late = setTimeout(() => this.#kernel.kill(), this.#stopMaxMs); // a kernel that hangs stops nothing; all others go with it
    await this.#over;
    await this.#link.clients.endings(); // what the servers had answered at their end is delivered
    this.#link.close();
    await this.#kernel.ended;
    clearTimeout(late);
  }
}
