// What the instances write: into the log book, to whoever follows it, and on to the system's own stdout and stderr.

import type { Descriptor, NativeAddon } from '../../memory/native.ts';
import { logsAsJson, showRecord, unpackRecord } from '../../server/log.ts';
import { InstanceOutput } from './instance-output.ts';
import { LogBook } from './log-book.ts';
import type { LogLine } from './process-api.ts';
import { Terminal } from './terminal.ts';

/** For the last words of what has just died; another process may hold its pipes open. */
const LAST_WORDS_MS = 200;
const TERMINAL_MS = 500;

export class Logs {
  readonly book = new LogBook();
  readonly #outputs = new Set<InstanceOutput>();
  readonly #terminals = { stdout: new Terminal(1), stderr: new Terminal(2) };
  readonly #asJson = logsAsJson();

  /**
   * Reads from now on what an instance writes.
   * @param label what lines of its log are marked with: `geo`, or `geo.1`.
   */
  read(
    addon: NativeAddon,
    pipes: { readonly stdout: Descriptor; readonly stderr: Descriptor },
    { name, replica }: { readonly name: string; readonly replica: number },
    label: string,
  ): void {
    const output = new InstanceOutput(addon, pipes, {
      onLine: (stream, text, isWhole) => this.#line({ name, replica, stream, text }, label, isWhole),
    });
    this.#outputs.add(output);
    output.ended.then(() => this.#outputs.delete(output));
  }

  /** All that the dead have written is where it goes. */
  async settled(): Promise<void> {
    if (this.#outputs.size > 0) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise((resolve) => {
        timer = setTimeout(resolve, LAST_WORDS_MS);
      });
      await Promise.race([Promise.all([...this.#outputs].map(({ ended }) => ended)), late]);
      clearTimeout(timer);
    }
    await Promise.all(Object.values(this.#terminals).map((terminal) => terminal.flushed(TERMINAL_MS)));
  }

  #line(
    { name, replica, stream, text }: Omit<LogLine, 'time'> & { stream: 'stdout' | 'stderr' },
    label: string,
    isWhole: boolean,
  ): void {
    const record = stream === 'stderr' ? unpackRecord(text) : undefined;
    if (record === undefined) {
      this.book.add({ time: Date.now(), name, replica, stream, text });
      this.#terminals[stream].write(isWhole ? `${text}\n` : text);
      return;
    }
    const { time, level, message, data, shown } = record;
    const line = {
      time,
      name,
      replica,
      stream: 'log' as const,
      level,
      text: shown === undefined ? message : `${message} ${shown}`,
    };
    this.book.add(data === undefined ? line : { ...line, message, data });
    this.#terminals.stderr.write(showRecord(record, label, this.#asJson));
  }
}
