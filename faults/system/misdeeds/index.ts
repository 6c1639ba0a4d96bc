// All misdeeds by name. One for each kind that a server does by itself, of that name.

import type { Misdeed } from '../misdeed.ts';
import { bytes } from './bytes.ts';
import { calls } from './calls.ts';
import { ends } from './ends.ts';
import { exceptions } from './exceptions.ts';
import { loops } from './loops.ts';
import { memory } from './memory.ts';
import { replies } from './replies.ts';
import { resources } from './resources.ts';

export const misdeeds: Readonly<Record<string, Misdeed>> = {
  ...exceptions,
  ...loops,
  ...memory,
  ...ends,
  ...resources,
  ...replies,
  ...calls,
  ...bytes,
};
