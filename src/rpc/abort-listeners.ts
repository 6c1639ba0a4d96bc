// One listener for each AbortSignal, however many calls share it: Node warns of a leak at more than ten.

interface Listener {
  readonly hear: () => void;
  /** Its place in the list. */
  at: number;
}

/**
 * Those of a signal, in no order. An array and no Set: a Set that is added to and deleted from makes a new table now and then, to which the
 * old one refers; when one table has grown old, all that follow, and what was in them, live until the next full collection.
 */
const lists = new WeakMap<AbortSignal, Listener[]>();

/**
 * Calls `hear` once when `signal` aborts.
 * @returns takes the listener back.
 */
export function onAbort(signal: AbortSignal, hear: () => void): () => void {
  let heard = lists.get(signal);
  if (heard === undefined) {
    const all: Listener[] = [];
    heard = all;
    lists.set(signal, all);
    signal.addEventListener(
      'abort',
      () => {
        lists.delete(signal);
        for (const one of [...all]) one.hear();
      },
      { once: true },
    );
  }
  const list = heard;
  const one: Listener = { hear, at: list.length };
  list.push(one);
  return () => {
    if (list[one.at] !== one) return;
    const last = list.pop() as Listener;
    if (last === one) return;
    list[one.at] = last;
    last.at = one.at;
  };
}
