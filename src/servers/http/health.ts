// Whether the driver lives (`/healthz`) and whether it should be sent requests (`/readyz`), for those who watch it from outside.
//
// Ready means: it is not stopping, has room for a request, and each server that it uses has an instance that runs. An answer comes
// within PROBE_MS, whatever has become of those servers, and however often it is asked: there is one question to each at a time.

/** How many instances of a server run; rejects when that cannot be learned, or nothing of it will ever run. */
export type Probe = (server: string) => Promise<number>;

/** What is told, with status 200 or 503. */
export interface Health {
  readonly status: 'ok' | 'ready' | 'unready';
  readonly reason?: 'stopping' | 'busy' | 'servers';
  /** Servers of which no instance can be reached. */
  readonly down?: readonly string[];
}

export interface HealthParts {
  /** Names of the servers that the driver uses. */
  readonly servers: readonly string[];
  readonly probe: Probe;
  readonly isStopping: () => boolean;
  readonly isBusy: () => boolean;
}

/** How long a server has to be found before it counts as down. */
const PROBE_MS = 1_000;

/** Never rejects. */
export type HealthCheck = () => Promise<Health>;

/** @returns the checks by their path */
export function createHealthChecks({ servers, probe, isStopping, isBusy }: HealthParts): ReadonlyMap<string, HealthCheck> {
  const asked = new Map<string, Promise<boolean>>();
  const isUp = (server: string): Promise<boolean> => {
    const known = asked.get(server);
    if (known) return known;
    const answer = probe(server)
      .then(
        (running) => running > 0,
        () => false,
      )
      .finally(() => asked.delete(server));
    asked.set(server, answer);
    return answer;
  };
  const downServers = async (): Promise<string[]> => {
    const found = new Set<string>();
    const all = Promise.all(servers.map(async (server) => (await isUp(server)) && found.add(server)));
    await within(PROBE_MS, all);
    return servers.filter((server) => !found.has(server));
  };
  const readiness = async (): Promise<Health> => {
    const isFull = isBusy();
    const down = isFull ? [] : await downServers();
    if (isStopping()) return { status: 'unready', reason: 'stopping' };
    if (isFull) return { status: 'unready', reason: 'busy' };
    return down.length > 0 ? { status: 'unready', reason: 'servers', down } : { status: 'ready' };
  };
  return new Map([
    ['/healthz', async () => ({ status: 'ok' })],
    ['/readyz', readiness],
  ]);
}

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
