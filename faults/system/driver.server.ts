// Owns an outside resource: one connection to an echo server that is no part of the system.

import { createConnection, type Socket } from 'node:net';
import { method, server } from '../../src/index.ts';
import { ECHO_PORT } from '../environment.ts';
import { faultPort } from './fault-port.ts';
import type { Ack } from './ledger.server.ts';

interface Waiting {
  resolve(ack: Ack): void;
  reject(error: Error): void;
}

export default server((ctx) => {
  const port = Number(ctx.env[ECHO_PORT] ?? 0);
  const waiting = new Map<string, Waiting[]>();
  let socket: Socket | undefined;

  function connect(): Socket {
    const own = createConnection({ port, host: '127.0.0.1' });
    let text = '';
    own.setEncoding('utf8').setNoDelay(true).unref();
    own.on('data', (more: string) => {
      const lines = (text + more).split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) heard(line);
    });
    own.on('error', (error) => lost(own, error));
    own.on('close', () => lost(own, new Error('the echo server has closed the connection')));
    return own;
  }

  function heard(line: string): void {
    const [id, token] = line.split(' ').map(Number) as [number, number];
    for (const { resolve } of waiting.get(line) ?? []) resolve({ id, token });
    waiting.delete(line);
  }

  function lost(which: Socket, error: Error): void {
    if (socket !== which) return;
    socket = undefined;
    for (const each of waiting.values()) for (const { reject } of each) reject(error);
    waiting.clear();
  }

  return {
    ...faultPort({ mayNotUse: 'ledger' }),

    echo: method({ idempotent: true }, (id: number, token: number): Promise<Ack> => {
      const line = `${id} ${token}`;
      return new Promise((resolve, reject) => {
        const others = waiting.get(line);
        if (others === undefined) waiting.set(line, [{ resolve, reject }]);
        else others.push({ resolve, reject });
        socket ??= connect();
        socket.write(`${line}\n`);
      });
    }),
  };
});
