/** Two workers of a peer, started together: what `start` compares a boot of two servers with. */
import { check, sample } from '../sample.ts';
import type { BootSubject } from '../subject.ts';
import type { Peer } from './peer.ts';

export function pair(name: string, make: () => Promise<Peer>): BootSubject {
  return {
    start: async () => {},
    stop: async () => {},
    async boot() {
      const peers = await Promise.all([make(), make()]);
      await Promise.all(peers.map((peer) => peer.start()));
      for (const answer of await Promise.all(peers.map((peer) => peer.call(sample())))) check(name, answer);
      return { stop: async () => void (await Promise.all(peers.map((peer) => peer.stop()))) };
    },
  };
}
