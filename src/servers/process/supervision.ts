// Who is restarted with whom: the groups of a system as a tree, and what a death in it means. Pure; the process server carries it out.
//
//   system ─┬─ ledger                                   a server in no group: restarted alone, and down alone
//           └─ group (restForOne) ─┬─ store
//                                  ├─ group (oneForAll) ─┬─ cache
//                                  │                     └─ index
//                                  └─ front
//
// The words are those of Erlang/OTP's supervisors. A group that has failed is to the group around it what a server is that has died.

import type { GroupEntry, RestartPolicy, Strategy } from '../../server/supervision.ts';
import { type BackoffPolicy, DEFAULT_BACKOFF, nextRestart, type Restart } from './backoff.ts';

export class Group {
  readonly strategy: Strategy;
  readonly parent: Group | undefined;
  readonly members: readonly (string | Group)[];
  readonly #policy: BackoffPolicy;
  #failures = 0;
  /** A member has been stable since the group was restarted as a whole. */
  #wasStable = false;

  constructor({ strategy, of, restart }: GroupEntry, parent: Group | undefined) {
    this.strategy = strategy;
    this.parent = parent;
    this.#policy = { ...DEFAULT_BACKOFF, ...(restart as RestartPolicy | undefined) };
    this.members = of.map((member) => (typeof member === 'string' ? member : new Group(member, this)));
  }

  /** All servers in it, those of inner groups too, in their order. */
  get servers(): string[] {
    return this.members.flatMap((member) => (typeof member === 'string' ? [member] : member.servers));
  }

  /** What is restarted when that member has died or failed, itself included, in the order of the start. */
  affectedBy(member: string | Group): string[] {
    const at = this.members.indexOf(member);
    const affected =
      this.strategy === 'oneForAll' ? this.members : this.strategy === 'restForOne' ? this.members.slice(at) : [member];
    return affected.flatMap((one) => (typeof one === 'string' ? [one] : one.servers));
  }

  /** An instance of a member was ready for long enough. */
  sawStable(): void {
    this.#wasStable = true;
    this.parent?.sawStable();
  }

  /** A member has given up. @returns when to start the group as a whole again, if at all. */
  failed(): Restart {
    const next = nextRestart(this.#policy, this.#failures, this.#wasStable ? Number.POSITIVE_INFINITY : undefined);
    this.#failures = next.unstable;
    this.#wasStable = false;
    return next;
  }
}

/** The innermost group of each server that is in one. */
export function groupsOf(entries: readonly GroupEntry[]): Map<string, Group> {
  const found = new Map<string, Group>();
  const visit = (group: Group): void => {
    for (const member of group.members) {
      if (typeof member === 'string') found.set(member, group);
      else visit(member);
    }
  };
  for (const entry of entries) visit(new Group(entry, undefined));
  return found;
}
