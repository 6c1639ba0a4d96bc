// The command's end of the operator's socket: the process server's methods as an object. protocol/operator.ts has what is said first,
// channel/stream what follows: a channel like others, but that no kernel introduced it.

import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { isSkerryError, SkerryError } from '../base/errors.ts';
import { LifeTimer } from '../base/life.ts';
import { StreamClientEnd } from '../channel/stream/client-end.ts';
import { SocketWire } from '../channel/stream/socket-wire.ts';
import { toError } from '../link/to-error.ts';
import { isKernel } from '../protocol/kernel-process.ts';
import { helloLine, type Welcome } from '../protocol/operator.ts';
import { Channel } from '../rpc/channel.ts';
import { Deadlines } from '../rpc/deadlines.ts';
import { remoteFacade } from '../rpc/proxy.ts';
import { type Connector, type Directory, RemoteServer, type ReplicaEvents } from '../rpc/remote-server.ts';
import type { Remote } from '../server/remote.ts';
import type { ProcessServerApi } from '../servers/process/process-api.ts';
import { findAgain, findSystem, type RunningSystem } from './find-system.ts';

const TOKEN_BYTES = 16;
const WELCOME_MS = 5_000;
const WELCOME_MAX_BYTES = 1024 * 1024;

export interface Operator {
  readonly system: RunningSystem;
  readonly processes: Remote<ProcessServerApi>;
  /** Resolves when the system has closed the connection. */
  readonly ended: Promise<void>;
  close(): void;
}

type Table = Exclude<Welcome, { readonly error: unknown }>;

/**
 * @param wanted the system's name; undefined: the only one that runs.
 * @throws SkerryError SKERRY_NOT_FOUND, SKERRY_INVALID, SKERRY_DENIED, SKERRY_VERSION, SKERRY_TIMEOUT, SKERRY_SERVER_DOWN
 */
export async function openOperator(wanted: string | boolean | undefined): Promise<Operator> {
  const named = typeof wanted === 'string' ? wanted : process.env.SKERRY_SYSTEM;
  return operatorOf(await findSystem(named === '' ? undefined : named));
}

export async function operatorOf(system: RunningSystem): Promise<Operator> {
  const token = randomBytes(TOKEN_BYTES).toString('hex');
  const requests = connect(system.path);
  requests.write(helloLine({ direction: 'requests', token }));
  const table = await welcomeOf(requests, system);
  const connector = new SocketConnector(system, requests, token, table);
  return {
    system,
    processes: remoteFacade(new RemoteServer('process', connector)) as Remote<ProcessServerApi>,
    ended: connector.ended,
    close: () => connector.close(),
  };
}

/**
 * The same system again, after its process server has closed the connection by its death.
 * @returns undefined when the system has ended
 */
export async function openAgain(system: RunningSystem): Promise<Operator | undefined> {
  for (;;) {
    const again = await findAgain(system);
    if (again === undefined) return undefined;
    try {
      return await operatorOf(again);
    } catch (error) {
      if (!isSkerryError(error, 'SKERRY_SERVER_DOWN')) throw error; // it has died once more
    }
  }
}

class SocketConnector implements Connector {
  readonly deadlines = new Deadlines();
  readonly ended: Promise<void>;
  readonly #system: RunningSystem;
  readonly #requests: Socket;
  readonly #token: string;
  readonly #table: Table;
  #end!: () => void;
  #isOver = false;
  /** A pending call keeps the process alive; the sockets do not. */
  readonly #life = new LifeTimer();
  #answers: Socket | undefined;

  constructor(system: RunningSystem, requests: Socket, token: string, table: Table) {
    this.#system = system;
    this.#requests = requests;
    this.#token = token;
    this.#table = table;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    requests.on('close', () => this.#over());
  }

  async connect(): Promise<Directory> {
    return { slots: [{ slot: 0, replica: 0, runs: true }], methods: this.#table.methods, concurrency: this.#table.concurrency };
  }

  async open(name: string, _slot: number, _hash: number | undefined, events: ReplicaEvents): Promise<Channel> {
    if (this.#isOver) throw this.#lost();
    const lost = () => this.#lost();
    const channel = new Channel({
      name,
      deadlines: this.deadlines,
      life: this.#life,
      onBroken: (error) => events.onClosed(error),
    });
    const end = new StreamClientEnd(channel);
    channel.use(end);
    channel.queueMax = this.#table.queueMax;
    const answers = connect(this.#system.path);
    answers.write(helloLine({ direction: 'answers', token: this.#token }));
    this.#answers = answers;
    const wires = (
      toAnswers: ConstructorParameters<typeof SocketWire>[1],
      toRequests: ConstructorParameters<typeof SocketWire>[1],
    ) => ({
      requests: new SocketWire(this.#requests, toRequests),
      answers: new SocketWire(answers, toAnswers),
    });
    end.attach(wires, () => {
      this.#over();
      channel.close(lost());
      events.onClosed(lost());
    });
    events.onOpened(this.#table.methods, this.#table.concurrency);
    return channel;
  }

  #over(): void {
    this.#isOver = true;
    this.#end();
  }

  /** The process server has closed the connection: it has died, or the system has ended. */
  #lost(): SkerryError {
    const { name, pid } = this.#system;
    const what = isKernel(pid) ? 'is without its process server, which is started again' : 'has ended';
    return new SkerryError('SKERRY_SERVER_DOWN', `system "${name}" ${what}`);
  }

  leave(channel: Channel, error: SkerryError): void {
    channel.close(error);
  }

  close(): void {
    this.#requests.destroy();
    this.#answers?.destroy();
  }
}

function welcomeOf(socket: Socket, { name }: RunningSystem): Promise<Table> {
  return new Promise((resolve, reject) => {
    let shown = Buffer.alloc(0);
    const fail = (error: SkerryError) => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(() => {
      const message = `system "${name}" does not answer within ${WELCOME_MS} ms: its process server hangs`;
      fail(new SkerryError('SKERRY_TIMEOUT', message));
    }, WELCOME_MS);
    const onClose = () => fail(new SkerryError('SKERRY_SERVER_DOWN', `system "${name}" has closed the connection`));
    const onData = (chunk: Buffer) => {
      shown = Buffer.concat([shown, chunk]);
      const end = shown.indexOf('\n');
      if (end === -1) {
        if (shown.length > WELCOME_MAX_BYTES) fail(new SkerryError('SKERRY_CORRUPT', `system "${name}" sent no welcome`));
        return;
      }
      clearTimeout(timer);
      socket.off('data', onData);
      socket.off('close', onClose);
      const welcome = parse(shown.toString('utf8', 0, end));
      if (welcome === undefined) fail(new SkerryError('SKERRY_CORRUPT', `system "${name}" sent no welcome`));
      else if ('error' in welcome) fail(toError(welcome.error));
      else resolve(welcome);
    };
    socket.on('data', onData);
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', onClose);
  });
}

function parse(line: string): Welcome | undefined {
  try {
    const welcome = JSON.parse(line) as Partial<Table> & { error?: unknown };
    return Array.isArray(welcome.methods) || typeof welcome.error === 'object' ? (welcome as Welcome) : undefined;
  } catch {
    return undefined;
  }
}
