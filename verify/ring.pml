/*
 * ring.pml: one ring between one producer and one consumer, with parking and a doorbell.
 *
 *     producer's region            consumer's region
 *     records, tail  ----------->  copy out
 *     room           <-----------  started (credit)
 *     look, ring     <-----------  parked (odd = parked)
 *     doorbell       ----------->  sleep
 *     sleep for room <-----------  look at wantsRoom and at the producer's `parked`, ring
 *
 * The producer writes a record, publishes `tail`, then looks at `parked`, and rings if it is odd and not the value it rang for last.
 * The consumer copies a record out, then gives credit; with nothing to read it makes `parked` odd, looks at `tail` once more and
 * only then sleeps. Whenever it wakes it begins a new epoch, also when it finds nothing and sleeps on: the producer does not ring twice in
 * one. A producer without room keeps the credit that it tried with and waits for another: it says so in `wantsRoom` and parks in the same way;
 * the consumer looks after each credit. The doorbell is a non-blocking pipe that is emptied whole, so one bit stands for it; others may
 * ring it for nothing.
 * A record has two halves, written and copied in two steps: a torn read is seen.
 *
 * Either side stores without a fence while it is polled: the store stands in its core's buffer (`tailOut`, `startedOut`) and is seen by the
 * other some time later. A look at `parked` or `wantsRoom` before that may see too little, so each side looks again behind a fence: the
 * producer when it has nothing else to do and before it sleeps or ends (at once, where it is not polled), the consumer the same. The
 * producer does not ring then for a consumer that says it has taken all: it has slept, been woken and fallen asleep again meanwhile. What
 * stands before such a store in the program is in the same buffer before it, and is modelled as seen at once.
 *
 * Holds: every record is read once, whole and in order; nobody sleeps for ever beside work that was published.
 *
 * Labels of the source: request-published, request-started, parked (the reply ring works in the same way: reply-published, replies-taken).
 *
 * Left out: strangers that ring, where there is one slot; that a producer that waits for room, rung for nothing, sleeps on in a new epoch as the
 * consumer does (here it wakes and asks again); that a side with work to do leaves its look behind a fence for later (here it may come at any
 * time); that a server rings one doorbell of its client for answers and for room; the end of a channel, which settles first (a unit test); records of several lengths,
 * padding at the wrap and positions beyond 2^32 (unit tests); the wrap of the epoch (2^31 parks between two looks of a producer); fairness.
 * Other stores are sequentially consistent here: that Atomics.store of `parked` stays before the second look in real code, that a fence is
 * one, and payload before `tail`, is what `npm run litmus` tests.
 *
 * Variants (a broken one must fail at the assertion that contains the word):
 *   holds  CORRECT                room for two records
 *   holds  ONE_SLOT               room for one
 *   fails  NO_SETTLE              consumerDone  the producer never looks again behind a fence
 *   fails  SETTLES_UNFENCED       consumerDone  it looks again without one
 *   fails  SOME_IS_ALL            consumerDone  it takes a consumer that has taken something for one that has taken all
 *   fails  NO_FENCE_FOR_ROOM      consumerDone  the consumer looks whether room is wanted before its credit is sure to be seen (one slot)
 *   fails  NO_SECOND_LOOK         consumerDone  the consumer sleeps without looking again
 *   fails  PARKED_BEFORE_PUBLISH  consumerDone  the producer looks at `parked`, then publishes
 *   fails  RINGS_ONCE             consumerDone  the producer remembers that it rang, not for which epoch
 *   fails  EPOCH_SLEPT_ON         consumerDone  woken too late for the work, the consumer sleeps on in the epoch that was rung for
 *   fails  BELL_EMPTIED_LATE      consumerDone  the doorbell is emptied before the next sleep instead of on waking
 *   fails  NO_LOOK_FOR_ROOM       consumerDone  the producer sleeps for room without looking again
 *   fails  LOOKS_AFTER_TRYING     consumerDone  the producer notes as tried with what came after it had tried
 *   fails  WISH_BEFORE_CREDIT     consumerDone  the consumer looks whether room is wanted, then gives credit (one slot)
 *   fails  CREDIT_BEFORE_COPY     leftCopy      the record is copied after its room was given back
 */
#define RECORDS 3
#if defined(ONE_SLOT) || defined(WISH_BEFORE_CREDIT) || defined(NO_FENCE_FOR_ROOM)
#define ROOM 1
#define STRAY_RINGS 0
#else
#define ROOM 2
#define STRAY_RINGS 1
#endif
#define ODD(epoch) ((epoch) % 2 == 1)

byte left[ROOM], right[ROOM], tail, producerParked; /* producer's region */
bool wantsRoom;
byte started, parked; /* consumer's region */
byte tailOut, startedOut; /* stored by their owner; `tail` and `started` are what the other sees */
bool bell, producerBell;
bool producerDone, consumerDone;

inline publish() {
  left[tailOut % ROOM] = tailOut + 1;
  right[tailOut % ROOM] = tailOut + 1;
  tailOut++ // sync: request-published (store)
}

inline look() {
  seen = parked; // sync: parked (load)
  if
#ifdef RINGS_ONCE
  :: ODD(seen) && rung == 0 -> rung = seen; bell = true
#else
  :: ODD(seen) && seen != rung -> rung = seen; bell = true
#endif
  :: else
  fi;
  seen = 0
}

inline settle() {
#ifndef NO_SETTLE
#ifndef SETTLES_UNFENCED
  tail == tailOut; /* the fence: passed when the buffer is empty */
#endif
  seen = parked; // sync: parked (load)
  if
#ifdef SOME_IS_ALL
  :: started > 0 /* who has taken some has not taken all */
#else
  :: started == tailOut /* all is taken: it sleeps for a good reason; sync: request-started (load) */
#endif
  :: !ODD(seen) // it is awake
  :: else -> look()
  fi;
  seen = 0;
#endif
  unsettled = false
}

active proctype Producer() {
  byte seen, rung, taken; /* taken: what it tried with last */
  bool unsettled, outOfRoom;
  do
  :: tailOut < RECORDS && !outOfRoom ->
    taken = started; // sync: request-started (load)
    if
    :: tailOut - taken < ROOM ->
#ifdef PARKED_BEFORE_PUBLISH
      look();
      publish();
      tail == tailOut
#else
      publish();
      look();
      unsettled = true
#endif
    :: else ->
      outOfRoom = true;
#ifdef LOOKS_AFTER_TRYING
      taken = started
#endif
    fi
  :: unsettled -> settle()
  :: outOfRoom && started != taken -> outOfRoom = false /* it is polled, and tries again */
  :: outOfRoom && started == taken && !unsettled ->
    tail == tailOut; /* a store of Atomics is a fence */
    wantsRoom = true;
    producerParked++; // sync: parked (store)
    if
#ifndef NO_LOOK_FOR_ROOM
    :: started != taken // the second look
#endif
    :: else -> producerBell; producerBell = false
    fi;
    producerParked++;
    wantsRoom = false
  :: tailOut == RECORDS && !unsettled -> break
  od;
  producerDone = true
}

inline tellRoom() {
  if
  :: wish && ODD(producerParked) && producerParked != rung -> rung = producerParked; producerBell = true // sync: parked (load)
  :: else
  fi;
  wish = false
}

active proctype Consumer() {
  byte head, leftCopy, rightCopy, rung;
  bool wish, inBatch;
  do
  :: head < RECORDS && head != tail -> // sync: request-published (load)
#ifdef CREDIT_BEFORE_COPY
    startedOut = head + 1;
#endif
    leftCopy = left[head % ROOM];
    rightCopy = right[head % ROOM];
    assert(leftCopy == head + 1 && rightCopy == head + 1);
    d_step { head++; leftCopy = 0; rightCopy = 0 }
#ifdef WISH_BEFORE_CREDIT
    wish = wantsRoom;
    startedOut = head;
#else
    startedOut = head; // sync: request-started (store)
#endif
#ifndef WISH_BEFORE_CREDIT
    wish = wantsRoom; /* the look at the end of a batch, or of each record, without a fence */
    tellRoom();
#endif
    inBatch = true
  :: inBatch -> /* nothing more to read for now */
#ifndef WISH_BEFORE_CREDIT
#ifndef NO_FENCE_FOR_ROOM
    started == startedOut; /* the fence */
#endif
    wish = wantsRoom;
#endif
    tellRoom();
    inBatch = false
  :: head < RECORDS && head == tail && !inBatch ->
    started == startedOut; /* a store of Atomics is a fence */
    parked++; // sync: parked (store)
    if
#ifndef NO_SECOND_LOOK
    :: head != tail // the second look; sync: request-published (load)
#endif
    :: else ->
#ifdef BELL_EMPTIED_LATE
      bell = false;
      bell
#else
asleep:
      bell;
      bell = false;
#ifdef EPOCH_SLEPT_ON
      if
      :: head == tail -> goto asleep
      :: else
      fi
#else
      if
      :: head == tail && head < RECORDS ->
        parked = parked + 2; // sync: parked (store)
        if
        :: head == tail -> goto asleep /* the second look again */
        :: else
        fi
      :: else
      fi
#endif
#endif
    fi;
    parked++
  :: head == RECORDS && !inBatch -> break
  od;
  consumerDone = true
}

/* What the cores have in their buffers reaches the others, sooner or later. */
active proctype Buffers() {
  do
  :: tail < tailOut -> tail++
  :: started < startedOut -> started = startedOut
  :: producerDone && consumerDone && tail == tailOut && started == startedOut -> break
  od
}

/* Whoever else holds the write end rings for nothing. */
active proctype Stranger() {
  byte rings;
  do
  :: rings < STRAY_RINGS -> bell = true; rings++
  :: break
  od
}

/* Nobody can move: all must be done, or somebody sleeps for ever. */
active proctype Monitor() {
  timeout -> assert(producerDone && consumerDone)
}
