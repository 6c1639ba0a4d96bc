// Whoever reads what this process prints may be gone: that ends nobody.
//
// The streams are Node's, which makes them when they are first asked for; so does this. A process server that prints nothing has none: they,
// and what they load, would be a good part of it.

/** From now on an error of stdout or stderr is nobody's. */
export function outliveReaders(): void {
  for (const name of ['stdout', 'stderr'] as const) {
    const known = Object.getOwnPropertyDescriptor(process, name);
    if (known?.get === undefined || known.configurable !== true) {
      process[name].on('error', () => {});
      continue;
    }
    const make = known.get;
    Object.defineProperty(process, name, {
      configurable: true,
      enumerable: true,
      get(): unknown {
        const stream = make.call(process) as NodeJS.WriteStream;
        Object.defineProperty(process, name, { configurable: true, enumerable: true, get: () => stream });
        stream.on('error', () => {});
        return stream;
      },
    });
  }
}
