/**
 * Skerry as a subject: servers in processes of their own, called through the public API with its defaults.
 *
 *      this process  <== ring or stream ==>  echo server          kernel and process server stand aside
 */
import { boot } from 'skerry';
import { check, sample } from '../sample.ts';
import type { Booted, BootSubject, EchoSubject, FairSubject, IdleSubject, LateSubject, PayloadSubject } from '../subject.ts';
import echoSystem from './echo.system.ts';
import idleSystem, { IDLE_NAMES } from './idle.system.ts';
import type { Transport } from './index.ts';
import pairSystem from './pair.system.ts';

const optionsFor = (transport: Transport) => (transport === 'stream' ? { transport } : {});
const bootEcho = (transport: Transport) => boot(echoSystem, optionsFor(transport));
const bootIdle = (transport: Transport) => boot(idleSystem, optionsFor(transport));
const bootPair = (transport: Transport) => boot(pairSystem, optionsFor(transport));

interface Listed {
  readonly name: string;
  readonly replica: number;
  readonly pid: number;
}
interface Running {
  readonly processes: { list(): Promise<readonly Listed[]> };
}
const pidsOf = async (sys: Running): Promise<number[]> => (await sys.processes.list()).map(({ pid }) => pid);

/** One server with every handler that the benchmarks call. */
export function echoServer(transport: Transport): EchoSubject & LateSubject & PayloadSubject & FairSubject {
  let sys: Awaited<ReturnType<typeof bootEcho>>;
  let echo: (typeof sys)['servers']['echo'];
  return {
    async start() {
      sys = await bootEcho(transport);
      echo = sys.servers.echo;
    },
    stop: async () => sys?.stop(),
    pids: () => pidsOf(sys),
    call: (value) => echo.echo(value),
    isRefusal: (error) => error instanceof Error && 'code' in error && error.code === 'SKERRY_BUSY',
    late: (ms) => echo.late(ms),
    payload: (bytes) => echo.payload(bytes),
    startTimer: (ms) => echo.startTimer(ms),
    stopTimer: () => echo.stopTimer(),
  };
}

/** Two servers, booted anew each time. */
export function twoServers(transport: Transport): BootSubject {
  return {
    start: async () => {},
    stop: async () => {},
    async boot(): Promise<Booted> {
      const sys = await bootPair(transport);
      const { first, second } = sys.servers;
      for (const answer of await Promise.all([first.echo(sample()), second.echo(sample())])) check(`skerry-${transport}`, answer);
      return { processes: async () => [...(await sys.processes.list())], stop: () => sys.stop() };
    },
  };
}

/** Sixteen servers without work. */
export function manyServers(transport: Transport): IdleSubject {
  let sys: Awaited<ReturnType<typeof bootIdle>>;
  return {
    servers: IDLE_NAMES.length,
    async start() {
      sys = await bootIdle(transport);
    },
    stop: async () => sys?.stop(),
    pids: () => pidsOf(sys),
    async touch() {
      for (const name of IDLE_NAMES) check(`skerry-${transport}`, await sys.servers[name].echo(sample()));
    },
  };
}
