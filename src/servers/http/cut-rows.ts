// Cuts a stream of CSV or NDJSON into chunks that end where a row ends, so that each can be parsed alone, on any server.
//
//   source   …,8.5⏎Bern,"a⏎b",46.9⏎Ch │ ur,46.8⏎…         pieces as they come, cut anywhere
//   chunks   [ …,8.5⏎Bern,"a⏎b",46.9⏎ ] [ Chur,46.8⏎… ]    whole rows, some `chunkBytes` each
//
// Each byte moves a state, which is carried over borders: a newline within quotes ends no row, `""` within quotes is a quote,
// and a quote opens only at the start of a field (in `5" pipe` it is a character). So a row with broken quotes harms its neighbours
// only if it opens one that it does not close, and only up to the next quote: where none comes within `rowBytesMax`, or before the end,
// the row ends at its first newline after all, and what follows is looked at anew. What is kept is the chunk in the making: a row longer
// than `rowBytesMax` is an error, or is passed over up to its first newline beyond that, in quotes or not, and told by a chunk of its own.
// A row that lies in one piece, as nearly all do, ends at its newline if there is no quote before it, and is looked through without the
// state if there is.

import { SkerryError } from '../../base/errors.ts';

export type RowFormat = 'csv' | 'ndjson';

/** Whole rows, and where they come from. */
export interface RowChunk {
  /** The rows with their line ends; the last of all may lack its own. */
  readonly bytes: Uint8Array;
  readonly format: RowFormat;
  /** The first row of CSV, which is in no chunk's bytes, without its line end; empty for NDJSON. */
  readonly header: string;
  /** Number of the line at which the first row begins, from 1. */
  readonly line: number;
  /** Whether it is the first one. There always is one, also when there are no rows. */
  readonly first: boolean;
  /** In place of a row that was passed over as too long (`longRows: 'skip'`): how many bytes it had. Such a chunk has none. */
  readonly skippedBytes?: number;
}

export interface CutOptions {
  /** A chunk is complete when it has so many bytes. Default 64 KiB. */
  readonly chunkBytes?: number;
  /** Longest row. Default 1 MiB. */
  readonly rowBytesMax?: number;
  /**
   * A longer row is an error that ends all, or is passed over without being held: then a chunk with `skippedBytes` stands in its place.
   * Default `refuse`. A header is always refused.
   */
  readonly longRows?: 'refuse' | 'skip';
}

/** A header goes with every chunk. */
const HEADER_BYTES_MAX = 64 * 1024;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/** Where in a row of CSV the next byte stands. NDJSON is always within. */
const FIELD_START = 0;
const WITHIN = 1;
const QUOTED = 2;
const QUOTE_IN_QUOTED = 3;
const NEWLINE = 0x0a;
const QUOTE = 0x22;
const COMMA = 0x2c;

/**
 * @param source bytes, cut anywhere; it is asked for more only when a chunk is asked for.
 * @throws SkerryError SKERRY_LIMIT with `data.line` for a header that is too long, and for a row unless such are skipped, after the chunks
 * before it
 */
export async function* cutRows(
  source: AsyncIterable<Uint8Array>,
  format: RowFormat,
  options: CutOptions = {},
): AsyncGenerator<RowChunk, void, undefined> {
  const cutter = new RowCutter(format, options);
  for await (const bytes of source) yield* cutter.push(bytes);
  yield* cutter.end();
}

/** The same without a source. */
export class RowCutter {
  readonly #format: RowFormat;
  readonly #chunkBytes: number;
  readonly #rowBytesMax: number;
  readonly #skipsLongRows: boolean;
  /** Bytes that are in no chunk yet. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  /** Of the held bytes, those of whole rows. */
  #wholeBytes = 0;
  #place: number;
  /** Line at which the held bytes begin, the row in the making begins, and the next byte stands. */
  #heldLine = 1;
  #rowLine = 1;
  #line = 1;
  /** A quote in a piece: before it, from where it was looked for on, there is none. */
  #quoteIn: Uint8Array | undefined;
  #quoteAt = 0;
  #header: string | undefined;
  #first = true;
  /** Bytes of a row that is too long, as far as they have been passed over; undefined when there is no such row. */
  #skippedBytes: number | undefined;
  /** Bytes of a byte order mark that have come; 3 when no more is looked for. */
  #mark = 0;

  constructor(format: RowFormat, options: CutOptions = {}) {
    const { chunkBytes = 64 * 1024, rowBytesMax = 1024 * 1024, longRows = 'refuse' } = options;
    this.#format = format;
    this.#chunkBytes = chunkBytes;
    this.#rowBytesMax = rowBytesMax;
    this.#skipsLongRows = longRows === 'skip';
    this.#place = this.#rowStart;
    if (format === 'ndjson') this.#header = '';
  }

  /** Takes more of the source; gives the chunks that are complete with it. */
  *push(input: Uint8Array): Generator<RowChunk, void, undefined> {
    let bytes = this.#withoutMark(input);
    let at = 0;
    this.#quoteIn = undefined; // the same memory may come again, with other bytes in it
    while (bytes.length > 0) {
      if (this.#skippedBytes !== undefined) {
        const end = this.#skip(bytes);
        if (end === -1) return;
        yield this.#takeSkipped();
        bytes = bytes.subarray(end);
        at = 0;
        continue;
      }
      const end = this.#scan(bytes, at);
      const rowBytes = this.#heldBytes + (end === -1 ? bytes.length : end) - this.#wholeBytes;
      if (rowBytes > this.#rowBytesMax) {
        this.#hold(bytes, bytes.length);
        const isBroken = this.#endLongRow();
        if (this.#wholeBytes > 0) yield this.#take();
        if (!isBroken) this.#refuseOrSkip();
        bytes = this.#release();
        at = 0;
        continue;
      }
      if (end === -1) {
        this.#hold(bytes, bytes.length);
        return;
      }
      this.#wholeBytes += rowBytes;
      this.#rowLine = this.#line;
      if (this.#header === undefined) {
        bytes = this.#hold(bytes, end);
        this.#takeHeader();
        at = 0;
      } else if (this.#wholeBytes >= this.#chunkBytes) {
        bytes = this.#hold(bytes, end);
        yield this.#take();
        at = 0;
      } else {
        at = this.#pass(bytes, end);
      }
    }
  }

  /** There is no more: gives the rest. */
  *end(): Generator<RowChunk, void, undefined> {
    if (this.#skippedBytes !== undefined) yield this.#takeSkipped();
    while (this.#endBrokenRow()) {
      yield this.#take();
      yield* this.push(this.#release());
    }
    this.#wholeBytes = this.#heldBytes;
    if (this.#header === undefined) this.#takeHeader();
    if (this.#first || this.#heldBytes > 0) yield this.#take();
  }

  get #rowStart(): number {
    return this.#format === 'csv' ? FIELD_START : WITHIN;
  }

  /** Passes whole rows from `from` on, up to the one that completes the chunk or the piece. A loop of its own: generators are slow. */
  #pass(bytes: Uint8Array, from: number): number {
    for (let at = from; ; ) {
      const line = this.#line;
      const end = this.#format === 'csv' ? this.#scanPiece(bytes, at) : this.#scan(bytes, at);
      if (end <= 0) return at;
      if (end - at > this.#rowBytesMax || this.#wholeBytes + end - at >= this.#chunkBytes) {
        this.#line = line;
        return at;
      }
      this.#wholeBytes += end - at;
      this.#rowLine = this.#line;
      at = end;
    }
  }

  /** @returns where the next row ends, or -1 */
  #scan(bytes: Uint8Array, from: number): number {
    if (this.#format !== 'csv') {
      const newline = bytes.indexOf(NEWLINE, from);
      if (newline >= 0) this.#line += 1;
      return newline + 1 || -1;
    }
    const end = this.#place === FIELD_START ? this.#scanPiece(bytes, from) : 0;
    return end > 0 ? end : this.#scanState(bytes, from);
  }

  /** From the start of a field. @returns where the row ends, or 0 when it does not end here (and nothing has changed) */
  #scanPiece(bytes: Uint8Array, from: number): number {
    const newline = bytes.indexOf(NEWLINE, from);
    if (newline < 0) return 0;
    if (newline < this.#firstQuote(bytes, from)) {
      this.#line += 1;
      return newline + 1;
    }
    let lines = 1;
    for (let at = this.#quoteAt; at < bytes.length; at++) {
      const byte = bytes[at];
      if (byte === NEWLINE) {
        this.#line += lines;
        return at + 1;
      }
      if (byte !== QUOTE || (at > from && bytes[at - 1] !== COMMA)) continue;
      for (at += 1; at < bytes.length; at++) {
        const quoted = bytes[at];
        if (quoted === NEWLINE) lines += 1;
        else if (quoted === QUOTE) {
          if (bytes[at + 1] !== QUOTE) break;
          at += 1;
        }
      }
    }
    return 0;
  }

  /** Where the first quote from `from` on is, or the end: looked for when the last one has been passed. */
  #firstQuote(bytes: Uint8Array, from: number): number {
    if (this.#quoteIn !== bytes || this.#quoteAt < from) {
      const quote = bytes.indexOf(QUOTE, from);
      this.#quoteIn = bytes;
      this.#quoteAt = quote < 0 ? bytes.length : quote;
    }
    return this.#quoteAt;
  }

  #scanState(bytes: Uint8Array, from: number): number {
    let place = this.#place;
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at];
      if (byte === NEWLINE) {
        this.#line += 1;
        if (place === QUOTED) continue;
        this.#place = FIELD_START;
        return at + 1;
      }
      if (place === WITHIN) {
        if (byte === COMMA) place = FIELD_START;
      } else if (place === QUOTED) {
        if (byte === QUOTE) place = QUOTE_IN_QUOTED;
      } else if (byte === QUOTE) {
        place = QUOTED; // of a field's start, or a doubled one
      } else {
        place = byte === COMMA ? FIELD_START : WITHIN;
      }
    }
    this.#place = place;
    return -1;
  }

  /** Judged by its first `rowBytesMax` bytes, however they came. @returns whether it is so long by a quote that nobody closes */
  #endLongRow(): boolean {
    const all = this.#held.length === 1 ? this.#held[0] : Buffer.concat(this.#held, this.#heldBytes);
    this.#held = [all];
    this.#place = this.#rowStart;
    if (this.#format === 'csv') this.#scanState(all.subarray(this.#wholeBytes, this.#wholeBytes + this.#rowBytesMax), 0);
    return this.#endBrokenRow();
  }

  #refuseOrSkip(): void {
    if (this.#header === undefined || !this.#skipsLongRows) throw this.#tooLong();
    this.#skippedBytes = 0;
  }

  /** @returns where the row that is passed over ends, or -1 */
  #skip(bytes: Uint8Array): number {
    const skipped = this.#skippedBytes ?? 0;
    const newline = bytes.indexOf(NEWLINE, Math.max(0, this.#rowBytesMax - skipped));
    const end = newline + 1 || bytes.length;
    for (let at = bytes.indexOf(NEWLINE); at !== -1 && at < end; at = bytes.indexOf(NEWLINE, at + 1)) this.#line += 1;
    this.#skippedBytes = skipped + end;
    return newline + 1 || -1;
  }

  #takeSkipped(): RowChunk {
    const skippedBytes = this.#skippedBytes ?? 0;
    this.#skippedBytes = undefined;
    this.#rowLine = this.#line;
    return { ...this.#take(), skippedBytes };
  }

  /** A row with a quote that nobody closes ends at its first newline. @returns false when there is no such row */
  #endBrokenRow(): boolean {
    if (this.#place !== QUOTED || this.#header === undefined) return false;
    const all = this.#held.length === 1 ? (this.#held[0] as Uint8Array) : Buffer.concat(this.#held, this.#heldBytes);
    const newline = all.indexOf(NEWLINE, this.#wholeBytes);
    if (newline === -1 || newline + 1 - this.#wholeBytes > this.#rowBytesMax) return false;
    this.#held = [all];
    this.#wholeBytes = newline + 1;
    this.#rowLine += 1;
    return true;
  }

  /** Gives what is held out of the hand, to be looked at anew. */
  #release(): Uint8Array {
    const [bytes = new Uint8Array(0)] = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    this.#line = this.#rowLine;
    this.#place = this.#rowStart;
    return bytes;
  }

  /** Holds the bytes before `end`. @returns the others */
  #hold(bytes: Uint8Array, end: number): Uint8Array {
    this.#held.push(bytes.subarray(0, end));
    this.#heldBytes += end;
    const rest = bytes.subarray(end);
    if (this.#quoteIn === bytes) {
      this.#quoteIn = rest;
      this.#quoteAt -= end;
    }
    return rest;
  }

  /** What is held, up to the last row's end. */
  #takeBytes(): Uint8Array {
    const all = this.#held.length === 1 ? this.#held[0] : Buffer.concat(this.#held, this.#heldBytes);
    const rest = all.subarray(this.#wholeBytes);
    this.#held = rest.length > 0 ? [rest] : [];
    this.#heldBytes = rest.length;
    const taken = all.subarray(0, this.#wholeBytes);
    this.#wholeBytes = 0;
    this.#heldLine = this.#rowLine;
    return taken;
  }

  #take(): RowChunk {
    const line = this.#heldLine;
    const bytes = this.#takeBytes();
    const first = this.#first;
    this.#first = false;
    return { bytes, format: this.#format, header: this.#header ?? '', line, first };
  }

  #takeHeader(): void {
    const bytes = this.#takeBytes();
    if (bytes.length > HEADER_BYTES_MAX)
      throw new SkerryError('SKERRY_LIMIT', `the header has ${bytes.length} bytes; it may have ${HEADER_BYTES_MAX}`, {
        data: { line: 1 },
      });
    this.#header = new TextDecoder().decode(bytes).replace(/\r?\n$/, '');
  }

  #tooLong(): SkerryError {
    const message = `the row that begins at line ${this.#rowLine} is longer than ${this.#rowBytesMax} bytes`;
    const hint = this.#format === 'csv' ? ' (is a quote missing?)' : '';
    return new SkerryError('SKERRY_LIMIT', message + hint, { data: { line: this.#rowLine } });
  }

  /** A byte order mark stands before everything, in whatever pieces it comes, and is no part of the first field. */
  #withoutMark(bytes: Uint8Array): Uint8Array {
    let at = 0;
    while (this.#mark < 3 && at < bytes.length) {
      if (bytes[at] !== BYTE_ORDER_MARK[this.#mark]) {
        const kept = BYTE_ORDER_MARK.slice(0, this.#mark);
        this.#mark = 3;
        return kept.length === 0 ? bytes.subarray(at) : Buffer.concat([Uint8Array.from(kept), bytes.subarray(at)]);
      }
      this.#mark += 1;
      at += 1;
    }
    return at === 0 ? bytes : bytes.subarray(at);
  }
}
