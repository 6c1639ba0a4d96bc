// Checks of what processes send to the kernel. A message is input: its kind must be known, its fields must have the types below.
// A process that breaks this is ended: it is its own bug, or worse.

import type { ErrorInfo, ToKernel } from '../protocol/control.ts';
import { SPARES_MAX } from '../protocol/limits.ts';
import { isServerPrincipal, isUser } from '../protocol/principal.ts';
import { PAYLOAD_KEPT_MAX } from '../protocol/quarantine.ts';

const NOTE_MAX = 16_384;

type Check = (value: unknown) => boolean;

const nat: Check = (value) => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
const text: Check = (value) => typeof value === 'string' && value.length <= 16_384;
const bool: Check = (value) => typeof value === 'boolean';
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const listOf =
  (check: Check, max: number): Check =>
  (value) =>
    Array.isArray(value) && value.length <= max && value.every(check);
const record =
  (fields: Record<string, Check>): Check =>
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(fields).every(([name, check]) => check((value as Record<string, unknown>)[name]));
const uses: Check = (value) =>
  typeof value === 'object' &&
  value !== null &&
  Object.values(value).every((methods) => methods === true || listOf(text, 1024)(methods));

const stack: Check = (value) => typeof value === 'string' && value.length <= 17_000;
const error = record({ name: text, message: text, code: optional(text), stack: optional(stack) });
const purpose: Check = (value) => value === 'ring' || value === 'oneOff';
const method = record({ name: text, kind: (value) => value === 'call' || value === 'stream', idempotent: bool, timeoutMs: nat });
const declaration = record({
  name: text,
  slots: listOf(nat, 1024),
  uses,
  env: listOf(text, 1024),
  secrets: listOf(text, 1024),
  memoryMb: nat,
  openFiles: nat,
  background: bool,
});

const limits = record({
  timeMs: nat,
  cpuSeconds: nat,
  memoryMb: nat,
  processes: nat,
  fileMb: nat,
  openFiles: nat,
  graceMs: nat,
});
/** Of a slot, characters: a successor is told of each in one message. */
const note: Check = (value) => typeof value === 'string' && value.length <= NOTE_MAX;
const short: Check = (value) => typeof value === 'string' && value.length <= 300;
const poisoned = record({
  method: short,
  deaths: nat,
  reason: short,
  bytes: nat,
  payload: optional((value) => typeof value === 'string' && value.length <= Math.ceil(PAYLOAD_KEPT_MAX / 3) * 4),
  hasExtra: bool,
});
const env: Check = (value) => typeof value === 'object' && value !== null && Object.values(value).every(text);

const fieldsOf: Record<string, Record<string, Check>> = {
  hello: { speaks: optional(record({ min: nat, max: nat, features: nat })) },
  manifest: { uses },
  ready: { methods: listOf(method, 4096), concurrency: nat, queueMax: nat, address: optional(text) },
  failed: { stage: (value) => value === 'import' || value === 'init', error },
  dying: { error },
  inspecting: { url: text },
  loaded: { urls: listOf(text, 256) },
  need: { seq: nat, bytes: nat },
  giveBack: { bytes: nat },
  connect: { seq: nat, server: text },
  open: { ref: nat, slot: nat, hash: optional(nat), as: optional((value) => isUser(value) || isServerPrincipal(value)) },
  accept: { channel: nat, token: optional(text) },
  offer: { ref: optional(nat), channel: optional(nat), region: nat, purpose, start: nat, bytes: nat },
  retire: { ref: optional(nat), channel: optional(nat), region: nat, bytes: nat },
  settled: { ref: nat, from: nat, startedCalls: nat, suspects: nat },
  close: { ref: nat },
  broken: { ref: optional(nat), channel: optional(nat), error },
  listen: { seq: nat, address: text, port: nat, nth: nat },
  unlisten: { address: text, port: nat, nth: nat },
  poison: { ref: nat, call: poisoned },
  stop: {},
  boot: { systemUrl: text, memoryMb: nat },
  declare: { servers: listOf(declaration, 1024), spares: (value) => nat(value) && (value as number) <= SPARES_MAX },
  spawn: { slot: nat, fresh: bool, note },
  init: { slot: nat },
  kill: { slot: nat, reason: text, ordered: bool },
  stopInstance: { slot: nat, drainMs: nat },
  zombie: { slot: nat, error, note },
  remember: { slot: nat, note },
  pardon: { id: nat },
  inspect: { slot: nat, on: bool },
  trace: { slot: nat, on: bool },
  launch: { id: nat, path: text, args: listOf(text, 1024), env, cwd: text, limits, hasStdin: bool },
  signalProgram: { id: nat, signal: text },
  up: {},
  bootFailed: { error },
  stopped: {},
};

export type BootMessage = { t: 'boot'; systemUrl: string; memoryMb: number };

/** @throws Error naming what is wrong. */
export function checkMessage(message: unknown): ToKernel | BootMessage {
  const { t } = message as { t?: unknown };
  const fields = typeof t === 'string' && Object.hasOwn(fieldsOf, t) ? fieldsOf[t] : undefined;
  if (fields === undefined) throw new Error(`unknown message ${JSON.stringify(t)?.slice(0, 100)}`);
  for (const [name, check] of Object.entries(fields)) {
    const value = (message as Record<string, unknown>)[name];
    if (!check(value)) throw new Error(`message "${String(t)}": field "${name}" is ${JSON.stringify(value)?.slice(0, 100)}`);
  }
  return message as ToKernel | BootMessage;
}

export function plainError(code: string, message: string): ErrorInfo {
  return { name: 'SkerryError', code, message };
}

const BRIEF_MAX = 300;
/** Control characters take six in JSON: what is told may be no longer than a message. */
const CONTROL = /[^\P{Cc}\t\n]/gu;

/** An error among other things: its first words, without its stack. */
export function brief({ name, code, message }: ErrorInfo): ErrorInfo {
  const first = message.replace(CONTROL, '?').slice(0, BRIEF_MAX);
  return { name, code, message: first.length < message.length ? `${first} …` : first };
}
