// skerry call: calls a server's method with JSON, and prints what it gives as JSON: one line, or one for each item of a stream.

import { type Command, ExitCode, type Options, SYSTEM, UsageError, wholeNumber } from './command.ts';
import { openOperator } from './operator.ts';
import { toJson } from './to-json.ts';

export const call: Command = {
  usage: 'skerry call [-s <system>] [--as <user>] [--timeout <ms>] <server> <method> [json…]',
  about: 'calls a method of a server; prints what it gives as JSON',
  options: { ...SYSTEM, as: { type: 'string' }, timeout: { type: 'string' } },
  words: [2, 64],
  help: [
    '[json…]      the arguments, each as JSON: 52.5 \'"text"\' \'{"a":1}\'; what is no JSON is taken as text',
    '--as         on behalf of a user (default: the operator)',
    '--timeout    deadline, milliseconds; 0: none (default: the one of the method)',
    'Of a stream each item is a line. Ctrl-C gives the call up.',
  ],
  completes: 'servers',
  execute: invoke,
};

async function invoke([server = '', method = '', ...rest]: readonly string[], { system, as, timeout }: Options): Promise<number> {
  const timeoutMs = wholeNumber('timeout', timeout, 0, 0x7fff_ffff);
  const args = rest.map(argumentOf);
  const operator = await openOperator(system);
  const options = { ...(timeoutMs === undefined ? {} : { timeoutMs }), ...(typeof as === 'string' ? { as } : {}) };
  const stream = operator.processes.invoke(server, method, args, options);
  let interrupted = false;
  process.once('SIGINT', () => {
    interrupted = true;
    void stream.return?.();
    operator.close();
  });
  try {
    for await (const value of stream) {
      if (!process.stdout.write(`${toJson(value)}\n`)) await new Promise((resolve) => process.stdout.once('drain', resolve));
    }
    return interrupted ? ExitCode.interrupted : ExitCode.ok;
  } catch (error) {
    if (interrupted) return ExitCode.interrupted;
    throw error;
  } finally {
    operator.close();
  }
}

/** A word that looks like JSON must be JSON: `{a:1}` is a mistake, not a text. */
function argumentOf(word: string): unknown {
  try {
    return JSON.parse(word);
  } catch (error) {
    if (!/^\s*[[{"]/.test(word)) return word;
    throw new UsageError(`the argument ${word} is no JSON: ${(error as Error).message}`);
  }
}
