// The contract of the native addon: everything that JavaScript cannot ask the operating system for.
//
// The addon owns every file descriptor. JavaScript holds a `Descriptor`, a number in a table of this isolate: when the isolate ends,
// also by `terminate()`, the table is closed with it. A system call that fails throws a `SkerryError`-shaped Error with `code` (errno
// name), `syscall` and a message that says what was attempted.

declare const descriptorBrand: unique symbol;
declare const watchBrand: unique symbol;
declare const pulseBrand: unique symbol;

/** A file descriptor owned by the addon; not the number that the operating system knows it by. Closing it twice throws EBADF. */
export type Descriptor = number & { readonly [descriptorBrand]: true };

/** A poll handle on this isolate's event loop. */
export type Watch = number & { readonly [watchBrand]: true };

/** A timer on this isolate's event loop. */
export type PulseWatch = number & { readonly [pulseBrand]: true };

export type DoubtListener = (looksThatWereWell: number, turnsBefore: number) => void;

export interface ReceivedMessage {
  readonly bytes: Uint8Array;
  readonly descriptors: Descriptor[];
  /** The kernel had to drop bytes or descriptors (MSG_TRUNC, MSG_CTRUNC). Descriptors that did arrive are listed and owned all the same. */
  readonly truncated: boolean;
}

export interface NativeAddon {
  /**
   * Makes a region: memfd, `fallocate`, one read-write map, then the seals FUTURE_WRITE, SHRINK, GROW and SEAL.
   * @param sizeBytes a multiple of 4096, 4096 to 2^32 - 4096.
   * @param name shown by the fault handler and in /proc/<pid>/maps; at most 63 bytes are kept.
   * @returns the writable map and the descriptor to hand out; close the descriptor once it has been sent.
   */
  createRegion(sizeBytes: number, name: string): { buffer: ArrayBuffer; descriptor: Descriptor };
  /** Size and seals of a descriptor that a peer sent. `sealed`: a memfd with all four seals. Never throws for a wrong kind of file. */
  inspectRegion(descriptor: Descriptor): { sizeBytes: number; sealed: boolean };
  /** Maps a peer's region read-only. Throws EINVAL if it is not sealed: an unsealed one could shrink under the reader. */
  mapRegion(descriptor: Descriptor, name: string): ArrayBuffer;
  /**
   * Gives the memory of a region back at once: anonymous zero pages are mapped over the range, so that views still held read zeros.
   * The address range goes with the ArrayBuffer's finalizer. A second call does nothing.
   */
  releaseRegion(buffer: ArrayBuffer): void;

  /** A doorbell: a non-blocking pipe. The owner watches `read`; only `write` is given away. */
  pipe(): { read: Descriptor; write: Descriptor };
  /** Rings a doorbell: one byte, never blocks; a full pipe counts as rung. @returns false when the owner is gone (EPIPE). */
  ring(write: Descriptor): boolean;

  /** A pair of connected SEQPACKET sockets, non-blocking, close-on-exec. */
  socketPair(): [Descriptor, Descriptor];
  /**
   * Sends one message with at most 8 descriptors (they stay open here).
   * An empty message is refused: it would look like a hang-up.
   * @returns false when the socket is full (EAGAIN): nothing was sent. Throws EPIPE/ECONNRESET when the peer is gone.
   */
  send(socket: Descriptor, bytes: Uint8Array, descriptors: readonly Descriptor[]): boolean;
  /** @returns the next message, `undefined` when there is none yet, `null` when the peer has hung up and everything was read. */
  receive(socket: Descriptor): ReceivedMessage | undefined | null;
  /** Takes ownership of a descriptor inherited from the parent (sets close-on-exec and non-blocking). */
  adopt(fileNumber: number): Descriptor;
  /** The operating system's number of a descriptor, to be passed to a spawn; valid until `close`. */
  fileNumber(descriptor: Descriptor): number;
  /**
   * Gives a descriptor out of the addon's hands, for a stream of Node's own: from now on whoever took the number closes it. Main thread
   * only: when a worker is terminated nobody would.
   */
  disown(descriptor: Descriptor): number;
  close(descriptor: Descriptor): void;

  /**
   * A listening TCP socket, close-on-exec; SO_REUSEADDR, and `::` takes IPv4 too, as Node's own have it.
   * @param address IPv4 or IPv6, no name. @param port 0: the operating system chooses. @param backlog 1 to 65535.
   * Throws EADDRINUSE, EACCES, EADDRNOTAVAIL, EINVAL (no address) …
   */
  listenTcp(address: string, port: number, backlog: number): Descriptor;
  /**
   * A listening Unix socket, close-on-exec; the file is whoever asked for it to remove. Watched as a `socket` it says when somebody connects.
   * @param path at most 107 bytes; longer: ENAMETOOLONG. @param backlog 1 to 65535. Throws EADDRINUSE, EACCES, ENOENT …
   */
  listenUnix(path: string, backlog: number): Descriptor;

  /**
   * Calls `onReady` from the event loop whenever the descriptor is readable or hung up. A doorbell (`kind: 'bell'`) is emptied first.
   * A socket is level-triggered: read until `undefined`. An exception in `onReady` becomes an uncaught exception.
   * After the end (`receive` gave `null`, the last holder of a doorbell's write end is gone: one call) the watch is silent.
   * The watch keeps the process alive until `setWatchRef(watch, false)`. Unwatch before closing the descriptor (`close` does it too).
   */
  watch(descriptor: Descriptor, kind: 'bell' | 'socket', onReady: () => void): Watch;
  setWatchRef(watch: Watch, keepAlive: boolean): void;
  unwatch(watch: Watch): void;
  /** Like `watch`, but for becoming writable; fires once. */
  watchWritable(socket: Descriptor, onWritable: () => void): Watch;

  /**
   * PR_SET_PDEATHSIG(SIGKILL), then checks that the parent still is `parentPid`. Main thread only: the setting ends with its thread.
   * @returns false when it is not: leave at once.
   */
  guardParent(parentPid: number): boolean;
  /** PR_SET_DUMPABLE: when off, no process of the same user can open /proc/<pid>/mem or trace this one. */
  setDumpable(on: boolean): void;
  /** RLIMIT_DATA for this process: bytes of private writable memory, address space not yet touched included. */
  limitData(bytes: number): void;
  /** RLIMIT_NOFILE for this process: descriptors open at once. */
  limitFiles(count: number): void;
  /** PR_SET_CHILD_SUBREAPER: a descendant whose parent ends becomes a child of this process, which has to reap it. */
  becomeSubreaper(): void;
  /** Takes the exit of a child that has ended. Not for one that Node started: Node would miss it. @returns whether it had. */
  reap(pid: number): boolean;
  /** SO_PEERCRED: who connected the other end of a Unix socket that Node holds under this number. */
  peerCredentials(fileNumber: number): { readonly pid: number; readonly uid: number };

  /**
   * Writes the loop's phase and counter into a region of this process, from uv_prepare and uv_check, without a message:
   * word 0 phase (1 running JavaScript, 2 waiting for events), word 1 turns of the loop, word 2 CLOCK_MONOTONIC ms (low 31 bits) at
   * the last change of phase. libuv calls back for sockets and files of Node's own while the phase still is 2, so a long phase 2 alone
   * is no proof of idleness: ring the process, and a loop that really waits takes a turn. Unref'ed; ends with the isolate, and the
   * memory of `buffer` stays mapped until then.
   */
  watchLoop(buffer: ArrayBuffer, byteOffset: number): void;
  /**
   * Looks each `periodMs` at the words that `watchLoop` writes, phase and turns, and calls `onDoubt` from the event loop unless all is
   * well: the loop has made a turn since the last look, and waits for events now. Such a look costs a process that sleeps a fraction of
   * what a timer of Node's does. All of a process's looks of one period come together; after a late one the next is three quarters of a
   * period away at least. Unref'ed; ends with the isolate. `buffer` may be released before: its zeros are no life, and are told each time.
   * @param buffer of any region, a peer's too. @param byteOffset a multiple of 4. @param periodMs 1 to 86,400,000, an integer.
   * @param onDoubt is told how many looks have found all well since it was called last (or since the watch began), and the turns at the
   * look before this one. An exception in it becomes an uncaught exception.
   */
  watchPulse(buffer: ArrayBuffer, byteOffset: number, periodMs: number, onDoubt: DoubtListener): PulseWatch;
  /** Ends it; a second time does nothing. */
  unwatchPulse(watch: PulseWatch): void;
  /**
   * Names region and server on descriptor 2 when this process touches a mapped region in a way that is not allowed (SIGSEGV, SIGBUS),
   * then lets the signal go on. On SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP it also stores into `buffer` at `byteOffset`: word 0
   * the signal, word 1 its anonymous memory in KiB, word 2 whether V8 was out of memory: readable after the death. Faults elsewhere go to the handler that was there before.
   */
  installFaultHandler(serverName: string, buffer: ArrayBuffer, byteOffset: number): void;

  /** What is open in this process, all isolates together: for tests of leaks. */
  counters(): { descriptors: number; maps: number; watches: number };
}
