// Of the limits that an entry may have (`limits`, `priority`): which of them this machine lets Skerry enforce, and what is missing for the
// others. Each is looked for where the code that enforces it looks: the kernel (memory), the process server (processor, heartbeat), the
// instance itself (descriptors, priority).

import { closeSync, openSync, readFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { readProcessStat } from '../base/process-stat.ts';

export interface Finding {
  readonly what: string;
  readonly ok: boolean;
  readonly text: string;
}

/** @param hasAddon is it there, and not switched off? */
export function examineLimits(hasAddon: boolean): Finding[] {
  return [memory(hasAddon), processor(), descriptors(hasAddon), heartbeat(hasAddon), priority()];
}

function memory(hasAddon: boolean): Finding {
  const isSeen = /^RssAnon:/m.test(read('/proc/self/status') ?? '');
  const ways = [
    "V8's heap",
    ...(isSeen ? ['a look each second'] : []),
    ...(hasAddon ? ['the operating system (RLIMIT_DATA)'] : []),
  ].join(', ');
  const missing = [
    ...(isSeen ? [] : ['no buffers: there is no RssAnon in /proc/<pid>/status']),
    ...(hasAddon ? [] : ['what grows within a second goes beyond it: no RLIMIT_DATA without the addon']),
  ].join('; ');
  return { what: 'memory limit', ok: isSeen, text: `limits.memoryMb, by ${ways}${missing && `; ${missing}`}` };
}

function processor(): Finding {
  const ok = readProcessStat(process.pid) !== undefined;
  return { what: 'CPU limit', ok, text: ok ? 'limits.cpuPercent, by a look each second' : 'not without /proc/<pid>/stat' };
}

function descriptors(hasAddon: boolean): Finding {
  if (!hasAddon) return { what: 'descriptors', ok: false, text: 'not without the addon: limits.openFiles has no effect' };
  const most = /^Max open files +\S+ +(\S+)/m.exec(read('/proc/self/limits') ?? '')?.[1];
  const bound = most === undefined ? '' : `, at most ${most} (ulimit -Hn)`;
  return { what: 'descriptors', ok: true, text: `limits.openFiles, by the operating system (RLIMIT_NOFILE)${bound}` };
}

function heartbeat(hasAddon: boolean): Finding {
  const text = hasAddon
    ? 'limits.heartbeatMs and queueMs, by figures in shared memory'
    : 'off over streams: one that hangs is not ended, calls run into their deadlines; nor is queueMs watched';
  return { what: 'heartbeat', ok: hasAddon, text };
}

/** Nothing is changed: the nice value is set to what it is, the group's file is opened only. */
function priority(): Finding {
  const what = 'priority';
  try {
    setPriority(getPriority());
  } catch (error) {
    return { what, ok: false, text: `no nice value can be set: ${(error as Error).message}` };
  }
  const nice = "priority: 'background', by nice 19";
  if (read('/proc/sys/kernel/sched_autogroup_enabled')?.trim() !== '1') return { what, ok: true, text: nice };
  try {
    closeSync(openSync('/proc/self/autogroup', 'w'));
    return { what, ok: true, text: `${nice}, also of the session (autogroup)` };
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code;
    return { what, ok: false, text: `${nice} within the session alone: /proc/self/autogroup cannot be written (${why})` };
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
