/*
 * succession.pml: servers die at every step; each request of a client has exactly one outcome.
 *
 *     client's region: request ring, requestTail, repliesTaken, parked     one for all generations
 *     suspect list: the calls that go again, read by the next generation alone
 *     region of each generation: started, suspectsStarted, running, reply ring, replyTail, parked
 *
 * A generation first stores `started`, then confirms; it runs the suspects one at a time with nothing else in flight, each marked in
 * `suspectsStarted` before; then it serves the ring, up to two requests in flight, answered in any order: copy out, `started`, run,
 * reply. In the variant STRANGERS another
 * client's calls run beside those of the ring; this client sees them in `running` alone. The kernel tells of a death when
 * the process is reaped; then the client takes the published replies and reads the boundary. Calls beyond it stay in the ring. Those
 * up to it that were not answered were started: rejected, or, if idempotent, sent again as suspects. A call that was alone at two
 * deaths is poison. Alone means: nothing else ran in that server, for whomever.
 *
 * Holds: every request has exactly one outcome; one that is not idempotent is executed at most once, answered only if executed and
 * rejected only if started and not answered; what was not started when it was carried over was not executed; an idempotent call that
 * was answered was executed; poison was alone at two deaths; nobody sleeps for ever.
 *
 * Labels of the source: request-published, request-started, reply-published, replies-taken, parked, suspects-started.
 *
 * Left out: a second client's own bookkeeping, and the wait until all have settled; streams, notifications, cancellation, deadlines;
 * a death that the kernel ordered; replicas; larger rings (replacement.pml); a torn copy (ring.pml). A record takes one unit, so
 * request n ends at position n + 1. The death is that of a process: regions stay as they were at its last store.
 * Spin is sequentially consistent: that `started` is stored before the handler's effects are seen, a reply before `replyTail`, and
 * each store before the look at `parked`, is what `npm run litmus` tests.
 *
 * Variants (a broken one must fail at the assertion that contains the word):
 *   holds  CORRECT                    three requests
 *   holds  EPOCHS                     two requests, `parked` a counter as in ring.pml; elsewhere it is one bit
 *   holds  STRANGERS                  two requests, and calls of others beside them
 *   fails  BOUNDARY_AFTER_HANDLER     executed     `started` is stored when the handler has run
 *   fails  BOUNDARY_BEFORE_COPY       copied       the same word gives room back before the record is copied out
 *   fails  NO_SECOND_LOOK             finished     the server sleeps without looking again
 *   fails  RUNG_EPOCH_KEPT            finished     the client applies to the successor what it remembers of its predecessor's epoch
 *   fails  DECIDED_BEFORE_DRAINED     replied      the client decides before it has taken the published replies
 *   fails  DECIDED_BEFORE_REAPED      replied      the client decides on a suspicion, while the server still runs
 *   fails  CONFIRMED_BEFORE_BOUNDARY  finished     the successor confirms, then stores `started`
 *   fails  TAKEN_RESET_LATE           repliesTaken  the client begins to count the new reply ring only when it has joined the successor
 *   fails  SUSPECTS_BESIDE_OTHERS     deathsAlone  suspects run while the ring is served: an innocent is poisoned
 *   fails  RUNNING_IGNORED            deathsAlone  the client counts its own calls alone, not what ran for others
 *   fails  RUNNING_COUNTED_LATE       deathsAlone  the server counts a call as running after it has stored `started`
 *   fails  SUSPECT_MARKED_LATE        ran          `suspectsStarted` is stored when the suspect has run
 */
#if defined(RUNNING_IGNORED) || defined(RUNNING_COUNTED_LATE)
#define STRANGERS
#endif
#if defined(STRANGERS) || defined(EPOCHS)
#define REQUESTS 2
#else
#define REQUESTS 3
#endif
#define ROOM 2
#define REPLY_ROOM 2
#define KILLS 2
#define SERVERS 3
#define POISON_AFTER 2
#define NONE 255

#ifdef RUNG_EPOCH_KEPT
#define EPOCHS
#endif
#ifdef EPOCHS /* counters, as in ring.pml */
#define PARK(word) word++
#define UNPARK(word) word++
#define MUST_RING(word) (word % 2 == 1 && word != rung)
#define REMEMBER(word) rung = word
#else /* one bit: a parked peer may be rung for twice */
#define PARK(word) word = 1
#define UNPARK(word) word = 0
#define MUST_RING(word) (word == 1)
#define REMEMBER(word) skip
#endif

#define PENDING 0
#define ANSWERED 1
#define REJECTED 2
#define POISONED 3

byte request[ROOM], requestTail, repliesTaken, clientParked; /* client's region */
byte suspect[REQUESTS], suspectCount;                        /* its suspect list; read by one generation */

byte started[SERVERS], suspectsStarted[SERVERS], running[SERVERS]; /* each server's region */
byte reply[REPLY_ROOM], replyTail[SERVERS], serverParked[SERVERS];
bool confirmed[SERVERS];

bool clientBell, serverBell[SERVERS];
bool dead[SERVERS], suspected[SERVERS], reaped[SERVERS];
byte current; /* the generation that runs, or died last */
byte outcome[REQUESTS], alone[REQUESTS]; /* the client's own books */
bool idempotent[REQUESTS], finished;

/* ghosts: what really happened */
byte deathsAlone[REQUESTS];
bool executed[REQUESTS], ran[REQUESTS]; /* executed by this generation */
bool replied[REQUESTS], inFlight[REQUESTS], strangerInFlight;

#define IN_FLIGHT ((first != NONE) + (second != NONE))
#define REPLY_CREDIT (replyTail[me] - repliesTaken + IN_FLIGHT < REPLY_ROOM)
#ifdef SUSPECTS_BESIDE_OTHERS
#define SUSPECT_MAY_START (IN_FLIGHT < 2)
#define RING_MAY_START (IN_FLIGHT < 2)
#else
#define SUSPECT_MAY_START (IN_FLIGHT == 0 && !stranger)
#define RING_MAY_START (IN_FLIGHT < 2 && nextSuspect == suspectCount && !suspectRuns)
#endif

inline execute(id) {
  d_step {
    assert(idempotent[id] || !executed[id]);
    executed[id] = true;
    ran[id] = true;
    if
    :: first == NONE -> first = id
    :: else -> second = id
    fi
  }
}

inline answer(id) {
  d_step {
    reply[replyTail[me] % REPLY_ROOM] = id;
    replyTail[me]++; // sync: reply-published (store)
    replied[id] = true; inFlight[id] = false; id = NONE; suspectRuns = false
  }
  atomic {
    running[me]--;
    if
    :: MUST_RING(clientParked) -> REMEMBER(clientParked); clientBell = true // sync: parked (load)
    :: else
    fi
  }
}

proctype Server(byte me; byte head) {
  byte copied = NONE, first = NONE, second = NONE, nextSuspect, rung;
  bool suspectRuns, stranger;
  {
#ifdef CONFIRMED_BEFORE_BOUNDARY
    confirmed[me] = true;
    started[me] = head;
#else
    started[me] = head; // sync: request-started (store)
    confirmed[me] = true;
#endif
    do
    :: nextSuspect < suspectCount && SUSPECT_MAY_START && REPLY_CREDIT ->
      d_step { copied = suspect[nextSuspect]; running[me]++; nextSuspect++ }
#ifdef SUSPECT_MARKED_LATE
      execute(copied);
#endif
      d_step { suspectsStarted[me] = nextSuspect; inFlight[copied] = true; suspectRuns = true } // sync: suspects-started (store)
#ifndef SUSPECT_MARKED_LATE
      execute(copied)
#endif
    :: head != requestTail && RING_MAY_START && REPLY_CREDIT -> // sync: request-published, replies-taken (load)
#ifdef BOUNDARY_BEFORE_COPY
      started[me] = head + 1;
#endif
      d_step {
        copied = request[head % ROOM];
        assert(copied == head);
        assert(repliesTaken <= replyTail[me]);
        head++;
#ifndef RUNNING_COUNTED_LATE
        running[me]++
#endif
      }
#ifdef BOUNDARY_AFTER_HANDLER
      execute(copied);
#endif
      d_step { started[me] = head; inFlight[copied] = true } // sync: request-started (store)
#ifdef RUNNING_COUNTED_LATE
      running[me]++;
#endif
#ifndef BOUNDARY_AFTER_HANDLER
      execute(copied)
#endif
    :: first != NONE -> answer(first)
    :: second != NONE -> answer(second)
#ifdef STRANGERS
    :: !stranger && RING_MAY_START -> running[me]++; d_step { stranger = true; strangerInFlight = true }
    :: stranger -> d_step { stranger = false; strangerInFlight = false } running[me]--
#endif
    :: head == requestTail && IN_FLIGHT == 0 && nextSuspect == suspectCount ->
      PARK(serverParked[me]); // sync: parked (store)
      if
#ifndef NO_SECOND_LOOK
      :: head != requestTail // the second look; sync: request-published (load)
#endif
      :: else ->
        if
        :: serverBell[me] -> serverBell[me] = false
        :: finished -> break
        fi
      fi;
      UNPARK(serverParked[me])
    od
  } unless {
    atomic {
      dead[me]; /* killed, at whatever step */
      head = 0; copied = 0; first = 0; second = 0; nextSuspect = 0; rung = 0; suspectRuns = false; stranger = false;
      reaped[me] = true
    }
  }
}

#define ALL_SETTLED (outcome[0] != PENDING && outcome[1] != PENDING && outcome[REQUESTS - 1] != PENDING)
#define BOUNDARY (confirmed[current] -> started[current] : boundary)
#define MAY_PUBLISH (requestTail < REQUESTS && requestTail - BOUNDARY < ROOM)
#ifdef TAKEN_RESET_LATE
bool joined[SERVERS];
#define JOIN_WAITS (confirmed[current] && !joined[current])
#define REPLY_WAITS (joined[current] && repliesTaken != replyTail[current])
#else
#define JOIN_WAITS false
#define REPLY_WAITS (repliesTaken != replyTail[current])
#endif
#ifdef DECIDED_BEFORE_REAPED
#define DEATH_TOLD suspected[current]
#else
#define DEATH_TOLD reaped[current]
#endif
#ifdef DECIDED_BEFORE_DRAINED
#define DRAINED true
#else
#define DRAINED (!REPLY_WAITS && !JOIN_WAITS)
#endif
#ifdef RUNNING_IGNORED
#define NOTHING_ELSE_RAN true
#else
#define NOTHING_ELSE_RAN (running[current] == 1)
#endif

/* Settles or keeps each call that the dead server had started. */
inline decide() {
  from = boundary;
  boundary = BOUNDARY; // sync: request-started (load)
  index = 0;
  kept = 0;
  do
  :: index < suspectCount ->
    id = suspect[index];
    if
    :: outcome[id] == PENDING ->
      assert(!replied[id]);
      if
      :: index < suspectsStarted[current] -> alone[id]++ // sync: suspects-started (load)
      :: else -> assert(!ran[id])
      fi;
      if
      :: alone[id] == POISON_AFTER -> assert(deathsAlone[id] >= POISON_AFTER); outcome[id] = POISONED
      :: else -> suspect[kept] = id; kept++
      fi
    :: else
    fi;
    index++
  :: else -> break
  od;
  suspectCount = kept;
  index = from;
  kept = 0;
  do
  :: index < boundary ->
    if
    :: outcome[index] == PENDING ->
      assert(!replied[index]);
      kept++;
      id = index;
      if
      :: idempotent[index] -> suspect[suspectCount] = index; suspectCount++
      :: else -> outcome[index] = REJECTED
      fi
    :: else
    fi;
    index++
  :: else -> break
  od;
  if
  :: kept == 1 && idempotent[id] && NOTHING_ELSE_RAN -> alone[id] = 1
  :: else
  fi;
  do
  :: index < requestTail -> assert(!ran[index] && !executed[index]); index++
  :: else -> break
  od;
  index = suspectCount;
  do
  :: index < REQUESTS -> suspect[index] = 0; index++
  :: else -> break
  od
}

/* The next generation has a fresh region; the request ring goes on in place. */
inline succeed() {
  started[current] = 0; suspectsStarted[current] = 0; running[current] = 0; replyTail[current] = 0;
  serverParked[current] = 0; serverBell[current] = false;
  reply[0] = 0; reply[1] = 0;
#ifndef TAKEN_RESET_LATE
  repliesTaken = 0; // before the successor is asked for: it may read the word at once
#endif
  ran[0] = false; ran[1] = false; ran[REQUESTS - 1] = false;
#ifndef RUNG_EPOCH_KEPT
  rung = 0;
#endif
  current++;
  index = 0; id = 0; kept = 0; from = 0
}

active proctype Client() {
  byte boundary, rung, id, index, kept, from;
  atomic {
    do
    :: index < REQUESTS ->
      if
      :: idempotent[index] = true
      :: skip
      fi;
      index++
    :: else -> break
    od;
    index = 0;
    run Server(0, 0)
  }
  do
  :: MAY_PUBLISH -> // sync: request-started (load)
    d_step { request[requestTail % ROOM] = requestTail; requestTail++ } // sync: request-published (store)
    atomic {
      if
      :: MUST_RING(serverParked[current]) -> // sync: parked (load)
        REMEMBER(serverParked[current]);
        serverBell[current] = true
      :: else
      fi
    }
  :: REPLY_WAITS -> // sync: reply-published (load)
    d_step {
      id = reply[repliesTaken % REPLY_ROOM];
      assert(outcome[id] == PENDING && executed[id]);
      outcome[id] = ANSWERED;
      id = 0;
      repliesTaken++ // sync: replies-taken (store)
    }
  :: DEATH_TOLD && DRAINED -> atomic { decide(); succeed(); run Server(current, boundary) }
#ifdef TAKEN_RESET_LATE
  :: JOIN_WAITS -> joined[current] = true; repliesTaken = 0
#endif
  :: ALL_SETTLED -> break
  :: !ALL_SETTLED && !MAY_PUBLISH && !REPLY_WAITS && !DEATH_TOLD && !JOIN_WAITS ->
    PARK(clientParked); // sync: parked (store)
    if
    :: MAY_PUBLISH || REPLY_WAITS || DEATH_TOLD || JOIN_WAITS // the second look
    :: else ->
      if
      :: clientBell -> clientBell = false
      :: DEATH_TOLD || JOIN_WAITS
      fi
    fi;
    UNPARK(clientParked)
  od;
  finished = true
}

#if REQUESTS == 2
#define WORK (inFlight[0] + inFlight[1] + strangerInFlight)
#else
#define WORK (inFlight[0] + inFlight[1] + inFlight[2])
#endif

active proctype Killer() {
  byte kills, id;
  do
  :: kills < KILLS && !dead[current] && !finished ->
#ifdef DECIDED_BEFORE_REAPED
    suspected[current] = true;
#endif
    atomic {
      if
      :: !dead[current] ->
        dead[current] = true;
        kills++;
        do
        :: id < REQUESTS ->
          if
          :: inFlight[id] && WORK == 1 -> deathsAlone[id]++; inFlight[id] = false
          :: else
          fi;
          id++
        :: else -> break
        od;
        id = 0;
        inFlight[0] = false; inFlight[1] = false; inFlight[REQUESTS - 1] = false; strangerInFlight = false
      :: else
      fi
    }
  :: break
  od
}

/* Nobody can move: every request must have its outcome, or somebody sleeps for ever. */
active proctype Monitor() {
  timeout -> assert(finished)
}
