// When peers hear of a death: a kernel in this process, whose caller is the test, so that the turn in which it reaps can be seen.

import assert from 'node:assert/strict';
import { ChildProcess } from 'node:child_process';
import { test } from 'node:test';
import { CLIENT_REGION_BYTES } from '../../src/channel/ring/layout.ts';
import { MemoryBudget } from '../../src/kernel/budget.ts';
import { Kernel } from '../../src/kernel/kernel.ts';
import { loadNative } from '../../src/memory/load-native.ts';
import type { Descriptor, NativeAddon } from '../../src/memory/native.ts';
import { createRegion, RegionKind } from '../../src/memory/region.ts';
import { STATUS_REGION_BYTES } from '../../src/memory/status.ts';
import type { FromKernel } from '../../src/protocol/control.ts';
import { nothingIsLeft } from '../e2e/world.ts';
import { until } from './processes.ts';

const { addon, reason } = loadNative();
const OWNER = { node: 0, slot: 1, generation: 1 };
const systemUrl = new URL('../fixtures/fault/late.system.js', import.meta.url).href;

/** The caller of a kernel in this process. */
class Caller {
  readonly heard: FromKernel[] = [];
  exited = false;
  readonly #addon: NativeAddon;
  #say!: (message: object, descriptors: Descriptor[]) => void;

  constructor(using: NativeAddon) {
    this.#addon = using;
    const kernel = new Kernel({
      addon: using,
      budget: new MemoryBudget(2 ** 28),
      env: {},
      baseEnv: {},
      rssAnon: () => 0,
      exit: () => {
        this.exited = true;
      },
      warn: () => {},
    });
    kernel.attachCaller(({ onMessage }) => {
      this.#say = onMessage;
      return {
        send: (message) => this.heard.push(message as FromKernel),
        holds: () => false,
        drain: () => {},
        setRef: () => {},
        close: () => {},
      };
    }, process.pid);
  }

  say(message: object, ...descriptors: Descriptor[]): void {
    this.#say(message, descriptors);
  }

  has(kind: FromKernel['t']): boolean {
    return this.heard.some(({ t }) => t === kind);
  }

  async hear<T extends FromKernel['t']>(kind: T): Promise<Extract<FromKernel, { t: T }>> {
    await until(`the kernel says "${kind}"`, () => this.has(kind), 10_000);
    return this.heard.find(({ t }) => t === kind) as Extract<FromKernel, { t: T }>;
  }

  region(kind: RegionKind, bytes: number): Descriptor {
    return createRegion(this.#addon, kind, bytes, OWNER, 'a caller').descriptor;
  }
}

test('a client is told of a death in the turn in which the dead process is reaped', {
  timeout: 20_000,
  skip: addon === undefined && reason,
}, async (t) => {
  const caller = new Caller(addon as NativeAddon);
  const bell = (addon as NativeAddon).pipe();
  caller.say({ t: 'hello' }, caller.region(RegionKind.status, STATUS_REGION_BYTES), bell.write);
  caller.say({ t: 'boot', systemUrl, memoryMb: 0 });
  const { processes } = await caller.hear('up');
  t.after(async () => {
    caller.say({ t: 'stop' });
    await until('the kernel ends', () => caller.exited, 10_000);
    (addon as NativeAddon).close(bell.read);
    await nothingIsLeft();
  });
  caller.say({ t: 'connect', seq: 1, server: 'late' });
  const { slots } = await caller.hear('slots');
  caller.say({ t: 'open', ref: 1, slot: slots[0]?.slot }, caller.region(RegionKind.client, CLIENT_REGION_BYTES));
  await caller.hear('opened');

  const pid = processes.find(({ name }) => name === 'late')?.pid ?? 0;
  const { emit } = ChildProcess.prototype;
  let told: boolean | undefined;
  t.mock.method(ChildProcess.prototype, 'emit', function (this: ChildProcess, event: string, ...args: unknown[]) {
    const seen = emit.call(this, event, ...args);
    if (event === 'exit' && this.pid === pid) told = caller.has('died');
    return seen;
  });
  process.kill(pid, 'SIGKILL');
  await caller.hear('died');
  assert.equal(told, true, 'when its exit had been heard, the message was out');
});
