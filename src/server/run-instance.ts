// An instance's process: what it is made of, in start order. The main file of a kind of instance says what drives it.
//
//   argv: the kernel's pid, a title. Descriptor 3: the control socket.
//   [as a spare: prepare → warm →] born → [carrier] hello → import → manifest → init → ready … stop → drained → exit

import { readFileSync } from 'node:fs';
import type { Carrier } from '../link/carrier.ts';
import { Link } from '../link/link.ts';
import { type Means, ringMeans } from '../link/means.ts';
import { TextKind } from '../memory/black-box.ts';
import { loadNative } from '../memory/load-native.ts';
import type { NativeAddon } from '../memory/native.ts';
import { type BirthConfig, errorInfo } from '../protocol/control.ts';
import { mayStepBack } from './background.ts';
import type { Instance } from './instance.ts';
import { outliveReaders } from './lost-readers.ts';

const CONTROL_FD = 3;
const MODULES_AT_ONCE = 256;
/** Beyond what the process has mapped at its start: stacks of threads that come later count in full. */
const DATA_SLACK_BYTES = 64 * 1024 * 1024;

/**
 * Makes this process an instance. Resolves when what `make` made has been started.
 * @param prepare what a spare does before it knows which instance it will be; if it fails, the spare ends.
 */
export async function runInstance(
  make: (link: Link, config: BirthConfig, addon: NativeAddon | undefined) => Instance,
  prepare?: (systemUrl: string) => Promise<unknown>,
): Promise<void> {
  const kernelPid = Number(process.argv[2]);
  entitle(process.argv[3] as string);
  process.argv.splice(1); // what the user's modules see is not the kernel's business
  process.setSourceMapsEnabled(true);
  if (process.env.SKERRY_PRIORITY === 'background') mayStepBack();

  const { addon } = loadNative();
  const means = addon === undefined ? await withoutAddon(kernelPid) : withAddon(addon, kernelPid);

  let instance: Instance | undefined;
  let carrier: Carrier | undefined;
  const link = new Link(means.makePort, {
    onPrepare: (systemUrl) => {
      // What fails here would fail again in the instance: its process has kept the failed module.
      prepare?.(systemUrl).then(
        () => link.send({ t: 'warm' }),
        (error: unknown) => link.send({ t: 'dying', error: errorInfo(error) }, [], [], () => process.exit(1)),
      );
    },
    onInit: () => instance?.init(),
    onInspect: (on) => void inspect(link, on),
    onTrace: (on) => {
      if (carrier !== undefined) carrier.box.traced = on;
    },
    onStop: (drainMs) => (instance === undefined ? process.exit(0) : instance.stop(drainMs)),
    onDeclared: (resumed) => instance?.onDeclared?.(resumed),
    onInstance: (slot, event, descriptors) => instance?.onInstance?.(slot, event, descriptors),
    onProgram: (id, event) => instance?.onProgram?.(id, event),
    onSpares: (pids) => instance?.onSpares?.(pids),
    onQuarantined: (call, isNew) => instance?.onQuarantined?.(call, isNew),
    onPardoned: (id) => instance?.onPardoned?.(id),
    onLost: () => process.exit(0), // without a kernel there is no system; what was wrong with the conversation, the kernel says
  });
  link.setKeepAlive(true);

  process.on('uncaughtException', (error) => {
    link.send({ t: 'dying', error: errorInfo(error) });
    if (carrier !== undefined) carrier.box.text(TextKind.end, error instanceof Error ? String(error.stack) : String(error));
    process.stderr.write(`${process.title}: ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  });

  if (process.env.SKERRY_DEV === '1') await reportModules(link);
  const config = await link.born;
  if (config.role === 'server') entitle(`${config.name}.${config.replica}`);
  if (config.openFiles > 0) addon?.limitFiles(config.openFiles);
  if (!config.piped) outliveReaders();
  // Non-blocking: a reader that is slow, or hangs, holds nobody up.
  if (config.piped && addon !== undefined) for (const output of [1, 2]) addon.disown(addon.adopt(output));
  carrier = means.makeCarrier(link, config.endpoint, `${config.name}.${config.replica}`);
  carrier.observe?.(config.name);
  link.use(carrier);
  link.deadlines.isPaused = () => carrier.status.debugged;
  instance = make(link, config, addon);
  await instance.run();
}

function entitle(title: string): void {
  process.title = `skerry ${title}`;
}

/** In batches: a module seldom comes alone. */
async function reportModules(link: Link): Promise<void> {
  const { reportLoadedModules } = await import('./loaded-modules.ts');
  let waiting: string[] = [];
  reportLoadedModules((url) => {
    waiting.push(url);
    if (waiting.length > 1) return;
    setImmediate(() => {
      for (; waiting.length > 0; waiting = waiting.slice(MODULES_AT_ONCE))
        link.send({ t: 'loaded', urls: waiting.slice(0, MODULES_AT_ONCE) });
    });
  });
}

/** Opens or closes the debugger, and says so where others read it: while it may hold this process, nobody's deadline runs. */
async function inspect(link: Link, on: boolean): Promise<void> {
  const inspector = await import('node:inspector');
  link.carrier.status.markDebugged(on);
  if (!on) inspector.close();
  else if (inspector.url() === undefined) inspector.open(0, '127.0.0.1');
  link.send({ t: 'inspecting', url: inspector.url() ?? '' });
}

/** The operating system sees to it that this process ends with its kernel, keeps others out of its memory, and limits it. */
function withAddon(addon: NativeAddon, kernelPid: number): Means {
  if (!addon.guardParent(kernelPid)) process.exit(1);
  if (process.env.SKERRY_DEBUG !== '1') addon.setDumpable(false);
  const memoryMb = Number(process.env.SKERRY_MEMORY_MB ?? 0);
  if (memoryMb > 0) addon.limitData(mappedBytes() + memoryMb * 1024 * 1024 + DATA_SLACK_BYTES);
  return ringMeans(addon, addon.adopt(CONTROL_FD));
}

async function withoutAddon(kernelPid: number): Promise<Means> {
  const [{ streamMeans }, { watchParent }] = await Promise.all([
    import('../link/stream-means.ts'),
    import('../link/parent-watch.ts'),
  ]);
  if (!watchParent(kernelPid)) process.exit(1);
  return streamMeans(CONTROL_FD);
}

/** Private writable address space of this process, which RLIMIT_DATA counts whether it has been touched or not. */
function mappedBytes(): number {
  const kilobytes = /^VmData:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return Number(kilobytes ?? 0) * 1024;
}
