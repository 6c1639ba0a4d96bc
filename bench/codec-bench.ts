/**
 * codec: a small object and a corpus of random shapes, encoded and decoded: ours beside msgpackr, v8.serialize and JSON.
 *
 * One process, no channel. Cores needed: 1. Best of interleaved rounds; what a codec decodes is compared with what went in.
 */
import { benchCodec } from './codec.ts';
import type { Bench, Run } from './harness.ts';
import { msgpackr } from './peers/msgpackr.ts';

export const codec: Bench = {
  name: 'codec',
  about: 'a small object and a corpus of random shapes, ns to encode and decode',
  cores: 1,
  rounds: 1,
  limitMs: 300_000,
  subjects: ['skerry', 'msgpackr', 'v8.serialize', 'JSON'],
  targets: [
    { metric: 'both_ns@object', atMost: 0.5, subject: 'skerry', of: { subject: 'msgpackr' } },
    { metric: 'both_ns@corpus-of-msgpackr', atMost: 1, subject: 'skerry', of: { subject: 'msgpackr' } },
  ],
  async run(run: Run): Promise<void> {
    const peer = await msgpackr();
    const peers = [
      { name: 'msgpackr', encode: (value: unknown) => peer.pack(value), decode: (bytes: Uint8Array) => peer.unpack(bytes) },
    ];
    const values = new Map<string, Record<string, number>>();
    for (const { subject, metric, value } of benchCodec({
      smoke: run.smoke,
      peers,
      log: (line) => run.report.say(`  ${line}`),
    })) {
      values.set(subject, { ...values.get(subject), [metric]: value });
    }
    for (const [subject, metrics] of values) if (run.wants(subject)) run.report.add(1, subject, '', metrics);
  },
};
