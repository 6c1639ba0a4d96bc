/*
 * quarantine.pml: a poisonous request is kept until an operator has dealt with it.
 *
 *     caller <--rejected-- client --poison--> kernel --quarantined, forgotten--> process server <--retry, drop-- operator
 *                                             list   <------declare, pardon----- its copy       ---done------->
 *
 * A client that finds a call to be poison says so to the kernel, and then rejects the call. The kernel gives the request an id
 * and keeps it; its list is bounded, the oldest goes when it is full. It tells the process server what it has kept and what it
 * has pushed out; a successor of that is told all that are kept, once it has declared. An operator asks the process server to
 * drop an entry, or to call the method again. It tells the kernel to pardon what is dropped or was answered, and then answers
 * the operator; a call that is poison again keeps its entry, and is not reported anew. What a dead process had sent is read
 * before its death is dealt with; a pardon of what is not kept any more is ignored.
 *
 * Holds: a request that was rejected as poison is kept, unless an operator has dropped it, a retry has answered it, or the bound
 * has pushed it out; a request has one entry at most; no entry goes by a retry without an answer; what an operator was told is
 * gone does not come back; when all is quiet the process server's list is the kernel's.
 *
 * Left out: what makes a call poison (succession.pml); the way of the call that is tried again; a second client (the kernel
 * reads one report after the other). A client that dies between its decision and its report takes the request with it: nobody
 * was told.
 *
 * Variants (a broken one must fail at the assertion that contains the word):
 *   holds  CORRECT                            three requests, room for two
 *   holds  TWO_KILLS                          two requests, room for one, the process server dies twice
 *   fails  KEPT_BY_PROCESS_SERVER  told       the kernel keeps nothing: the list dies with the process server
 *   fails  REJECTED_FIRST          told       the client rejects the call, then tells the kernel
 *   fails  REPORT_UNREAD           told       what a dead client had sent and the kernel had not read is lost
 *   fails  PARDONED_FIRST          answered   the pardon is sent before the retry is answered
 *   fails  RETRY_REPORTED          entries    a retry that is poison again is reported by the process server
 *   fails  SUCCESSOR_NOT_TOLD      listed     the successor is told of new entries alone
 *   fails  TOLD_AT_BIRTH           listed     the successor is told at its birth what is kept; what is new, once it has declared
 *   fails  BOUND_APPLIED_TWICE     listed     the process server is not told what is pushed out: it applies the bound itself
 *   fails  PARDON_UNREAD           confirmed  what a dead process server had sent and the kernel had not read is lost
 */
#ifdef TWO_KILLS
#define REQUESTS 2 /* that are poison */
#define ROOM 1     /* entries that the kernel keeps */
#define KILLS 2    /* of process servers */
#else
#define REQUESTS 3
#define ROOM 2
#define KILLS 1
#endif
#ifdef RETRY_REPORTED
#define IDS 5
#else
#define IDS 3
#endif
#define ORDERS 2
#define NONE 255

mtype = { DECLARE, PARDON, POISON };
mtype = { QUARANTINED, FORGOTTEN };
mtype = { RETRY, DROP };
chan fromClient = [1] of { byte };
chan fromServer = [2] of { mtype, byte };
chan toServer = [8] of { mtype, byte };
chan toOperations = [0] of { mtype, byte };

bool told[REQUESTS];           /* the caller knows that it is poison */
bool clientDead, dead, reaped; /* the client; the process server */

/* the kernel's */
bool kept[IDS], hears;
byte request[IDS], keptCount, ids;

/* the process server's */
bool listed[IDS];
byte listedCount;

/* ghosts; confirmed: an operator was told that the entry is gone */
byte entries[REQUESTS];
bool dropped[REQUESTS], answered[REQUESTS], pushedOut[REQUESTS], confirmed[REQUESTS];
bool finished;

active proctype Client() {
  byte found;
  {
    do
    :: found < REQUESTS ->
#ifdef REJECTED_FIRST
      told[found] = true;
      atomic { fromClient!found; found++ }
#else
      fromClient!found;
      d_step { told[found] = true; found++ }
#endif
    :: found == REQUESTS -> break
    od
  } unless { clientDead }
}

inline tell(what, id) {
  if
  :: hears -> toServer!what, id
  :: !hears
  fi
}

inline forget(id) {
  kept[id] = false;
  keptCount--;
  entries[request[id]]--
}

inline keep(poison) {
  if
  :: keptCount == ROOM ->
    oldest = 0;
    do
    :: !kept[oldest] -> oldest++
    :: kept[oldest] -> break
    od;
    pushedOut[request[oldest]] = true;
    forget(oldest);
#ifndef BOUND_APPLIED_TWICE
    tell(FORGOTTEN, oldest);
#endif
    oldest = 0
  :: keptCount < ROOM
  fi;
  request[ids] = poison;
  kept[ids] = true;
  keptCount++;
  entries[poison]++;
  assert(entries[poison] == 1);
  tell(QUARANTINED, ids);
  ids++
}

inline tellAll() {
  do
  :: index < IDS && kept[index] -> toServer!QUARANTINED, index; index++
  :: index < IDS && !kept[index] -> index++
  :: index == IDS -> break
  od;
  index = 0
}

#ifdef REPORT_UNREAD
#define REPORTS_READ !clientDead
#else
#define REPORTS_READ true
#endif
#ifdef PARDON_UNREAD
#define DRAINED true
#else
#define DRAINED empty(fromServer)
#endif

active proctype Kernel() {
  byte poison, id, oldest, index;
  run ProcessServer();
  do
  :: atomic { REPORTS_READ && nempty(fromClient) -> fromClient?poison; keep(poison); poison = 0 }
#if defined(SUCCESSOR_NOT_TOLD) || defined(TOLD_AT_BIRTH)
  :: fromServer?DECLARE, _ -> hears = true
#else
  :: atomic { fromServer?DECLARE, _ -> hears = true; tellAll() }
#endif
  :: atomic {
      fromServer?PARDON, id ->
      if
      :: kept[id] -> assert(dropped[request[id]] || answered[request[id]]); forget(id)
      :: !kept[id] /* pushed out meanwhile, or pardoned twice */
      fi;
      id = 0
    }
#ifdef RETRY_REPORTED
  :: atomic { fromServer?POISON, poison -> keep(poison); poison = 0 }
#endif
  :: atomic {
      reaped && DRAINED ->
      dead = false; reaped = false; hears = false;
      do
      :: nempty(toServer) -> toServer?_, _
      :: empty(toServer) -> break
      od;
#ifdef PARDON_UNREAD
      do
      :: nempty(fromServer) -> fromServer?_, _
      :: empty(fromServer) -> break
      od;
#endif
#ifdef KEPT_BY_PROCESS_SERVER
      do
      :: index < IDS && kept[index] -> forget(index)
      :: index < IDS && !kept[index] -> index++
      :: index == IDS -> break
      od;
      index = 0;
#endif
#ifdef TOLD_AT_BIRTH
      tellAll();
#endif
      run ProcessServer()
    }
  :: finished -> break
  od
}

inline unlist(id) {
  if
  :: listed[id] -> listed[id] = false; listedCount--
  :: !listed[id]
  fi
}

inline list(id) {
#ifdef BOUND_APPLIED_TWICE
  if
  :: listedCount == ROOM ->
    index = 0;
    do
    :: !listed[index] -> index++
    :: listed[index] -> break
    od;
    unlist(index);
    index = 0
  :: listedCount < ROOM
  fi;
#endif
  listed[id] = true;
  listedCount++
}

proctype ProcessServer() {
  byte id, index, retried = NONE;
  {
    fromServer!DECLARE, 0;
    do
    :: d_step { toServer?QUARANTINED, id -> list(id); id = 0 }
    :: d_step { toServer?FORGOTTEN, id -> unlist(id); id = 0 }
    :: atomic {
        toOperations?DROP, id ->
        if
        :: listed[id] -> dropped[request[id]] = true; unlist(id)
        :: !listed[id] -> id = NONE /* the operator is told that there is no such entry */
        fi
      }
      atomic {
        if
        :: id != NONE -> fromServer!PARDON, id; confirmed[request[id]] = true
        :: id == NONE
        fi;
        id = 0
      }
    :: atomic {
        toOperations?RETRY, id ->
        if
        :: listed[id] && retried == NONE -> retried = id
        :: !listed[id] || retried != NONE /* one at a time */
        fi;
        id = 0
      }
    :: retried != NONE ->
#ifdef PARDONED_FIRST
      fromServer!PARDON, retried;
#endif
      if
      :: d_step { answered[request[retried]] = true; unlist(retried) }
        atomic { fromServer!PARDON, retried; confirmed[request[retried]] = true }
#ifdef RETRY_REPORTED
      :: fromServer!POISON, request[retried] /* poison again */
#else
      :: skip /* poison again */
#endif
      fi;
      retried = NONE
    od
  } unless {
    atomic {
      dead; /* killed, at whatever step */
      id = 0; index = 0; retried = NONE; listedCount = 0;
      do
      :: index < IDS -> listed[index] = false; index++
      :: index == IDS -> break
      od;
      index = 0;
      reaped = true
    }
  }
}

active proctype Operator() {
  byte orders, id;
  do
  :: orders < ORDERS ->
    atomic {
      if
      :: listed[0] -> id = 0
      :: listed[1] -> id = 1
      :: listed[2] -> id = 2
      fi;
      orders++
    }
    if
    :: toOperations!RETRY, id
    :: toOperations!DROP, id
    fi;
    id = 0
  :: break
  od
}

active proctype ClientKiller() {
  if
  :: clientDead = true
  :: skip
  fi
}

active proctype ProcessServerKiller() {
  byte kills;
  do
  :: kills < KILLS -> atomic { !dead -> dead = true; kills++ }
  :: break
  od
}

#define EXCUSED(poison) (dropped[poison] || answered[poison] || pushedOut[poison])

/* Nobody can move. */
active proctype Monitor() {
  byte index;
  timeout ->
  d_step {
    do
    :: index < REQUESTS ->
      assert(!told[index] || entries[index] == 1 || EXCUSED(index));
      assert(!confirmed[index] || entries[index] == 0);
      index++
    :: index == REQUESTS -> break
    od;
    index = 0;
    do
    :: index < IDS -> assert(listed[index] == kept[index]); index++
    :: index == IDS -> break
    od;
    finished = true
  }
}
