/*
 * supervision.pml: the process server dies; its successor goes on where it was.
 *
 *     operator --order--> process server --spawn, kill, zombie, remember--> kernel --starts, kills--> instance
 *     operator <-answer-- process server <--kept, died--------------------- kernel <-----death------- instance
 *
 * The kernel starts instances and learns of their deaths; the process server decides what a death leads to. Both directions
 * between them are ordered. When the process server dies, the kernel first reads what it had sent, then starts another. That one
 * declares, is told how the slot stands (`kept`: does an instance run, is the slot down, how did the last one end, the note) and
 * decides what its predecessor has not. From then on it is told each death. The note is what a process server leaves to its
 * successor: how many deaths it has counted, whether it has asked for an instance whose death it does not know, whether an
 * operator wants it to stay down. A wish is noted before the `kill` that it is about; an order that changes the slot (`spawn`,
 * `zombie`) carries its note: nothing is between the two.
 *
 * A death leads to a new instance, at once or after a while. After TOO_MANY deaths, or when the instance has left of its own
 * free will, the slot goes down (zombie) until an operator starts it.
 *
 * Holds: when all is quiet an instance runs or the slot is down, by a decision, and the note says which; each death was counted
 * once; there is never a second process in the slot; what is down or has left is started by an operator alone; an operator who
 * was told that it stays down finds it so.
 *
 * Left out: other slots (nothing is decided about one by what happens in another, but for groups, which are left out too);
 * manifest, init, ready, and with them stable deaths; an operator's restart; the boot, during which a death of the process
 * server ends the system; the stop of the system. The kernel ignores an order to start what runs: here it is asserted that none
 * comes.
 *
 * Variants (a broken one must fail at the assertion that contains the word):
 *   holds  CORRECT
 *   fails  NOTE_BEFORE_ORDER  noteSpawned   the note is a message of its own, before its order
 *   fails  NOTE_AFTER_ORDER   left          the same, after its order
 *   fails  NOTE_ALONE         alive         the successor goes by the note, and is not told what runs
 *   fails  BEGINS_ANEW        process       the successor is not told that the system runs: it starts all, as at the boot
 *   fails  END_NOT_KEPT       left          the successor is told that nothing runs, but not how the last instance ended
 *   fails  DOWN_NOT_KEPT      down          the successor is not told that the slot is down
 *   fails  HEARS_LATE         alive         the successor is told of deaths only once it has said that it has begun
 *   fails  UNREAD_LOST        acknowledged  what a dead process server had sent and the kernel had not read is lost
 *   fails  UNREAD_READ_LATE   alive         it is read after the successor has been started
 *   fails  ANSWERED_FIRST     acknowledged  the operator is answered before the kernel is told
 */
#define TOO_MANY 2
#ifdef BEGINS_ANEW
#define ENDS 0
#else
#define ENDS 3 /* of instances, by themselves; those that an operator kills come on top */
#endif
#define KILLS 2 /* of process servers */
#define ORDERS 2

mtype = { DECLARE, BEGUN, REMEMBER, SPAWN, KILL, ZOMBIE };
mtype = { KEPT, DIED };
mtype = { STAY_DOWN, BOOT };
chan toKernel = [3] of { mtype, byte, bool, bool };                   /* with a note */
chan toServer = [3] of { mtype, bool, bool, bool, byte, bool, bool }; /* runs, down, left; a note */
chan toOperations = [0] of { mtype };

bool alive = true, freeWill; /* the instance, and how it has ended */
bool dead, reaped;           /* the process server */

/* the kernel's */
bool process = true; /* there is an instance, whose death is not known */
bool down;           /* zombie */
bool left;           /* the last instance has left of its own free will */
bool hears;          /* the process server is told of deaths */
byte noteCounted;
bool noteSpawned = true, noteStaysDown;

/* ghosts */
byte deaths;       /* that the kernel has learned of */
bool acknowledged; /* an operator was told that the slot stays down */
bool booted;       /* an operator has ordered a start, which was not made yet */
bool finished;

#define NOTE counted, spawned, staysDown
#define NO_NOTE 0, 0, 0
#define KEPT_NOTE noteCounted, noteSpawned, noteStaysDown

#if defined(NOTE_BEFORE_ORDER) || defined(NOTE_AFTER_ORDER)
#define ORDERS_NOTE _, _, _
#else
#define ORDERS_NOTE KEPT_NOTE
#endif

inline order(what) {
#ifdef NOTE_BEFORE_ORDER
  toKernel!REMEMBER, NOTE;
#endif
  toKernel!what, NOTE;
#ifdef NOTE_AFTER_ORDER
  toKernel!REMEMBER, NOTE;
#endif
  skip
}

inline spawn() {
  d_step { spawned = true; staysDown = false; zombie = false; waits = false }
  order(SPAWN)
}

inline goDown() {
  d_step { zombie = true; waits = false }
  order(ZOMBIE)
}

inline goDownByOrder() {
#ifdef ANSWERED_FIRST
  acknowledged = true;
  goDown()
#else
  goDown();
  acknowledged = true
#endif
}

inline onDeath() {
  d_step { counted++; assert(counted <= deaths); spawned = false }
  if
  :: staysDown -> goDownByOrder()
  :: !staysDown && (byFreeWill || counted >= TOO_MANY) -> goDown()
  :: !staysDown && !byFreeWill && counted < TOO_MANY ->
    if
    :: spawn()
    :: waits = true; toKernel!REMEMBER, NOTE
    fi
  fi
}

proctype ProcessServer() {
  byte counted;
  bool spawned, staysDown, zombie, waits, runs, byFreeWill;
  {
    toKernel!DECLARE, NO_NOTE;
    atomic {
      toServer?KEPT, runs, zombie, byFreeWill, NOTE;
#ifdef NOTE_ALONE
      runs = spawned
#else
      spawned = spawned || runs
#endif
    }
#ifdef HEARS_LATE
    toKernel!BEGUN, NO_NOTE;
#endif
#ifdef BEGINS_ANEW
    spawn();
#else
    if
    :: runs && staysDown -> toKernel!KILL, NO_NOTE /* the order goes on */
    :: runs && !staysDown
    :: !runs && zombie
    :: !runs && !zombie && spawned -> onDeath()
    :: !runs && !zombie && !spawned -> spawn() /* that death is counted */
    fi;
#endif
    do
    :: toServer?DIED, _, _, byFreeWill, _, _, _ -> onDeath()
    :: waits -> spawn()
    :: toOperations?STAY_DOWN ->
      if
      :: spawned -> staysDown = true; toKernel!REMEMBER, NOTE; toKernel!KILL, NO_NOTE /* answered at the death */
      :: !spawned && !zombie -> goDownByOrder()
      :: !spawned && zombie -> acknowledged = true
      fi
    :: toOperations?BOOT ->
      if
      :: !spawned -> d_step { booted = true; acknowledged = false } spawn()
      :: spawned
      fi
    od
  } unless {
    atomic {
      dead; /* killed, at whatever step */
      counted = 0; spawned = false; staysDown = false; zombie = false; waits = false; runs = false; byFreeWill = false;
      reaped = true
    }
  }
}

inline tellState() {
#ifdef END_NOT_KEPT
  toServer!KEPT, process, down, false, KEPT_NOTE
#else
#ifdef DOWN_NOT_KEPT
  toServer!KEPT, process, false, left, KEPT_NOTE
#else
  toServer!KEPT, process, down, left, KEPT_NOTE
#endif
#endif
}

#if defined(UNREAD_LOST) || defined(UNREAD_READ_LATE)
#define DRAINED true
#else
#define DRAINED empty(toKernel)
#endif

active proctype Kernel() {
  run ProcessServer();
  do
#ifdef HEARS_LATE
  :: atomic { toKernel?DECLARE, _, _, _ -> tellState() }
  :: toKernel?BEGUN, _, _, _ -> hears = true
#else
  :: atomic { toKernel?DECLARE, _, _, _ -> hears = true; tellState() }
#endif
  :: toKernel?REMEMBER, KEPT_NOTE
  :: atomic {
      toKernel?SPAWN, ORDERS_NOTE ->
      assert(!process && !alive);
      assert(!acknowledged);
      assert(!down || booted);
      assert(!left || booted);
      process = true; alive = true; down = false; left = false; booted = false
    }
  :: atomic { toKernel?ZOMBIE, ORDERS_NOTE -> down = true }
  :: atomic {
      toKernel?KILL, _, _, _ ->
      if
      :: alive -> alive = false; freeWill = false
      :: !alive
      fi
    }
  :: atomic {
      process && !alive ->
      process = false; left = freeWill; freeWill = false; deaths++;
      if
      :: hears -> toServer!DIED, false, false, left, NO_NOTE
      :: !hears /* kept for the successor */
      fi
    }
  :: atomic {
      reaped && DRAINED ->
      dead = false; reaped = false; hears = false; booted = false;
#ifdef UNREAD_LOST
      do
      :: nempty(toKernel) -> toKernel?_, _, _, _
      :: empty(toKernel) -> break
      od;
#endif
      do
      :: nempty(toServer) -> toServer?_, _, _, _, _, _, _
      :: empty(toServer) -> break
      od;
      run ProcessServer()
    }
  :: finished -> break
  od
}

active proctype Operator() {
  byte orders;
  do
  :: orders < ORDERS -> toOperations!STAY_DOWN; orders++
  :: orders < ORDERS -> toOperations!BOOT; orders++
  :: break
  od
}

active proctype InstanceKiller() {
  byte ends;
  do
  :: ends < ENDS -> atomic { alive -> alive = false; ends++; if :: freeWill = true :: skip fi }
  :: break
  od
}

active proctype ProcessServerKiller() {
  byte kills;
  do
  :: kills < KILLS -> atomic { !dead -> dead = true; kills++ }
  :: break
  od
}

/* Nobody can move: each death has led to something, and what is known of it is true. */
active proctype Monitor() {
  timeout ->
  d_step {
    assert(alive || down);
    assert(noteSpawned == alive);
    assert(noteCounted == deaths);
    finished = true
  }
}
