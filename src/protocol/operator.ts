// Where operators reach a running system from outside: a Unix socket in a folder that only its user can enter, one for each system.
//
//   <folder>/<name>~<pid>.sock      pid: the kernel's
//
// The name of the file is never used twice while its kernel lives, so two systems of one name stand side by side, and whoever finds a
// socket that nobody listens on may remove it.
//
// What is said on it: the client connects, sends one line and gets one; from then on the connection carries the requests of a channel
// (channel/stream), and a second one, opened with the same line but `answers`, its answers.
//
//   client ── "skerry 1 requests <token>\n" ─▶        ◀─ {"methods": […], "concurrency": 64, "queueMax": 1024}\n or {"error": {…}}\n
//   client ── "skerry 1 answers <token>\n" ──▶

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ErrorInfo } from './control.ts';
import type { MethodInfo } from './methods.ts';

export const OPERATOR_VERSION = 1;
export const HELLO_MAX_BYTES = 256;
const HELLO = /^skerry (\d+) (requests|answers) ([0-9a-f]{32})$/;
const NAME = /^[a-z0-9][\w-]{0,63}$/i;
const FILE = /^([a-z0-9][\w-]{0,63})~(\d{1,10})\.sock$/i;

export interface Hello {
  readonly version: number;
  readonly direction: 'requests' | 'answers';
  readonly token: string;
}

export type Welcome =
  | { readonly methods: readonly MethodInfo[]; readonly concurrency: number; readonly queueMax: number }
  | { readonly error: ErrorInfo };

/** Letters, digits, - and _; 1 to 64. */
export function isSystemName(name: unknown): name is string {
  return typeof name === 'string' && NAME.test(name);
}

/** @param env of the user's session. */
export function operatorFolder(env: Readonly<Record<string, string | undefined>>): string {
  const { XDG_RUNTIME_DIR: runtime } = env;
  return runtime === undefined || runtime === '' ? join(tmpdir(), `skerry-${process.getuid?.() ?? 0}`) : join(runtime, 'skerry');
}

export function socketFile(name: string, kernelPid: number): string {
  return `${name}~${kernelPid}.sock`;
}

/** @returns undefined when the file is none of ours. */
export function parseSocketFile(file: string): { readonly name: string; readonly pid: number } | undefined {
  const found = FILE.exec(file);
  return found === null ? undefined : { name: found[1] as string, pid: Number(found[2]) };
}

export function helloLine({ direction, token }: Pick<Hello, 'direction' | 'token'>): string {
  return `skerry ${OPERATOR_VERSION} ${direction} ${token}\n`;
}

export function parseHello(line: string): Hello | undefined {
  const found = HELLO.exec(line);
  if (found === null) return undefined;
  return { version: Number(found[1]), direction: found[2] as Hello['direction'], token: found[3] as string };
}
