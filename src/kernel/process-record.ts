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
  /** The read ends of its stdout and stderr. Kept while it lives: a process server that dies must not make its writes fail. */
  readonly output: readonly Descriptor[];
  /** Channels that it has as a client, by its own number. */
  readonly channels: Map<number, Channel>;
  /** Channels that it serves, by the kernel's number. */
  readonly serves: Map<number, Channel>;
  /** Servers that it may use, with the methods; undefined before it has said what it uses. */
  uses: ReadonlyMap<string, readonly string[] | true> | undefined;
  status: { readonly descriptor: Descriptor; readonly region: Region | undefined } | undefined;
  bell: Descriptor | undefined;
  /** For the process server alone. */
  box: Descriptor | undefined;
  /** Versions of the protocol, from its hello. */
  speaks: Speaks;
  grantedBytes: number;
  killedFor: string | undefined;
  /** An operator's order, or the system's own stop: its death makes no suspects. */
  ordered: boolean;
  lastWords: ErrorInfo | undefined;
  lastRssAnon: number;
  dead: boolean;
  /** Somebody looks at each of its calls. */
  traced: boolean;
  /** When it was ready, of performance.now(). */
  readyAt: number | undefined;
}

/** What a process speaks that does not say. */
const OLDEST: Speaks = { min: 1, max: 1, features: 0 };

export function newProcess(
  role: Process['role'],
  name: string,
  endpoint: Endpoint,
  principal: string,
  { pid, port, kill, output }: Pick<Process, 'pid' | 'port' | 'kill' | 'output'>,
): Process {
  return {
    role,
    name,
    endpoint,
    principal,
    pid,
    port,
    kill,
    output,
    channels: new Map(),
    serves: new Map(),
    uses: undefined,
    status: undefined,
    bell: undefined,
    box: undefined,
    speaks: OLDEST,
    grantedBytes: 0,
    killedFor: undefined,
    ordered: false,
    lastWords: undefined,
    lastRssAnon: 0,
    dead: false,
    traced: false,
    readyAt: undefined,
  };
}
