// A process of the system as the kernel holds it: its control port, its rights, what it was granted, its death.
//
// Only the kernel's main thread spawns: PR_SET_PDEATHSIG follows the spawning thread. The environment is explicit. The child gets its
// end of the control socket as descriptor 3 and nothing else of the kernel.

import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { ControlEvents, ControlPort } from '../channel/control/port.ts';
import { SeqpacketPort } from '../channel/control/seqpacket-port.ts';
import { StreamPort } from '../channel/control/stream-port.ts';
import type { Descriptor, NativeAddon } from '../memory/native.ts';
import { startChild } from './children.ts';
import type { Exit } from './death.ts';

/** Files of other layers that the kernel starts and never imports. */
const MAIN = {
  process: fileURLToPath(new URL('../servers/process/main.js', import.meta.url)),
  server: fileURLToPath(new URL('../server/main.js', import.meta.url)),
};

export interface SpawnOptions {
  readonly addon: NativeAddon | undefined;
  readonly role: keyof typeof MAIN;
  readonly env: Readonly<Record<string, string>>;
  readonly memoryMb: number;
  readonly background: boolean;
  readonly title: string;
  /** What it writes to stdout and stderr goes into pipes; else to where the kernel's goes. Needs the addon. */
  readonly piped: boolean;
}

export interface SpawnedChild {
  readonly pid: number;
  readonly port: ControlPort;
  /** The ends of its stdout and stderr that are read, when they are pipes. */
  readonly output: readonly Descriptor[];
  kill(): void;
}

interface Pipe {
  readonly read: Descriptor;
  readonly write: Descriptor;
}

/** V8's old space within a server's limit: the rest is for young objects, code, buffers and the runtime. */
const OLD_SPACE_SHARE = 0.75;
/** A dead process's socket ends with it; if not, so long is waited for what is on its way. */
const LEFT_OPEN_MS = 100;

/**
 * Starts an instance.
 * @param onExit the process is reaped, and everything that it had sent has been delivered to `events`.
 */
export function spawnChild(options: SpawnOptions, events: ControlEvents, onExit: (exit: Exit) => void): SpawnedChild {
  const { addon } = options;
  if (addon === undefined) return spawnWith(undefined, [], options, events, onExit);
  const opened: Descriptor[] = [];
  try {
    const pair = addon.socketPair();
    opened.push(...pair);
    const pipes: Pipe[] = [];
    while (options.piped && pipes.length < 2) {
      const pipe = addon.pipe();
      pipes.push(pipe);
      opened.push(pipe.read, pipe.write);
    }
    const child = spawnWith(pair, pipes, options, events, onExit);
    for (const theirs of [pair[1], ...pipes.map(({ write }) => write)]) addon.close(theirs);
    return child;
  } catch (error) {
    for (const descriptor of opened) addon.close(descriptor);
    throw error;
  }
}

function spawnWith(
  pair: [Descriptor, Descriptor] | undefined,
  pipes: readonly Pipe[],
  options: SpawnOptions,
  events: ControlEvents,
  onExit: (exit: Exit) => void,
): SpawnedChild {
  const { addon, role, env, memoryMb, background } = options;
  const execArgv = [
    '--inspect-port=0', // should a signal open the debugger: on a port that is free
    // The process server computes little: one thread of the engine's instead of four, 0.25 MB less with Node 24.
    ...(role === 'process' ? ['--v8-pool-size=1'] : []),
    ...(memoryMb > 0 ? [`--max-old-space-size=${Math.floor(memoryMb * OLD_SPACE_SHARE)}`] : []),
  ];
  const stdio = (pipe: Pipe | undefined) =>
    pipe === undefined || addon === undefined ? 'inherit' : addon.fileNumber(pipe.write);
  const child = startChild(process.execPath, [...execArgv, MAIN[role], String(process.pid), options.title], {
    env: {
      ...env,
      ...(memoryMb > 0 ? { SKERRY_MEMORY_MB: String(memoryMb) } : {}),
      ...(background ? { SKERRY_PRIORITY: 'background' } : {}),
    },
    stdio: [
      'ignore',
      stdio(pipes[0]),
      stdio(pipes[1]),
      pair === undefined || addon === undefined ? 'pipe' : addon.fileNumber(pair[1]),
    ],
    detached: true,
  });
  if (child.pid === undefined) throw spawnError(child);
  let exit: Exit | undefined;
  let portClosed = false;
  let finished = false;
  /** Once: the port may close within the exit's own turn, or before, or after. */
  const finish = () => {
    if (exit === undefined || !portClosed || finished) return;
    finished = true;
    onExit(exit);
  };
  const portEvents: ControlEvents = {
    onMessage: (message, descriptors) => events.onMessage(message, descriptors),
    onClose: (reason) => {
      portClosed = true;
      events.onClose(reason);
      finish();
    },
  };
  const port =
    pair !== undefined && addon !== undefined
      ? new SeqpacketPort(addon, pair[0], portEvents)
      : new StreamPort((child.stdio as unknown as Socket[])[3] as Socket, portEvents);
  child.on('exit', (code, signal) => {
    exit ??= { code, signal };
    port.drain();
    finish();
    // The process is reaped: what it sent is here. Its end of the socket may be held open by a process that it left behind.
    if (!portClosed) {
      setTimeout(() => {
        if (portClosed) return;
        port.drain();
        port.close();
        portEvents.onClose('the peer hung up');
      }, LEFT_OPEN_MS);
    }
  });
  return {
    pid: child.pid ?? 0,
    port,
    output: pipes.map(({ read }) => read),
    kill: () => {
      child.kill('SIGKILL');
    },
  };
}

/** A spawn that failed says why in an event that comes later; the failure itself is known at once. */
function spawnError(child: ChildProcess): Error {
  child.on('error', () => {});
  return new Error(
    `a process could not be started (spawn of ${process.execPath} failed: no such program, or out of memory, processes or descriptors)`,
  );
}
