// One listener for each AbortSignal, however many calls share it: Node warns of a leak at more than ten.

const listeners = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `hear` once when `signal` aborts.
 * @returns takes the listener back.
 */
export function onAbort(signal: AbortSignal, hear: () => void): () => void {
  let heard = listeners.get(signal);
  if (heard === undefined) {
    const all = new Set<() => void>();
    heard = all;
    listeners.set(signal, all);
    signal.addEventListener(
      'abort',
      () => {
        listeners.delete(signal);
        for (const one of [...all]) one();
      },
      { once: true },
    );
  }
  const own = heard;
  own.add(hear);
  return () => own.delete(hear);
}
