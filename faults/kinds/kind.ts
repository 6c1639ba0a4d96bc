// The contract of a kind of fault: who is its victim, how it is done, how it should be found out.

import type { Random } from '../../test/fault/random.ts';

export type ServerName = 'front' | 'compute' | 'ledger' | 'driver';
export const SERVERS: readonly ServerName[] = ['front', 'compute', 'ledger', 'driver'];

/**
 * By what a fault was found out. exit: the end of a process, as its parent sees it. exception: an error that code threw. heartbeat: a loop
 * that makes no turn. limit: of memory or processor time. validation: what was sent was checked, and refused. deadline: of a call.
 */
export type Detection = 'exit' | 'exception' | 'heartbeat' | 'limit' | 'validation' | 'deadline';

export interface Kind {
  readonly name: string;
  readonly about: string;
  readonly victims: readonly ServerName[];
  /** Any of these; none: it may go by unnoticed. */
  readonly expected: readonly Detection[];
  /**
   * What makes it an active fault. `done`: that it was done. `effect`: that something came of it, else it counts as not activated.
   */
  readonly active: 'done' | 'effect';
  /** How long after it was done, and no answer is due any more, something may still come of it, ms. */
  readonly afterMs: number;
  /** Deadline of the order to do it, ms. */
  readonly orderMs: number;
  /** Only where `--kinds` names it. */
  readonly isOptIn: boolean;
  inject(scene: Scene): Promise<void>;
}

/** One step of a campaign, as a kind sees it. */
export interface Scene {
  readonly step: number;
  readonly random: Random;
  readonly victim: Victim;
  /** The victim is told to do it by itself. Does not wait. */
  order(misdeed: string): void;
  /** From outside; what is marked is the time of the first one. @returns whether there was such a process */
  signal(pid: number, signal: NodeJS.Signals): boolean;
  /** Another instance that lives. */
  instance(name: ServerName): Promise<Victim>;
  /** Of the victim: the next process in its place, as soon as there is one; 0 when there is none in time. */
  successor(): Promise<number>;
  processServer(): Promise<number>;
  spares(): Promise<readonly number[]>;
  /** Adds to what is told of this step. */
  note(text: string): void;
}

export interface Victim {
  readonly name: ServerName;
  /** Calls with it go to this instance, as long as it lives. */
  readonly key: string;
  readonly pid: number;
}

const DEFAULTS = { victims: SERVERS, active: 'done', afterMs: 0, orderMs: 8_000, isOptIn: false } as const;

type Settings = Partial<Pick<Kind, 'victims' | 'active' | 'afterMs' | 'orderMs' | 'isOptIn'>>;

/** The victim does it: the misdeed has the kind's name. */
export function misdeed(name: string, about: string, expected: readonly Detection[], settings: Settings = {}): Kind {
  return fault(name, about, expected, settings, async (scene) => scene.order(name));
}

/** It is done to the victim. */
export function fault(
  name: string,
  about: string,
  expected: readonly Detection[],
  settings: Settings,
  inject: (scene: Scene) => Promise<void>,
): Kind {
  return { ...DEFAULTS, ...settings, name, about, expected, inject };
}
