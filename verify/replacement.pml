/*
 * replacement.pml: a ring is replaced by another, while servers die.
 *
 *     positions     0   1   2   3   4   5   6   7   8 ...        one space for the whole channel
 *     ring 0       [r] [r] [S>ring 1, P=3]
 *     ring 1                   [r] [r] [S>ring 2, P=6]
 *     ring 2                               [r] [r] ...
 *
 * The client ends the old ring with a switch record {new ring, position P}, for which every publish leaves room, and goes on in the new
 * one, which starts at P. The new region travels through the kernel, so the switch may arrive before it: the reader waits there.
 * The client retires the old ring when `started` >= P, one replacement at a time. The kernel keeps the descriptor of every ring that
 * was not retired. When a server dies, at any step, the client asks for a successor that starts at `started` and names all rings not
 * retired, each with its start position.
 *
 * Holds: every record is started once, in order, whatever died; a successor finds the ring of its position; the kernel still has the
 * descriptors that it needs; nobody waits for ever.
 *
 * Labels of the source: request-published, ring-switched, request-started.
 *
 * Left out: what a started record's death means to its caller, the two steps of copy and `started`, `started` before the confirmation
 * (succession.pml); parking (ring.pml: here both sides poll); one-off regions; a budget that refuses the new ring (the old one stays).
 * P is the end of the switch record, so `started` >= P says that the switch itself was read.
 * Spin is sequentially consistent: that a switch record is whole when its tail is seen is what `npm run litmus` tests.
 *
 * Variants (a broken one must fail at the assertion that contains the word):
 *   holds  CORRECT
 *   fails  RETIRED_AT_PUBLISH  start[ring]   the old ring is retired when the switch is published
 *   fails  NEW_RING_ONLY       start[ring]   the successor is introduced to the newest ring alone
 *   fails  NO_RESERVED_ROOM    switchEnd     records take the room of the switch record, which overwrites one not started
 *   fails  DESCRIPTORS_CLOSED  held          the kernel closes a descriptor once it has introduced the region
 *   fails  SWITCH_NOT_AWAITED  introduced    the reader goes on before the region was introduced to it
 */
#define RECORDS 5
#define ROOM 3 /* units of a ring; a record takes one, the switch record one */
#define RINGS 3
#define KILLS 2
#define SERVERS 3
#define SWITCH 255

mtype = { INTRODUCE, RETIRE, SUCCEED };
chan toKernel = [3] of { mtype, byte, byte, byte };
chan toServer[SERVERS] = [RINGS] of { byte };

byte cell[RINGS * ROOM];         /* client's regions: ring r has ROOM cells from r * ROOM on */
byte start[RINGS];               /* travels in the switch record and with each introduction */
byte tail;                       /* client's region: one word for the channel */
byte started[SERVERS];           /* each server's region */
bool held[RINGS];                /* the kernel has a descriptor of this ring */
bool dead[SERVERS], reaped[SERVERS];
byte current;                    /* the server that runs, or died last */
byte nextRecord;                 /* ghost: the record that has to be started next */
bool finished;

#define CELL(ring, position) cell[(ring) * ROOM + ((position) - start[ring]) % ROOM]
#define FREED (started[server] > start[newest] -> started[server] : start[newest])
#define USED (tail - FREED)

proctype Server(byte me; byte head; byte ring; byte introduced) {
  byte switchEnd;
  {
    atomic {
      do
      :: ring < introduced && start[ring + 1] <= head -> ring++
      :: else -> break
      od;
      assert(start[ring] <= head)
    }
    do
    :: head != tail && CELL(ring, head) != SWITCH -> // sync: request-published (load)
      d_step {
        assert(CELL(ring, head) == nextRecord + 1);
        head++;
        started[me] = head; // sync: request-started (store)
        nextRecord++
      }
    :: head != tail && CELL(ring, head) == SWITCH -> // sync: ring-switched (load)
      switchEnd = start[ring + 1];
      assert(switchEnd == head + 1);
#ifndef SWITCH_NOT_AWAITED
      do
      :: introduced == ring -> toServer[me]?introduced
      :: introduced > ring -> break
      od;
#endif
      assert(introduced > ring);
      d_step { head++; ring++; switchEnd = 0 }
      if
      :: started[me] = head // sync: request-started (store)
      :: skip /* told with the next record */
      fi
    :: head == tail && finished -> break
    od
  } unless {
    atomic {
      dead[me]; /* killed, at whatever step */
      head = 0; ring = 0; introduced = 0; switchEnd = 0;
      do
      :: toServer[me]?_
      :: empty(toServer[me]) -> break
      od;
      reaped[me] = true
    }
  }
}

active proctype Client() {
  byte server, oldest, newest, record;
  do
#ifdef NO_RESERVED_ROOM
  :: record < RECORDS && USED < ROOM ->
#else
  :: record < RECORDS && USED + 1 < ROOM -> // sync: request-started (load)
#endif
    d_step { CELL(newest, tail) = record + 1; record++ }
    tail++ // sync: request-published (store)
  :: record < RECORDS && newest + 1 < RINGS && oldest == newest ->
    d_step { start[newest + 1] = tail + 1; CELL(newest, tail) = SWITCH }
    if
    :: toKernel!INTRODUCE, newest + 1, 0, 0; tail++ // sync: ring-switched (store)
    :: tail++; toKernel!INTRODUCE, newest + 1, 0, 0
    fi;
    newest++;
#ifdef RETIRED_AT_PUBLISH
    toKernel!RETIRE, oldest, 0, 0;
    oldest++
#endif
  :: oldest < newest && started[server] >= start[oldest + 1] -> // sync: request-started (load)
    toKernel!RETIRE, oldest, 0, 0;
    oldest++
  :: reaped[server] ->
#ifdef NEW_RING_ONLY
    toKernel!SUCCEED, started[server], newest, newest;
#else
    toKernel!SUCCEED, started[server], oldest, newest;
#endif
    server++
  :: record == RECORDS && started[server] == tail -> break
  od;
  finished = true
}

active proctype Kernel() {
  byte ring, first, last, from;
  atomic { held[0] = true; run Server(0, 0, 0, 0) }
  do
  :: atomic {
      toKernel?INTRODUCE, ring, _, _;
      held[ring] = true;
      if
      :: dead[current] /* kept for the successor */
      :: else -> toServer[current]!ring
      fi;
#ifdef DESCRIPTORS_CLOSED
      held[ring] = false;
#endif
      ring = 0
    }
  :: atomic { toKernel?RETIRE, ring, _, _; held[ring] = false; ring = 0 }
  :: atomic {
      toKernel?SUCCEED, from, first, last;
      ring = first;
      do
      :: ring <= last -> assert(held[ring]); ring++
      :: else -> break
      od;
      ring = 0;
      started[current] = 0;
      current++;
      started[current] = from;
      run Server(current, from, first, last);
      from = 0; first = 0; last = 0
    }
  :: finished && empty(toKernel) -> break
  od
}

active proctype Killer() {
  byte kills;
  do
  :: kills < KILLS && !dead[current] && !finished -> atomic { dead[current] = true; kills++ }
  :: break
  od
}

/* Nobody can move: the client must be done, or somebody waits for ever. */
active proctype Monitor() {
  timeout -> assert(finished)
}
