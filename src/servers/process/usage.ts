// What processes use: their own figures from their status regions, read in place, so that one that hangs can be looked at too; processor
// time and memory from /proc. Nothing is done while nobody looks.

import { readFileSync } from 'node:fs';
import { nowMs } from '../../base/clock.ts';
import { parseProcessStat } from '../../base/process-stat.ts';
import type { Region } from '../../memory/region.ts';
import { readVitals } from '../../memory/status.ts';
import type { ProcessEntry, ProcessUsage } from './process-api.ts';

/** A look that is older says nothing of now. */
const LOOK_MS = 10_000;
const LEAST_MS = 200;

export interface Subject {
  readonly entry: ProcessEntry;
  readonly endpoint: string;
  readonly principal: string;
  readonly status: Region | undefined;
  /** When it became ready; undefined: it is not. */
  readonly readyAtMs: number | undefined;
}

interface Look {
  readonly atMs: number;
  readonly cpuMs: number;
}

export class UsageReader {
  /** By pid: the last look that is old enough to be compared with. */
  #looks = new Map<number, Look>();
  readonly #read: (path: string) => string;

  /** @param read as `readFileSync(path, 'utf8')`, for tests. */
  constructor(read: (path: string) => string = (path) => readFileSync(path, 'utf8')) {
    this.#read = read;
  }

  /** @param now CLOCK_MONOTONIC ms. */
  usage(subjects: readonly Subject[], now: number = nowMs()): ProcessUsage[] {
    const looks = new Map<number, Look>();
    const all = subjects.map((subject) => this.#of(subject, now, looks));
    this.#looks = looks;
    return all;
  }

  #of({ entry, endpoint, principal, status, readyAtMs }: Subject, now: number, looks: Map<number, Look>): ProcessUsage {
    const base = { ...entry, endpoint, tier: 'process', principal } as const;
    if (entry.pid === 0) return base;
    const uptime = readyAtMs === undefined ? {} : { uptimeMs: Math.round(now - readyAtMs) };
    return { ...base, ...uptime, ...vitals(entry, status, now), ...this.#resources(entry.pid, now, looks) };
  }

  #resources(pid: number, now: number, looks: Map<number, Look>): Pick<ProcessUsage, 'cpuPercent' | 'memoryBytes'> {
    try {
      const kilobytes = /^RssAnon:\s+(\d+) kB/m.exec(this.#read(`/proc/${pid}/status`))?.[1];
      const { cpuMs, bornMs } = parseProcessStat(this.#read(`/proc/${pid}/stat`));
      const last = this.#looks.get(pid);
      const isRecent = last !== undefined && now - last.atMs <= LOOK_MS && now - last.atMs >= LEAST_MS;
      looks.set(pid, last !== undefined && now - last.atMs < LEAST_MS ? last : { atMs: now, cpuMs });
      const aliveMs = Math.max(Number(this.#read('/proc/uptime').split(' ')[0]) * 1000 - bornMs, 10);
      const share = isRecent ? (cpuMs - last.cpuMs) / (now - last.atMs) : cpuMs / aliveMs;
      return {
        cpuPercent: Math.max(0, Math.round(share * 1000) / 10),
        ...(kilobytes === undefined ? {} : { memoryBytes: Number(kilobytes) * 1024 }),
      };
    } catch {
      return {}; // it has just ended, or there is no /proc here
    }
  }
}

function vitals(entry: ProcessEntry, status: Region | undefined, now: number): Partial<ProcessUsage> {
  if (status === undefined) return {};
  const { running, queued, started, failed, callsPerSecond, p99Ms, parked, debugged } = readVitals(status, now);
  return {
    state: entry.state === 'running' && parked && running === 0 ? 'sleeping' : entry.state,
    running,
    queued,
    started,
    failed,
    callsPerSecond: Math.round(callsPerSecond * 10) / 10,
    ...(p99Ms === undefined ? {} : { p99Ms: Math.round(p99Ms * 1000) / 1000 }),
    ...(debugged ? { debugged } : {}),
  };
}
