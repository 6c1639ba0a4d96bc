// Introductions against processes that are only ports: what each of them hears, in order, and which descriptors the kernel keeps.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Descriptor, NativeAddon } from '../memory/native.ts';
import type { FromKernel } from '../protocol/control.ts';
import { interfaceHash, type MethodInfo } from '../protocol/methods.ts';
import { SPEAKS } from '../protocol/version.ts';
import { Closer } from './closer.ts';
import { Introductions } from './introductions.ts';
import type { Process } from './process-record.ts';
import { makeSlot, readyOf } from './slots.ts';

const CHANNELS_MAX = 4096;
const REGIONS_MAX = 2048;
const BYTES = 4096;
const DEATH = { reason: 'SIGKILL', ordered: false, error: undefined };
const before = methods('add', 'remove');
const after = methods('clear', 'remove');

function methods(...names: string[]): MethodInfo[] {
  return names.map((name) => ({ name, kind: 'call', idempotent: false, timeoutMs: 0 }));
}

interface Listener {
  readonly process: Process;
  readonly heard: FromKernel[];
  /** Kinds of what was heard, in order. */
  kinds(): string[];
}

/** A slot, a client, and as many instances as are asked for. */
class Rig {
  readonly closed: Descriptor[] = [];
  readonly expelled: string[] = [];
  readonly slot = makeSlot(2, 0, {
    name: 'ledger',
    slots: [2],
    uses: {},
    env: [],
    secrets: [],
    memoryMb: 0,
    openFiles: 0,
    background: false,
  });
  readonly introductions: Introductions;
  readonly client: Listener;
  #lastDescriptor = 0;

  constructor() {
    const addon = {
      inspectRegion: () => ({ sealed: true, sizeBytes: BYTES }),
      close: (descriptor: Descriptor) => this.closed.push(descriptor),
    } as unknown as NativeAddon;
    const closer = new Closer(addon, () => false);
    this.introductions = new Introductions(addon, closer, (proc, why) => this.expelled.push(`${proc.name}: ${why}`));
    this.client = this.listener('client', 'caller');
  }

  listener(role: Process['role'], name: string): Listener {
    const heard: FromKernel[] = [];
    const port = { send: (message: object) => heard.push(message as FromKernel), holds: () => false };
    const process = {
      role,
      name,
      endpoint: { node: 0, slot: 2, generation: 1 },
      principal: name,
      port,
      channels: new Map(),
      serves: new Map(),
      uses: new Map(),
      bell: this.descriptor(),
      status: { descriptor: this.descriptor(), region: undefined },
      speaks: SPEAKS,
      dead: false,
    } as unknown as Process;
    return { process, heard, kinds: () => heard.map(({ t }) => t) };
  }

  descriptor(): Descriptor {
    this.#lastDescriptor += 1;
    return this.#lastDescriptor as Descriptor;
  }

  open(ref: number, hash?: number, client = this.client): void {
    const base = this.descriptor();
    this.introductions.open(client.process, this.slot, ref, true, hash, [base], new Set([base]));
  }

  /** An instance of the slot is ready. */
  ready(table: readonly MethodInfo[], instance = this.listener('server', 'ledger')): Listener {
    this.slot.process = instance.process;
    this.slot.ready = readyOf(table, 64, 1024, undefined);
    this.introductions.instanceReady(this.slot);
    return instance;
  }

  accept(instance: Listener): void {
    for (const id of instance.process.serves.keys())
      this.introductions.accept(instance.process, id, undefined, [this.descriptor()]);
  }

  die(instance: Listener): void {
    instance.process.dead = true;
    this.slot.process = undefined;
    this.slot.ready = undefined;
    this.introductions.serverDied(this.slot, instance.process, DEATH);
  }

  settle(ref: number, client = this.client): void {
    const message = { t: 'settled', ref, from: 64, startedCalls: 1, suspects: 0 } as const;
    this.introductions.settled(client.process, message, [], new Set());
  }

  offer(region: number): void {
    const descriptor = this.descriptor();
    const message = { t: 'offer', ref: 1, region, purpose: 'oneOff', start: 0, bytes: BYTES } as const;
    const owned = new Set([descriptor]);
    try {
      this.introductions.offer(this.client.process, message, [descriptor], owned);
    } finally {
      this.closed.push(...owned); // as the kernel does with what a message brought and nobody took
    }
  }
}

function closedWith({ heard }: Listener): (string | undefined)[] {
  return heard.flatMap((message) => (message.t === 'closed' ? [message.error.code] : []));
}

test('calls that were written for another interface are never introduced: neither to an instance that runs, nor to the next one', () => {
  for (const late of [false, true]) {
    const rig = new Rig();
    if (late) rig.open(1, interfaceHash(before));
    const instance = rig.ready(after);
    if (!late) rig.open(1, interfaceHash(before));
    assert.deepEqual(instance.kinds(), []);
    assert.deepEqual(closedWith(rig.client), ['SKERRY_VERSION']);
    rig.open(2, interfaceHash(after));
    assert.deepEqual(instance.kinds(), ['introduce']);
  }
});

test('what waits at a death goes to a successor with the same interface, and to no other', () => {
  for (const table of [before, after]) {
    const rig = new Rig();
    rig.open(1);
    const instance = rig.ready(before);
    rig.accept(instance);
    rig.die(instance);
    rig.settle(1);
    const successor = rig.ready(table);
    assert.deepEqual(successor.kinds(), table === before ? ['introduce'] : []);
    assert.deepEqual(closedWith(rig.client), table === before ? [] : ['SKERRY_VERSION']);
  }
});

test('clients are told of a death before the kernel goes on to anything else', () => {
  const rig = new Rig();
  const others = [rig.listener('server', 'web'), rig.listener('server', 'geo')];
  rig.open(1);
  for (const other of others) rig.open(1, undefined, other);
  const instance = rig.ready(before);
  rig.accept(instance);
  rig.die(instance);
  for (const { heard } of [rig.client, ...others]) assert.deepEqual(heard.at(-1), { t: 'died', ref: 1, ...DEATH });
});

test('a successor holds until all clients have settled; one that dies instead does not hold it up', () => {
  const rig = new Rig();
  const other = rig.listener('server', 'web');
  rig.open(1);
  rig.open(1, undefined, other);
  const instance = rig.ready(before);
  rig.accept(instance);
  rig.die(instance);
  const successor = rig.ready(before);
  rig.settle(1);
  assert.deepEqual(successor.kinds(), ['hold', 'introduce']);
  rig.introductions.clientDied(other.process);
  assert.deepEqual(successor.kinds(), ['hold', 'introduce', 'release']);
});

test(`a process has at most ${CHANNELS_MAX} channels; one that it closes makes room`, () => {
  const rig = new Rig();
  for (let ref = 1; ref <= CHANNELS_MAX; ref++) rig.open(ref);
  rig.open(CHANNELS_MAX + 1);
  assert.deepEqual(closedWith(rig.client), ['SKERRY_LIMIT']);
  assert.equal(rig.slot.channels.size, CHANNELS_MAX);
  rig.introductions.close(rig.client.process, 7);
  rig.open(CHANNELS_MAX + 1);
});

test(`a channel has at most ${REGIONS_MAX} regions announced; one that is retired makes room, and is closed`, () => {
  const rig = new Rig();
  rig.open(1);
  for (let region = 1; region <= REGIONS_MAX; region++) rig.offer(region);
  assert.throws(() => rig.offer(REGIONS_MAX + 1), /more than 2048 regions/);
  assert.equal(rig.closed.length, 1, 'the one that was too many');
  rig.introductions.retire(rig.client.process, { t: 'retire', ref: 1, region: 7, bytes: BYTES });
  assert.equal(rig.closed.length, 2);
  rig.offer(REGIONS_MAX + 1);
});

test('a region that is announced twice under one number is kept once', () => {
  const rig = new Rig();
  rig.open(1);
  rig.offer(7);
  for (let n = 0; n < 10; n++) assert.throws(() => rig.offer(7), /region 7 is announced already/);
  assert.equal(rig.closed.length, 10);
});

test('two processes are introduced with what both speak', () => {
  const rig = new Rig();
  rig.client.process.speaks = { min: 1, max: 4, features: 0b011 };
  const instance = rig.listener('server', 'ledger');
  instance.process.speaks = { min: 2, max: 3, features: 0b110 };
  rig.open(1);
  rig.ready(before, instance);
  rig.accept(instance);
  const agreed = { version: 3, features: 0b010 };
  for (const { heard } of [instance, rig.client]) {
    const told = heard.flatMap((message) => (message.t === 'introduce' || message.t === 'opened' ? [message.agreed] : []));
    assert.deepEqual(told, [agreed]);
  }
});

test('two processes without a version in common never meet: the client is told what each of them speaks', () => {
  for (const late of [false, true]) {
    const rig = new Rig();
    rig.client.process.speaks = { min: 3, max: 4, features: 0 };
    const instance = rig.listener('server', 'ledger');
    instance.process.speaks = { min: 1, max: 2, features: 0 };
    if (late) rig.open(1);
    rig.ready(before, instance);
    if (!late) rig.open(1);
    assert.deepEqual(instance.kinds(), []);
    assert.equal(rig.slot.channels.size, 0);
    const closed = rig.client.heard.at(-1);
    assert.ok(closed?.t === 'closed' && closed.ref === 1);
    assert.equal(closed.error.code, 'SKERRY_VERSION');
    assert.equal(closed.error.message, 'caller speaks versions 3 to 4 of the protocol, ledger.0 1 to 2: none in common');
    const other = rig.listener('server', 'web');
    other.process.speaks = { min: 2, max: 3, features: 0 };
    rig.open(1, undefined, other);
    assert.deepEqual(instance.kinds(), ['introduce'], 'others are served');
  }
});
