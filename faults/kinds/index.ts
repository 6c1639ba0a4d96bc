// All kinds of faults.

import type { Kind } from './kind.ts';
import { ofCode } from './of-code.ts';
import { ofMessages } from './of-messages.ts';
import { ofProcesses } from './of-processes.ts';

export const KINDS: readonly Kind[] = [...ofCode, ...ofProcesses, ...ofMessages];

/** @param names undefined: all but those that have to be asked for. @throws Error naming what there is */
export function kindsNamed(names: readonly string[] | undefined): readonly Kind[] {
  if (names === undefined) return KINDS.filter(({ isOptIn }) => !isOptIn);
  return names.map((name) => {
    const kind = KINDS.find((one) => one.name === name);
    if (kind === undefined) throw new Error(`no kind is called "${name}"; there are ${KINDS.map((one) => one.name).join(', ')}`);
    return kind;
  });
}
