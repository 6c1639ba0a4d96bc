// The stream transport in one process, over real Unix sockets.

import { randomUUID } from 'node:crypto';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StreamClientEnd } from '../../src/channel/stream/client-end.ts';
import { LoadBoard } from '../../src/channel/stream/load-board.ts';
import { StreamServerEnd } from '../../src/channel/stream/server-end.ts';
import { SocketWire } from '../../src/channel/stream/socket-wire.ts';
import type { ClientEvents } from '../../src/channel/transport.ts';
import { StatusCounters } from '../../src/memory/status.ts';
import type { Rig, RigClient, RigInstance } from './rig.ts';

interface StreamInstance extends RigInstance {
  readonly load: LoadBoard;
}

export class StreamRig implements Rig {
  readonly name: string;
  readonly #sockets = new Set<Socket>();
  readonly #position: number;

  /** @param position of the first byte of each wire. */
  constructor(name: string, position = 0) {
    this.name = name;
    this.#position = position;
  }

  leaks(): readonly string[] {
    return [...this.#sockets].map((socket) => `socket, ${socket.destroyed ? 'destroyed' : 'open'}`);
  }

  instance(): StreamInstance {
    const status = new StatusCounters(undefined);
    return { status, load: new LoadBoard(status) };
  }

  client(events: ClientEvents): RigClient {
    const end = new StreamClientEnd(events, this.#position);
    return {
      end,
      introduce: async (instance, serverEvents, suspects) => {
        const address = process.platform === 'linux' ? `\0skerry-test-${randomUUID()}` : join(tmpdir(), `skerry-${randomUUID()}`);
        const { load } = instance as StreamInstance;
        const made = new StreamServerEnd({
          events: serverEvents,
          load,
          suspects: suspects.length,
          onClose: () => {},
          position: this.#position,
        });
        const accepted: Socket[] = [];
        const server = createServer((socket) => {
          accepted.push(this.#track(socket));
          socket.on('error', () => {});
          socket.once('data', (first: Buffer) => {
            if (first[0] === 1) {
              made.useRequests(new SocketWire(socket, made.requestEvents));
              if (first.length > 1) made.requestEvents.onChunk(first.subarray(1));
            } else {
              made.useAnswers(new SocketWire(socket, made.answerEvents));
            }
          });
          if (accepted.length === 2) server.close();
        });
        await new Promise<void>((resolve) => {
          server.listen(address, resolve);
        });
        end.attach((answers, requests) => ({
          requests: new SocketWire(this.#dial(address, 1), requests),
          answers: new SocketWire(this.#dial(address, 2), answers),
        }));
        return {
          end: made,
          start: () => made.start(),
          kill: () => {
            server.close();
            for (const socket of accepted) socket.destroy();
            made.close();
          },
        };
      },
      ended: async () => end.ended(),
    };
  }

  #dial(address: string, direction: number): Socket {
    const socket = this.#track(connect(address));
    socket.write(Buffer.from([direction]));
    return socket;
  }

  #track(socket: Socket): Socket {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    return socket;
  }
}
