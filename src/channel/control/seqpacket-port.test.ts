// A control port whose peer is slow to read, or gone: what waits in its queue, and the descriptors with it.

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { Closer } from '../../kernel/closer.ts';
import { loadNative } from '../../memory/load-native.ts';
import type { Descriptor, NativeAddon } from '../../memory/native.ts';
import { SeqpacketPort } from './seqpacket-port.ts';

const loaded = loadNative();
const addon = loaded.addon as NativeAddon;
const OPTIONS = { timeout: 10_000, skip: loaded.addon === undefined && loaded.reason };
const QUEUED = 40;

/** A port, its peer's bare end, and what the port said. */
class Rig {
  readonly port: SeqpacketPort;
  readonly peer: Descriptor;
  readonly ended: Promise<string>;
  sent = 0;
  static readonly #all = new Set<Rig>();

  constructor(using = addon) {
    const [own, peer] = addon.socketPair();
    this.peer = peer;
    let end!: (reason: string) => void;
    this.ended = new Promise((resolve) => {
      end = resolve;
    });
    this.port = new SeqpacketPort(using, own, { onMessage: () => {}, onClose: end });
    Rig.#all.add(this);
  }

  /** What a test that failed has left open would keep this process alive. */
  static closeAll(): void {
    for (const { peer, port } of Rig.#all) {
      port.setRef(false);
      port.close();
      try {
        addon.close(peer);
      } catch {} // the test itself has
    }
    Rig.#all.clear();
  }

  /** Sends until a message of every later one has to wait. */
  fill(): void {
    const text = 'x'.repeat(50_000);
    for (let n = 0, sent = -1; this.sent > sent || n < 2; n++) {
      sent = this.sent;
      this.port.send({ t: 'filler', text }, [], [], () => {
        this.sent += 1;
      });
    }
  }

  /** What the peer reads until there is nothing more; it owns the descriptors. */
  read(): { message: { t: string; n?: number }; descriptors: Descriptor[] }[] {
    const all = [];
    for (;;) {
      const received = addon.receive(this.peer);
      if (received === undefined || received === null) return all;
      all.push({ message: JSON.parse(Buffer.from(received.bytes).toString()), descriptors: received.descriptors });
    }
  }
}

function region(): Descriptor {
  const { buffer, descriptor } = addon.createRegion(4096, 'queued');
  addon.releaseRegion(buffer);
  return descriptor;
}

/** The number of open descriptors is as before. */
async function asBefore(t: TestContext, body: () => Promise<void>): Promise<void> {
  const { descriptors, watches } = addon.counters();
  await body().finally(Rig.closeAll);
  while (addon.counters().descriptors > descriptors) {
    t.signal.throwIfAborted();
    await new Promise(setImmediate);
  }
  assert.deepEqual({ ...addon.counters(), maps: 0 }, { descriptors, watches, maps: 0 });
}

describe('descriptors in the queue of a control port', OPTIONS, () => {
  test('arrive whole, in order, though their owner closed them meanwhile; then they are closed here', (t) =>
    asBefore(t, async () => {
      const rig = new Rig();
      const closer = new Closer(addon, (descriptor) => rig.port.holds(descriptor));
      rig.fill();
      for (let n = 0; n < QUEUED; n++) {
        const descriptor = region();
        rig.port.send({ t: 'queued', n }, [descriptor]);
        assert.ok(rig.port.holds(descriptor));
        closer.close(descriptor);
      }
      const arrived: number[] = [];
      while (arrived.length < QUEUED) {
        t.signal.throwIfAborted();
        for (const { message, descriptors } of rig.read()) {
          if (message.t !== 'queued') continue;
          arrived.push(message.n as number);
          assert.equal(descriptors.length, 1);
          assert.deepEqual(addon.inspectRegion(descriptors[0] as Descriptor), { sizeBytes: 4096, sealed: true });
          for (const descriptor of descriptors) addon.close(descriptor);
        }
        await new Promise(setImmediate);
      }
      assert.deepEqual(arrived, [...Array(QUEUED).keys()]);
      rig.port.close();
      addon.close(rig.peer);
    }));

  for (const how of ['the peer dies', 'the port is told to close, and the peer dies'] as const) {
    test(`are closed when ${how}: those to be released by the port, and those that their owner has closed`, (t) =>
      asBefore(t, async () => {
        const rig = new Rig();
        const closer = new Closer(addon, (descriptor) => rig.port.holds(descriptor));
        rig.fill();
        const own = Array.from({ length: QUEUED }, region);
        for (const descriptor of own) {
          const released = region();
          rig.port.send({ t: 'queued' }, [descriptor, released], [released]);
          closer.close(descriptor);
        }
        if (how !== 'the peer dies') rig.port.close();
        addon.close(rig.peer);
        await rig.ended;
        for (const descriptor of own) assert.ok(!rig.port.holds(descriptor));
        const late = region();
        rig.port.send({ t: 'late' }, [late], [late]);
      }));
  }

  test('a message for which the system has no memory now is sent later; another failure ends the conversation', (t) =>
    asBefore(t, async () => {
      for (const code of ['ENOBUFS', 'ENOMEM', 'ETOOMANYREFS', 'EBADF']) {
        let failures = 2;
        const short: NativeAddon = {
          ...addon,
          send: (socket, bytes, descriptors) => {
            failures -= 1;
            if (failures >= 0) throw Object.assign(new Error(`send failed: ${code}`), { code });
            return addon.send(socket, bytes, descriptors);
          },
        };
        const rig = new Rig(short);
        const released = region();
        const sent = new Promise<void>((resolve) => rig.port.send({ t: 'queued', n: 1 }, [released], [released], resolve));
        if (code === 'EBADF') {
          assert.match(await rig.ended, /send failed: EBADF/);
          assert.deepEqual(rig.read(), []);
        } else {
          await sent;
          const [{ message, descriptors } = { message: undefined, descriptors: [] }] = rig.read();
          assert.deepEqual(message, { t: 'queued', n: 1 });
          for (const descriptor of descriptors) addon.close(descriptor);
          rig.port.close();
        }
        addon.close(rig.peer);
      }
    }));
});
