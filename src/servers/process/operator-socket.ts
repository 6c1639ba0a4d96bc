// The operator's socket: who may open it is served as an operator, by the process server's own methods (protocol/operator.ts: what is
// said on it).
//
// Only its user can: the folder and the socket are closed to others. And no descendant of the kernel is let in, else a server could
// make itself an operator: the peer's ancestors are looked up when it connects. Without the addon the peer is not known, and this second
// door is open: isolation there stops accidents alone.
//
// With the addon the socket only listens until somebody connects: node:net, which serves it then, would be the largest part of a process
// server that nobody asks for anything.

import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { join } from 'node:path';
import { SkerryError } from '../../base/errors.ts';
import { checkPrivateFolder } from '../../base/private-folder.ts';
import { LoadBoard } from '../../channel/stream/load-board.ts';
import { StreamServerEnd } from '../../channel/stream/server-end.ts';
import { SocketWire } from '../../channel/stream/socket-wire.ts';
import { loadNative } from '../../memory/load-native.ts';
import type { Descriptor } from '../../memory/native.ts';
import { errorInfo } from '../../protocol/control.ts';
import { isKernel } from '../../protocol/kernel-process.ts';
import type { MethodInfo } from '../../protocol/methods.ts';
import {
  HELLO_MAX_BYTES,
  type Hello,
  OPERATOR_VERSION,
  parseHello,
  parseSocketFile,
  socketFile,
  type Welcome,
} from '../../protocol/operator.ts';
import { OPERATOR } from '../../protocol/principal.ts';
import type { Dispatcher } from '../../rpc/dispatcher.ts';

/** Connections that have not said what they are, and how long they may take. */
const STRANGERS_MAX = 32;
const STRANGER_MS = 2_000;
const OPERATORS_MAX = 64;
const ANCESTORS_MAX = 1_000;
const BACKLOG = 128;

interface Joined {
  readonly end: StreamServerEnd;
  answers: boolean;
}

export class OperatorSocket {
  readonly #dispatcher: Dispatcher;
  readonly #welcome: Welcome;
  readonly #kernelPid: number;
  readonly #load: LoadBoard;
  readonly #operators = new Map<string, Joined>();
  readonly #strangers = new Set<Socket>();
  readonly #refused = new Set<Socket>();
  readonly #addon = loadNative().addon;
  #server: Server | undefined;
  /** Until somebody connects. */
  #unserved: Descriptor | undefined;
  #path: string | undefined;

  constructor(
    dispatcher: Dispatcher,
    methods: readonly MethodInfo[],
    limits: { readonly concurrency: number; readonly queueMax: number },
    kernelPid: number,
  ) {
    this.#dispatcher = dispatcher;
    this.#welcome = { methods, ...limits };
    this.#kernelPid = kernelPid;
    this.#load = new LoadBoard(dispatcher.options.status);
    process.on('exit', () => this.close());
  }

  /** @throws Error when the folder cannot be used safely, or the socket not made */
  async listen(folder: string, name: string): Promise<void> {
    makeFolder(folder);
    removeStale(folder);
    const path = join(folder, socketFile(name, this.#kernelPid));
    rmSync(path, { force: true }); // a kernel of an earlier time had this number
    const addon = this.#addon;
    if (addon === undefined) {
      await this.#open({ path });
    } else {
      const socket = addon.listenUnix(path, BACKLOG);
      const watch = addon.watch(socket, 'socket', () => {
        this.#unserved = undefined;
        void this.#open({ fd: addon.disown(socket) });
      });
      addon.setWatchRef(watch, false);
      this.#unserved = socket;
    }
    chmodSync(path, 0o600);
    this.#path = path;
  }

  close(): void {
    if (this.#path !== undefined) rmSync(this.#path, { force: true });
    this.#path = undefined;
    if (this.#unserved !== undefined) this.#addon?.close(this.#unserved);
    this.#unserved = undefined;
    this.#server?.close();
    for (const socket of [...this.#strangers, ...this.#refused]) socket.destroy();
  }

  async #open(where: { readonly path: string } | { readonly fd: number }): Promise<void> {
    const { createServer } = await import('node:net');
    const server = createServer((socket) => this.#admit(socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(where, resolve);
    });
    server.unref();
    this.#server = server;
    if ('fd' in where && this.#path === undefined) server.close(); // it was closed meanwhile
  }

  #admit(socket: Socket): void {
    socket.unref();
    socket.on('error', () => {});
    const refusal = this.#refusal(socket); // told once it has spoken: who is cut off before that hears nothing
    const among = refusal === undefined ? this.#strangers : this.#refused; // those who are to be refused take nobody's place
    if (among.size >= STRANGERS_MAX) {
      socket.destroy();
      return;
    }
    among.add(socket);
    const timer = setTimeout(() => socket.destroy(), STRANGER_MS);
    timer.unref();
    let shown = Buffer.alloc(0);
    const settle = () => {
      clearTimeout(timer);
      among.delete(socket);
    };
    const onData = (chunk: Buffer) => {
      shown = Buffer.concat([shown, chunk]);
      const end = shown.indexOf('\n');
      if (end === -1 && shown.length < HELLO_MAX_BYTES) return;
      socket.off('data', onData);
      socket.off('close', settle);
      settle();
      const hello = end === -1 ? undefined : parseHello(shown.toString('latin1', 0, end));
      if (refusal === undefined) this.#greet(socket, hello, shown.subarray(end + 1));
      else refuse(socket, refusal);
    };
    socket.on('data', onData);
    socket.on('close', settle);
  }

  #refusal(socket: Socket): SkerryError | undefined {
    const { fd } = (socket as unknown as { _handle: { fd?: number } | null })._handle ?? {};
    if (this.#addon === undefined || fd === undefined || fd < 0) return undefined;
    const { pid, uid } = this.#addon.peerCredentials(fd);
    if (uid !== process.getuid?.() && uid !== 0)
      return new SkerryError('SKERRY_DENIED', `user ${uid} is not the owner of this system`);
    if (isOutside(pid, this.#kernelPid)) return undefined;
    return new SkerryError('SKERRY_DENIED', `process ${pid} is part of this system: what runs in it has no operator's rights`);
  }

  #greet(socket: Socket, hello: Hello | undefined, rest: Buffer): void {
    if (hello === undefined)
      return refuse(socket, new SkerryError('SKERRY_INVALID', 'this socket speaks with the command skerry'));
    if (hello.version !== OPERATOR_VERSION) {
      const message = `this system speaks version ${OPERATOR_VERSION} with operators; the command speaks ${hello.version}`;
      return refuse(socket, new SkerryError('SKERRY_VERSION', message));
    }
    const known = this.#operators.get(hello.token);
    if (hello.direction === 'answers') {
      if (known === undefined || known.answers) return refuse(socket, new SkerryError('SKERRY_INVALID', 'no such conversation'));
      known.answers = true;
      known.end.useAnswers(new SocketWire(socket, known.end.answerEvents));
      return;
    }
    if (known !== undefined) return refuse(socket, new SkerryError('SKERRY_INVALID', 'this conversation has begun already'));
    if (this.#operators.size >= OPERATORS_MAX)
      return refuse(socket, new SkerryError('SKERRY_BUSY', `${OPERATORS_MAX} operators are connected already`));
    this.#serve(socket, hello.token, rest);
  }

  #serve(socket: Socket, token: string, rest: Buffer): void {
    const connection = this.#dispatcher.connect({ principal: OPERATOR, allowed: undefined, onBroken: () => socket.destroy() });
    const end = new StreamServerEnd({
      events: connection,
      load: this.#load,
      suspects: 0,
      onClose: () => this.#operators.delete(token),
    });
    this.#operators.set(token, { end, answers: false });
    socket.write(`${JSON.stringify(this.#welcome)}\n`);
    const { requestEvents } = end;
    const gone = () => connection.close(new SkerryError('SKERRY_ABORTED', 'the operator has left'));
    end.useRequests(new SocketWire(socket, { ...requestEvents, onEnd: gone }));
    connection.use(end);
    connection.join();
    end.start();
    if (rest.length > 0) requestEvents.onChunk(rest);
  }
}

function refuse(socket: Socket, error: SkerryError): void {
  const { stack: _, ...info } = errorInfo(error);
  socket.end(`${JSON.stringify({ error: info } satisfies Welcome)}\n`, () => socket.destroy());
}

/** @throws Error when somebody else could put something into it */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 }); // not what is above it: where that is missing, the name is wrong
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  checkPrivateFolder(folder);
}

/** Sockets of systems that have ended without a word. */
function removeStale(folder: string): void {
  for (const file of readdirSync(folder)) {
    const socket = parseSocketFile(file);
    if (socket === undefined || isKernel(socket.pid)) continue;
    try {
      rmSync(join(folder, file), { force: true });
    } catch {} // something of that name that is no socket: nobody's business here
  }
}

/** False also when its ancestors cannot be told: it has ended already. */
function isOutside(pid: number, kernelPid: number): boolean {
  let ancestor = pid;
  for (let step = 0; step < ANCESTORS_MAX; step++) {
    if (ancestor === kernelPid) return false;
    if (ancestor <= 1) return true;
    try {
      const stat = readFileSync(`/proc/${ancestor}/stat`, 'utf8');
      ancestor = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    } catch {
      return false;
    }
  }
  return false;
}
