// What these tests see from outside: programs as processes, and what is left of them.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { descendants, isAlive, until } from '../fault/processes.ts';

/** The project's folder, seen from the compiled test. */
export const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

export const TRANSPORTS = ['ring', 'stream'] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** Where the compiled fixture is. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/e2e/${name}`, import.meta.url));
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Program {
  readonly pid: number;
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout(): string;
  stderr(): string;
}

export interface ProgramOptions {
  readonly cwd?: string;
  /** In addition to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Another file of the same Node. */
  readonly execPath?: string;
}

/** Starts Node with `args`; it is killed at the end of the test, if it still runs. */
export function start(
  t: TestContext,
  args: readonly string[],
  { execPath = process.execPath, ...options }: ProgramOptions = {},
): Program {
  return startProgram(t, execPath, args, options);
}

/** The same with any program. */
export function startProgram(
  t: TestContext,
  path: string,
  args: readonly string[],
  { cwd = root, env = {} }: Omit<ProgramOptions, 'execPath'> = {},
): Program {
  const { NODE_TEST_CONTEXT: _, ...own } = process.env;
  const child = spawn(path, args, { cwd, env: { ...own, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const exited = once(child, 'exit');
  const ended = exited.then(([code, signal]: (number | NodeJS.Signals | null)[]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
    stdout,
    stderr,
  }));
  t.after(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  return { pid: child.pid ?? 0, child, ended, stdout: () => stdout, stderr: () => stderr };
}

/** Runs Node to its end, which has to be a good one. @returns what it wrote to stdout. */
export async function run(t: TestContext, args: readonly string[], options?: ProgramOptions): Promise<string> {
  const { code, signal, stdout, stderr } = await start(t, args, options).ended;
  assert.equal(code, 0, `${args.join(' ')} ended with ${signal ?? code}:\n${stdout}${stderr}`);
  return stdout;
}

/** All of these have ended, at the latest `withinMs` from now. */
export async function gone(pids: readonly number[], withinMs = 1000): Promise<void> {
  const from = performance.now();
  await until(
    `processes ${pids.filter(isAlive).join(', ')} of ${pids.join(', ')} have ended`,
    () => !pids.some(isAlive),
    withinMs + 4000,
  );
  const ms = performance.now() - from;
  assert.ok(ms <= withinMs, `the last process ended after ${ms.toFixed(0)} ms`);
}

/** This process has no children left, nor they any. */
export async function nothingIsLeft(): Promise<void> {
  await until(`children ${descendants().join(', ')} have ended`, () => descendants().length === 0, 2000);
}

/** An empty folder in which `import 'skerry'` finds this project; removed after the test. */
export function emptyFolder(t: TestContext, { linked = true } = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-e2e-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  if (linked) {
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(root, join(folder, 'node_modules', 'skerry'), 'dir');
  }
  return folder;
}

/** The line, from 1, on which `text` stands first in a source of test/fixtures. */
export function lineOf(file: string, text: string): number {
  const lines = readFileSync(join(root, 'test/fixtures', file), 'utf8').split('\n');
  return 1 + lines.findIndex((line) => line.includes(text));
}
