/**
 * payload: bytes there and back, from 64 B to 16 MB, contents checked.
 *
 *      caller  -- Uint8Array -->  echo          clone     the bytes are copied, there and back
 *              <-- the same ----                move      the buffer changes hands, nothing is copied
 *                                               shared    both sides see one SharedArrayBuffer
 *
 * Cores needed: 2. One call in flight. What comes back is sent again; before each call first, middle and last byte are stamped with
 * the number of the call, afterwards they and a sum over a stride are compared.
 */

import { payloadEntries, payloadNames } from './entries.ts';
import type { Bench, Run } from './harness.ts';
import { interleave } from './harness.ts';
import { WrongAnswer } from './sample.ts';
import { percentile } from './stats.ts';
import type { PayloadSubject } from './subject.ts';

const KB = 1024;
const MB = 1024 * KB;
const SIZES: readonly (readonly [string, number])[] = [
  ['64B', 64],
  ['1KB', KB],
  ['16KB', 16 * KB],
  ['256KB', 256 * KB],
  ['1MB', MB],
  ['4MB', 4 * MB],
  ['16MB', 16 * MB],
];
const STRIDE_BYTES = 4099; // prime, so that it meets every offset within a page

export const payload: Bench = {
  name: 'payload',
  about: '64 B to 16 MB there and back, beside clone, move and shared memory',
  cores: 2,
  rounds: 5,
  limitMs: 900_000,
  subjects: payloadNames,
  targets: [],
  async run(run: Run): Promise<void> {
    await interleave(run, payloadEntries(), {
      warm: async (subject, name) => void (await there(subject, name, KB, run.smoke ? 1 : 300, 1000)),
      async measure(subject, name) {
        const values: Record<string, number> = {};
        for (const [title, sizeBytes] of SIZES) {
          const latencies = await there(subject, name, sizeBytes, run.smoke ? 1 : 200, run.smoke ? 1 : 2000);
          values[`median_us@${title}`] = percentile(latencies, 50);
        }
        return values;
      },
    });
  },
};

/** Calls until `ms` have passed or `callsMax` are done, five at least in a full run; the latencies in us, sorted. */
async function there(
  subject: PayloadSubject,
  name: string,
  sizeBytes: number,
  ms: number,
  callsMax: number,
): Promise<Float64Array> {
  const latencies: number[] = [];
  const end = performance.now() + ms;
  let bytes = subject.allocate?.(sizeBytes) ?? new Uint8Array(sizeBytes);
  for (let i = 0; i < bytes.length; i++) bytes[i] = i * 31;
  const callsMin = Math.min(5, callsMax);
  for (let i = 0; i < callsMin || (i < callsMax && performance.now() < end); i++) {
    stamp(bytes, i);
    const expected = checksum(bytes);
    const since = performance.now();
    const answer = await subject.payload(bytes);
    latencies.push((performance.now() - since) * 1000);
    if (answer.length !== sizeBytes || checksum(answer) !== expected)
      throw new WrongAnswer(name, `${sizeBytes} B with sum ${expected}`, `${answer.length} B with sum ${checksum(answer)}`);
    bytes = answer;
  }
  return Float64Array.from(latencies).sort();
}

function stamp(bytes: Uint8Array, call: number): void {
  bytes[0] = call;
  bytes[bytes.length >> 1] = call + 1;
  bytes[bytes.length - 1] = call + 2;
}

function checksum(bytes: Uint8Array): number {
  const at = (index: number): number => bytes[index] ?? 0;
  let sum = at(0) + 3 * at(bytes.length >> 1) + 7 * at(bytes.length - 1);
  for (let i = 0; i < bytes.length; i += STRIDE_BYTES) sum = (Math.imul(sum, 33) + at(i)) | 0;
  return sum;
}
