// What the kernel keeps of a process: the caller of boot(), the process server, an instance of a server.

import type { ControlPort } from '../channel/control/port.ts';
import type { Descriptor } from '../memory/native.ts';
import type { Region } from '../memory/region.ts';
import type { ErrorInfo } from '../protocol/control.ts';
import type { Endpoint } from '../protocol/endpoint.ts';
import type { Speaks } from '../protocol/version.ts';
import type { Channel } from './channels.ts';

export interface Process {
  readonly role: 'client' | 'process' | 'server';
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly principal: string;
  readonly pid: number;
  readonly port: ControlPort;
  readonly kill: () => void;
  /** Channels that it has as a client, by its own number. */
  readonly channels: Map<number, Channel>;
  /** Channels that it serves, by the kernel's number. */
  readonly serves: Map<number, Channel>;
  /** Servers that it may use, with the methods. */
  uses: ReadonlyMap<string, readonly string[] | true>;
  status: { readonly descriptor: Descriptor; readonly region: Region | undefined } | undefined;
  bell: Descriptor | undefined;
  /** Versions of the protocol, from its hello. */
  speaks: Speaks;
  grantedBytes: number;
  killedFor: string | undefined;
  /** An operator's order, or the system's own stop: its death makes no suspects. */
  ordered: boolean;
  lastWords: ErrorInfo | undefined;
  lastRssAnon: number;
  dead: boolean;
}
