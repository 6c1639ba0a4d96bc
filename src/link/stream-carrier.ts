// The carrier over Unix sockets, for processes without the addon. An instance listens; a client connects twice for each channel.
//
//   server                     kernel                      client
//   token ──── accept {token} ──▶ opened {address, token} ──▶ connect: token, "requests"
//                                                             connect: token, "answers"
//
// On Linux the address is an abstract socket: nothing is left in a file system, whatever is killed; elsewhere it is a path in a folder
// that only this user can enter. The address is no secret: what admits is the token, random for each channel, valid once for each
// direction while the channel lives. Its first half finds the channel, its second half is compared in constant time.

import { randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SkerryError } from '../base/errors.ts';
import { LifeTimer } from '../base/life.ts';
import { StreamClientEnd } from '../channel/stream/client-end.ts';
import { LoadBoard } from '../channel/stream/load-board.ts';
import { StreamServerEnd } from '../channel/stream/server-end.ts';
import { SocketWire } from '../channel/stream/socket-wire.ts';
import type { ClientEvents, ServerEvents } from '../channel/transport.ts';
import { BlackBox } from '../memory/black-box.ts';
import type { Descriptor } from '../memory/native.ts';
import { StatusCounters } from '../memory/status.ts';
import { INTRODUCTION_MS } from '../protocol/limits.ts';
import type { CarriedClient, CarriedServer, Carrier, Introduce, Opened } from './carrier.ts';

const TOKEN_BYTES = 32;
const KEY_BYTES = 16;
const DIRECTION = { requests: 1, answers: 2 } as const;
/** Connections that have not shown a token yet, and how long they may take. */
const STRANGERS_MAX = 128;
const STRANGER_MS = 2_000;
/** The server is dead and reaped: its last bytes are there, this is for a kernel that misbehaves. */
const END_MS = 2_000;

interface Expected {
  readonly secret: Buffer;
  readonly end: StreamServerEnd;
  requests: boolean;
  answers: boolean;
}

export class StreamCarrier implements Carrier {
  readonly transport = 'stream';
  readonly hello: readonly Descriptor[] = [];
  readonly box = new BlackBox(undefined);
  readonly life = new LifeTimer();
  readonly status = new StatusCounters(undefined);
  readonly #load = new LoadBoard(this.status);
  readonly #expected = new Map<string, Expected>();
  readonly #ends = new Set<StreamServerEnd>();
  readonly #strangers = new Set<Socket>();
  #server: Server | undefined;
  #address: Promise<string> | undefined;
  #folder: string | undefined;

  constructor() {
    process.on('exit', this.#onExit);
  }

  address(): Promise<string> {
    this.#address ??= this.#listen();
    return this.#address;
  }

  async openClient(_ref: number, name: string, events: ClientEvents): Promise<CarriedClient> {
    const end = new StreamClientEnd(events);
    /** The instance that this end is joined to; its connections may close before or after the kernel tells its death. */
    let instance: { dead: boolean; lost: NodeJS.Timeout | undefined } = { dead: false, lost: undefined };
    return {
      end,
      descriptors: [],
      attach: ({ address, token }: Opened) => {
        if (address === undefined || !/^[0-9a-f]{64}$/.test(token ?? '')) {
          throw new SkerryError('SKERRY_CORRUPT', `${name} was introduced without an address or token`);
        }
        const joined: typeof instance = { dead: false, lost: undefined };
        instance = joined;
        end.attach(
          (answers, requests) => ({
            requests: new SocketWire(dial(address, token as string, DIRECTION.requests), requests),
            answers: new SocketWire(dial(address, token as string, DIRECTION.answers), answers),
          }),
          () => {
            if (joined.dead || joined.lost !== undefined) return;
            joined.lost = setTimeout(() => {
              events.onCorrupt(new SkerryError('SKERRY_CORRUPT', `${name} closed its connection and lives on`));
            }, INTRODUCTION_MS);
            joined.lost.unref();
          },
        );
      },
      ended: () => {
        instance.dead = true;
        clearTimeout(instance.lost);
        const ended = end.ended();
        return ended === undefined ? undefined : Promise.race([ended, delay(END_MS)]);
      },
      settle: async () => ({ from: 0, startedCalls: 0, descriptors: [] }),
      introduce: () => {},
    };
  }

  async openServer(introduce: Introduce, _descriptors: readonly Descriptor[], events: ServerEvents): Promise<CarriedServer> {
    const token = randomBytes(TOKEN_BYTES);
    const key = token.toString('hex', 0, KEY_BYTES);
    const end = new StreamServerEnd({
      events,
      load: this.#load,
      suspects: introduce.suspects,
      onClose: () => {
        this.#expected.delete(key);
        this.#ends.delete(end);
      },
    });
    this.#ends.add(end);
    this.#expected.set(key, { secret: token.subarray(KEY_BYTES), end, requests: false, answers: false });
    return { end, descriptors: [], token: token.toString('hex'), start: () => end.start(), introduce: () => {} };
  }

  async flushed(): Promise<void> {
    for (;;) {
      let unsent = 0;
      for (const end of this.#ends) {
        end.flush();
        unsent += end.unsent;
      }
      if (unsent === 0) return;
      await delay(1);
    }
  }

  discard(): void {}

  close(): void {
    this.life.end();
    process.off('exit', this.#onExit);
    this.#server?.close();
    for (const socket of this.#strangers) socket.destroy();
    this.#removeFolder();
  }

  /** What is left to write goes out as far as the sockets take it. */
  readonly #onExit = (): void => {
    for (const end of this.#ends) end.flush();
    this.#removeFolder();
  };

  #listen(): Promise<string> {
    const name = `skerry-${randomBytes(16).toString('hex')}`;
    let address = `\0${name}`;
    if (process.platform !== 'linux') {
      this.#folder = mkdtempSync(join(tmpdir(), 'skerry-')); // made with mode 0700
      address = join(this.#folder, 's');
    }
    const server = createServer((socket) => this.#admit(socket));
    this.#server = server;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ path: address, backlog: 511 }, () => {
        server.unref();
        resolve(address);
      });
    });
  }

  #admit(socket: Socket): void {
    socket.unref();
    socket.on('error', () => {});
    if (this.#strangers.size >= STRANGERS_MAX) {
      socket.destroy();
      return;
    }
    this.#strangers.add(socket);
    let shown: Buffer = Buffer.alloc(0);
    const timer = setTimeout(() => socket.destroy(), STRANGER_MS);
    timer.unref();
    const settle = () => {
      clearTimeout(timer);
      this.#strangers.delete(socket);
    };
    const onData = (chunk: Buffer) => {
      shown = shown.length === 0 ? chunk : Buffer.concat([shown, chunk]);
      if (shown.length <= TOKEN_BYTES) return;
      socket.off('data', onData);
      socket.off('close', settle);
      settle();
      if (!this.#join(socket, shown)) socket.destroy();
    };
    socket.on('data', onData);
    socket.on('close', settle);
  }

  #join(socket: Socket, shown: Buffer): boolean {
    const expected = this.#expected.get(shown.toString('hex', 0, KEY_BYTES));
    if (expected === undefined || !timingSafeEqual(shown.subarray(KEY_BYTES, TOKEN_BYTES), expected.secret)) return false;
    const { end } = expected;
    const rest = shown.subarray(TOKEN_BYTES + 1);
    switch (shown[TOKEN_BYTES]) {
      case DIRECTION.requests:
        if (expected.requests) return false;
        expected.requests = true;
        end.useRequests(new SocketWire(socket, end.requestEvents));
        if (rest.length > 0) end.requestEvents.onChunk(rest);
        return true;
      case DIRECTION.answers:
        if (expected.answers || rest.length > 0) return false;
        expected.answers = true;
        end.useAnswers(new SocketWire(socket, end.answerEvents));
        return true;
      default:
        return false;
    }
  }

  #removeFolder(): void {
    if (this.#folder === undefined) return;
    rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = undefined;
  }
}

function dial(address: string, token: string, direction: number): Socket {
  const socket = connect(address);
  socket.write(Buffer.concat([Buffer.from(token, 'hex'), Buffer.from([direction])]));
  return socket;
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
