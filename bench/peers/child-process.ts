/** child_process: a forked process and Node's own IPC, in both of its serializations. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { workerUrl } from '../paths.ts';
import type { Sample } from '../sample.ts';
import type { Peer } from './peer.ts';
import { Pending } from './pending.ts';

export function childProcess(serialization: 'json' | 'advanced'): Peer {
  const pending = new Pending<unknown>();
  let child: ChildProcess | undefined;
  const request = (name: string, argument: unknown): Promise<unknown> =>
    pending.request((id) => void (child as ChildProcess).send([id, name, argument]));
  return {
    async start() {
      child = fork(fileURLToPath(workerUrl('child-process.worker.mjs')), { serialization, execArgv: [] });
      const up = once(child, 'message');
      await up; // ['up']
      child.on('message', (message) => {
        const [id, value] = message as [number, unknown];
        pending.settle(id, value);
      });
    },
    async stop() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
    pids: async () => [child?.pid as number],
    call: (value) => request('echo', value) as Promise<Sample>,
    late: (ms) => request('late', ms) as Promise<number>,
  };
}
