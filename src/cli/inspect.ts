// skerry inspect <server>: opens the debugger of a server, also of one that hangs in a loop.

import { type Command, ExitCode, SYSTEM } from './command.ts';
import { openOperator } from './operator.ts';

export const inspect: Command = {
  usage: 'skerry inspect [-s <system>] [--off] <server>',
  about: 'opens the debugger of a server, on the loopback interface',
  options: { ...SYSTEM, off: { type: 'boolean' } },
  words: [1, 1],
  help: [
    '<server>     geo, or geo.1 where there are several',
    '--off        closes it again',
    'While it is open nobody who waits for the server gives up, and nobody takes it for one that hangs. Who may connect to the loopback',
    'interface of this machine can run code in the server: close it when you are done.',
  ],
  completes: 'replicas',
  async execute([name = ''], { system, off }) {
    const operator = await openOperator(system);
    try {
      const url = await operator.processes.inspect(name, { off: off === true });
      if (off === true) process.stdout.write(`the debugger of ${name} is closed\n`);
      else
        process.stdout.write(
          `${url}\nChrome: open chrome://inspect; VS Code: attach to ${new URL(url).host}; node: node inspect ${new URL(url).host}\n`,
        );
      return ExitCode.ok;
    } finally {
      operator.close();
    }
  },
};
