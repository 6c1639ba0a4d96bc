/*
 * listeners.pml: a listening socket outlives the instances that accept from it.
 *
 *     clients --connect--> backlog of the socket <--accept-- instance of slot 0   a duplicate each
 *                                                <--accept-- instance of slot 1
 *                          kernel: keeps one duplicate, gives one to each instance that asks
 *
 * A server's instance asks the kernel to listen. The kernel opens the socket if it has none, keeps it, and gives the instance a
 * duplicate. Connections wait in the backlog while nobody accepts; one is refused when no descriptor of the socket is open
 * anywhere, and those that wait are reset when the last is closed. When an instance dies the kernel has its duplicate still, and
 * the successor is given another. When all slots of the server are down (no instance comes until an operator starts one), the
 * kernel closes its duplicate; who is started later makes it open a new socket. At the system's stop the kernel closes first,
 * then tells the instances to stop. One that is told to stop, then or for a polite restart, closes its duplicate, finishes the
 * connections that it has accepted, and leaves; whatever it has asked for, it is given no duplicate any more.
 *
 * Holds: once the socket was opened no connection is refused while the system runs and a slot is not down (a server that is
 * started again after it was down has to open it again); each accepted connection is in one instance; at no time one waits in a
 * backlog from which nobody will ever accept; a socket is opened only when the one before is closed everywhere; an instance that
 * leaves politely cuts no connection.
 *
 * Left out: accepted connections of an instance that is killed (they are cut); several addresses; a full backlog that drops a
 * connection (here it waits outside); others who take the address while the server is down; duplicates that an instance gave
 * away. The kernel is the process server too: it decides whether an instance follows.
 *
 * Variants (a broken one must fail at the assertion that contains the word):
 *   holds  CORRECT                             two slots
 *   holds  ONE_SLOT                            one, three connections
 *   fails  OWNED_BY_INSTANCE       mustServe   the kernel keeps no duplicate
 *   fails  CLOSED_WITH_ONE_DOWN    mustServe   the kernel closes when one slot goes down, and another runs
 *   fails  KEPT_WHEN_DOWN          waiting     the kernel keeps its duplicate when all slots are down
 *   fails  CLOSED_LAST             stopped     at the system's stop the kernel closes when the instances have left
 *   fails  OPENED_AT_THE_STOP      stopped     an instance asks late, and the kernel opens a socket though the system stops
 *   fails  GIVEN_AFTER_STOP        stopped     the kernel gives a duplicate to an instance that it has told to stop
 *   fails  NEW_SOCKET              waiting     each instance is given a new socket on the same address, the old ones live
 *   fails  LEFT_AT_ONCE            inHand      an instance that is told to stop leaves with what it has accepted
 */
#if defined(ONE_SLOT) || defined(OWNED_BY_INSTANCE) || defined(OPENED_AT_THE_STOP) || defined(NEW_SOCKET)
#define SLOTS 1
#define CONNECTIONS 3
#define KILLS 2
#else
#define SLOTS 2
#define CONNECTIONS 2
#define KILLS 1
#endif
#ifdef NEW_SOCKET
#define SOCKETS 2 /* that can be open at a time */
#else
#define SOCKETS 1
#endif
#define ROOM 2 /* in a backlog */
#define NONE 255

mtype = { GIVEN, STOP };
mtype = { RESTART, BOOT, STOP_ALL };
chan toKernel = [SLOTS] of { byte }; /* who asks to listen */
chan toInstance[SLOTS] = [2] of { mtype };
chan toOperations = [0] of { mtype, byte };
chan backlog[SOCKETS] = [ROOM] of { byte };

bool kept[SOCKETS];      /* the kernel has a duplicate */
byte held[SLOTS] = NONE; /* the socket of which the instance has one, or one on its way */
bool stopped[SLOTS];     /* the instance accepts no more */
bool killed[SLOTS], gone[SLOTS];

/* the kernel's */
bool runs[SLOTS], toldToStop[SLOTS], down[SLOTS], stopping;
byte newest; /* the socket that is given */

/* ghosts */
bool mustServe;
byte waiting; /* connections in backlogs */
bool accepted[CONNECTIONS];
bool finished;

#if SLOTS == 1
#define HELD(socket) (held[0] == socket)
#define ALL_DOWN down[0]
#define NONE_RUNS (!runs[0])
#define ONE_ACCEPTS (held[0] != NONE && !stopped[0])
#else
#define HELD(socket) (held[0] == socket || held[1] == socket)
#define ALL_DOWN (down[0] && down[1])
#define NONE_RUNS (!runs[0] && !runs[1])
#define ONE_ACCEPTS (held[0] != NONE && !stopped[0] || held[1] != NONE && !stopped[1])
#endif
#define IS_OPEN(socket) (kept[socket] || HELD(socket))

/* Checked wherever somebody begins to wait, and wherever one who accepted or kept the door open goes. */
inline nobodyHangs() {
  assert(waiting == 0 || ONE_ACCEPTS || !stopping && !ALL_DOWN)
}

inline resetIfClosed(socket) {
  do
  :: !IS_OPEN(socket) && nempty(backlog[socket]) -> backlog[socket]?_; waiting--
  :: IS_OPEN(socket) || empty(backlog[socket]) -> break
  od
}

inline closeHeld() {
  if
  :: held[me] != NONE ->
    socket = held[me];
    held[me] = NONE;
    resetIfClosed(socket);
    socket = 0
  :: held[me] == NONE
  fi
}

proctype Instance(byte me) {
  byte socket, connection, inHand;
  bool accepts;
  {
    toKernel!me;
    do
    :: toInstance[me]?GIVEN -> accepts = true
    :: d_step {
        accepts && nempty(backlog[held[me]]) ->
        backlog[held[me]]?connection;
        assert(!accepted[connection]);
        accepted[connection] = true; waiting--; inHand++; connection = 0
      }
    :: inHand > 0 -> inHand--
    :: d_step {
        toInstance[me]?STOP ->
        stopped[me] = true;
        if
        :: accepts -> accepts = false; closeHeld()
        :: !accepts
        fi;
        nobodyHangs()
      }
      break
    od;
#ifndef LEFT_AT_ONCE
    do
    :: inHand > 0 -> inHand--
    :: inHand == 0 -> break
    od;
#endif
    atomic {
      assert(inHand == 0);
#ifdef GIVEN_AFTER_STOP
      closeHeld();
#endif
      gone[me] = true
    }
  } unless {
    atomic {
      killed[me]; /* at whatever step */
      accepts = false; inHand = 0; connection = 0; socket = 0;
      closeHeld();
      nobodyHangs();
      gone[me] = true
    }
  }
}

inline closeKept() {
  do
  :: socket < SOCKETS -> kept[socket] = false; resetIfClosed(socket); socket++
  :: socket == SOCKETS -> break
  od;
  socket = 0
}

#ifdef OPENED_AT_THE_STOP
#define MAY_GIVE (!toldToStop[slot] || stopping)
#else
#ifdef GIVEN_AFTER_STOP
#define MAY_GIVE (!stopping)
#else
#define MAY_GIVE (!toldToStop[slot]) /* at the system's stop all are told */
#endif
#endif

/* What a dead instance has asked is read before its death is dealt with. */
inline listen() {
  if
  :: MAY_GIVE ->
#ifdef NEW_SOCKET
    newest = kept[0];
#endif
    if
    :: !kept[newest] -> assert(!HELD(newest)); kept[newest] = true; mustServe = !stopping
    :: kept[newest]
    fi;
    if
    :: !gone[slot] -> held[slot] = newest; toInstance[slot]!GIVEN
    :: gone[slot]
    fi;
#ifdef OWNED_BY_INSTANCE
    kept[newest] = false
#endif
  :: !MAY_GIVE
  fi
}

inline start(next) {
  runs[next] = true;
  run Instance(next)
}

inline goDown(next) {
  down[next] = true;
#ifdef CLOSED_WITH_ONE_DOWN
  closeKept();
#endif
  if
  :: ALL_DOWN ->
    mustServe = false;
#ifndef KEPT_WHEN_DOWN
    closeKept();
#endif
    nobodyHangs()
  :: !ALL_DOWN
  fi
}

inline reap(dead) {
  gone[dead] = false; killed[dead] = false; stopped[dead] = false; runs[dead] = false; toldToStop[dead] = false;
  do
  :: nempty(toInstance[dead]) -> toInstance[dead]?_
  :: empty(toInstance[dead]) -> break
  od;
  if
  :: !stopping -> start(dead)
  :: !stopping -> goDown(dead)
  :: stopping
  fi;
#ifdef CLOSED_LAST
  if
  :: stopping && NONE_RUNS -> closeKept()
  :: !stopping || !NONE_RUNS
  fi
#endif
}

inline tellToStop(next) {
  if
  :: runs[next] && !toldToStop[next] -> toldToStop[next] = true; toInstance[next]!STOP
  :: !runs[next] || toldToStop[next]
  fi
}

active proctype Kernel() {
  byte slot, socket;
  atomic {
    start(0);
#if SLOTS == 2
    start(1)
#endif
  }
  do
  :: atomic { toKernel?slot -> listen(); slot = 0 }
  :: atomic { gone[0] && empty(toKernel) -> reap(0) }
#if SLOTS == 2
  :: atomic { gone[1] && empty(toKernel) -> reap(1) }
#endif
  :: atomic { toOperations?RESTART, slot -> tellToStop(slot); slot = 0 }
  :: atomic {
      toOperations?BOOT, slot ->
      if
      :: down[slot] -> down[slot] = false; start(slot)
      :: !down[slot]
      fi;
      slot = 0
    }
  :: atomic {
      toOperations?STOP_ALL, _ ->
      stopping = true; mustServe = false;
#ifndef CLOSED_LAST
      closeKept();
#endif
      tellToStop(0);
#if SLOTS == 2
      tellToStop(1);
#endif
      nobodyHangs()
    }
  :: finished -> break
  od
}

/* A full backlog makes a client wait outside. */
#define CONNECT(socket) d_step { IS_OPEN(socket) && nfull(backlog[socket]) -> backlog[socket]!next; waiting++; nobodyHangs() }

active proctype Clients() {
  byte next;
  do
  :: next < CONNECTIONS ->
    if
    :: CONNECT(0)
#ifdef NEW_SOCKET
    :: CONNECT(1)
#endif
    :: d_step { !IS_OPEN(0) -> assert(!mustServe) } /* refused */
    fi;
    next++
  :: next == CONNECTIONS -> break
  od
}

active proctype Operator() {
  if
  :: toOperations!RESTART, 0
  :: skip
  fi;
  if
  :: toOperations!BOOT, 0
  :: skip
  fi;
  if
  :: toOperations!STOP_ALL, 0
  :: skip
  fi
}

active proctype Killer() {
  byte kills;
  do
  :: kills < KILLS ->
    atomic {
      if
      :: runs[0] && !gone[0] && !killed[0] -> killed[0] = true
#if SLOTS == 2
      :: runs[1] && !gone[1] && !killed[1] -> killed[1] = true
#endif
      fi;
      kills++
    }
  :: break
  od
}

/* Nobody can move. */
active proctype Monitor() {
  timeout ->
  assert(waiting == 0);
  finished = true
}
