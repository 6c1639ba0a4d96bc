// The process server's methods, as operators see them: `sys.processes`, and the command `skerry`.

import type { LogLevel } from '../../server/log.ts';
import type { Limits } from '../../server/system.ts';
import type { ProgramsApi } from './programs-api.ts';

/**
 * `new` and `restart`: on the way to running; `sleeping`: running, and waits for something to do; `zombie`: down, waits for an operator.
 */
export type InstanceState = 'new' | 'running' | 'sleeping' | 'restart' | 'zombie';

export interface ProcessEntry {
  readonly name: string;
  readonly replica: number;
  /** 0 while there is no process. */
  readonly pid: number;
  readonly state: InstanceState;
  readonly restarts: number;
  /** Why the last instance ended. */
  readonly lastReason?: string;
}

/** One line of what `skerry ps` shows. What is undefined cannot be known: over streams, or while there is no process. */
export interface ProcessUsage extends ProcessEntry {
  /** node.slot.generation; a later instance of the same slot has a higher generation. */
  readonly endpoint: string;
  readonly tier: 'process';
  /** On whose behalf it calls others. */
  readonly principal: string;
  /** Since the instance has been ready (kernel and process server: since their start), ms. */
  readonly uptimeMs?: number;
  readonly callsPerSecond?: number;
  /** Unstarted calls that it sees. */
  readonly queued?: number;
  /** Handlers that run now. */
  readonly running?: number;
  /** Calls since its start, and those of them that ended with an error. */
  readonly started?: number;
  readonly failed?: number;
  /** How long the slowest 1% of handlers took at least, in the last 10 to 20 s of calls, ms. */
  readonly p99Ms?: number;
  /** Of one core: since somebody looked last, if that is less than 10 s ago, else since its start. */
  readonly cpuPercent?: number;
  /** Anonymous memory (RssAnon): its own, without what is shared. */
  readonly memoryBytes?: number;
  /** A debugger may hold it. */
  readonly debugged?: boolean;
}

export interface LogLine {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly name: string;
  readonly replica: number;
  /** `log`: by `ctx.log`; else what the process wrote. */
  readonly stream: 'log' | 'stdout' | 'stderr';
  /** Of a `log` line. */
  readonly level?: LogLevel;
  readonly text: string;
  /** Of a `log` line with fields: the message without them, and the fields. */
  readonly message?: string;
  readonly data?: unknown;
}

/** A call as the server that was called has it. */
export interface RecentCall {
  readonly method: string;
  /** Who called, and on whose behalf: `web (server:web)`. */
  readonly client: string;
  /** ms since 1970, to some 0.5 ms. */
  readonly startedAt: number;
  /** `refused`: it was not run (no right, its deadline had passed …). */
  readonly state: 'running' | 'answered' | 'failed' | 'refused';
  /** How long it took; taken of some calls (at most one in half a millisecond), and of all while somebody traces. */
  readonly ms?: number;
}

/** A call that has ended, or how many have ended unseen: more than can be shown were made. */
export type TracedCall =
  | ({ readonly server: string; readonly replica: number } & RecentCall)
  | { readonly server: string; readonly replica: number; readonly missed: number };

/** The end of an instance. */
export interface Death {
  /** Milliseconds since 1970. */
  readonly time: number;
  /** A signal's name, `exit code 1`, `memory limit`, an error's name and message … */
  readonly reason: string;
  /** Whether it had been ready. */
  readonly wasReady: boolean;
  readonly upMs: number;
  /** The error that it ended with, if it could say so. */
  readonly stack?: string;
  /** What ran then, and its last calls: from its black box. None over streams. */
  readonly calls?: readonly RecentCall[];
  /** Its last errors and log lines, as far as they are in its black box: the first 230 bytes of each. */
  readonly said?: readonly { readonly time: number; readonly kind: 'error' | 'log' | 'end'; readonly text: string }[];
}

export interface InstanceStatus extends ProcessUsage {
  /** When its state was entered, ms since 1970. */
  readonly since: number;
  readonly lastDeath?: Death;
  /** What it may use. */
  readonly uses: readonly string[];
  readonly limits: Limits;
  /** What runs, and the last calls. None over streams. */
  readonly calls: readonly RecentCall[];
  /** Its last lines, oldest first. */
  readonly log: readonly LogLine[];
}

/** A call that was rejected with SKERRY_POISON. */
export interface QuarantinedEntry {
  readonly id: number;
  /** When it was rejected, ms since 1970. */
  readonly time: number;
  readonly server: string;
  readonly replica: number;
  readonly method: string;
  /** Who called, and on whose behalf. */
  readonly client: string;
  readonly principal: string;
  /** Deaths of the server at which it ran alone, and the reason of the last. */
  readonly deaths: number;
  readonly reason: string;
  /** Of its arguments, encoded; those of more than 64 KiB are not kept (`isWhole` is false). */
  readonly bytes: number;
  readonly isWhole: boolean;
}

export interface SystemInfo {
  /** As operators call it: the name of the folder of its module, or what SKERRY_NAME said. */
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  readonly transport: 'ring' | 'stream';
  readonly startedAt: number;
}

export interface LogQuery {
  /** `geo` or `geo.1`; default: all. */
  readonly name?: string;
  /** Lines of the past, 0 to 10,000; default 100. */
  readonly last?: number;
  /** Then those to come, until the stream is left. A consumer that is 4,096 lines behind loses the oldest. */
  readonly follow?: boolean;
}

export type ProcessServerApi = ProgramsApi & {
  list(): ProcessEntry[];
  /** All of them as they are now, then each that has changed, as it happens. A slow consumer loses the oldest changes. */
  watch(): AsyncIterableIterator<ProcessEntry>;
  /** Ends a server (`geo`) or a replica (`geo.1`) with SIGKILL; by default it is started again. Resolves when it is dead. */
  kill(name: string, options?: { readonly restart?: boolean }): Promise<void>;
  /** Starts a zombie again. Resolves when it is running, or has died again: `list()` tells. */
  boot(name: string): Promise<void>;
  /** Stops a server or a replica politely (its running calls end first), and starts it anew, one replica after the other. */
  restart(name: string): Promise<void>;
  /** The system itself. */
  info(): SystemInfo;
  /** `list()` with what each uses, and the warm spares, by the name `spare`. */
  usage(): ProcessUsage[];
  /** All that is known of a server or a replica. */
  status(name: string): InstanceStatus[];
  /** Its last lines, and those to come. SKERRY_UNSUPPORTED over streams: there they are not kept. */
  logs(query?: LogQuery): AsyncIterableIterator<LogLine>;
  /**
   * Its calls, as they end, in batches; costs the server nothing while nobody traces. Needs shared memory: SKERRY_UNSUPPORTED over streams.
   * @param name `geo` or `geo.1`; default: all servers. @param options `method`: of that name only.
   */
  trace(name?: string, options?: { readonly method?: string }): AsyncIterableIterator<readonly TracedCall[]>;
  /** Under `skerry dev`: the files that the system's module (under '') and each server have loaded, as URLs. */
  modules(): Readonly<Record<string, readonly string[]>>;
  /** Opens the debugger of an instance on a port of the loopback interface. Resolves with its address; `off` closes it. */
  inspect(name: string, options?: { readonly off?: boolean }): Promise<string>;
  /** Calls a server's method, for those who are no part of the system: a stream of what it gives, one item if it is a plain call. */
  invoke(
    server: string,
    method: string,
    args: readonly unknown[],
    options?: {
      /** Deadline, ms; for a stream the longest wait for an item. Default: the method's. */
      readonly timeoutMs?: number;
      /** On whose behalf. Default: the operator's. */
      readonly as?: string;
    },
  ): AsyncIterableIterator<unknown>;
  /** Calls that were rejected with SKERRY_POISON, the oldest first: the last 16 of each client, 64 in all. */
  quarantine(): QuarantinedEntry[];
  /** The arguments of one. */
  quarantinedArguments(id: number): unknown[];
  /**
   * Calls it again, like other idempotent calls, for whom it was called the first time: it may end the server once more, beside others.
   * Resolves with its answer, and it is in quarantine no more; else it stays.
   */
  retryQuarantined(id: number): Promise<unknown>;
  /** It is in quarantine no more. */
  dropQuarantined(id: number): void;
  /** Stops the whole system, as the program that booted it can. */
  stop(): void;
};
