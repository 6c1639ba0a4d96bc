// Start in order of need: a server is initialised when those that it uses are ready. Servers that use each other (a cycle) are
// initialised together, once nothing else can move: they must not call each other before they are ready.

/**
 * @param uses for each server the names that it uses; undefined: not known yet (its module is still being loaded).
 * @returns the servers that may be initialised now.
 */
export function mayInit(
  uses: ReadonlyMap<string, readonly string[] | undefined>,
  ready: ReadonlySet<string>,
  begun: ReadonlySet<string>,
): string[] {
  const waiting = [...uses.keys()].filter((name) => !begun.has(name));
  const free = waiting.filter(
    (name) => uses.get(name)?.every((used) => ready.has(used) || used === name || !uses.has(used)) === true,
  );
  if (free.length > 0) return free;
  const movesElsewhere = [...begun].some((name) => !ready.has(name)) || waiting.some((name) => uses.get(name) === undefined);
  if (movesElsewhere) return [];
  return waiting.filter((name) => inCycle(name, uses, ready));
}

/** The reverse of the order of need: users before those they use. */
export function stopOrder(uses: ReadonlyMap<string, readonly string[] | undefined>): string[][] {
  const left = new Set(uses.keys());
  const layers: string[][] = [];
  while (left.size > 0) {
    const unused = [...left].filter(
      (name) => ![...left].some((other) => other !== name && uses.get(other)?.includes(name) === true),
    );
    const layer = unused.length > 0 ? unused : [...left];
    for (const name of layer) left.delete(name);
    layers.push(layer);
  }
  return layers;
}

function inCycle(name: string, uses: ReadonlyMap<string, readonly string[] | undefined>, ready: ReadonlySet<string>): boolean {
  const seen = new Set<string>();
  const visit = (at: string): boolean => {
    for (const used of uses.get(at) ?? []) {
      if (used === name) return true;
      if (ready.has(used) || seen.has(used)) continue;
      seen.add(used);
      if (visit(used)) return true;
    }
    return false;
  };
  return visit(name);
}
