// The kernel: starts processes, makes endpoints, checks rights, introduces, learns of deaths. It runs no user code and carries no
// user message: when it is busy, running calls do not notice.
//
// Reading order: the message table in protocol/control.ts, then `#handle` here, then instances.ts and introductions.ts. Policy (what is started when,
// what is restarted) is the process server's; the kernel does what it is asked and says what happened.

import type { Descriptor } from '../memory/native.ts';
import { mapRegion, RegionKind } from '../memory/region.ts';
import type { DeathEvent, ErrorInfo, FromKernel, InstanceEvent, ServerDeclaration, ToKernel } from '../protocol/control.ts';
import { type Endpoint, formatEndpoint } from '../protocol/endpoint.ts';
import { isServerPrincipal, OPERATOR } from '../protocol/principal.ts';
import { PROGRAM_METHODS } from '../protocol/program.ts';
import type { PoisonedCall } from '../protocol/quarantine.ts';
import { Closer } from './closer.ts';
import { Instances, type InstancesOptions } from './instances.ts';
import { Introductions } from './introductions.ts';
import { Listeners } from './listeners.ts';
import { type BootMessage, brief, checkMessage, plainError } from './messages.ts';
import { newProcess, type Process } from './process-record.ts';
import { eyesOf, ProcessServerSeat } from './process-server.ts';
import { Programs } from './programs.ts';
import { Quarantine } from './quarantine.ts';
import { sendTo } from './send.ts';
import { CALLER_SLOT, FIRST_SERVER_SLOT, makeSlot, PROCESS_SERVER_SLOT, readyOf, type Slot } from './slots.ts';

/** A process server that orders nothing for so long, beyond what it is waiting for, hangs. */
const STOP_SILENT_MS = 5_000;

export interface KernelOptions extends InstancesOptions {
  readonly exit: (code: number) => void;
}

export class Kernel {
  readonly #options: KernelOptions;
  readonly #instances: Instances;
  readonly #introductions: Introductions;
  readonly #closer: Closer;
  readonly #programs: Programs;
  readonly #quarantine = new Quarantine();
  readonly #listeners: Listeners;
  #caller: Process | undefined;
  #booted!: (systemUrl: string) => void;
  #stopping = false;
  #stopUntil = 0;
  #stopTimer: NodeJS.Timeout | undefined;
  readonly #seat: ProcessServerSeat;
  #isUp = false;
  #spareCount = 0;
  #isOver = false;

  constructor(options: KernelOptions) {
    this.#options = options;
    this.#closer = new Closer(options.addon, (descriptor) => this.#ports().some((port) => port.holds(descriptor)));
    this.#introductions = new Introductions(options.addon, this.#closer, (proc, why) => this.#instances.expel(proc, why));
    this.#programs = new Programs(options.addon, (id, event) => {
      const { process } = this.#instances.slot(PROCESS_SERVER_SLOT);
      if (process !== undefined) this.#send(process, { t: 'program', id, event });
    });
    this.#listeners = new Listeners(options.addon, this.#closer);
    const systemUrl = new Promise<string>((resolve) => {
      this.#booted = resolve;
    });
    this.#instances = new Instances(options, systemUrl, this.#closer, this.#introductions, {
      onMessage: (from, message, descriptors) => this.#receive(from, message, descriptors),
      onBorn: (born, proc) => this.#onBorn(born, proc),
      onDied: (dead, death, readyForMs) => this.#onDied(dead, death, readyForMs),
      onSpares: (pids) => this.#seat.tellAll({ t: 'spares', pids }),
    });
    const env = ['SKERRY_NAME', 'SKERRY_OPERATOR_DIR'];
    const declaration = {
      name: 'process',
      slots: [PROCESS_SERVER_SLOT],
      uses: {},
      env,
      secrets: [],
      memoryMb: 0,
      openFiles: 0,
      background: false,
    };
    const slot = makeSlot(PROCESS_SERVER_SLOT, 0, declaration);
    this.#instances.slots.set(PROCESS_SERVER_SLOT, slot);
    this.#seat = new ProcessServerSeat(slot, (proc, why) => this.#instances.end(proc, why));
    void this.#instances.spawn(slot);
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
    this.#instances.tellBirth(caller, 0, '', {}, 1);
  }

  /** SIGTERM: the same as the caller's stop. */
  stop(): void {
    this.#stopping = true;
    this.#awaitStop(0);
    if (this.#seat.hears || !this.#isUp) return this.#tellStop();
    // There is none that knows of the servers: the next one stops them.
    const slot = this.#instances.slot(PROCESS_SERVER_SLOT);
    if (slot.process === undefined) void this.#instances.spawn(slot);
  }

  #tellStop(): void {
    const { process } = this.#instances.slot(PROCESS_SERVER_SLOT);
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

  #send(to: Process, message: FromKernel, descriptors: readonly Descriptor[] = []): void {
    sendTo(to, message, descriptors);
  }

  #tellProcessServer(slot: number, event: InstanceEvent, descriptors: readonly Descriptor[] = []): void {
    this.#seat.tell(slot, event, descriptors);
  }

  #onBorn({ number, generation }: Slot, proc: Process): void {
    this.#tellProcessServer(number, { what: 'born', pid: proc.pid, generation }, proc.output);
    if (proc.role === 'process') this.#seat.born(proc);
  }

  #onDied(slot: Slot, death: DeathEvent, readyForMs: number | undefined): void {
    if (slot.number === PROCESS_SERVER_SLOT) return this.#processServerDied(death, readyForMs);
    this.#listeners.died(slot.number);
    slot.died = death;
    this.#tellProcessServer(slot.number, death);
  }

  #ports(): Process['port'][] {
    const instances = [...this.#instances.slots.values()].map(({ process }) => process);
    return [this.#caller, ...instances].flatMap((proc) => (proc === undefined ? [] : [proc.port]));
  }

  /** Without it a system does not come up; one that is up goes on, and gets another. Programs were its own: they end with it. */
  #processServerDied({ reason, error }: DeathEvent, readyForMs: number | undefined): void {
    const why = `the process server died: ${reason}${error === undefined ? '' : `: ${error.message}`}`;
    const waitMs = this.#seat.died(readyForMs);
    if (this.#isOver) return;
    if (!this.#isUp) return this.#fail(plainError('SKERRY_INIT', why));
    this.#programs.endAll();
    // Whoever looked at calls has lost its stream.
    for (const { process } of this.#instances.slots.values())
      if (process?.traced === true) this.#send(process, { t: 'trace', on: false });
    // At a stop too: the servers are to be stopped politely, and #awaitStop has an end.
    if (!this.#stopping)
      this.#options.warn(`skerry: ${why}; it is started again${waitMs === 0 ? '' : ` in ${waitMs} ms`}, the servers go on`);
    setTimeout(() => {
      const slot = this.#instances.slot(PROCESS_SERVER_SLOT);
      if (!this.#isOver && slot.process === undefined) void this.#instances.spawn(slot);
    }, waitMs);
  }

  #fail(error: ErrorInfo): void {
    if (this.#caller !== undefined) this.#send(this.#caller, { t: 'bootFailed', error });
    this.#end(1);
  }

  #end(code: number): void {
    this.#stopping = true; // nothing is started any more
    this.#isOver = true;
    this.#instances.killAll();
    this.#caller?.port.close();
    setTimeout(() => this.#options.exit(code), 20);
  }

  // --- messages

  #receive(from: Process, raw: unknown, descriptors: Descriptor[]): void {
    const owned = new Set(descriptors);
    try {
      this.#handle(from, checkMessage(raw), descriptors, owned);
    } catch (error) {
      this.#instances.expel(from, (error as Error).message);
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
        if (isServerPrincipal(message.as) && from.role !== 'process') throw new Error(`no right to act for ${message.as}`);
        return this.#introductions.open(
          from,
          this.#instances.slot(message.slot),
          message.ref,
          this.#rightsOf(from, this.#instances.slot(message.slot).server.name, message.as),
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
      case 'listen':
        return this.#listen(from, message);
      case 'unlisten':
        return this.#listeners.leave(from, message);
      case 'poison':
        return this.#quarantineCall(from, message.ref, message.call);
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
    const [status, bell, box] = descriptors;
    if (status === undefined || bell === undefined || from.bell !== undefined)
      throw new Error('hello needs a status region and a doorbell, once');
    for (const region of box === undefined ? [status] : [status, box])
      if (!addon.inspectRegion(region).sealed) throw new Error('its regions are not sealed');
    const region = mapRegion(addon, status, RegionKind.status, `${from.name} status`, true);
    owned.delete(status);
    owned.delete(bell);
    if (box !== undefined) owned.delete(box);
    from.bell = bell;
    from.box = box;
    from.status = { descriptor: status, region };
    if (from.role === 'server') this.#tellProcessServer(from.endpoint.slot, { what: 'status' }, eyesOf(from));
    if (from.role === 'process') this.#seat.watch(from, region, addon, bell);
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
    const slots = this.#instances.of(name);
    const names = [...new Set([...this.#instances.slots.values()].map((slot) => slot.server.name))].filter(
      (known) => known !== 'process',
    );
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

  /** Rights are pinned when a slot's module is loaded first, before it has read any input; a later instance may not widen them. */
  #manifest(from: Process, uses: Record<string, readonly string[] | true>): void {
    const slot = this.#instances.slot(from.endpoint.slot);
    if (slot.process !== from) return;
    slot.declaredUses ??= new Map(Object.entries(uses));
    const rights = new Map(Object.entries(slot.server.uses));
    for (const [name, methods] of slot.declaredUses) if (!rights.has(name)) rights.set(name, methods);
    from.uses = rights;
    this.#tellProcessServer(slot.number, { what: 'manifest', uses: [...rights.keys()] });
  }

  #ready(from: Process, message: Extract<ToKernel, { t: 'ready' }>): void {
    const slot = this.#instances.slot(from.endpoint.slot);
    if (slot.process !== from) return;
    slot.ready = readyOf(message.methods, message.concurrency, message.queueMax, message.address);
    slot.methods = message.methods;
    slot.concurrency = message.concurrency;
    slot.down = undefined;
    from.readyAt = performance.now();
    this.#listeners.ready(slot.number);
    this.#introductions.instanceReady(slot);
    if (from.role !== 'process') this.#tellProcessServer(slot.number, { what: 'ready', concurrency: message.concurrency });
  }

  #supervise(message: Exclude<ToKernel | BootMessage, { t: never }>): void {
    switch (message.t) {
      case 'declare':
        return this.#declare(message.servers, message.spares);
      case 'spawn': {
        const slot = this.#instances.slot(message.slot);
        slot.note = message.note; // with the order, in one message: a process server that dies between two would leave one without the other
        if (slot.process !== undefined || this.#stopping) return;
        this.#introductions.revived(slot);
        void this.#instances.spawn(slot, message.fresh);
        return;
      }
      case 'init': {
        const { process } = this.#instances.slot(message.slot);
        if (process !== undefined) this.#send(process, { t: 'init' });
        return;
      }
      case 'kill': {
        const { process } = this.#instances.slot(message.slot);
        if (process === undefined) return;
        process.ordered = message.ordered;
        return this.#instances.end(process, message.ordered ? message.reason : this.#instances.causeOf(process, message.reason));
      }
      case 'stopInstance': {
        const { process } = this.#instances.slot(message.slot);
        if (process === undefined) return;
        process.ordered = true;
        if (this.#stopping) {
          this.#awaitStop(2 * message.drainMs);
          this.#listeners.close(process.name); // first: nobody is to wait in a queue that is not served any more
        }
        return this.#send(process, { t: 'stop', drainMs: message.drainMs });
      }
      case 'inspect':
      case 'trace': {
        const { process } = this.#instances.slot(message.slot);
        if (process === undefined) return;
        if (message.t === 'trace') process.traced = message.on;
        return this.#send(process, { t: message.t, on: message.on });
      }
      case 'signalProgram':
        return this.#programs.signal(message.id, message.signal);
      case 'remember':
        this.#instances.slot(message.slot).note = message.note;
        return;
      case 'pardon':
        return this.#quarantine.pardon(message.id);
      case 'zombie': {
        const slot = this.#instances.slot(message.slot);
        slot.note = message.note;
        this.#introductions.down(slot, message.error);
        return this.#listeners.down(slot.number); // who connects is to be refused, not to wait
      }
      case 'up':
        this.#isUp = true;
        this.#instances.keepSpares(this.#spareCount);
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

  #listen(from: Process, { seq, ...where }: Extract<ToKernel, { t: 'listen' }>): void {
    try {
      if (from.role !== 'server') throw new Error('only servers listen');
      if (from.ordered || this.#stopping) throw new Error(`${from.name} has been told to stop`);
      this.#send(from, { t: 'listening', seq }, [this.#listeners.open(from, where)]);
    } catch (error) {
      const { code = 'SKERRY_ABORTED', message } = error as NodeJS.ErrnoException;
      this.#send(from, { t: 'refused', seq, error: plainError(code, message), data: {} });
    }
  }

  /** A call that its client rejects with SKERRY_POISON; a channel that is gone meanwhile says nothing. */
  #quarantineCall(from: Process, ref: number, poisoned: PoisonedCall): void {
    const channel = from.channels.get(ref);
    if (channel === undefined) return;
    // An operator may call it again: what its client may not call must not get there.
    if (channel.allowed !== true && !channel.allowed.includes(poisoned.method)) throw new Error(`no right to ${poisoned.method}`);
    if (!this.#quarantine.mayTell(from)) throw new Error('it has told of more poison than there can be');
    const { call, gone } = this.#quarantine.keep(from, channel, poisoned);
    for (const id of gone) this.#seat.tellAll({ t: 'pardoned', id });
    this.#seat.tellAll({ t: 'quarantined', call, isNew: true });
  }

  /** The first process server says which servers there are. What a successor says does not matter: it is told. */
  #declare(servers: readonly ServerDeclaration[], spares: number): void {
    const known = [...this.#instances.slots.values()].filter(({ number }) => number >= FIRST_SERVER_SLOT);
    if (!this.#isUp) {
      for (const server of servers) {
        server.slots.forEach((number, replica) => {
          if (number < FIRST_SERVER_SLOT || this.#instances.slots.has(number)) throw new Error(`slot ${number} is taken`);
          this.#instances.slots.set(number, makeSlot(number, replica, server));
        });
      }
    }
    this.#seat.declared(known);
    this.#seat.tellAll({ t: 'spares', pids: this.#instances.sparePids });
    for (const call of this.#quarantine.all) this.#seat.tellAll({ t: 'quarantined', call, isNew: false });
    this.#spareCount = spares;
    if (this.#isUp) this.#instances.keepSpares(spares);
    if (this.#stopping) this.#tellStop();
  }

  /** A successor of the process server that cannot read the system module is of no use. */
  #bootFailed(error: ErrorInfo): void {
    if (!this.#isUp) return this.#fail(error);
    const { process } = this.#instances.slot(PROCESS_SERVER_SLOT);
    if (process === undefined) return;
    process.lastWords = error;
    process.kill();
  }

  #processes(): { name: string; replica: number; pid: number; endpoint: string }[] {
    const list = [{ name: 'kernel', replica: 0, pid: process.pid, endpoint: '' }];
    for (const { server, replica, process: instance } of this.#instances.slots.values()) {
      if (instance !== undefined)
        list.push({ name: server.name, replica, pid: instance.pid, endpoint: formatEndpoint(instance.endpoint) });
    }
    return list;
  }
}
