// Messages on the control sockets between the kernel and the processes. Types and checks only; who may send what is the kernel's
// business (kernel/kernel.ts). In brackets: the descriptors that travel with a message.
//
//   client                      kernel                        server
//   connect ───────────────────▶ rights
//                        slots ◀
//   open [region] ─────────────▶ seals, size
//                                introduce [region, bell] ───▶ maps; makes its region
//                                     seals, size ◀─────────── accept [region]
//   opened [region, bell, status] ◀
//   offer [region] ────────────▶ region [region] ────────────▶         (and the other way round)
//                                                             ✝ reaped; its socket drained to the end
//   died ◀───────────────────────
//   settled {from} [suspects] ──▶ introduce … to the successor
//
// A channel is named by `ref` between its client and the kernel (the client's number), by `channel` between its server and the kernel.

import type { Endpoint } from './endpoint.ts';
import type { MethodInfo } from './methods.ts';
import type { LaunchEvent, LaunchRequest } from './program.ts';
import type { PoisonedCall, QuarantinedCall } from './quarantine.ts';
import type { Agreement, Speaks } from './version.ts';

/** An error as plain data. */
export interface ErrorInfo {
  readonly name: string;
  readonly code?: string | undefined;
  readonly message: string;
  readonly stack?: string | undefined;
}

export type RegionPurpose = 'ring' | 'oneOff';

/** What a process tells the kernel. */
export type ToKernel =
  | { t: 'warm' } // a spare: what can be done before it is born is done
  | { t: 'hello'; speaks?: Speaks } // [status, bell, of a server the black box] with the addon
  | { t: 'manifest'; uses: Record<string, readonly string[] | true> }
  | { t: 'ready'; methods: readonly MethodInfo[]; concurrency: number; queueMax: number; address?: string }
  | { t: 'failed'; stage: 'import' | 'init'; error: ErrorInfo }
  | { t: 'dying'; error: ErrorInfo }
  | { t: 'inspecting'; url: string }
  | { t: 'loaded'; urls: readonly string[] } // modules; only for `skerry dev`
  | { t: 'need'; seq: number; bytes: number }
  | { t: 'giveBack'; bytes: number }
  | { t: 'connect'; seq: number; server: string }
  | { t: 'open'; ref: number; slot: number; hash?: number; as?: string } // [client region]
  | { t: 'accept'; channel: number; token?: string } // [server region]
  | { t: 'offer'; ref?: number; channel?: number; region: number; purpose: RegionPurpose; start: number; bytes: number } // [region]
  | { t: 'retire'; ref?: number; channel?: number; region: number; bytes: number }
  | { t: 'settled'; ref: number; from: number; startedCalls: number; suspects: number } // [suspects region] if any
  | { t: 'close'; ref: number }
  | { t: 'broken'; ref?: number; channel?: number; error: ErrorInfo }
  | { t: 'listen'; seq: number; address: string; port: number; nth: number } // nth: of its sockets with that address and port 0
  | { t: 'unlisten'; address: string; port: number; nth: number }
  | { t: 'poison'; ref: number; call: PoisonedCall } // before its caller is told
  | { t: 'stop' }
  | FromProcessServer;

/** What only the process server may say. */
export type FromProcessServer =
  | { t: 'declare'; servers: readonly ServerDeclaration[]; spares: number }
  | { t: 'spawn'; slot: number; fresh: boolean; note: string } // fresh: its modules may have changed; note: see `remember`
  | { t: 'init'; slot: number }
  | { t: 'kill'; slot: number; reason: string; ordered: boolean }
  | { t: 'stopInstance'; slot: number; drainMs: number }
  | { t: 'zombie'; slot: number; error: ErrorInfo; note: string }
  | { t: 'remember'; slot: number; note: string } // for its successor; the kernel does not read it
  | { t: 'pardon'; id: number }
  | { t: 'inspect'; slot: number; on: boolean }
  | { t: 'trace'; slot: number; on: boolean }
  | ({ t: 'launch' } & LaunchRequest) // [stdin, if it has one, stdout, stderr]
  | { t: 'signalProgram'; id: number; signal: string } // or `end`
  | { t: 'up' }
  | { t: 'bootFailed'; error: ErrorInfo }
  | { t: 'stopped' };

export interface ServerDeclaration {
  readonly name: string;
  readonly slots: readonly number[];
  /** Names of servers, beyond what its module declares, that it may use. */
  readonly uses: Record<string, readonly string[] | true>;
  /** Narrows what the module declares; undefined: as declared. */
  readonly env: readonly string[];
  readonly secrets: readonly string[];
  readonly memoryMb: number;
  /** Descriptors of an instance; 0: as many as the program may have. */
  readonly openFiles: number;
  /** Its instances get what processor time others leave. */
  readonly background: boolean;
}

/** What the kernel tells a process. */
export type FromKernel =
  | { t: 'prepare'; systemUrl: string } // to a spare: it will be a server of that system
  | { t: 'born'; config: BirthConfig }
  | { t: 'init' }
  | { t: 'inspect'; on: boolean }
  | { t: 'trace'; on: boolean } // somebody looks at each call
  | { t: 'granted'; seq: number }
  | { t: 'listening'; seq: number } // [listening socket]
  | { t: 'refused'; seq: number; error: ErrorInfo; data: Record<string, unknown> }
  | {
      t: 'slots';
      seq: number;
      slots: readonly SlotInfo[];
      methods: readonly MethodInfo[] | undefined;
      /** Of the instance that `methods` are of; 0 while none has been ready. */
      concurrency: number;
    }
  | { t: 'noServer'; seq: number; error: ErrorInfo }
  | {
      t: 'introduce';
      channel: number;
      agreed: Agreement;
      client: string;
      principal: string;
      allowed: readonly string[] | true;
      from: number;
      startedCalls: number;
      suspects: number;
      /** Start of the ring that holds `from`, when it is not the first. */
      ring: number | undefined;
    } // [client region, client bell, suspects?, ring?]
  | {
      t: 'opened';
      ref: number;
      agreed: Agreement;
      endpoint: Endpoint;
      methods: readonly MethodInfo[];
      concurrency: number;
      queueMax: number;
      address?: string | undefined;
      token?: string | undefined;
    } // [server region, bell, status]
  | { t: 'region'; ref?: number; channel?: number; purpose: RegionPurpose; start: number } // [region]
  | { t: 'retired'; ref?: number; channel?: number; region: number }
  | { t: 'died'; ref: number; reason: string; ordered: boolean; error?: ErrorInfo | undefined }
  | { t: 'down'; ref: number; error: ErrorInfo }
  | { t: 'revived'; ref: number }
  | { t: 'closed'; channel?: number; ref?: number; error: ErrorInfo; clientDied?: boolean }
  | { t: 'hold' }
  | { t: 'release' }
  | { t: 'stop'; drainMs: number }
  | { t: 'up'; processes: readonly ProcessInfo[] }
  | { t: 'bootFailed'; error: ErrorInfo }
  | { t: 'stopped' }
  | { t: 'declared'; resumed: boolean } // resumed: the system runs already; what runs was told before
  | { t: 'instance'; slot: number; event: InstanceEvent }
  | { t: 'quarantined'; call: QuarantinedCall; isNew: boolean } // to the process server
  | { t: 'pardoned'; id: number } // it had to go for another one
  | { t: 'spares'; pids: readonly number[] } // to the process server: which there are now
  | { t: 'program'; id: number; event: LaunchEvent };

/** A replica as a new client is told of it: whether an instance is ready, or why none comes until an operator acts. */
export interface SlotInfo {
  readonly slot: number;
  readonly replica: number;
  readonly runs: boolean;
  readonly down?: ErrorInfo | undefined;
}

export type InstanceEvent =
  | {
      /** To a successor of the process server, before the other events of what runs in this slot. */
      what: 'kept';
      name: string;
      replica: number;
      generation: number;
      runs: boolean;
      isDown: boolean;
      note?: string | undefined;
      /** Of its last instance, when none runs. */
      died?: DeathEvent | undefined;
    }
  | { what: 'born'; pid: number; generation: number } // [stdout, stderr] where they are pipes
  | { what: 'status' } // [status, bell, black box]
  | { what: 'manifest'; uses: readonly string[] }
  | { what: 'ready'; concurrency: number }
  | { what: 'inspecting'; url: string } // '': no more
  | { what: 'loaded'; urls: readonly string[] }
  | { what: 'failed'; stage: 'import' | 'init'; error: ErrorInfo }
  | DeathEvent;

export interface DeathEvent {
  readonly what: 'died';
  readonly reason: string;
  readonly ordered: boolean;
  readonly error?: ErrorInfo | undefined;
}

export interface ProcessInfo {
  readonly name: string;
  readonly replica: number;
  readonly pid: number;
  readonly endpoint: string;
}

/** What an instance learns at its birth. */
export interface BirthConfig {
  readonly role: 'server' | 'process' | 'client';
  readonly name: string;
  readonly replica: number;
  readonly endpoint: Endpoint;
  /** When the system was started, ms since 1970. */
  readonly systemSince: number;
  readonly systemUrl: string;
  readonly secrets: Record<string, string>;
  readonly replicas: number;
  /** Its stdout and stderr are pipes that the process server reads. */
  readonly piped: boolean;
  /** It may have so many descriptors; 0: as it is. */
  readonly openFiles: number;
}

export function errorInfo(error: unknown): ErrorInfo {
  if (error instanceof Error) {
    const { code } = error as { code?: unknown };
    return {
      name: error.name,
      code: typeof code === 'string' ? code : undefined,
      message: clip(error.message, 8_192),
      stack: error.stack === undefined ? undefined : clip(error.stack, 16_384),
    };
  }
  return { name: 'Error', message: clip(String(error), 8_192) };
}

/** In JSON a control character and half a character take six: what fits has to fit as a message too. */
const UNWANTED = /[^\P{Cc}\t\n]/gu;

function clip(given: string, length: number): string {
  const text = Buffer.from(given).toString().replace(UNWANTED, '?');
  return text.length <= length ? text : `${text.slice(0, length)} … (${text.length - length} characters more)`;
}
