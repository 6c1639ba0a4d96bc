// Compares what was executed, by the ledger's file, with what was asked for and how it ended, by the journal.
//
//   acknowledged, and not in the file ............................ lost
//   add, twice in the file ....................................... doubled
//   rejected as not executed, and in the file .................... denied
//   in the file, and never asked for (or as something else) ...... phantom

import { closeSync, openSync, readSync } from 'node:fs';
import type { Journal } from './journal.ts';

export interface Findings {
  lost: number;
  doubled: number;
  denied: number;
  phantom: number;
}

const PIECE_BYTES = 1 << 16;

export class Checker {
  readonly findings: Findings = { lost: 0, doubled: 0, denied: 0, phantom: 0 };
  /** The first of them, in words. */
  readonly examples: string[] = [];
  readonly #journal: Journal;
  readonly #path: string;
  /** How often each is in the file. */
  #times = new Uint8Array(1 << 12);
  /** Looked at, rejected as not executed, and not in the file so far. */
  readonly #refused = new Set<number>();
  #position = 0;
  #rest = '';
  #effects = 0;

  constructor(journal: Journal, path: string) {
    this.#journal = journal;
    this.#path = path;
  }

  /** Effects in the file. */
  get effects(): number {
    return this.#effects;
  }

  /** Looks at what has been settled and written since the last look. What is settled now was written before. */
  check(): void {
    const settled = this.#journal.takeSettled();
    this.#readOn();
    for (const id of settled) {
      const operation = this.#journal.operation(id);
      if (operation !== 'add' && operation !== 'put') continue;
      const times = this.#times[id] ?? 0;
      const outcome = this.#journal.outcome(id);
      if (outcome === 'answered' && times === 0) this.#found('lost', `${operation} ${id} was acknowledged and is not there`);
      if (outcome !== 'refused') continue;
      if (times === 0) this.#refused.add(id);
      else this.#found('denied', `${operation} ${id} was rejected as not executed, and is there`);
    }
  }

  #readOn(): void {
    const file = openSync(this.#path, 'r');
    const piece = Buffer.alloc(PIECE_BYTES);
    try {
      for (;;) {
        const bytes = readSync(file, piece, 0, PIECE_BYTES, this.#position);
        if (bytes === 0) break;
        this.#position += bytes;
        const lines = (this.#rest + piece.toString('latin1', 0, bytes)).split('\n');
        this.#rest = lines.pop() ?? '';
        for (const line of lines) this.#executed(line);
      }
    } finally {
      closeSync(file);
    }
  }

  #executed(line: string): void {
    const [letter, idText, tokenText] = line.split(' ');
    const id = Number(idText);
    const operation = letter === 'a' ? 'add' : 'put';
    const isKnown = Number.isInteger(id) && id >= 0 && id < this.#journal.count;
    if (!isKnown || this.#journal.token(id) !== Number(tokenText) || this.#journal.operation(id) !== operation)
      return this.#found('phantom', `nobody asked for "${line}"`);
    while (id >= this.#times.length) {
      const larger = new Uint8Array(this.#times.length * 2);
      larger.set(this.#times);
      this.#times = larger;
    }
    this.#effects += 1;
    const times = Math.min(255, (this.#times[id] as number) + 1);
    this.#times[id] = times;
    if (times === 2 && operation === 'add') this.#found('doubled', `add ${id} is there twice: "${line}"`);
    if (this.#refused.delete(id))
      this.#found('denied', `${operation} ${id} was rejected as not executed, and was executed later`);
  }

  #found(what: keyof Findings, text: string): void {
    this.findings[what] += 1;
    if (this.examples.length < 100) this.examples.push(`${what}: ${text}`);
  }
}
