// The process server's methods, as operators see them.

/** `new` and `restart`: on the way to running; `zombie`: down, waits for an operator. */
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

export type ProcessServerApi = {
  list(): ProcessEntry[];
  /** All of them as they are now, then each that has changed, as it happens. A slow consumer loses the oldest changes. */
  watch(): AsyncIterableIterator<ProcessEntry>;
  /** Ends a server (`geo`) or a replica (`geo.1`) with SIGKILL; by default it is started again. Resolves when it is dead. */
  kill(name: string, options?: { readonly restart?: boolean }): Promise<void>;
  /** Starts a zombie again. Resolves when it is running, or has died again: `list()` tells. */
  boot(name: string): Promise<void>;
};
