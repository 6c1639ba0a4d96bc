// The kernel's process: what it is made of, in start order.
//
//   argv: the caller's pid. Descriptor 3: the caller's control socket.

import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { SeqpacketPort } from '../channel/control/seqpacket-port.ts';
import { StreamPort } from '../channel/control/stream-port.ts';
import { loadNative } from '../memory/load-native.ts';
import { KERNEL_TITLE } from '../protocol/kernel-process.ts';
import { defaultBudget, MemoryBudget } from './budget.ts';
import { adoptOrphans } from './children.ts';
import { Kernel } from './kernel.ts';

const CONTROL_FD = 3;
const callerPid = Number(process.argv[2]);
const budgetMb = Number(process.env.SKERRY_BUDGET_MB ?? 0);

process.title = KERNEL_TITLE;
process.stderr.on('error', () => {}); // whoever read it is gone: that ends nobody
const { addon } = loadNative();
if (addon !== undefined) {
  if (!addon.guardParent(callerPid)) process.exit(1);
  if (process.env.SKERRY_DEBUG !== '1') addon.setDumpable(false);
  adoptOrphans(addon);
}

const kernel = new Kernel({
  addon,
  budget: new MemoryBudget(budgetMb > 0 ? budgetMb * 1024 * 1024 : defaultBudget()),
  env: { ...process.env, NODE_OPTIONS: process.env.SKERRY_NODE_OPTIONS },
  baseEnv: baseEnvironment(),
  rssAnon,
  exit: (code) => process.exit(code),
  warn: (line) => void process.stderr.write(`${line}\n`),
});

kernel.attachCaller(
  (events) =>
    addon === undefined
      ? new StreamPort(new Socket({ fd: CONTROL_FD, readable: true, writable: true }), events)
      : new SeqpacketPort(addon, addon.adopt(CONTROL_FD), events),
  callerPid,
);

// Ctrl-C goes to the whole foreground group: what it means is the caller's to decide. If the caller ends by it, so does the kernel.
process.on('SIGINT', () => {});
process.on('SIGHUP', () => {});
process.on('SIGTERM', () => kernel.stop());

function baseEnvironment(): Record<string, string> {
  const env: Record<string, string> = {};
  for (const name of [
    'SKERRY_TRANSPORT',
    'SKERRY_DEBUG',
    'SKERRY_ORDER',
    'SKERRY_DEV',
    'SKERRY_LOG',
    'SKERRY_LOG_LEVEL',
    'NODE_V8_COVERAGE',
    'TZ',
    'LANG',
  ]) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}

function rssAnon(pid: number): number {
  try {
    const kilobytes = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kilobytes ?? 0) * 1024;
  } catch {
    return 0;
  }
}
