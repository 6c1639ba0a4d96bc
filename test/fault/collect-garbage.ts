// The garbage collector at will, without a flag on the command line.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');

/** A full collection, or a minor one. */
export const collectGarbage: (options?: { type: 'minor' }) => void = runInNewContext('gc');
