// The means of a process without the addon: see means.ts.

import { Socket } from 'node:net';
import { StreamPort } from '../channel/control/stream-port.ts';
import type { Means } from './means.ts';
import { StreamCarrier } from './stream-carrier.ts';

/** Unix sockets. @param socket the control socket, or the number of the inherited descriptor. */
export function streamMeans(socket: Socket | number): Means {
  const stream = typeof socket === 'number' ? new Socket({ fd: socket, readable: true, writable: true }) : socket;
  return {
    makePort: (events) => new StreamPort(stream, events),
    makeCarrier: () => new StreamCarrier(),
  };
}
