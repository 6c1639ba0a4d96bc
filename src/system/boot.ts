// boot(): starts a system and returns what its caller works with.
//
// The kernel is a process of its own; the caller is a client with an operator's rights. If the caller goes, the system goes.

import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { SkerryError } from '../base/errors.ts';
import { deferred } from '../base/deferred.ts';
import type { ControlEvents, ControlPort } from '../channel/control/port.ts';
import { SeqpacketPort } from '../channel/control/seqpacket-port.ts';
import { StreamPort } from '../channel/control/stream-port.ts';
import { Link, toError } from '../link/link.ts';
import { RingCarrier } from '../link/ring-carrier.ts';
import { loadNative } from '../memory/load-native.ts';
import type { NativeAddon } from '../memory/native.ts';
import { type Entries, type System, systems } from '../server/system.ts';
import { OperatingSystem } from './operating-system.ts';

const KERNEL_MAIN = fileURLToPath(new URL('../kernel/main.js', import.meta.url));

export interface BootOptions {
  /** `ring`: shared memory (default where the addon works). `stream`: Unix sockets; slower, needs no addon. */
  readonly transport?: 'ring' | 'stream';
  /** What all shared regions may take together, megabytes. Default: half of what machine and cgroup have free. */
  readonly budgetMb?: number;
  /** Environment from which servers get what their entries name. Default: `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * Boots a system: resolves when all its servers are ready.
 * @returns the system's facade; it keeps this process alive only while calls are pending.
 * @throws SkerryError SKERRY_INIT when a server cannot be started (with the server's own stack as `cause`); then nothing is left running.
 */
export async function boot<S extends Entries>(system: System<S>, options: BootOptions = {}): Promise<OperatingSystem<S>> {
  if (systems().get(system.url) === undefined) {
    throw new SkerryError('SKERRY_INVALID', 'boot() takes what system() returns: the default export of a system module');
  }
  if (isInstance()) return new Promise(() => {}); // a bundle: this process is a server of the system, whose module has been evaluated
  const { transport = process.env.SKERRY_TRANSPORT === 'stream' ? 'stream' : 'ring', budgetMb = 0, env = process.env } = options;
  const addon = transport === 'ring' ? loadNative().addon : undefined;
  const up = deferred<void>();
  const over = deferred<SkerryError | undefined>();
  const kernel = startKernel(addon, {
    ...env,
    ...(addon === undefined ? { SKERRY_TRANSPORT: 'stream' } : {}),
    ...(budgetMb > 0 ? { SKERRY_BUDGET_MB: String(budgetMb) } : {}),
  });
  const link = new Link(kernel.makePort, {
    onUp: () => up.resolve(),
    onBootFailed: (error) => up.reject(toError(error)),
    onStopped: () => over.resolve(undefined),
    onLost: (reason) => {
      up.reject(new SkerryError('SKERRY_INIT', `the kernel ended while the system was starting: ${reason}`));
      over.resolve(new SkerryError('SKERRY_SERVER_DOWN', `the kernel of this system is gone: ${reason}`));
    },
  });
  link.setKeepAlive(true);
  try {
    await link.born.catch(() => up.promise); // a kernel that ends early says why by `up`
    const endpoint = (await link.born).endpoint;
    if (addon !== undefined) link.use(new RingCarrier(addon, link, endpoint, 'caller'));
    else {
      const { StreamCarrier } = await import('../link/stream-carrier.ts');
      link.use(new StreamCarrier(link, endpoint));
    }
    link.send({ t: 'boot', systemUrl: system.url, memoryMb: 0 });
    await up.promise;
  } catch (error) {
    kernel.setRef(true);
    link.close(); // also a kernel that knows of no failure ends now
    await kernel.ended;
    throw error;
  }
  link.setKeepAlive(false);
  const os = new OperatingSystem<S>(system, link, kernel, over.promise);
  await os.prepare();
  return os;
}

export interface KernelHandle {
  readonly pid: number;
  readonly makePort: (events: ControlEvents) => ControlPort;
  /** The kernel's process has ended. */
  readonly ended: Promise<void>;
  setRef(keepAlive: boolean): void;
}

function startKernel(addon: NativeAddon | undefined, env: Record<string, string | undefined>): KernelHandle {
  const pair = addon?.socketPair();
  const child: ChildProcess = spawn(process.execPath, [KERNEL_MAIN, String(process.pid)], {
    env,
    stdio: ['ignore', 'inherit', 'inherit', pair === undefined || addon === undefined ? 'pipe' : addon.fileNumber(pair[1])],
  });
  if (pair !== undefined && addon !== undefined) addon.close(pair[1]);
  child.unref();
  const ended = new Promise<void>((resolve) => {
    child.on('exit', () => resolve());
    child.on('error', () => resolve());
  });
  return {
    pid: child.pid ?? 0,
    ended,
    setRef: (keepAlive) => (keepAlive ? child.ref() : child.unref()),
    makePort: (events) =>
      pair === undefined || addon === undefined
        ? new StreamPort((child.stdio as unknown as Socket[])[3] as Socket, events)
        : new SeqpacketPort(addon, pair[0], events),
  };
}

function isInstance(): boolean {
  return process.title.startsWith('skerry ') && process.title !== 'skerry kernel' && process.argv.length === 1;
}
