/** Names the machine of a run, and warns where its figures will not mean much. */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';
import { projectRoot } from './paths.ts';

export function describeMachine(): string[] {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const memoryGb = Math.round(totalmem() / 2 ** 30);
  return [
    `machine  ${model}, ${availableParallelism()} cores, ${memoryGb} GB, ${type()} ${release()}`,
    `node     ${process.version} (${process.arch}), V8 ${process.versions.v8}`,
    `peers    ${peerVersions()}`,
  ];
}

/** What disturbs every benchmark of this run: load of others, measured before there is any of ours. */
export function warnOfLoad(): string[] {
  const [load = 0] = loadavg();
  const limit = 0.25 * availableParallelism();
  return load > limit ? [`WARNING: the machine is busy (load average ${load.toFixed(2)}): compare ratios, not figures`] : [];
}

/** What disturbs one benchmark: too few cores for the threads or processes that work at the same time. */
export function warnOfCores(needed: number): string[] {
  const found = availableParallelism();
  return found < needed
    ? [`WARNING: needs ${needed} cores, this machine has ${found}: the figures are those of the scheduler`]
    : [];
}

function peerVersions(): string {
  const manifest: { dependencies: Record<string, string> } = JSON.parse(
    readFileSync(new URL('bench/package.json', projectRoot), 'utf8'),
  );
  return Object.entries(manifest.dependencies)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');
}
