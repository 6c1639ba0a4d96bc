// The objects of the record that is being written, so that a second sight of one becomes a reference to the first.
//
// Most records hold a handful of objects: those are found by looking through a small array. A larger record moves to a Map, which
// costs one hash for each object. The number of an object is its place in the order of first sight; the decoder counts likewise.

const LINEAR_MAX = 24;

export class Seen {
  /** How many objects the record has so far. */
  count = 0;
  readonly #few: (object | undefined)[] = new Array<object | undefined>(LINEAR_MAX).fill(undefined);
  #many: Map<object, number> | undefined;

  /** The number that `object` was given at first sight; -1 at first sight, which numbers it. */
  find(object: object): number {
    const { count } = this;
    if (count > LINEAR_MAX) return this.#findMany(object);
    const few = this.#few;
    for (let i = 0; i < count; i++) {
      if (few[i] === object) return i;
    }
    if (count === LINEAR_MAX) return this.#findMany(object);
    few[count] = object;
    this.count = count + 1;
    return -1;
  }

  /** Forgets all objects. */
  clear(): void {
    if (this.count === 0) return;
    const used = Math.min(this.count, LINEAR_MAX);
    for (let i = 0; i < used; i++) this.#few[i] = undefined;
    this.#many = undefined;
    this.count = 0;
  }

  /** Forgets the objects numbered `count` and up: what held them will not travel. */
  rewind(count: number): void {
    if (this.#many !== undefined) {
      for (const [object, number] of this.#many) {
        if (number >= count) this.#many.delete(object);
      }
      if (count <= LINEAR_MAX) this.#many = undefined;
    }
    for (let i = count; i < LINEAR_MAX; i++) this.#few[i] = undefined;
    this.count = count;
  }

  #findMany(object: object): number {
    let many = this.#many;
    if (many === undefined) {
      many = new Map();
      for (let i = 0; i < LINEAR_MAX; i++) many.set(this.#few[i] as object, i);
      this.#many = many;
    }
    const known = many.get(object);
    if (known !== undefined) return known;
    many.set(object, this.count++);
    return -1;
  }
}
