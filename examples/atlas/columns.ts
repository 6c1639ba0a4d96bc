// Columns of strings, outside the JavaScript heap: filled in order, trimmed once, then read only.

/** A column of few different strings: each is held once. */
export class WordColumn {
  readonly #words: string[] = [];
  readonly #places = new Map<string, number>();
  #column: Uint16Array;

  constructor(room: number) {
    this.#column = new Uint16Array(room);
  }

  set(index: number, word: string): void {
    let place = this.#places.get(word);
    if (place === undefined) {
      place = this.#words.push(word) - 1;
      if (place > 0xffff) throw new RangeError('more than 65,536 different strings in one column');
      this.#places.set(word, place);
    }
    this.#column[index] = place;
  }

  get(index: number): string {
    return this.#words[this.#column[index]];
  }

  /** No more will be set: gives back what was reserved too much. */
  trim(size: number): void {
    this.#column = this.#column.slice(0, size);
    this.#places.clear();
  }
}

/** A column of many different strings, set in order: one UTF-8 buffer and the end of each string in it. */
export class TextColumn {
  #ends: Uint32Array;
  #bytes: Buffer;

  constructor(room: number, roomBytes: number) {
    this.#ends = new Uint32Array(room);
    this.#bytes = Buffer.allocUnsafeSlow(roomBytes);
  }

  set(index: number, value: string): void {
    const start = this.#start(index);
    this.#ends[index] = start + this.#bytes.write(value, start);
  }

  get(index: number): string {
    return this.#bytes.toString('utf8', this.#start(index), this.#ends[index]);
  }

  /** No more will be set: gives back what was reserved too much. */
  trim(size: number): void {
    const bytes = Buffer.allocUnsafeSlow(this.#start(size));
    this.#bytes.copy(bytes);
    this.#bytes = bytes;
    this.#ends = this.#ends.slice(0, size);
  }

  #start(index: number): number {
    return index === 0 ? 0 : this.#ends[index - 1];
  }
}
