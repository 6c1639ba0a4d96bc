// What servers have said last, and who listens: bounded for each server, older lines go first. It outlives the instances.

import type { LogLine } from './process-api.ts';

/** Lines kept of one server (all replicas), and their text, characters. */
const LINES_MAX = 1000;
const CHARACTERS_MAX = 256 * 1024;

interface Page {
  readonly lines: LogLine[];
  characters: number;
}

export class LogBook {
  readonly #pages = new Map<string, Page>();
  readonly #listeners = new Set<(line: LogLine) => void>();

  add(line: LogLine): void {
    let page = this.#pages.get(line.name);
    if (page === undefined) {
      page = { lines: [], characters: 0 };
      this.#pages.set(line.name, page);
    }
    page.lines.push(line);
    page.characters += sizeOf(line);
    while (page.lines.length > LINES_MAX || page.characters > CHARACTERS_MAX) {
      const first = page.lines.shift();
      if (first === undefined) break;
      page.characters -= sizeOf(first);
    }
    for (const hear of this.#listeners) hear(line);
  }

  /** The last lines, oldest first. @param wanted which servers' and replicas' lines. */
  last(count: number, wanted: (line: LogLine) => boolean): LogLine[] {
    const all = [...this.#pages.values()].flatMap(({ lines }) => lines.filter(wanted));
    all.sort((a, b) => a.time - b.time); // stable: the lines of a server stay in order
    return count === 0 ? [] : all.slice(-count);
  }

  /** @returns ends it. */
  listen(hear: (line: LogLine) => void): () => void {
    this.#listeners.add(hear);
    return () => this.#listeners.delete(hear);
  }
}

function sizeOf({ text, data }: LogLine): number {
  return text.length + (data === undefined ? 0 : JSON.stringify(data).length) + 64;
}
