// skerry kill, restart, boot, stop: what an operator orders.

import { LifeTimer } from '../base/life.ts';
import { type Command, ExitCode, SYSTEM } from './command.ts';
import { labelOf } from './find-system.ts';
import { harmless } from './format.ts';
import { type Operator, openOperator } from './operator.ts';

const SERVER = '<server>     geo for all its replicas, geo.1 for one';

export const kill: Command = {
  usage: 'skerry kill [-s <system>] [--down] <server>',
  about: 'ends a server with SIGKILL; it is started again, unless --down',
  options: { ...SYSTEM, down: { type: 'boolean' } },
  words: [1, 1],
  help: [SERVER, '--down       it stays down until: skerry boot <server>'],
  completes: 'replicas',
  async execute([name = ''], { system, down }) {
    return order(system, async ({ processes }) => {
      await processes.kill(name, { restart: down !== true });
      return down === true ? `${name} is down` : `${name} was killed, and is started again`;
    });
  },
};

export const restart = starting('restart', 'stops a server politely and starts it anew, one replica after the other');
export const boot = starting('boot', 'starts a server again that is down');

export const stop: Command = {
  usage: 'skerry stop [-s <system>]',
  about: 'stops a whole system: running calls end first',
  options: SYSTEM,
  words: [0, 0],
  help: ['Ends when no process of the system is left.'],
  async execute(_words, { system }) {
    return order(system, async (operator) => {
      await operator.processes.stop();
      const life = new LifeTimer();
      life.hold();
      await operator.ended;
      life.end();
      await gone(operator.system.pid);
      return `${labelOf(operator.system)} has stopped`;
    });
  },
};

function starting(verb: 'restart' | 'boot', about: string): Command {
  return {
    usage: `skerry ${verb} [-s <system>] <server>`,
    about,
    options: SYSTEM,
    words: [1, 1],
    help: [SERVER],
    completes: 'replicas',
    async execute([name = ''], { system }) {
      return order(system, async (operator) => {
        await operator.processes[verb](name);
        return stateOf(operator, name);
      });
    },
  };
}

async function order(system: string | boolean | undefined, give: (operator: Operator) => Promise<string>): Promise<number> {
  const operator = await openOperator(system);
  try {
    process.stdout.write(`${await give(operator)}\n`);
    return ExitCode.ok;
  } finally {
    operator.close();
  }
}

/** @throws Error when it has not come up */
async function stateOf({ processes }: Operator, name: string): Promise<string> {
  const all = await processes.status(name);
  const down = all.find(({ pid, state }) => pid === 0 || (state !== 'running' && state !== 'sleeping'));
  if (down === undefined) return `${name} runs`;
  throw new Error(
    `${down.name}.${down.replica} did not come up (${down.state}): ${harmless(down.lastReason ?? 'no reason is known')}`,
  );
}

async function gone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
}
