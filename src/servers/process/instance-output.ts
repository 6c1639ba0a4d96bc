// Reads an instance's stdout and stderr, a pipe each, until their end: also what is still in them after its death. What comes is cut
// into lines; a line that does not end is shown after a moment as far as it goes. Reading never waits for those who look at it, so no
// server waits for its reader.

import { Socket } from 'node:net';
import { StringDecoder } from 'node:string_decoder';

export interface OutputEvents {
  /** @param text without the newline; @param isWhole false: the line goes on. */
  onLine(stream: 'stdout' | 'stderr', text: string, isWhole: boolean): void;
}

/** A longer line is cut, characters. */
const LINE_MAX = 64 * 1024;
const PARTIAL_MS = 50;

export class InstanceOutput {
  /** Both have come to their end. */
  readonly ended: Promise<void>;

  /** @param files the numbers of the descriptors to read; they are closed here. */
  constructor(files: { readonly stdout: number; readonly stderr: number }, events: OutputEvents) {
    const streams = ['stdout', 'stderr'] as const;
    this.ended = Promise.all(
      streams.map((stream) => read(files[stream], (text, isWhole) => events.onLine(stream, text, isWhole))),
    ).then(() => {});
  }
}

function read(file: number, onLine: (text: string, isWhole: boolean) => void): Promise<void> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    if (rest === '') return;
    onLine(rest, false);
    rest = '';
  };
  return new Promise((resolve) => {
    const socket = new Socket({ fd: file, readable: true, writable: false });
    socket.unref();
    socket.on('data', (chunk) => {
      clearTimeout(timer);
      const lines = (rest + decoder.write(chunk)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) onLine(line, true);
      while (rest.length > LINE_MAX) {
        onLine(rest.slice(0, LINE_MAX), false);
        rest = rest.slice(LINE_MAX);
      }
      if (rest !== '') timer = setTimeout(flush, PARTIAL_MS);
    });
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => {
      clearTimeout(timer);
      rest += decoder.end();
      flush();
      resolve();
    });
  });
}
