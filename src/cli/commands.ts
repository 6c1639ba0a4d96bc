// The commands by name, each loaded when it is wanted: most need little of Skerry, and should start fast.

import type { Command } from './command.ts';

const LOAD: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./run.ts')).run,
  dev: async () => (await import('./dev.ts')).dev,
  ps: async () => (await import('./ps.ts')).ps,
  top: async () => (await import('./top.ts')).top,
  status: async () => (await import('./status.ts')).status,
  trace: async () => (await import('./trace.ts')).trace,
  logs: async () => (await import('./logs.ts')).logs,
  call: async () => (await import('./call.ts')).call,
  kill: async () => (await import('./orders.ts')).kill,
  restart: async () => (await import('./orders.ts')).restart,
  boot: async () => (await import('./orders.ts')).boot,
  stop: async () => (await import('./orders.ts')).stop,
  poison: async () => (await import('./poison.ts')).poison,
  inspect: async () => (await import('./inspect.ts')).inspect,
  doctor: async () => (await import('./doctor.ts')).doctor,
  completion: async () => (await import('./completion.ts')).makeCompletion(commandNames, loadCommand),
};

/** In the order in which help shows them. */
export function commandNames(): string[] {
  return Object.keys(LOAD);
}

/** @returns undefined when there is none of that name. */
export async function loadCommand(name: string): Promise<Command | undefined> {
  return Object.hasOwn(LOAD, name) ? LOAD[name]?.() : undefined;
}
