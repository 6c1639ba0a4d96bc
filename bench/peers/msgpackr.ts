/**
 * msgpackr: the fastest general codec for JavaScript values, in the mode that keeps no state between messages (`useRecords: false`):
 * a successor has to be able to read what its predecessor was sent.
 */
import { importPeer } from '../paths.ts';

export interface PackCodec {
  pack(value: unknown): Uint8Array;
  unpack(bytes: Uint8Array): unknown;
}

interface MsgpackrModule {
  Packr: new (options: { useRecords: boolean }) => PackCodec;
}

export async function msgpackr(): Promise<PackCodec> {
  const { Packr } = await importPeer<MsgpackrModule>('msgpackr');
  return new Packr({ useRecords: false });
}
