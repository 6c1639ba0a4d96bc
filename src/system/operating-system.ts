// What boot() returns: the servers of a system, its processes and files, and the way to stop it.

import { SkerryError } from '../base/errors.ts';
import { invalid, show } from '../base/options.ts';
import type { Link } from '../link/link.ts';
import { DRAIN_MS } from '../protocol/limits.ts';
import { isUser, OPERATOR } from '../protocol/principal.ts';
import { remoteFacade } from '../rpc/proxy.ts';
import { type Connector, RemoteServer } from '../rpc/remote-server.ts';
import type { ProgramEntries } from '../server/programs.ts';
import type { Remote } from '../server/remote.ts';
import type { Entries, ServersOf, System } from '../server/system.ts';
import type { FileStat, FilesApi } from '../servers/files/files-api.ts';
import type { Permissions } from '../servers/files/permissions.ts';
import type { ProcessServerApi } from '../servers/process/process-api.ts';
import type { ProgramStatus, ProgramsApi } from '../servers/process/programs-api.ts';
import { map } from './map.ts';
import { type CreateProcessOptions, type Program, runProgram } from './program.ts';
import type { KernelHandle } from './start-system.ts';

const STOP_SLACK_MS = 10_000;

/** The file server, where the system has one under the name `files`. */
export type FilesOf<S extends Entries> = ServersOf<S> extends { readonly files: Remote<FilesApi> } ? Remote<FilesApi> : never;

/** A system as one of its users has it: every call is made on the user's behalf. */
export interface UserSystem<S extends Entries, P extends ProgramEntries = ProgramEntries> {
  readonly user: string;
  readonly servers: ServersOf<S>;
  readonly files: FilesOf<S>;
  /** Runs an allowed program for the user: see `createProcess` of the system. */
  createProcess(program: keyof P & string, args?: readonly string[], options?: CreateProcessOptions): Promise<Program>;
  /** The user's programs. */
  programs(): Promise<ProgramStatus[]>;
  /**
   * Gives back its channels, for a user who has left. Calls under way are rejected, programs end; `as(user)` makes a view anew.
   */
  close(): void;
}

export class OperatingSystem<S extends Entries = Entries, P extends ProgramEntries = ProgramEntries> {
  /** The servers by name: a method call is a call to the server. */
  readonly servers: ServersOf<S>;
  /** The process server: `list()`, `kill(name, { restart })`, `boot(name)`. */
  readonly processes: Remote<ProcessServerApi>;
  readonly #names: readonly string[];
  readonly #remotes: readonly RemoteServer[];
  readonly #users = new Map<string, UserSystem<S, P>>();
  readonly #link: Link;
  readonly #kernel: KernelHandle;
  readonly #over: Promise<SkerryError | undefined>;
  /** Longer than an honest stop takes: each server may drain, and end, one after the other. */
  readonly #stopMaxMs: number;
  #stopping: Promise<void> | undefined;

  constructor(system: System<S, P>, link: Link, kernel: KernelHandle, over: Promise<SkerryError | undefined>) {
    this.#link = link;
    this.#kernel = kernel;
    this.#over = over;
    const names = Object.keys(system.servers);
    this.#stopMaxMs = Object.values(system.servers).reduce((sum, { drainMs = DRAIN_MS }) => sum + 2 * drainMs, STOP_SLACK_MS);
    this.#names = names;
    this.#remotes = names.map((name) => new RemoteServer(name, link.clients));
    this.servers = this.#facades(this.#remotes);
    this.processes = remoteFacade(new RemoteServer('process', link.clients)) as Remote<ProcessServerApi>;
  }

  /**
   * The server `files`: `read`, `write`, `list` …, on the operator's behalf, who may do everything.
   * @throws SkerryError SKERRY_NOT_FOUND when the system has no server of that name.
   */
  get files(): FilesOf<S> {
    return (this.servers as { files: unknown }).files as FilesOf<S>;
  }

  /**
   * The same system on a user's behalf: servers see `user` as the principal of these calls, and the file server holds them to the user's
   * permissions. One such view is kept for each user, with channels of its own, until its `close()`.
   * @param user 1 to 64 of letters, digits and _ . @ + -, not `operator`.
   * @throws SkerryError SKERRY_INVALID
   */
  as(user: string): UserSystem<S, P> {
    const known = this.#users.get(user);
    if (known !== undefined) return known;
    if (!isUser(user)) throw noUser(user);
    const connector: Connector = this.#link.clients.as(user);
    const remotes = this.#names.map((name) => new RemoteServer(name, connector));
    const servers = this.#facades(remotes);
    const own = new RemoteServer('process', connector);
    const processes = remoteFacade(own) as Remote<ProgramsApi>;
    const view: UserSystem<S, P> = {
      user,
      servers,
      get files() {
        return (servers as { files: unknown }).files as FilesOf<S>;
      },
      createProcess: (program, args = [], options = {}) => runProgram(processes, user, program, args, options),
      programs: () => processes.programs(),
      close: () => {
        this.#users.delete(user);
        const left = new SkerryError('SKERRY_SERVER_DOWN', `the view of user ${user} has been closed`);
        for (const remote of [...remotes, own]) remote.leave(left);
      },
    };
    this.#users.set(user, view);
    return view;
  }

  /**
   * A new file that belongs to `user`.
   * @param name its path in the tree of the file server: `/notes/today.txt`.
   * @param permissions `'-rw-r-----'` or `0o640`.
   * @throws SkerryError SKERRY_INVALID for malformed permissions, with the right form; FileError EEXIST, ENOENT …
   */
  createFile(user: string, name: string, permissions: Permissions, content: string | Uint8Array = ''): Promise<FileStat> {
    if (!isUser(user)) throw noUser(user);
    return (this.files as Remote<FilesApi>).create(name, { owner: user, permissions, content });
  }

  /**
   * Runs a program that the system allows, on a user's behalf: `createProcess('foo', 'sort', ['-n'], { stdin: '2\n1\n' })`. Resolves when
   * it runs. It ends with its limits, with this process, and with the system; nothing that it has started is left then.
   * @param user one of those that its entry in the system module lists, or `operator`.
   * @param program its name there, never a path.
   * @throws SkerryError SKERRY_NOT_FOUND, SKERRY_DENIED, SKERRY_INVALID, SKERRY_LIMIT, SKERRY_BUSY when too many run, SKERRY_INIT when it
   *   could not be started, SKERRY_UNSUPPORTED without addon or launcher (`skerry doctor` says why), SKERRY_ABORTED by `signal`
   */
  async createProcess(
    user: string,
    program: keyof P & string,
    args: readonly string[] = [],
    options: CreateProcessOptions = {},
  ): Promise<Program> {
    if (user === OPERATOR) return runProgram(this.processes, OPERATOR, program, args, options);
    if (!isUser(user)) throw noUser(user);
    return this.as(user).createProcess(program, args, options);
  }

  /** `map(method, items, options)`: a method over many items, on all replicas of its server. */
  readonly map = map;

  #facades(remotes: readonly RemoteServer[]): ServersOf<S> {
    const names = this.#names;
    return new Proxy(Object.fromEntries(remotes.map((remote) => [remote.name, remoteFacade(remote)])), {
      get(target, name) {
        if (typeof name === 'symbol' || name in target || name === 'then' || name === 'toJSON') return Reflect.get(target, name);
        throw new SkerryError('SKERRY_NOT_FOUND', `there is no server "${name}" in this system; it has: ${names.join(', ')}`);
      },
    }) as ServersOf<S>;
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

function noUser(found: unknown): SkerryError {
  const valid = '1 to 64 letters, digits and _ . @ + -, other than operator';
  return invalid(`the name of a user must be ${valid}; it is ${show(found)}`);
}
