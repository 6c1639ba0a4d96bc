import { StreamRig } from './stream-rig.ts';
import { transportConformance } from './transport.ts';

transportConformance('stream', () => new StreamRig('stream'));
transportConformance('stream below 2^32', () => new StreamRig('stream below 2^32', 2 ** 32 - 64));
