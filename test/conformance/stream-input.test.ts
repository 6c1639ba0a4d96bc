// What a peer sends over a wire is input: whatever the bytes are, the channel is declared corrupt, or they are waited for; nothing throws.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSkerryError, type SkerryError } from '../../src/base/errors.ts';
import { StreamClientEnd } from '../../src/channel/stream/client-end.ts';
import { FrameKind } from '../../src/channel/stream/frames.ts';
import { WINDOW_BYTES } from '../../src/channel/stream/limits.ts';
import { LoadBoard } from '../../src/channel/stream/load-board.ts';
import { Outbox } from '../../src/channel/stream/outbox.ts';
import { StreamServerEnd } from '../../src/channel/stream/server-end.ts';
import type { Wire, WireEvents } from '../../src/channel/stream/wire.ts';
import { NO_CALL } from '../../src/channel/transport.ts';
import { StatusCounters } from '../../src/memory/status.ts';
import { Flag, Kind } from '../../src/protocol/record.ts';

class Tape implements Wire {
  readonly unsent = 0;
  readonly written: Uint8Array[] = [];
  closed = false;

  write(bytes: Uint8Array): void {
    this.written.push(new Uint8Array(bytes));
  }

  close(): void {
    this.closed = true;
  }
}

function client() {
  const errors: SkerryError[] = [];
  const records: number[] = [];
  const end = new StreamClientEnd({
    onRecord: (_kind, _flags, callId) => records.push(callId),
    onUnsent: () => {},
    onCorrupt: (error) => errors.push(error),
  });
  let answers!: WireEvents;
  const wires = { requests: new Tape(), answers: new Tape() };
  end.attach((events) => {
    answers = events;
    return wires;
  });
  return { end, errors, records, wires, hear: (bytes: Uint8Array) => answers.onChunk(bytes) };
}

function server(suspects = 0, ready = true) {
  const errors: SkerryError[] = [];
  const started: number[] = [];
  const status = new StatusCounters(undefined);
  const end = new StreamServerEnd({
    load: new LoadBoard(status),
    suspects,
    onClose: () => {},
    events: {
      ready: () => ready,
      onStart: () => {},
      onRequest: (_kind, _flags, _method, callId) => started.push(callId),
      onControl: () => {},
      onUnsent: () => {},
      onCorrupt: (error) => errors.push(error),
    },
  });
  end.useRequests(new Tape());
  end.useAnswers(new Tape());
  end.start();
  return { end, errors, started, hear: (bytes: Uint8Array) => end.requestEvents.onChunk(bytes) };
}

/** The bytes of frames. */
function frames(put: (out: Outbox) => void): Uint8Array {
  const tape = new Tape();
  const out = new Outbox(tape);
  put(out);
  out.flush();
  return Buffer.concat(tape.written);
}

const payload = new Uint8Array(32);

test('frames that come byte by byte are the same frames', () => {
  const { hear, started, errors } = server();
  const bytes = frames((out) => {
    for (let id = 0; id < 5; id++) out.put(Kind.call, 0, 1, id, new Uint8Array(id * 7));
  });
  for (const byte of bytes) hear(Uint8Array.of(byte));
  assert.deepEqual(started, [0, 1, 2, 3, 4]);
  assert.deepEqual(errors, []);
});

test('a changed byte of a header is found', () => {
  const bytes = frames((out) => out.put(Kind.call, 0, 1, 7, payload));
  for (let at = 0; at < 16; at++) {
    const { hear, started, errors } = server();
    const changed = bytes.slice();
    changed[at] = (changed[at] as number) ^ 0x10;
    hear(changed);
    assert.deepEqual(started, []);
    assert.equal(errors[0]?.code, 'SKERRY_CORRUPT', `byte ${at}`);
  }
});

test('random bytes never start anything and never throw', () => {
  for (let round = 0; round < 200; round++) {
    const bytes = new Uint8Array(16 + ((round * 37) % 300));
    for (let i = 0; i < bytes.length; i++) bytes[i] = Math.floor(Math.random() * 256);
    const one = server();
    one.hear(bytes);
    assert.deepEqual(one.started, []);
    assert.ok(one.errors.every((error) => isSkerryError(error, 'SKERRY_CORRUPT')));
    const other = client();
    other.hear(bytes);
    assert.deepEqual(other.records, []);
    assert.ok(other.errors.every((error) => isSkerryError(error, 'SKERRY_CORRUPT')));
  }
});

const serverLies: Record<string, (out: Outbox) => void> = {
  'a call from a server': (out) => out.put(Kind.call, 0, 0, 1, payload),
  'a kind that does not exist': (out) => out.put(99, 0, 0, 1, payload),
  'more started than was sent': (out) => out.control(FrameKind.started, NO_CALL, 2, 0, 0),
  'a start that is taken back': (out) => {
    out.control(FrameKind.started, NO_CALL, 1, 0, 0);
    out.control(FrameKind.started, NO_CALL, 0, 0, 0);
  },
  'a suspect that was never sent': (out) => out.control(FrameKind.suspects, NO_CALL, 1, 0, 0),
  'numbers that are missing': (out) => out.control(FrameKind.started, NO_CALL, 1),
  'an answer to a call that was not started': (out) => out.put(Kind.reply, 0, 0, 1, payload),
};
for (const [lie, put] of Object.entries(serverLies)) {
  test(`a client finds out: ${lie}`, () => {
    const { end, hear, errors, wires, records } = client();
    end.send(Kind.call, 0, 0, 1, (encoder) => encoder.f64(0), undefined);
    hear(frames(put));
    assert.equal(errors[0]?.code, 'SKERRY_CORRUPT');
    assert.deepEqual(records, []);
    assert.ok(wires.answers.closed && wires.requests.closed);
  });
}

const clientLies: Record<string, (out: Outbox) => void> = {
  'an answer from a client': (out) => out.put(Kind.reply, 0, 0, 1, payload),
  'a suspect that was not introduced': (out) => out.put(Kind.call, Flag.suspect, 0, 1, payload),
  'more bytes than the window': (out) => {
    out.put(Kind.call, 0, 0, 1, new Uint8Array(WINDOW_BYTES - 16));
    out.put(Kind.call, 0, 0, 2, payload);
  },
  'credit without a number': (out) => out.control(FrameKind.credit, 1),
};
for (const [lie, put] of Object.entries(clientLies)) {
  test(`a server finds out: ${lie}`, () => {
    const { hear, errors } = server(0, false);
    hear(frames(put));
    assert.equal(errors[0]?.code, 'SKERRY_CORRUPT');
  });
}
