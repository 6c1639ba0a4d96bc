// Reads an instance's stdout and stderr, a pipe each, until their end: also what is still in them after its death. What comes is cut
// into lines; a line that does not end is shown after a moment as far as it goes. Reading never waits for those who look at it, so no
// server waits for its reader. Without node:net: it would be the largest part of a process server that nobody asks for anything.

import { readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import type { Descriptor, NativeAddon } from '../../memory/native.ts';

export interface OutputEvents {
  /** @param text without the newline; @param isWhole false: the line goes on. */
  onLine(stream: 'stdout' | 'stderr', text: string, isWhole: boolean): void;
}

/** A longer line is cut, characters. */
const LINE_MAX = 64 * 1024;
const PARTIAL_MS = 50;
/** In one turn of the loop, of one pipe. */
const CHUNK_BYTES = 64 * 1024;

export class InstanceOutput {
  /** Both have come to their end. */
  readonly ended: Promise<void>;

  /** @param pipes their reading ends; they are closed here. */
  constructor(addon: NativeAddon, pipes: { readonly stdout: Descriptor; readonly stderr: Descriptor }, events: OutputEvents) {
    const streams = ['stdout', 'stderr'] as const;
    this.ended = Promise.all(
      streams.map((stream) => read(addon, pipes[stream], (text, isWhole) => events.onLine(stream, text, isWhole))),
    ).then(() => {});
  }
}

function read(addon: NativeAddon, pipe: Descriptor, onLine: (text: string, isWhole: boolean) => void): Promise<void> {
  const decoder = new StringDecoder('utf8');
  const file = addon.fileNumber(pipe);
  let rest = '';
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    if (rest === '') return;
    onLine(rest, false);
    rest = '';
  };
  const take = (chunk: Buffer) => {
    clearTimeout(timer);
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line, true);
    while (rest.length > LINE_MAX) {
      onLine(rest.slice(0, LINE_MAX), false);
      rest = rest.slice(LINE_MAX);
    }
    if (rest !== '') timer = setTimeout(flush, PARTIAL_MS);
  };
  return new Promise((resolve) => {
    const watch = addon.watch(pipe, 'socket', () => {
      const chunk = next(file);
      if (chunk === undefined) return;
      if (chunk.length > 0) return take(chunk);
      addon.close(pipe);
      clearTimeout(timer);
      rest += decoder.end();
      flush();
      resolve();
    });
    addon.setWatchRef(watch, false);
  });
}

let buffer: Buffer | undefined;

/** What is there, until the next call; empty at the end, or when it cannot be read; undefined: nothing yet. */
function next(file: number): Buffer | undefined {
  buffer ??= Buffer.allocUnsafeSlow(CHUNK_BYTES);
  try {
    return buffer.subarray(0, readSync(file, buffer));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'EAGAIN' || code === 'EINTR' ? undefined : buffer.subarray(0, 0);
  }
}
