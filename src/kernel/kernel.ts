// The kernel: starts processes, makes endpoints, checks rights, introduces, learns of deaths. It runs no user code and carries no
// user message: when it is busy, running calls do not notice.
//
// Reading order: the message table in protocol/control.ts, then `#handle` here, then introductions.ts. Policy (what is started when,
// what is restarted) is the process server's; the kernel does what it is asked and says what happened.

import { HUNG_UP } from '../channel/control/port.ts';
import type { Descriptor, NativeAddon } from '../memory/native.ts';
import { mapRegion, RegionKind } from '../memory/region.ts';
import type { DeathEvent, ErrorInfo, FromKernel, InstanceEvent, ServerDeclaration, ToKernel } from '../protocol/control.ts';
import { type Endpoint, formatEndpoint } from '../protocol/endpoint.ts';
import { OPERATOR } from '../protocol/principal.ts';
import { PROGRAM_METHODS } from '../protocol/program.ts';
import type { MemoryBudget } from './budget.ts';
import { type SpawnedChild, spawnChild } from './child.ts';
import { Closer } from './closer.ts';
import { deathReason, type Exit } from './death.ts';
import { Introductions } from './introductions.ts';
import { MemoryWatch } from './memory-watch.ts';
import { type BootMessage, brief, checkMessage, plainError } from './messages.ts';
import { newProcess, type Process } from './process-record.ts';
import { ProcessServerSeat } from './process-server.ts';
import { Programs } from './programs.ts';
import { sendTo } from './send.ts';
import { makeSlot, readyOf, type Slot } from './slots.ts';

export const PROCESS_SERVER_SLOT = 0;
export const CALLER_SLOT = 1;
const FIRST_SERVER_SLOT = 2;
/** A process server that orders nothing for so long, beyond what it is waiting for, hangs. */
const STOP_SILENT_MS = 5_000;
/** Of a slot, characters: a successor is told of each in one message. */
const NOTE_MAX = 16_384;

export interface KernelOptions {
  readonly addon: NativeAddon | undefined;
  readonly budget: MemoryBudget;
  /** The caller's environment: servers get what they name of it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What every process gets. */
  readonly baseEnv: Readonly<Record<string, string>>;
  /** Anonymous memory of a process, bytes. */
  readonly rssAnon: (pid: number) => number;
  readonly exit: (code: number) => void;
  /** A line for who looks after this machine. */
  readonly warn: (line: string) => void;
}

export class Kernel {
  readonly #options: KernelOptions;
  readonly #slots = new Map<number, Slot>();
  readonly #introductions: Introductions;
  readonly #closer: Closer;
  readonly #programs: Programs;
  #caller: Process | undefined;
  #systemUrl: Promise<string>;
  #booted!: (systemUrl: string) => void;
  #stopping = false;
  #stopUntil = 0;
  #stopTimer: NodeJS.Timeout | undefined;
  readonly #memoryWatch: MemoryWatch;
  readonly #seat: ProcessServerSeat;
  readonly #since = Date.now();
  #isUp = false;
  #isOver = false;

  constructor(options: KernelOptions) {
    this.#options = options;
    this.#memoryWatch = new MemoryWatch(() => this.#slots.values(), options.rssAnon);
    this.#closer = new Closer(options.addon, (descriptor) => this.#ports().some((port) => port.holds(descriptor)));
    this.#introductions = new Introductions(options.addon, this.#closer, (proc, why) => this.#expel(proc, why));
    this.#programs = new Programs(options.addon, (id, event) => {
      const { process } = this.#slot(PROCESS_SERVER_SLOT);
      if (process !== undefined) this.#send(process, { t: 'program', id, event });
    });
    this.#systemUrl = new Promise((resolve) => {
      this.#booted = resolve;
    });
    const env = ['SKERRY_NAME', 'SKERRY_OPERATOR_DIR'];
    const declaration = {
      name: 'process',
      slots: [PROCESS_SERVER_SLOT],
      uses: {},
      env,
      secrets: [],
      memoryMb: 0,
      background: false,
    };
    const slot = makeSlot(PROCESS_SERVER_SLOT, 0, declaration);
    this.#slots.set(PROCESS_SERVER_SLOT, slot);
    this.#seat = new ProcessServerSeat(slot, (proc, why) => this.#endProcess(proc, why));
    this.#spawn(slot);
  }

  /** The process that booted the system: an operator. */
  attachCaller(
    makePort: (events: { onMessage(m: unknown, d: Descriptor[]): void; onClose(reason: string): void }) => Process['port'],
    pid: number,
  ): void {
    const endpoint: Endpoint = { node: 0, slot: CALLER_SLOT, generation: 1 };
    const port = makePort({
      onMessage: (message, descriptors) => this.#receive(caller, message, descriptors),
      onClose: () => this.#end(0), // nobody is left to serve
    });
    const caller = newProcess('client', 'caller', endpoint, OPERATOR, { pid, port, kill: () => {}, output: [] });
    this.#caller = caller;
    this.#born(caller, 'client', 0, '', {}, 1);
  }

  /** SIGTERM: the same as the caller's stop. */
  stop(): void {
    this.#stopping = true;
    this.#awaitStop(0);
    if (this.#seat.hears || !this.#isUp) return this.#tellStop();
    // There is none that knows of the servers: the next one stops them.
    const slot = this.#slot(PROCESS_SERVER_SLOT);
    if (slot.process === undefined) this.#spawn(slot);
  }

  #tellStop(): void {
    const { process } = this.#slot(PROCESS_SERVER_SLOT);
    if (process === undefined) return this.#end(1);
    this.#send(process, { t: 'stop', drainMs: 0 });
  }

  /** A process server that hangs stops nothing: then it is the kernel that ends all. */
  #awaitStop(orderedMs: number): void {
    const until = performance.now() + orderedMs + STOP_SILENT_MS;
    if (until <= this.#stopUntil) return;
    this.#stopUntil = until;
    clearTimeout(this.#stopTimer);
    this.#stopTimer = setTimeout(() => this.#end(1), until - performance.now());
  }

  #slot(number: number): Slot {
    const slot = this.#slots.get(number);
    if (slot === undefined) throw new Error(`no slot ${number}`);
    return slot;
  }

  #send(to: Process, message: FromKernel, descriptors: readonly Descriptor[] = []): void {
    sendTo(to, message, descriptors);
  }

  #tellProcessServer(slot: number, event: InstanceEvent, descriptors: readonly Descriptor[] = []): void {
    this.#seat.tell(slot, event, descriptors);
  }

  #tellDeath(slot: Slot, event: DeathEvent): void {
    slot.died = event;
    this.#tellProcessServer(slot.number, event);
  }

  #ports(): Process['port'][] {
    const instances = [...this.#slots.values()].map(({ process }) => process);
    return [this.#caller, ...instances].flatMap((proc) => (proc === undefined ? [] : [proc.port]));
  }

  // --- births and deaths

  async #spawn(slot: Slot): Promise<void> {
    slot.generation += 1;
    slot.died = undefined;
    const { server, replica, number } = slot;
    const { addon, baseEnv } = this.#options;
    const endpoint: Endpoint = { node: 0, slot: number, generation: slot.generation };
    const role = number === PROCESS_SERVER_SLOT ? 'process' : 'server';
    const title = role === 'process' ? 'process' : `${server.name}.${replica}`;
    const spawned = this.#trySpawn(slot, () =>
      spawnChild(
        {
          addon,
          role,
          env: { ...baseEnv, ...this.#pick(server.env) },
          memoryMb: server.memoryMb,
          background: server.background,
          title,
          piped: role === 'server',
        },
        {
          onMessage: (message, descriptors) => this.#receive(record, message, descriptors),
          onClose: (why) => {
            // A process that closes its control socket has left the system, whatever else it does.
            if (why !== HUNG_UP) this.#expel(record, why);
            else if (!record.dead) record.kill();
          },
        },
        (exit) => this.#onDeath(slot, record, exit),
      ),
    );
    if (spawned === undefined) return;
    const child = spawned;
    const record = newProcess(role, server.name, endpoint, role === 'process' ? OPERATOR : `server:${server.name}`, child);
    slot.process = record;
    if (server.memoryMb > 0) this.#memoryWatch.start();
    this.#tellProcessServer(number, { what: 'born', pid: child.pid, generation: slot.generation }, child.output);
    if (role === 'process') this.#seat.born(record);
    const systemUrl = await this.#systemUrl;
    const replicas = this.#slotsOf(server.name).length;
    try {
      this.#born(record, role, replica, systemUrl, this.#pick(server.secrets), replicas);
    } catch (error) {
      this.#endProcess(record, `it could not be told what it is: ${(error as Error).message}`);
    }
  }

  /** A process that cannot be started is one that died at once, for that reason. */
  #trySpawn(slot: Slot, start: () => SpawnedChild): SpawnedChild | undefined {
    try {
      return start();
    } catch (error) {
      const { message } = error as Error;
      if (slot.number === PROCESS_SERVER_SLOT) this.#processServerDied(undefined, message, undefined);
      else this.#tellDeath(slot, { what: 'died', reason: message, ordered: false });
      return undefined;
    }
  }

  #born(
    to: Process,
    role: Process['role'],
    replica: number,
    systemUrl: string,
    secrets: Record<string, string>,
    replicas: number,
  ): void {
    this.#send(to, {
      t: 'born',
      config: {
        role,
        name: to.name,
        replica,
        endpoint: to.endpoint,
        systemSince: this.#since,
        systemUrl,
        secrets,
        replicas,
        piped: to.output.length > 0,
      },
    });
  }

  #pick(names: readonly string[]): Record<string, string> {
    const picked: Record<string, string> = {};
    for (const name of names) {
      const value = this.#options.env[name];
      if (value !== undefined) picked[name] = value;
    }
    return picked;
  }

  #onDeath(slot: Slot, proc: Process, exit: Exit): void {
    proc.dead = true;
    const { killedFor, lastRssAnon, status, lastWords } = proc;
    const reason = deathReason({
      exit,
      killedFor,
      lastWords,
      memoryMb: slot.server.memoryMb,
      lastRssAnon,
      status: status?.region,
    });
    if (slot.process === proc) {
      slot.process = undefined;
      slot.ready = undefined;
    }
    this.#introductions.serverDied(slot, proc, { reason, ordered: proc.ordered, error: lastWords });
    this.#introductions.clientDied(proc);
    this.#forget(proc);
    if (slot.number === PROCESS_SERVER_SLOT) {
      const readyForMs = proc.readyAt === undefined ? undefined : performance.now() - proc.readyAt;
      this.#processServerDied(readyForMs, reason, lastWords);
    } else {
      this.#tellDeath(slot, { what: 'died', reason, ordered: proc.ordered, error: lastWords });
    }
  }

  /** Without it a system does not come up; one that is up goes on, and gets another. Programs were its own: they end with it. */
  #processServerDied(readyForMs: number | undefined, reason: string, lastWords: ErrorInfo | undefined): void {
    const why = `the process server died: ${reason}${lastWords === undefined ? '' : `: ${lastWords.message}`}`;
    const waitMs = this.#seat.died(readyForMs);
    if (this.#isOver) return;
    if (!this.#isUp) return this.#fail(plainError('SKERRY_INIT', why));
    this.#programs.endAll();
    if (this.#stopping) return void this.#spawn(this.#slot(PROCESS_SERVER_SLOT)); // the servers are to be stopped politely; #awaitStop has an end
    this.#options.warn(`skerry: ${why}; it is started again${waitMs === 0 ? '' : ` in ${waitMs} ms`}, the servers go on`);
    setTimeout(() => {
      if (!this.#stopping) this.#spawn(this.#slot(PROCESS_SERVER_SLOT));
    }, waitMs);
  }

  #forget(proc: Process): void {
    const { addon, budget } = this.#options;
    budget.give(proc.grantedBytes);
    proc.grantedBytes = 0;
    if (addon === undefined) return;
    if (proc.bell !== undefined) this.#closer.close(proc.bell);
    if (proc.status !== undefined) {
      this.#closer.close(proc.status.descriptor);
      proc.status.region?.release();
    }
    for (const pipe of proc.output) this.#closer.close(pipe);
    proc.bell = undefined;
    proc.status = undefined;
  }

  /** A process that breaks the protocol is ended. */
  #expel(proc: Process, why: string): void {
    if (proc.dead || proc.role === 'client') return;
    proc.killedFor ??= `broke the control protocol: ${why}`;
    proc.kill();
  }

  #fail(error: ErrorInfo): void {
    if (this.#caller !== undefined) this.#send(this.#caller, { t: 'bootFailed', error });
    this.#end(1);
  }

  #end(code: number): void {
    this.#stopping = true; // nothing is started any more
    this.#isOver = true;
    for (const { process } of this.#slots.values()) process?.kill();
    this.#caller?.port.close();
    setTimeout(() => this.#options.exit(code), 20);
  }

  // --- messages

  #receive(from: Process, raw: unknown, descriptors: Descriptor[]): void {
    const owned = new Set(descriptors);
    try {
      this.#handle(from, checkMessage(raw), descriptors, owned);
    } catch (error) {
      this.#expel(from, (error as Error).message);
    } finally {
      for (const descriptor of owned) this.#closer.close(descriptor);
    }
  }

  /** @param owned descriptors that are closed afterwards, unless taken out. */
  #handle(from: Process, message: ToKernel | BootMessage, descriptors: readonly Descriptor[], owned: Set<Descriptor>): void {
    switch (message.t) {
      case 'hello':
        if (message.speaks !== undefined) from.speaks = message.speaks;
        return this.#hello(from, descriptors, owned);
      case 'need':
        return this.#need(from, message.seq, message.bytes);
      case 'giveBack':
        return this.#giveBack(from, message.bytes);
      case 'connect':
        return this.#connect(from, message.seq, message.server);
      case 'open':
        return this.#introductions.open(
          from,
          this.#slot(message.slot),
          message.ref,
          this.#rightsOf(from, this.#slot(message.slot).server.name, message.as),
          message.hash,
          descriptors,
          owned,
          message.as,
        );
      case 'accept':
        return this.#introductions.accept(from, message.channel, message.token, descriptors);
      case 'offer':
        return this.#introductions.offer(from, message, descriptors, owned);
      case 'retire':
        this.#introductions.retire(from, message);
        return this.#giveBack(from, message.bytes);
      case 'settled':
        return this.#introductions.settled(from, message, descriptors, owned);
      case 'close':
        return this.#introductions.close(from, message.ref);
      case 'broken':
        return this.#introductions.broken(from, message);
      case 'manifest':
        return this.#manifest(from, message.uses);
      case 'ready':
        return this.#ready(from, message);
      case 'failed':
        from.lastWords = message.error;
        return this.#tellProcessServer(from.endpoint.slot, { what: 'failed', stage: message.stage, error: message.error });
      case 'dying':
        from.lastWords = message.error;
        return;
      case 'loaded':
        return this.#tellProcessServer(from.endpoint.slot, { what: 'loaded', urls: message.urls });
      case 'inspecting':
        return this.#tellProcessServer(from.endpoint.slot, { what: 'inspecting', url: message.url });
      case 'boot':
        if (from !== this.#caller) throw new Error('only the caller boots');
        return this.#booted(message.systemUrl);
      case 'stop':
        if (from !== this.#caller && from.role !== 'process') throw new Error('only an operator stops the system');
        return this.stop();
      default:
        if (from.role !== 'process') throw new Error(`"${message.t}" is for the process server alone`);
        if (message.t === 'launch') return this.#programs.launch(message, descriptors);
        return this.#supervise(message);
    }
  }

  #hello(from: Process, descriptors: readonly Descriptor[], owned: Set<Descriptor>): void {
    const { addon } = this.#options;
    if (addon === undefined) return;
    const [status, bell] = descriptors;
    if (status === undefined || bell === undefined || from.bell !== undefined)
      throw new Error('hello needs a status region and a doorbell, once');
    if (!addon.inspectRegion(status).sealed) throw new Error('the status region is not sealed');
    const region = mapRegion(addon, status, RegionKind.status, `${from.name} status`, true);
    owned.delete(status);
    owned.delete(bell);
    from.bell = bell;
    from.status = { descriptor: status, region };
    if (from.role === 'server') this.#tellProcessServer(from.endpoint.slot, { what: 'status' }, [status, bell]);
    if (from.role === 'process') this.#seat.watch(from, region, () => void addon.ring(bell));
  }

  #endProcess(proc: Process, why: string): void {
    if (proc.dead) return;
    proc.killedFor ??= why;
    proc.kill();
  }

  #need(from: Process, seq: number, bytes: number): void {
    const { budget } = this.#options;
    if (budget.take(bytes)) {
      from.grantedBytes += bytes;
      return this.#send(from, { t: 'granted', seq });
    }
    const data = { askedBytes: bytes, usedBytes: budget.used, limitBytes: budget.limit };
    const message = `${from.name} asked for a region of ${bytes} bytes; the system's regions take ${budget.used} of ${budget.limit} bytes`;
    this.#send(from, { t: 'refused', seq, error: plainError('SKERRY_MEMORY', message), data });
  }

  #giveBack(from: Process, bytes: number): void {
    const given = Math.min(bytes, from.grantedBytes);
    from.grantedBytes -= given;
    this.#options.budget.give(given);
  }

  /** Deny by default: what a client may call of a server; undefined: nothing. */
  #rightsOf(from: Process, server: string, user?: string): readonly string[] | true | undefined {
    if (user !== undefined && server === 'process') return PROGRAM_METHODS; // the others are for operators
    if (from.role !== 'server') return true;
    return from.uses?.get(server);
  }

  #connect(from: Process, seq: number, name: string): void {
    const slots = this.#slotsOf(name);
    const names = [...new Set([...this.#slots.values()].map((slot) => slot.server.name))].filter((known) => known !== 'process');
    if (slots.length === 0) {
      const error = plainError('SKERRY_NOT_FOUND', `there is no server "${name}" in this system; it has: ${names.join(', ')}`);
      return this.#send(from, { t: 'noServer', seq, error });
    }
    if (this.#rightsOf(from, name) === undefined) {
      const used = [...(from.uses?.keys() ?? [])].join(', ') || 'none';
      const error = plainError(
        'SKERRY_DENIED',
        `server "${from.name}" does not declare that it uses "${name}"; it declares: ${used}`,
      );
      return this.#send(from, { t: 'noServer', seq, error });
    }
    const { methods, concurrency = 0 } = slots.find((slot) => slot.methods !== undefined) ?? {};
    const places = slots.map(({ number, replica, ready, down }) => ({
      slot: number,
      replica,
      runs: ready !== undefined,
      down: down === undefined ? undefined : brief(down),
    }));
    this.#send(from, { t: 'slots', seq, slots: places, methods, concurrency });
  }

  #slotsOf(name: string): Slot[] {
    return [...this.#slots.values()].filter((slot) => slot.server.name === name);
  }

  /** Rights are pinned when a slot's module is loaded first, before it has read any input; a later instance may not widen them. */
  #manifest(from: Process, uses: Record<string, readonly string[] | true>): void {
    const slot = this.#slot(from.endpoint.slot);
    if (slot.process !== from) return;
    slot.declaredUses ??= new Map(Object.entries(uses));
    const rights = new Map(Object.entries(slot.server.uses));
    for (const [name, methods] of slot.declaredUses) if (!rights.has(name)) rights.set(name, methods);
    from.uses = rights;
    this.#tellProcessServer(slot.number, { what: 'manifest', uses: [...rights.keys()] });
  }

  #ready(from: Process, message: Extract<ToKernel, { t: 'ready' }>): void {
    const slot = this.#slot(from.endpoint.slot);
    if (slot.process !== from) return;
    slot.ready = readyOf(message.methods, message.concurrency, message.queueMax, message.address);
    slot.methods = message.methods;
    slot.concurrency = message.concurrency;
    slot.down = undefined;
    from.readyAt = performance.now();
    this.#introductions.instanceReady(slot);
    if (from.role !== 'process') this.#tellProcessServer(slot.number, { what: 'ready' });
  }

  #supervise(message: Exclude<ToKernel | BootMessage, { t: never }>): void {
    switch (message.t) {
      case 'declare':
        return this.#declare(message.servers);
      case 'spawn': {
        const slot = this.#slot(message.slot);
        if (slot.process !== undefined || this.#stopping) return;
        this.#introductions.revived(slot);
        this.#spawn(slot);
        return;
      }
      case 'init': {
        const { process } = this.#slot(message.slot);
        if (process !== undefined) this.#send(process, { t: 'init' });
        return;
      }
      case 'kill': {
        const { process } = this.#slot(message.slot);
        if (process === undefined) return;
        process.killedFor ??= message.reason;
        process.ordered = message.ordered;
        return process.kill();
      }
      case 'stopInstance': {
        const { process } = this.#slot(message.slot);
        if (process === undefined) return;
        process.ordered = true;
        if (this.#stopping) this.#awaitStop(2 * message.drainMs);
        return this.#send(process, { t: 'stop', drainMs: message.drainMs });
      }
      case 'inspect': {
        const { process } = this.#slot(message.slot);
        if (process !== undefined) this.#send(process, { t: 'inspect', on: message.on });
        return;
      }
      case 'signalProgram':
        return this.#programs.signal(message.id, message.signal);
      case 'remember':
        if (message.note.length <= NOTE_MAX) this.#slot(message.slot).note = message.note;
        return;
      case 'zombie':
        return this.#introductions.down(this.#slot(message.slot), message.error);
      case 'up':
        this.#isUp = true;
        if (this.#caller !== undefined) this.#send(this.#caller, { t: 'up', processes: this.#processes() });
        return;
      case 'bootFailed':
        return this.#bootFailed(message.error);
      case 'stopped':
        if (this.#caller !== undefined) this.#send(this.#caller, { t: 'stopped' });
        return this.#end(0);
      default:
        return;
    }
  }

  /** The first process server says which servers there are. What a successor says does not matter: it is told. */
  #declare(servers: readonly ServerDeclaration[]): void {
    const known = [...this.#slots.values()].filter(({ number }) => number >= FIRST_SERVER_SLOT);
    if (!this.#isUp) {
      for (const server of servers) {
        server.slots.forEach((number, replica) => {
          if (number < FIRST_SERVER_SLOT || this.#slots.has(number)) throw new Error(`slot ${number} is taken`);
          this.#slots.set(number, makeSlot(number, replica, server));
        });
      }
    }
    this.#seat.declared(known);
    if (this.#stopping) this.#tellStop();
  }

  /** A successor of the process server that cannot read the system module is of no use. */
  #bootFailed(error: ErrorInfo): void {
    if (!this.#isUp) return this.#fail(error);
    const { process } = this.#slot(PROCESS_SERVER_SLOT);
    if (process === undefined) return;
    process.lastWords = error;
    process.kill();
  }

  #processes(): { name: string; replica: number; pid: number; endpoint: string }[] {
    const list = [{ name: 'kernel', replica: 0, pid: process.pid, endpoint: '' }];
    for (const { server, replica, process: instance } of this.#slots.values()) {
      if (instance !== undefined)
        list.push({ name: server.name, replica, pid: instance.pid, endpoint: formatEndpoint(instance.endpoint) });
    }
    return list;
  }
}
