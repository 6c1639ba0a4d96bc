// A process of its own that has the addon loaded, and how it ended: what the tests of the addon start.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadNative } from '../../src/memory/load-native.ts';
import type { Descriptor, NativeAddon } from '../../src/memory/native.ts';

const loaded = loadNative();
/** This process's own; not to be used where `options` skips. */
export const addon = loaded.addon as NativeAddon;
/** Of every suite that needs the addon. */
export const options = { timeout: 30_000, skip: loaded.addon === undefined && loaded.reason };
export const loaderUrl = new URL('../../src/memory/load-native.js', import.meta.url).href;
/** The beginning of a module's source that needs the addon. */
export const prelude = `import { loadNative } from ${JSON.stringify(loaderUrl)}; const { addon } = loadNative();`;

export interface ChildOptions {
  flags?: string[];
  /** An argument of ulimit. */
  limit?: string;
  /** File number that becomes descriptor 3. */
  inherit?: number;
  env?: Record<string, string>;
  /** As an unprivileged user, also when the tests run as root. */
  nobody?: boolean;
  /** Without the addon loaded. */
  plain?: boolean;
}

export interface End {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export function start(code: string, options: ChildOptions = {}): ChildProcess {
  const source = options.plain ? code : `${prelude} ${code}`;
  const args = [...(options.flags ?? []), '--input-type=module', '-e', source];
  const shell = `ulimit -c 0; ${options.limit === undefined ? '' : `ulimit ${options.limit};`} exec "$0" "$@"`;
  return spawn('/bin/sh', ['-c', shell, process.execPath, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', options.inherit ?? 'ignore'],
    env: { ...process.env, ...options.env },
    ...(options.nobody && process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}),
  });
}

export async function finished(child: ChildProcess): Promise<End> {
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, stdout, stderr };
}

export function run(code: string, options: ChildOptions = {}): Promise<End> {
  return finished(start(code, options));
}

export async function nextMessage(socket: Descriptor) {
  for (;;) {
    const message = addon.receive(socket);
    if (message) return message;
    assert.notEqual(message, null, 'the peer hung up');
    await sleep(2);
  }
}
