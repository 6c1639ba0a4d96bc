// Order of loads and stores between processes, where a fence for each is too dear: `Atomics.store` waits until all earlier stores have
// reached the other core, 60 ns and more of a call's 700 on each side.
//
// x86 keeps loads among each other and stores among each other in the order of the program, and no load after a store that follows it; the
// one thing that only a fence does is to keep a load behind an earlier store. V8 leaves accesses of typed arrays in the order of the
// program (and calls a function for each of Atomics). So there a plain store publishes what was stored before it, and a plain load sees all
// that was published with what it loads. `npm run litmus` tries it for real; elsewhere, and with SKERRY_ORDER=atomics, all is Atomics.
// Of two plain loads of one word with neither a call nor a store between them a compiler may make one: nothing here depends on the second.

const storesKeepOrder = process.arch === 'x64' && process.env.SKERRY_ORDER !== 'atomics';

const own = new Int32Array(1);

/** Stores, after all that was stored before. No fence: a load that follows may come first. */
export function storeRelease(words: Int32Array, index: number, value: number): void {
  if (storesKeepOrder) words[index] = value;
  else Atomics.store(words, index, value);
}

/** Loads, before all that is loaded after. */
export function loadAcquire(words: Int32Array, index: number): number {
  return storesKeepOrder ? (words[index] as number) : Atomics.load(words, index);
}

/** What was stored before is seen by all before anything after it is loaded. */
export function fence(): void {
  Atomics.store(own, 0, 0);
}
