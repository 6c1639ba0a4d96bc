// A program, run by the native launcher: native/launcher/launcher.h says what it promises and what its lines mean.
//
// Only the kernel's main thread spawns: the parent-death signal follows the spawning thread. The launcher, not the program, is the child
// that Node knows; its socket carries the program's life.

import type { Socket } from 'node:net';
import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import type { LaunchEnd, LaunchRequest } from '../protocol/program.ts';
import { startChild } from './children.ts';

export interface LaunchOptions extends Omit<LaunchRequest, 'id' | 'hasStdin'> {
  readonly launcher: string;
  /** The program's descriptors 0, 1 and 2, by their numbers here. */
  readonly stdio: readonly [number | 'ignore', number | 'ignore', number | 'ignore'];
}

/** Either `onFailed`, or `onStarted` and then `onEnded`; once each. */
export interface LaunchEvents {
  onStarted(pid: number): void;
  /** @param step what failed: `exec`, `chdir`, `spawn` … @param error its errno name. */
  onFailed(step: string, error: string): void;
  /** Neither the program nor anything that it had started is left. */
  onEnded(end: LaunchEnd): void;
}

export interface Launched {
  /** To the program's process group; SIGKILL ends all that it has started. */
  signal(name: NodeJS.Signals): void;
  /** SIGTERM, and after the grace the end of all. */
  end(): void;
}

const MiB = 1024 * 1024;
/** RLIMIT_DATA counts what is mapped, touched or not: libraries' data, stacks of threads. What is in use is watched by the launcher. */
const DATA_SLACK_BYTES = 64 * MiB;
const LIMITS = ['time', 'cpu', 'memory', 'processes'] as const;

export function launch(options: LaunchOptions, events: LaunchEvents): Launched {
  const { NODE_V8_COVERAGE } = options.env; // Node would add its own
  const child = startChild(options.launcher, argumentsOf(options), {
    env: { ...options.env, NODE_V8_COVERAGE },
    cwd: '/',
    stdio: [...options.stdio, 'pipe'],
    detached: true,
  });
  const socket = child.stdio[3] as unknown as Socket | undefined;
  let phase: 'starting' | 'running' | 'over' = 'starting';
  let pid = 0;
  let received = '';

  const fail = (step: string, error: string) => {
    if (phase === 'over') return;
    phase = 'over';
    socket?.destroy(); // the launcher waits for that
    events.onFailed(step, error);
  };
  const end = (how: LaunchEnd) => {
    if (phase === 'over') return;
    phase = 'over';
    socket?.destroy();
    events.onEnded(how);
  };
  const onLine = (line: string) => {
    const [what, ...rest] = line.split(' ');
    const numbers = rest.map(Number);
    if (what === 'started') {
      phase = 'running';
      pid = numbers[0] as number;
      events.onStarted(pid);
    } else if (what === 'failed') {
      fail(rest.slice(0, -1).join(' '), getSystemErrorName(-(numbers.at(-1) as number)));
    } else if (what === 'ended') {
      const [code, signal, , peakKb, cpuMs] = numbers as [number, number, number, number, number];
      end({
        code: code < 0 ? null : code,
        signal: signal === 0 ? null : nameOf(signal),
        limit: LIMITS.find((name) => name === rest[2]),
        peakMemoryBytes: peakKb * 1024,
        cpuMs,
      });
    }
  };
  socket?.setEncoding('latin1').on('data', (text: string) => {
    const lines = (received + text).split('\n');
    received = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
  socket?.on('error', () => {}); // its end follows
  child.on('error', (error) => fail('spawn', (error as NodeJS.ErrnoException).code ?? error.message));
  child.on('close', (code, signal) => {
    if (phase === 'starting') return fail('launcher', signal ?? `exit code ${code}`);
    if (phase === 'over') return;
    // Somebody killed the launcher. The program has died of its parent-death signal; the rest of its group has not.
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {} // nobody is left
    end({ code: null, signal: 'SIGKILL', limit: 'lost', peakMemoryBytes: 0, cpuMs: 0 });
  });
  const tell = (byte: number | undefined) => {
    if (phase !== 'over' && byte !== undefined) socket?.write(Uint8Array.of(byte));
  };
  return {
    signal: (name) => tell(constants.signals[name]),
    end: () => tell(0),
  };
}

function argumentsOf({ path, args, cwd, limits }: LaunchOptions): string[] {
  const { timeMs, cpuSeconds, memoryMb, processes, fileMb, openFiles, graceMs } = limits;
  const options = {
    parent: process.pid,
    time: timeMs,
    grace: graceMs,
    cpu: cpuSeconds,
    memory: memoryMb * MiB,
    data: memoryMb === 0 ? 0 : memoryMb * MiB + DATA_SLACK_BYTES,
    processes,
    files: openFiles,
    filesize: fileMb * MiB,
  };
  return [...Object.entries(options).map(([name, value]) => `${name}=${value}`), `cwd=${cwd}`, '--', path, ...args];
}

function nameOf(signal: number): string {
  return Object.entries(constants.signals).find(([, number]) => number === signal)?.[0] ?? `SIG${signal}`;
}
