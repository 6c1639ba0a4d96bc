// One system under test with all that belongs to it: files, the echo server outside, journal, checker, load.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { boot, type ProcessEntry } from '../src/index.ts';
import { descendants, isAlive } from '../test/fault/processes.ts';
import { Checker } from './checker.ts';
import { CRASH_ADDON, ECHO_PORT, LEDGER_FILE, MARKS_FILE, SABOTAGE } from './environment.ts';
import { Journal } from './journal.ts';
import { type CampaignSystem, Load, type LoadOptions } from './load.ts';
import campaignSystem from './system/campaign.system.ts';
import type { Sabotage } from './system/ledger.server.ts';

export interface WorldOptions {
  /** Where its files are; made if it is not there. */
  readonly folder: string;
  readonly seed: number;
  readonly crashAddon?: string | undefined;
  readonly sabotage?: Sabotage;
  readonly load?: LoadOptions;
}

const STOP_MS = 60_000;
const GONE_MS = 5_000;
/** A process server that hangs is found out within a second or so; what is beyond is a fault. */
const ANSWER_MS = 10_000;

export class World {
  readonly sys: CampaignSystem;
  readonly journal: Journal;
  readonly checker: Checker;
  readonly load: Load;
  readonly #echo: Server;
  readonly #marks: string;
  /** Set when the system has ended and nobody had asked for it. */
  crashed: string | undefined;
  #stopping = false;

  static async open(options: WorldOptions): Promise<World> {
    mkdirSync(options.folder, { recursive: true });
    const [ledger, marks] = [join(options.folder, 'ledger'), join(options.folder, 'marks')];
    for (const file of [ledger, marks]) writeFileSync(file, '');
    const echo = await startEcho();
    const own: Record<string, string | undefined> = {
      [LEDGER_FILE]: ledger,
      [MARKS_FILE]: marks,
      [ECHO_PORT]: String((echo.address() as { port: number }).port),
      [CRASH_ADDON]: options.crashAddon,
      [SABOTAGE]: options.sabotage,
    };
    const sys = await boot(campaignSystem, { transport: 'ring', operator: false, env: { ...process.env, ...own } });
    return new World(options, sys, echo, ledger, marks);
  }

  private constructor({ seed, load }: WorldOptions, sys: CampaignSystem, echo: Server, ledger: string, marks: string) {
    this.sys = sys;
    this.journal = new Journal(seed);
    this.checker = new Checker(this.journal, ledger);
    this.load = new Load(sys, this.journal, load);
    this.#echo = echo;
    this.#marks = marks;
    const over = (how: string) => {
      if (!this.#stopping) this.crashed ??= how;
    };
    sys.ended().then(
      () => over('the system has stopped'),
      (error: Error) => over(error.message),
    );
  }

  /** When a server said that it would do the misdeed of that step, CLOCK_MONOTONIC ms. */
  markOf(step: number): number | undefined {
    const line = readFileSync(this.#marks, 'utf8')
      .split('\n')
      .find((one) => one.startsWith(`${step} `));
    return line === undefined ? undefined : Number(line.split(' ')[1]);
  }

  forgetMarks(): void {
    writeFileSync(this.#marks, '');
  }

  /** As the process server tells; asked again while there is none. */
  async processes(withinMs = ANSWER_MS): Promise<readonly ProcessEntry[]> {
    return this.#asked(() => this.sys.processes.list(), withinMs);
  }

  async status(name: string, withinMs = ANSWER_MS) {
    return this.#asked(() => this.sys.processes.status(name), withinMs);
  }

  async sparePids(withinMs = ANSWER_MS): Promise<readonly number[]> {
    const usage = await this.#asked(() => this.sys.processes.usage(), withinMs);
    return usage.filter(({ name }) => name === 'spare').map(({ pid }) => pid);
  }

  /** @returns processes that are left after it */
  async stop(): Promise<number> {
    this.#stopping = true;
    const all = descendants();
    const stopped = this.sys.stop().then(
      () => true,
      () => true,
    );
    await Promise.race([stopped, sleep(STOP_MS, undefined, { ref: false })]);
    this.#echo.close();
    const end = performance.now() + GONE_MS;
    while (all.some(isAlive) && performance.now() < end) await sleep(10);
    const left = all.filter(isAlive);
    for (const pid of left) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {} // it has ended by now
    }
    return left.length;
  }

  async #asked<T>(ask: () => Promise<T>, withinMs: number): Promise<T> {
    const end = performance.now() + withinMs;
    for (;;) {
      const late = sleep(Math.max(1, end - performance.now()), undefined, { ref: false }).then(() => {
        throw new Error(`the process server does not answer within ${withinMs} ms`);
      });
      const answer = ask();
      answer.catch(() => {});
      try {
        return await Promise.race([answer, late]);
      } catch (error) {
        if (performance.now() > end || this.crashed !== undefined) throw error;
        await sleep(2);
      }
    }
  }
}

function startEcho(): Promise<Server> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    socket.setNoDelay(true);
    socket.pipe(socket);
  });
  server.on('close', () => {
    for (const socket of sockets) socket.destroy();
  });
  server.unref();
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}
