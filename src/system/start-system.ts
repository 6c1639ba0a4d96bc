// Starts a system: the kernel's process, the link to it, and the wait until all servers are ready. Loaded by boot() when it is called,
// since the servers import boot.ts too (with everything else of `skerry`) and have no use for this.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { deferred } from '../base/deferred.ts';
import { SkerryError } from '../base/errors.ts';
import { Link } from '../link/link.ts';
import { type Means, ringMeans } from '../link/means.ts';
import { toError } from '../link/to-error.ts';
import { loadNative } from '../memory/load-native.ts';
import type { NativeAddon } from '../memory/native.ts';
import { operatorFolder } from '../protocol/operator.ts';
import { remoteFacade } from '../rpc/proxy.ts';
import { RemoteServer } from '../rpc/remote-server.ts';
import type { ProgramEntries } from '../server/programs.ts';
import type { Remote } from '../server/remote.ts';
import type { Entries, System } from '../server/system.ts';
import type { ProcessEntry, ProcessServerApi } from '../servers/process/process-api.ts';
import type { BootOptions } from './boot.ts';
import { OperatingSystem } from './operating-system.ts';

const KERNEL_MAIN = fileURLToPath(new URL('../kernel/main.js', import.meta.url));

export async function startSystem<S extends Entries, P extends ProgramEntries>(
  system: System<S, P>,
  options: BootOptions,
): Promise<OperatingSystem<S, P>> {
  const { budgetMb = 0, env = process.env, name, operator = true } = options;
  const addon = addonFor(options.transport);
  const up = deferred<void>();
  const over = deferred<SkerryError | undefined>();
  const { NODE_OPTIONS: forServers, ...given } = env; // the kernel runs no user code: no `--import` either
  const kernel = await startKernel(addon, {
    ...given,
    ...(forServers === undefined ? {} : { SKERRY_NODE_OPTIONS: forServers }),
    ...(name === undefined ? {} : { SKERRY_NAME: name }),
    ...(operator ? { SKERRY_OPERATOR_DIR: operatorFolder(process.env) } : { SKERRY_OPERATOR_DIR: undefined }),
    ...(addon === undefined ? { SKERRY_TRANSPORT: 'stream' } : {}),
    ...(budgetMb > 0 ? { SKERRY_BUDGET_MB: String(budgetMb) } : {}),
  });
  const link = new Link(kernel.means.makePort, {
    onUp: () => up.resolve(),
    onBootFailed: (error) => up.reject(toError(error)),
    onStopped: () => over.resolve(undefined),
    onLost: (reason) => {
      up.reject(new SkerryError('SKERRY_INIT', `the kernel ended while the system was starting: ${reason}`));
      over.resolve(new SkerryError('SKERRY_SERVER_DOWN', `the kernel of this system is gone: ${reason}`));
    },
  });
  link.setKeepAlive(true);
  let endWatch = async (): Promise<void> => {};
  try {
    await link.born.catch(() => up.promise); // a kernel that ends early says why by `up`
    const endpoint = (await link.born).endpoint;
    link.use(kernel.means.makeCarrier(link, endpoint, 'caller'));
    link.send({ t: 'boot', systemUrl: system.url, memoryMb: 0 });
    if (options.onChange !== undefined) endWatch = watchStart(link, options.onChange);
    await up.promise;
    await endWatch();
  } catch (error) {
    kernel.setRef(true);
    link.close(); // also a kernel that knows of no failure ends now
    await kernel.ended;
    throw error;
  }
  link.setKeepAlive(false);
  const os = new OperatingSystem<S, P>(system, link, kernel, over.promise);
  try {
    await os.prepare();
  } catch (error) {
    await os.stop();
    throw error;
  }
  return os;
}

/** @returns undefined for streams. @throws SKERRY_INVALID, SKERRY_UNSUPPORTED when rings were asked for by name, and cannot be had */
function addonFor(option: BootOptions['transport']): NativeAddon | undefined {
  const said = process.env.SKERRY_TRANSPORT || undefined;
  if (said !== undefined && said !== 'ring' && said !== 'stream')
    throw new SkerryError('SKERRY_INVALID', `the environment's SKERRY_TRANSPORT is "${said}"; valid are ring and stream`);
  const wanted = option ?? said;
  if (wanted === 'stream') return undefined;
  const { addon, reason } = loadNative();
  if (addon === undefined && wanted === 'ring')
    throw new SkerryError(
      'SKERRY_UNSUPPORTED',
      `there are no rings here (${reason}); a system that names no transport has streams then`,
    );
  return addon;
}

/** @returns to be called when all are up: tells what is still on its way, and ends. */
function watchStart(link: Link, onChange: (entry: ProcessEntry) => void): () => Promise<void> {
  const processes = remoteFacade(new RemoteServer('process', link.clients)) as Remote<ProcessServerApi>;
  const told = new Map<string, ProcessEntry['state']>();
  const tell = (entry: ProcessEntry) => {
    const key = `${entry.name}.${entry.replica}`;
    if (told.get(key) === entry.state) return;
    told.set(key, entry.state);
    onChange(entry);
  };
  let ended = false;
  const changes = processes.watch();
  (async () => {
    for await (const entry of changes) if (!ended) tell(entry);
  })().catch(() => {}); // the start has failed, and says why
  return async () => {
    const last = await processes.list();
    ended = true;
    last.forEach(tell);
    void changes.return?.();
  };
}

export interface KernelHandle {
  readonly pid: number;
  readonly means: Means;
  /** The kernel's process has ended. */
  readonly ended: Promise<void>;
  setRef(keepAlive: boolean): void;
  kill(): void;
}

async function startKernel(addon: NativeAddon | undefined, env: Record<string, string | undefined>): Promise<KernelHandle> {
  if (!existsSync(KERNEL_MAIN)) {
    const why = 'mark skerry as external where you bundle (esbuild: --external:skerry), so that it stays in node_modules';
    throw new SkerryError('SKERRY_INIT', `there is no ${KERNEL_MAIN}, which the kernel's process runs: ${why}`);
  }
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
    kill: () => void child.kill('SIGKILL'),
    means:
      pair === undefined || addon === undefined
        ? (await import('../link/stream-means.ts')).streamMeans((child.stdio as unknown as Socket[])[3] as Socket)
        : ringMeans(addon, pair[0]),
  };
}
