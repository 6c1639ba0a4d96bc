// A program that runs, as its caller has it. It belongs to the stream that began it, which is this object's: when the stream is left, or its
// channel closed, or this process dies, the program ends.

import { isSkerryError, SkerryError } from '../base/errors.ts';
import { invalid, OptionCheck } from '../base/options.ts';
import { onAbort } from '../rpc/abort-listeners.ts';
import type { ProgramLimits } from '../server/programs.ts';
import type { Remote } from '../server/remote.ts';
import type { ProgramEvent, ProgramExit, ProgramsApi } from '../servers/process/programs-api.ts';
import { call } from './call.ts';

/** A program takes the time that its limits give it. */
const NO_DEADLINE = { timeoutMs: 0 };
const OPTIONS = ['stdin', 'signal', 'limits'];

export interface CreateProcessOptions {
  /** What it reads, at most 8 MiB. Without it its stdin is empty. */
  readonly stdin?: string | Uint8Array;
  /** Ends it: SIGTERM, a second later SIGKILL; its `exit` has the reason `aborted`. */
  readonly signal?: AbortSignal;
  /** Narrower than those of the system. */
  readonly limits?: ProgramLimits;
}

export class Program {
  /** The operating system's number of it. */
  readonly pid: number;
  /** Its name in the system module. */
  readonly program: string;
  readonly user: string;
  /**
   * What it writes: to be read once. What is not read stays in its pipe (64 KiB), and then the program waits. Leaving the loop closes
   * the pipe. After its end it can be read as long as this object is held, for the last 32 programs of a user.
   */
  readonly stdout: AsyncIterable<Uint8Array>;
  readonly stderr: AsyncIterable<Uint8Array>;
  /**
   * When it has ended, and all that it had started; rejected only when the system, or its process server, ends before it. It keeps this process alive.
   */
  readonly exit: Promise<ProgramExit>;
  readonly #processes: Remote<ProgramsApi>;
  readonly #events: AsyncIterator<ProgramEvent>;
  readonly #id: number;
  #state: 'running' | 'ended' = 'running';
  readonly #asked = new Set<string>();
  /** Of what it left unread: where there is nothing. */
  #empty: readonly ('stdout' | 'stderr')[] = [];

  /** @internal */
  constructor(
    processes: Remote<ProgramsApi>,
    events: AsyncIterator<ProgramEvent>,
    facts: { readonly id: number; readonly pid: number; readonly program: string; readonly user: string },
  ) {
    this.#processes = processes;
    this.#events = events;
    this.#id = facts.id;
    this.pid = facts.pid;
    this.program = facts.program;
    this.user = facts.user;
    this.stdout = { [Symbol.asyncIterator]: () => this.#read('stdout') };
    this.stderr = { [Symbol.asyncIterator]: () => this.#read('stderr') };
    this.exit = this.#ended();
    this.exit.catch(() => {}); // who asks for it learns of it
  }

  get state(): 'running' | 'ended' {
    return this.#state;
  }

  /**
   * Sends a signal to the program's process group; SIGKILL ends also what has left the group. Nothing happens when it has ended.
   * @throws SkerryError SKERRY_INVALID when there is no such signal
   */
  async kill(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.#signal(signal);
  }

  /** @internal SIGTERM, and a second later SIGKILL. */
  abort(): void {
    this.#signal('abort').catch(() => {}); // the system is gone, and the program with it
  }

  async #signal(signal: string): Promise<void> {
    if (this.#state === 'ended') return;
    try {
      await this.#processes.signalProgram(this.#id, signal);
    } catch (error) {
      if (!isSkerryError(error, 'SKERRY_NOT_FOUND')) throw error; // it has ended meanwhile
    }
  }

  async #ended(): Promise<ProgramExit> {
    try {
      const { value } = (await this.#events.next()) as IteratorResult<ProgramEvent, undefined>;
      if (value?.what === 'ended') {
        this.#empty = value.empty;
        return value.exit;
      }
      throw new SkerryError(
        'SKERRY_SERVER_DOWN',
        `what became of program "${this.program}" is not known: the process server said nothing`,
      );
    } finally {
      this.#state = 'ended';
    }
  }

  /** The generator holds this object, and with it the stream that holds the program: reading may outlast the caller's own reference. */
  async *#read(stream: 'stdout' | 'stderr'): AsyncGenerator<Uint8Array, void> {
    if (this.#asked.has(stream)) throw invalid(`${stream} of program "${this.program}" is read already: it can be read once`);
    this.#asked.add(stream);
    if (this.#empty.includes(stream)) return;
    try {
      yield* call(this.#processes, NO_DEADLINE).readProgram(this.#id, stream);
    } catch (error) {
      if (!isSkerryError(error, 'SKERRY_NOT_FOUND')) throw error;
      await this.exit.catch(() => {}); // it has ended while it was asked
      if (!this.#empty.includes(stream)) throw error;
    }
  }
}

/**
 * Runs a program that the system allows.
 * @param processes the process server, on the user's behalf.
 */
export async function runProgram(
  processes: Remote<ProgramsApi>,
  user: string,
  program: string,
  args: readonly string[],
  options: CreateProcessOptions,
): Promise<Program> {
  const check = new OptionCheck('createProcess()', options, OPTIONS, 'a user, a program, arguments and options');
  check.signal('signal'); // the others are the process server's to check
  const { signal, ...others } = options;
  const aborted = () =>
    new SkerryError('SKERRY_ABORTED', `program "${program}" was aborted before it ran`, { cause: signal?.reason });
  if (signal?.aborted === true) throw aborted();
  const events = call(processes, NO_DEADLINE).runProgram(program, args, others)[Symbol.asyncIterator]();
  const unlisten = signal === undefined ? undefined : onAbort(signal, () => void events.return?.());
  const { value } = (await events.next().finally(unlisten)) as IteratorResult<ProgramEvent, undefined>;
  if (value?.what !== 'started') throw aborted();
  const running = new Program(processes, events, { id: value.id, pid: value.pid, program, user });
  if (signal !== undefined) {
    if (signal.aborted) running.abort();
    const listening = onAbort(signal, () => running.abort());
    running.exit.then(listening, listening);
  }
  return running;
}
