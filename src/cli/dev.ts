// skerry dev <system>: boots a system, and restarts a server when one of its files changes, the others untouched. A change of the
// system's own module starts the whole system anew, in a new process: what a process has imported it cannot forget.
//
//   skerry dev ──▶ skerry dev --inner ──▶ kernel …        the inner one ends with ANEW when it wants to be started again

import { spawn } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SkerryError } from '../base/errors.ts';
import { boot } from '../system/boot.ts';
import type { OperatingSystem } from '../system/operating-system.ts';
import { type Command, ExitCode } from './command.ts';
import { changedBelow, FileWatch } from './file-watch.ts';
import { loadSystemModule } from './load-system-module.ts';

const ANEW = 75;
const INTERRUPT = 'interrupt';
/** How often it is asked which files there are: one that is loaded late is found so. */
const LOOK_MS = 2_000;

export const dev: Command = {
  usage: 'skerry dev <system>',
  about: 'boots a system, and restarts the servers whose files change',
  options: { inner: { type: 'boolean' } },
  words: [1, 1],
  help: [
    '<system>     the module whose default export is what system() returned',
    'A change of that module starts the whole system anew.',
  ],
  completes: 'files',
  execute: ([system = ''], { inner }) => (inner === true ? serve(system) : superviseInner(system)),
};

/** Starts the inner process again as often as it wishes. */
async function superviseInner(path: string): Promise<number> {
  for (;;) {
    const args = [...process.execArgv, process.argv[1] as string, 'dev', '--inner', path];
    const child = spawn(process.execPath, args, {
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, SKERRY_DEV: '1' },
    });
    const forward = (signal: NodeJS.Signals) => child.kill(signal);
    const interrupt = () => void child.send(INTERRUPT, () => {}); // Ctrl-C reaches the inner process too, `kill -INT` may not
    process.on('SIGTERM', forward).on('SIGINT', interrupt);
    const code = await new Promise<number>((resolve) => {
      child.on('exit', (exitCode) => resolve(exitCode ?? ExitCode.failed));
      child.on('error', () => resolve(ExitCode.failed));
    });
    process.off('SIGTERM', forward).off('SIGINT', interrupt);
    if (code !== ANEW) return code;
  }
}

async function serve(path: string): Promise<number> {
  const bootedFrom = Date.now();
  let sys: OperatingSystem | undefined;
  let isStopping = false;
  const stop = (code: number) => {
    if (isStopping) process.exit(code);
    isStopping = true;
    const stopped = sys?.stop() ?? Promise.resolve();
    void stopped.then(() => process.exit(code));
  };
  process.on('SIGINT', () => stop(130)).on('SIGTERM', () => stop(143));
  process.on('disconnect', () => stop(ExitCode.failed)); // the outer process is gone
  process.on('message', (message) => {
    if (message === INTERRUPT && !isStopping) stop(130);
  });
  process.channel?.unref();
  try {
    sys = await boot(await loadSystemModule(path));
  } catch (error) {
    const message = error instanceof SkerryError ? error.message : ((error as Error).stack ?? String(error));
    const folder = dirname(resolve(path));
    say(`${message}\nskerry: waiting for a change in ${folder}`);
    await changedBelow(folder, bootedFrom);
    process.exit(ANEW); // whatever the module that failed has left running
  }
  const files = new FileWatch(bootedFrom);
  const look = async () => {
    const modules = await sys?.processes.modules();
    if (modules !== undefined)
      files.watch(Object.entries(modules).flatMap(([owner, urls]) => urls.map((url) => [fileURLToPath(url), owner] as const)));
  };
  files.onChange = (changed) => {
    const owners = new Set([...changed.values()].flat());
    const shown = [...changed.keys()].map((file) => file.slice(file.lastIndexOf('/') + 1)).join(', ');
    if (owners.has('')) {
      say(`${shown} changed: the whole system starts anew`);
      return stop(ANEW);
    }
    for (const owner of owners) void restartOne(sys as OperatingSystem, owner, shown);
  };
  void watchStates(sys, look).catch(() => {});
  const timer = setInterval(() => void look().catch(() => {}), LOOK_MS);
  timer.unref();
  await look();
  say('up; restarts what changes; Ctrl-C stops it');
  await sys.ended();
  return process.exitCode === undefined ? ExitCode.ok : Number(process.exitCode);
}

async function restartOne(sys: OperatingSystem, name: string, file: string): Promise<void> {
  say(`${file} changed: restarting ${name}`);
  const from = performance.now();
  try {
    await sys.processes.restart(name);
    const states = (await sys.processes.list()).filter((entry) => entry.name === name);
    const down = states.find(({ state }) => state !== 'running' && state !== 'sleeping'); // the next try may be under way
    if (down === undefined) say(`${name} runs again, ${Math.round(performance.now() - from)} ms`);
    else say(`${name} does not come up: ${down.lastReason ?? 'no reason is known'}`);
  } catch (error) {
    say(`${name} could not be restarted: ${(error as Error).message}`);
  }
}

/** An instance that has just come up may have loaded other files than the last. */
async function watchStates(sys: OperatingSystem, look: () => Promise<void>): Promise<void> {
  for await (const { state } of sys.processes.watch()) if (state === 'running') await look();
}

function say(text: string): void {
  process.stderr.write(`skerry: ${text}\n`);
}
