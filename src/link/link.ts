// A process's link to the kernel: its control socket, the channels it has as a client, those it serves, and what the kernel tells
// about them. Everything here happens at births, introductions and deaths; no call passes through it.

import { type Deferred, deferred } from '../base/deferred.ts';
import { SkerryError } from '../base/errors.ts';
import type { ControlPort } from '../channel/control/port.ts';
import type { Descriptor } from '../memory/native.ts';
import type { BirthConfig, ErrorInfo, FromKernel, InstanceEvent, ProcessInfo } from '../protocol/control.ts';
import type { LaunchEvent } from '../protocol/program.ts';
import type { QuarantinedCall } from '../protocol/quarantine.ts';
import { SPEAKS } from '../protocol/version.ts';
import { Deadlines } from '../rpc/deadlines.ts';
import type { Connector } from '../rpc/remote-server.ts';
import type { Carrier, CarrierLink } from './carrier.ts';
import { LinkClients } from './clients.ts';
import { LinkConnections } from './connections.ts';

export interface LinkEvents {
  /** This process is a spare: it can do what does not need to know which server it will be. */
  onPrepare?(systemUrl: string): void;
  onInit?(): void;
  onStop?(drainMs: number): void;
  onInspect?(on: boolean): void;
  onTrace?(on: boolean): void;
  onUp?(processes: readonly ProcessInfo[]): void;
  onBootFailed?(error: ErrorInfo): void;
  onStopped?(): void;
  onDeclared?(resumed: boolean): void;
  onInstance?(slot: number, event: InstanceEvent, descriptors: readonly Descriptor[]): void;
  onProgram?(id: number, event: LaunchEvent): void;
  onSpares?(pids: readonly number[]): void;
  onQuarantined?(call: QuarantinedCall, isNew: boolean): void;
  onPardoned?(id: number): void;
  /** The kernel is gone: nothing works any more. */
  onLost(reason: string): void;
}

export type PortFactory = (events: {
  onMessage(message: unknown, descriptors: Descriptor[]): void;
  onClose(reason: string): void;
}) => ControlPort;

interface Answer {
  readonly message: FromKernel;
  readonly descriptors: readonly Descriptor[];
}

export class Link implements CarrierLink {
  readonly deadlines = new Deadlines();
  /** Known once the kernel has said who this process is. */
  readonly born: Promise<BirthConfig>;
  readonly clients: LinkClients;
  readonly connections: LinkConnections;
  readonly #born: Deferred<BirthConfig> = deferred();
  readonly #port: ControlPort;
  readonly #events: LinkEvents;
  readonly #answers = new Map<number, Deferred<Answer>>();
  #carrier: Carrier | undefined;
  #seq = 0;
  #lost: SkerryError | undefined;
  #ending = false;

  constructor(makePort: PortFactory, events: LinkEvents) {
    this.#events = events;
    this.born = this.#born.promise;
    this.born.catch(() => {});
    this.clients = new LinkClients(this);
    this.connections = new LinkConnections(this);
    this.#port = makePort({
      onMessage: (message, descriptors) => this.#onMessage(message as FromKernel, descriptors),
      onClose: (reason) => this.#onLost(reason),
    });
  }

  get carrier(): Carrier {
    if (this.#carrier === undefined) throw new Error('the link has no carrier yet');
    return this.#carrier;
  }

  /** Introduces this process to the kernel. */
  use(carrier: Carrier): void {
    this.#carrier = carrier;
    this.send({ t: 'hello', speaks: SPEAKS }, carrier.hello, carrier.hello);
  }

  get connector(): Connector {
    return this.clients;
  }

  /** Descriptors that came for something that is gone already. */
  discard(descriptors: readonly Descriptor[]): void {
    this.carrier.discard(descriptors);
  }

  send(message: object, descriptors: readonly Descriptor[] = [], release: readonly Descriptor[] = [], onSent?: () => void): void {
    this.#port.send(message, descriptors, release, onSent);
  }

  /** @throws SKERRY_SERVER_DOWN when the kernel is gone or the system has been stopped. */
  checkAlive(): void {
    if (this.#lost !== undefined) throw this.#lost;
  }

  /** Sends a question; resolves with the answer that carries its number. Keeps the process alive until then. */
  async ask(message: object): Promise<FromKernel> {
    return (await this.#askFor(message)).message;
  }

  async #askFor(message: object): Promise<Answer> {
    this.checkAlive();
    this.#seq += 1;
    const answer = deferred<Answer>();
    this.#answers.set(this.#seq, answer);
    this.#hold();
    this.#port.send({ ...message, seq: this.#seq });
    try {
      return await answer.promise;
    } finally {
      this.#drop();
    }
  }

  async need(bytes: number): Promise<void> {
    const answer = await this.ask({ t: 'need', bytes });
    if (answer.t === 'refused') throw new SkerryError('SKERRY_MEMORY', answer.error.message, { data: answer.data });
  }

  /**
   * A listening socket that the kernel keeps beyond this process.
   * @throws Error with the errno's name as its code
   */
  async listen(where: { readonly address: string; readonly port: number; readonly nth: number }): Promise<Descriptor> {
    const { message, descriptors } = await this.#askFor({ t: 'listen', ...where });
    const [socket] = descriptors;
    if (socket !== undefined) return socket;
    if (message.t === 'listening')
      throw Object.assign(new Error('this process has no descriptor left for it'), { code: 'EMFILE' });
    const { code, message: why } = (message as Extract<FromKernel, { t: 'refused' }>).error;
    throw Object.assign(new Error(why), { code });
  }

  giveBack(bytes: number): void {
    this.send({ t: 'giveBack', bytes });
  }

  /** Why the kernel said that it would end. */
  #lastWords: string | undefined;
  #holds = 0;
  #hold(): void {
    this.#holds += 1;
    if (this.#holds === 1) this.#port.setRef(true);
  }

  #drop(): void {
    this.#holds -= 1;
    if (this.#holds === 0) this.#port.setRef(this.keepAlive);
  }

  /** A running server keeps its process alive; a client does not. */
  keepAlive = false;
  setKeepAlive(on: boolean): void {
    this.keepAlive = on;
    this.#port.setRef(on || this.#holds > 0);
  }

  /** The system is stopping: the kernel's end is no loss. Calls are settled by the deaths of their servers, or by `close`. */
  expectEnd(): void {
    this.#ending = true;
  }

  close(): void {
    this.#lost ??= new SkerryError('SKERRY_SERVER_DOWN', 'this system has been stopped');
    this.#port.close();
    this.#fail(this.#lost);
    this.#carrier?.close();
  }

  #onMessage(message: FromKernel, descriptors: Descriptor[]): void {
    switch (message.t) {
      case 'prepare':
        return this.#events.onPrepare?.(message.systemUrl);
      case 'born':
        return this.#born.resolve(message.config);
      case 'listening':
      case 'granted':
      case 'refused':
      case 'slots':
      case 'noServer': {
        const answer = this.#answers.get(message.seq);
        this.#answers.delete(message.seq);
        return answer?.resolve({ message, descriptors });
      }
      case 'introduce':
        return this.connections.introduce(message, descriptors);
      case 'region':
        if (message.channel !== undefined) return this.connections.region(message, descriptors);
        return this.clients.region(message, descriptors);
      case 'retired':
        if (message.channel !== undefined) return this.connections.retired(message.channel, message.region);
        return this.clients.retired(message.ref ?? -1, message.region);
      case 'closed':
        if (message.channel !== undefined)
          return this.connections.closed(message.channel, message.error, message.clientDied === true);
        return this.clients.closed(message.ref ?? -1, message.error);
      case 'opened':
        return this.clients.opened(message, descriptors);
      case 'died':
        return this.clients.died(message);
      case 'down':
        return this.clients.down(message.ref, message.error);
      case 'revived':
        return this.clients.revived(message.ref);
      case 'hold':
        return this.connections.hold();
      case 'release':
        return this.connections.release();
      case 'init':
        return this.#events.onInit?.();
      case 'inspect':
        return this.#events.onInspect?.(message.on);
      case 'trace':
        return this.#events.onTrace?.(message.on);
      case 'stop':
        return this.#events.onStop?.(message.drainMs);
      case 'up':
        return this.#events.onUp?.(message.processes);
      case 'bootFailed':
        this.#lastWords = message.error.message;
        return this.#events.onBootFailed?.(message.error);
      case 'stopped':
        return this.#events.onStopped?.();
      case 'declared':
        return this.#events.onDeclared?.(message.resumed);
      case 'instance':
        return this.#events.onInstance?.(message.slot, message.event, descriptors);
      case 'program':
        return this.#events.onProgram?.(message.id, message.event);
      case 'spares':
        return this.#events.onSpares?.(message.pids);
      case 'quarantined':
        return this.#events.onQuarantined?.(message.call, message.isNew);
      case 'pardoned':
        return this.#events.onPardoned?.(message.id);
    }
  }

  #onLost(hungUp: string): void {
    const reason = this.#lastWords ?? hungUp;
    if (this.#ending) return this.#events.onLost(reason);
    this.#lost ??= new SkerryError('SKERRY_SERVER_DOWN', `the kernel of this system is gone: ${reason}`);
    this.#born.reject(this.#lost);
    this.#fail(this.#lost);
    this.#events.onLost(reason);
  }

  #fail(error: SkerryError): void {
    for (const answer of this.#answers.values()) answer.reject(error);
    this.#answers.clear();
    this.clients.close(error);
    this.connections.close(error);
  }
}
