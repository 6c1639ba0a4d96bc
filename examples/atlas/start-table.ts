// The servers as they come up: on a terminal a table that changes in place, elsewhere nothing but the lines at the end.

export interface Seen {
  readonly name: string;
  readonly replica: number;
  readonly pid: number;
  readonly state: string;
}

/** The part of a terminal that is used. */
export interface Screen {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export class StartTable {
  readonly #screen: Screen;
  readonly #now: () => number;
  readonly #from: number;
  readonly #rows = new Map<string, Seen & { readonly readyMs: number | undefined }>();
  #drawn = 0;

  /** @param now milliseconds. */
  constructor(screen: Screen, now: () => number = () => performance.now()) {
    this.#screen = screen;
    this.#now = now;
    this.#from = now();
  }

  update(entry: Seen): void {
    const key = `${entry.name}.${entry.replica}`;
    const readyMs = entry.state === 'running' ? (this.#rows.get(key)?.readyMs ?? this.#now() - this.#from) : undefined;
    this.#rows.set(key, { ...entry, readyMs });
    if (this.#screen.isTTY === true) this.#draw();
  }

  /** All are up: the table stands. @param entries as they are now; the pids of the last ones may not have been seen. */
  done(entries: readonly Seen[]): void {
    for (const entry of entries) this.update(entry);
    if (this.#screen.isTTY !== true) this.#draw();
  }

  #draw(): void {
    const lines = [...this.#rows].map(([key, { pid, state, readyMs }]) => {
      const after = readyMs === undefined ? '' : `after ${(readyMs / 1000).toFixed(1)} s`;
      return `${key.padEnd(12)}${(pid === 0 ? '-' : String(pid)).padStart(8)}  ${state.padEnd(9)}${after}`.trimEnd();
    });
    const up = this.#drawn === 0 ? '' : `\x1b[${this.#drawn}A`;
    const clear = this.#screen.isTTY === true ? '\x1b[K' : '';
    this.#screen.write(`${up}${lines.map((line) => `${line}${clear}\n`).join('')}`);
    this.#drawn = lines.length;
  }
}
