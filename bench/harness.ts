/**
 * The frame of every benchmark: subjects side by side, in interleaved rounds.
 *
 *      start A, B, C    warm A, B, C    A B C   B C A   C A B ...    stop A, B, C
 *                                       round 1 round 2 round 3
 *
 * Whatever the machine does in the meantime hits all subjects alike, so the ratios of one run mean more than its figures. Each round
 * begins with another subject: nobody should always come first. Each round is shown; what is
 * reported is the median over the rounds. Garbage is collected before each measurement, so that nobody pays for
 * somebody else's. What was started is stopped, also after a failure.
 */
import { inspect } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Cores } from './cores.ts';
import type { Report, Target, Values } from './report.ts';
import type { Entry, Subject } from './subject.ts';
import type { Note } from './watchdog.ts';

/** A benchmark: what it is called, what it needs, what is to be reached. */
export interface Bench {
  readonly name: string;
  readonly about: string;
  /** Cores that work at the same time while it measures. */
  readonly cores: number;
  /** Rounds of a full run, unless `--rounds` says otherwise. */
  readonly rounds: number;
  /** After this time it counts as hung; a smoke run has 60 s. */
  readonly limitMs: number;
  readonly subjects: readonly string[];
  readonly targets: readonly Target[];
  readonly judgedBy?: string;
  run(run: Run): Promise<void>;
}

/** One run of one benchmark. */
export interface Run {
  /** Counts so small that it ends in a second or two: shows that the benchmark works and its answers are right, nothing else. */
  readonly smoke: boolean;
  readonly rounds: number;
  readonly report: Report;
  /** Says what is done next, should it hang. */
  readonly note: Note;
  /** False for a subject that `--subjects` left out. */
  wants(subject: string): boolean;
}

export interface Plan<S extends Subject> {
  /** Before the first round: compile the hot paths, check the answers thoroughly. */
  warm(subject: S, name: string): Promise<void>;
  measure(subject: S, name: string): Promise<Values>;
}

/** Measures the subjects in interleaved rounds and hands the values to the report. */
export async function interleave<S extends Subject>(run: Run, entries: readonly Entry<S>[], plan: Plan<S>): Promise<void> {
  const started: { entry: Entry<S>; subject: S }[] = [];
  const cores = run.smoke ? undefined : new Cores();
  const step = <T>(entry: Entry<S>, name: string, work: () => Promise<T>): Promise<T> => {
    const title = `${entry.variant === undefined ? entry.name : `${entry.name} (${entry.variant})`}, ${name}`;
    run.note(title);
    return naming(title, work);
  };
  try {
    for (const entry of entries.filter(({ name }) => run.wants(name))) {
      const subject = await step(entry, 'load', () => entry.load());
      started.push({ entry, subject });
      await step(entry, 'start', () => subject.start());
    }
    for (const { entry, subject } of started) await step(entry, 'warm-up', () => plan.warm(subject, entry.name));
    for (let round = 1; round <= run.rounds; round++) {
      const look = cores?.look();
      if (look !== undefined) run.report.say(`  round ${round}  the machine: ${look}`);
      const first = (round - 1) % Math.max(1, started.length);
      for (const { entry, subject } of [...started.slice(first), ...started.slice(0, first)]) {
        collectGarbage();
        const values = await step(entry, `round ${round}`, () => plan.measure(subject, entry.name));
        run.report.add(round, entry.name, entry.variant ?? '', values);
      }
    }
  } finally {
    await cores?.stop();
    for (const { entry, subject } of started.reverse()) await step(entry, 'stop', () => subject.stop());
  }
}

async function naming<T>(title: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new Error(`${title}: ${cause instanceof Error ? cause.message : inspect(cause)}`, { cause });
  }
}

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');
