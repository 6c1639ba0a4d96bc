// The programs of a system: who may run which, with what, how many; and who may see and end them. The kernel starts them.
//
// A run belongs to the call that began it: it ends when that call's stream is left, whether by its caller or because its caller died.
// Principal and rights come with the channel. What is another user's is as if it were not there.

import type { Socket, SocketConstructorOpts } from 'node:net';
import { constants } from 'node:os';
import { SkerryError } from '../../base/errors.ts';
import { invalid, isStrings, OptionCheck, show } from '../../base/options.ts';
import { loadNative } from '../../memory/load-native.ts';
import type { Descriptor, NativeAddon } from '../../memory/native.ts';
import { OPERATOR } from '../../protocol/principal.ts';
import type { LaunchEvent, LaunchRequest } from '../../protocol/program.ts';
import { type CurrentCall, getCurrentCall } from '../../rpc/call-context.ts';
import { checkLimits, limitsOf, type ProgramEntries, type ProgramEntry, RUNNING_MAX } from '../../server/programs.ts';
import { ProgramRun, STREAMS, type StreamName } from './program-run.ts';
import type { ProgramEvent, ProgramsApi, RunOptions } from './programs-api.ts';

const GRACE_MS = 1_000;
/** Runs of a user, and of all, that have not ended. */
const USER_MAX = 64;
const ALL_MAX = 256;
/** Runs that have ended and whose output nobody has read to its end, of a user and of all; beyond it the oldest is dropped. */
const USER_ENDED_MAX = 32;
const ALL_ENDED_MAX = 128;
/** Of one process server. */
const IDS = 1e9;
const ARGS_MAX = 256;
/** With the system's own arguments: they travel in one message, where a character may take six. */
const ARGS_BYTES_MAX = 12 * 1024;
const STDIN_BYTES_MAX = 8 * 1024 * 1024;
/** Of all programs, that have not been read. */
const STDIN_ALL_BYTES_MAX = 64 * 1024 * 1024;

/** Of node:net, which is loaded with the first program: until then it would be the largest part of the process server. */
type Sockets = new (options: SocketConstructorOpts) => Socket;
/** To the kernel; `release` is closed once it has been sent. */
type Send = (message: object, descriptors?: readonly Descriptor[], release?: readonly Descriptor[]) => void;

export class Programs {
  readonly #entries: ProgramEntries;
  readonly #addon: NativeAddon | undefined;
  readonly #send: Send;
  readonly #runs = new Map<number, ProgramRun>();
  #last: number;
  #stdinBytes = 0;
  #stopping = false;
  #ended = (): void => {};

  /**
   * @param addon makes the pipes; without it nothing runs.
   * @param generation of this process server: no run has the number of a predecessor's.
   */
  constructor(entries: ProgramEntries, addon: NativeAddon | undefined, send: Send, generation = 1) {
    this.#last = (generation - 1) * IDS;
    this.#entries = entries;
    this.#addon = addon;
    this.#send = send;
  }

  /** The methods, for the process server's table. */
  api(): ProgramsApi {
    const run = (program: string, args: readonly string[], options: RunOptions) => this.#run(program, args, options);
    const read = (id: number, stream: StreamName) => this.#own(id).read(stream, currentCall());
    return {
      async *runProgram(program, args = [], options = {}) {
        yield* run(program, args, options);
      },
      async *readProgram(id, stream) {
        if (!STREAMS.includes(stream))
          throw invalid(`readProgram(id, stream): stream must be 'stdout' or 'stderr'; it is ${show(stream)}`);
        yield* read(id, stream);
      },
      signalProgram: (id, signal) => this.#signal(id, signal),
      programs: () => {
        const { principal } = currentCall();
        return [...this.#runs.values()].filter((one) => isFor(principal, one)).map((one) => one.status());
      },
    };
  }

  /** From the kernel. */
  onEvent(id: number, event: LaunchEvent): void {
    const run = this.#runs.get(id);
    run?.onEvent(event);
    if (run?.state !== 'ended') return;
    if (run.left) this.#runs.delete(id);
    this.#dropUnread(run.facts.user);
    this.#ended();
  }

  /** Ends them all: politely, then by force. @returns a promise for when none is left; undefined when none runs now. */
  stop(): Promise<void> | undefined {
    this.#stopping = true;
    const isLeft = () => [...this.#runs.values()].some(({ state }) => state !== 'ended');
    if (!isLeft()) return undefined;
    for (const run of this.#runs.values()) run.end('killed');
    return (async () => {
      while (isLeft())
        await new Promise<void>((resolve) => {
          this.#ended = resolve;
        });
    })();
  }

  async *#run(name: string, args: readonly string[], options: RunOptions): AsyncGenerator<ProgramEvent, void> {
    const call = currentCall();
    const { Socket: Sockets } = await import('node:net');
    const entry = this.#allowed(name, call.principal);
    const all = argumentsOf(name, entry, args);
    const { stdin, limits } = optionsOf(name, options);
    const { outputBytes, ...narrowed } = limitsOf(name, entry, limits);
    this.#checkRoom(name, entry, call.principal, stdin?.length ?? 0);

    this.#last += 1;
    const id = this.#last;
    const request: LaunchRequest = {
      id,
      path: entry.path,
      args: all,
      env: entry.env ?? {},
      cwd: entry.cwd ?? '/',
      limits: { ...narrowed, graceMs: GRACE_MS },
      hasStdin: stdin !== undefined,
    };
    const run = this.#launch(Sockets, request, { id, program: name, user: call.principal, outputBytes }, stdin);
    try {
      yield* run.events.items(call);
      if (run.failure !== undefined) throw run.failure;
    } finally {
      // Left before its end: nobody waits for it, and nobody will read what it writes.
      run.left = true;
      run.end('aborted');
      run.close();
      if (run.state === 'ended') this.#runs.delete(id);
    }
  }

  #launch(Sockets: Sockets, request: LaunchRequest, facts: ProgramRun['facts'], stdin: Uint8Array | undefined): ProgramRun {
    const addon = this.#addon;
    if (addon === undefined) throw this.#unsupported(facts.program);
    const [output, errors, input] = this.#pipes(addon, stdin === undefined ? 2 : 3) as [Pipe, Pipe, Pipe | undefined];
    const theirs = [...(input === undefined ? [] : [input.read]), output.write, errors.write];
    const reader = (read: Descriptor) => new Sockets({ fd: addon.disown(read), readable: true, writable: false });
    const run = new ProgramRun(facts, { stdout: reader(output.read), stderr: reader(errors.read) }, (signal) =>
      this.#send({ t: 'signalProgram', id: facts.id, signal }),
    );
    this.#runs.set(facts.id, run);
    if (input !== undefined && stdin !== undefined)
      this.#feed(new Sockets({ fd: addon.disown(input.write), readable: false, writable: true }), stdin);
    try {
      this.#send({ t: 'launch', ...request }, theirs, theirs);
    } catch (error) {
      this.#runs.delete(facts.id);
      run.close();
      throw error;
    }
    return run;
  }

  /** All of them, or none. */
  #pipes(addon: NativeAddon, count: number): Pipe[] {
    const pipes: Pipe[] = [];
    try {
      while (pipes.length < count) pipes.push(addon.pipe());
    } catch (error) {
      for (const { read, write } of pipes) for (const end of [read, write]) addon.close(end);
      throw error;
    }
    return pipes;
  }

  #feed(socket: Socket, stdin: Uint8Array): void {
    this.#stdinBytes += stdin.length;
    socket.on('error', () => {}); // a program need not read what it is given
    socket.on('close', () => {
      this.#stdinBytes -= stdin.length;
    });
    socket.end(stdin);
  }

  /** Deny by default. What a user may not run is not named to it. */
  #allowed(name: string, principal: string): ProgramEntry {
    const may = (entry: ProgramEntry) =>
      principal === OPERATOR || entry.users === true || entry.users?.includes(principal) === true;
    const entry = typeof name === 'string' && Object.hasOwn(this.#entries, name) ? this.#entries[name] : undefined;
    if (entry !== undefined && may(entry)) return entry;
    if (entry !== undefined) throw new SkerryError('SKERRY_DENIED', `${principal} may not run program "${name}"`);
    const names = Object.keys(this.#entries).filter((known) => may(this.#entries[known] as ProgramEntry));
    throw new SkerryError(
      'SKERRY_NOT_FOUND',
      `this system has no program ${show(name)}; ${principal} may run: ${names.join(', ') || 'none'}`,
    );
  }

  #checkRoom(name: string, entry: ProgramEntry, principal: string, stdinBytes: number): void {
    if (this.#stopping) throw new SkerryError('SKERRY_SERVER_DOWN', `program "${name}" is not run: the system is stopping`);
    if (this.#addon === undefined) throw this.#unsupported(name);
    const running = [...this.#runs.values()].filter(({ state }) => state !== 'ended').map(({ facts }) => facts);
    const full = (what: string, count: number, max: number) => {
      if (count >= max) throw new SkerryError('SKERRY_BUSY', `program "${name}" is not run: ${count} ${what} run already`);
    };
    full(`of "${name}"`, running.filter(({ program }) => program === name).length, entry.runningMax ?? RUNNING_MAX);
    full(`programs of ${principal}`, running.filter(({ user }) => user === principal).length, USER_MAX);
    full('programs', running.length, ALL_MAX);
    if (this.#stdinBytes + stdinBytes > STDIN_ALL_BYTES_MAX)
      throw new SkerryError('SKERRY_BUSY', `program "${name}" is not run: too much waits to be read by others`);
  }

  #unsupported(name: string): SkerryError {
    return new SkerryError('SKERRY_UNSUPPORTED', `program "${name}" cannot be run without the addon: ${loadNative().reason}`);
  }

  #signal(id: number, signal: string): void {
    if (signal !== 'abort' && !Object.hasOwn(constants.signals, signal))
      throw invalid(`a program is sent a signal by its name, as 'SIGTERM'; it is ${show(signal)}`);
    const run = this.#own(id);
    if (signal === 'abort') run.end('aborted');
    else run.signal(signal);
  }

  /** @throws SKERRY_NOT_FOUND, also for what is another's. */
  #own(id: number): ProgramRun {
    const run = this.#runs.get(id);
    if (run !== undefined && isFor(currentCall().principal, run)) return run;
    throw new SkerryError('SKERRY_NOT_FOUND', `there is no run ${show(id)} of a program`);
  }

  #dropUnread(user: string): void {
    const drop = (ended: readonly ProgramRun[], max: number) => {
      for (const run of ended.slice(0, Math.max(0, ended.length - max))) run.close();
    };
    const ended = [...this.#runs.values()].filter(({ state }) => state === 'ended');
    drop(ended, ALL_ENDED_MAX);
    drop(
      ended.filter(({ facts }) => facts.user === user),
      USER_ENDED_MAX,
    );
  }
}

interface Pipe {
  readonly read: Descriptor;
  readonly write: Descriptor;
}

/** The process server's methods always run with the context of their call. */
function currentCall(): CurrentCall {
  return getCurrentCall() as CurrentCall;
}

function isFor(principal: string, { facts }: ProgramRun): boolean {
  return principal === OPERATOR || principal === facts.user;
}

/** @throws SKERRY_INVALID, SKERRY_LIMIT */
function argumentsOf(name: string, entry: ProgramEntry, args: unknown): string[] {
  const where = `createProcess("${name}", args)`;
  if (!isStrings(args)) throw invalid(`${where}: args must be an array of strings; it is ${show(args)}`);
  if (args.length > ARGS_MAX) throw tooMuch(name, `${args.length} arguments; there may be ${ARGS_MAX}`);
  if (args.length > 0 && entry.accepts === false) throw invalid(`${where}: it takes no arguments`);
  for (const [index, argument] of args.entries()) {
    // A NUL would end the argument, half of a surrogate pair would become another character.
    if (argument.includes('\0') || /\p{Surrogate}/u.test(argument))
      throw invalid(`${where}: args[${index}] must be a string of whole characters without NUL; it is ${show(argument)}`);
    if (entry.accepts instanceof RegExp && !accepts(entry.accepts, argument))
      throw invalid(`${where}: args[${index}] is ${show(argument)}, which the system does not accept (${String(entry.accepts)})`);
  }
  const all = [...(entry.args ?? []), ...args];
  const bytes = all.reduce((sum, argument) => sum + Buffer.byteLength(argument), 0);
  if (bytes > ARGS_BYTES_MAX) throw tooMuch(name, `arguments of ${bytes} bytes; they may have ${ARGS_BYTES_MAX}`);
  return all;
}

/** As a whole, whatever the expression says of beginning and end. */
function accepts({ source, flags }: RegExp, argument: string): boolean {
  return new RegExp(`^(?:${source})$`, flags.replace(/[gmy]/g, '')).test(argument);
}

/** @throws SKERRY_INVALID, SKERRY_LIMIT */
function optionsOf(name: string, options: RunOptions): { stdin: Uint8Array | undefined; limits: RunOptions['limits'] } {
  const check = new OptionCheck(`createProcess("${name}")`, options, ['stdin', 'limits'], 'a program, arguments and options');
  check.optional('stdin', 'a string or a Uint8Array', (given) => typeof given === 'string' || given instanceof Uint8Array);
  checkLimits(check);
  const { stdin, limits } = options;
  const bytes = typeof stdin === 'string' ? Buffer.from(stdin) : stdin;
  if (bytes !== undefined && bytes.length > STDIN_BYTES_MAX)
    throw tooMuch(name, `${bytes.length} bytes of stdin; there may be ${STDIN_BYTES_MAX}`);
  return { stdin: bytes, limits };
}

function tooMuch(name: string, what: string): SkerryError {
  return new SkerryError('SKERRY_LIMIT', `createProcess("${name}") was given ${what}`);
}
