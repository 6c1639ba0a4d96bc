// By what means a process takes part in a system: its control port and its carrier, over one of the two transports. The files of the
// other transport are not loaded.

import { SeqpacketPort } from '../channel/control/seqpacket-port.ts';
import type { Descriptor, NativeAddon } from '../memory/native.ts';
import type { Endpoint } from '../protocol/endpoint.ts';
import type { Carrier } from './carrier.ts';
import type { Link, PortFactory } from './link.ts';
import { RingCarrier } from './ring-carrier.ts';

export interface Means {
  readonly makePort: PortFactory;
  /** @param name what the fault handler and /proc/<pid>/maps call this process's regions. */
  makeCarrier(link: Link, endpoint: Endpoint, name: string): Carrier;
}

/** Shared memory. @param socket this process's end of its control socket. */
export function ringMeans(addon: NativeAddon, socket: Descriptor): Means {
  return {
    makePort: (events) => new SeqpacketPort(addon, socket, events),
    makeCarrier: (link, endpoint, name) => new RingCarrier(addon, link, endpoint, name),
  };
}
