/* sync/asym.c: three threads that lock the mutex, the first one twice or with a deadline. Stores and loads of a thread
   go through its store buffer: the unlock's plain store may be seen by others later than the load that follows it. RMWs,
   membarrier and system calls empty buffers: the first and the last the caller's own, membarrier everybody's.

   Expected: one thread in the mutex at a time; when nothing moves any more everybody has ended.

   Variants that must hold:
     HAND_OVER     an unlock that sees a waiter before it writes may make it the owner instead.
     NO_MEMBARRIER_BUT_LOOKS    the barrier is denied, and sleeps end by themselves.

   Variants that must fail:
     NO_MEMBARRIER the waiter does not pass the barrier on to others (B2).
     COUNT_LATE    the waiter counts itself after the barrier (B1).
     LOOK_EARLY    the unlock looks at the count only before it writes (A3).
     NO_COMPARE    the sleep does not compare the word.
     COUNT_DROPPED a woken waiter takes its count off before it has the mutex.
     HAND_OVER_AND_FREE    the mutex is handed over, and written free all the same. */
#define N    3
#define FREE   0
#define HELD   1

#ifdef NO_MEMBARRIER_BUT_LOOKS
#define NO_MEMBARRIER
#endif
#ifdef HAND_OVER_AND_FREE
#define HAND_OVER
#endif

byte word, waiters, inside, ended;
bool buffered[N];     /* a store of FREE that others do not see yet: the only plain store there is */
bool asleep[N];
bool stands[N], owner_by_hand[N]; /* in the table of who has waited for long */

/* What a thread itself reads: its own store comes first. */
#define SEEN(id) (buffered[id] -> FREE : word)

inline flush(id)
{
    if
    :: buffered[id] -> word = FREE; buffered[id] = false
    :: else
    fi
}

/* Buffers empty by themselves at any time. */
active proctype memory()
{
end:
    do
    :: atomic { buffered[0] -> flush(0) }
    :: atomic { buffered[1] -> flush(1) }
    :: atomic { buffered[2] -> flush(2) }
    od
}

/* RMW; may fail. */
inline try_lock(id, got)
{
    atomic {
        flush(id);
        got = (word == FREE);
        if
        :: got -> word = HELD
        :: else
        fi
    }
}

inline count_up(id)
{
    atomic { flush(id); waiters++ }
}

inline count_down(id)
{
    atomic { flush(id); waiters-- }
}

inline membarrier()
{
#ifdef NO_MEMBARRIER
    skip
#else
    atomic { flush(0); flush(1); flush(2) }
#endif
}

inline lock_slow(id)
{
#ifdef COUNT_LATE
    membarrier();
    count_up(id);
#else
    count_up(id);
    membarrier();
#endif
    do
    :: try_lock(id, got);
       if
       :: got -> break
       :: else
       fi;
#ifdef HAND_OVER
       if
       :: stands[id] = true;
          do
          :: atomic { owner_by_hand[id] -> owner_by_hand[id] = false; got = true; break }
          :: atomic { !owner_by_hand[id] && word == FREE -> word = HELD; stands[id] = false; got = true; break }
          od;
          break
       :: skip
       fi;
#endif
       atomic {
#ifdef NO_COMPARE
           asleep[id] = true
#else
           flush(id);
           if
           :: word == HELD -> asleep[id] = true
           :: else
           fi
#endif
       };
       if
       :: !asleep[id]
       :: may_time_out -> /* the kernel decides which of the two it was */
          atomic {
              if
              :: asleep[id] -> asleep[id] = false; timed_out = true
              :: else
              fi
          }
#ifdef NO_MEMBARRIER_BUT_LOOKS
       :: atomic { asleep[id] && word == FREE -> asleep[id] = false }
#endif
       fi;
       if
       :: timed_out -> break
       :: else
       fi
#ifdef COUNT_DROPPED
       ; count_down(id); count_up(id)
#endif
    od;
    count_down(id)
}

inline wake_one(id)
{
    atomic {
        flush(id); /* a system call is ordered after the stores before it */
        if
        :: asleep[0] -> asleep[0] = false
        :: asleep[1] -> asleep[1] = false
        :: asleep[2] -> asleep[2] = false
        :: else
        fi
    }
}

inline give_to(other)
{
    stands[other] = false; inside--; owner_by_hand[other] = true; given = true
}

inline unlock(id)
{
    seen = waiters;
#ifdef HAND_OVER
    given = false;
    atomic {
        if
        :: seen && stands[0] -> give_to(0)
        :: seen && stands[1] -> give_to(1)
        :: seen && stands[2] -> give_to(2)
        :: else -> inside--
        fi
    };
#else
    inside--;
#endif
    if
#ifdef HAND_OVER
#ifdef HAND_OVER_AND_FREE
    :: given -> buffered[id] = true
#else
    :: given
#endif
    :: !given && seen -> atomic { flush(id); word = FREE }; wake_one(id)
    :: !given && !seen ->
#else
    :: seen -> atomic { flush(id); word = FREE }; wake_one(id)
    :: else ->
#endif
       buffered[id] = true;
#ifndef LOOK_EARLY
       seen = waiters;
       if
       :: seen -> wake_one(id)
       :: else
       fi
#endif
    fi
}

proctype thread(byte id)
{
    bool got, timed_out, may_time_out, given;
    byte rounds, seen;
    if
    :: id == 0 -> may_time_out = true; rounds = 1
    :: id == 0 -> rounds = 2
    :: id != 0 -> rounds = 1
    fi;
    do
    :: rounds == 0 -> break
    :: rounds > 0 ->
       rounds--;
       timed_out = false;
       /* The fast way reads the word first: FREE or no attempt. */
       got = false;
       if
       :: SEEN(id) == FREE -> try_lock(id, got)
       :: else
       fi;
       if
       :: !got -> lock_slow(id)
       :: else
       fi;
       if
       :: timed_out
       :: else ->
          atomic { inside++; assert(inside == 1) };
          unlock(id)
       fi
    od;
    atomic { flush(id); ended++ } /* the end of a thread empties its buffer at last */
}

/* Nobody can go on. */
active proctype monitor()
{
    timeout;
    assert(ended == N)
}

init
{
    atomic {
        run thread(0);
        run thread(1);
        run thread(2)
    }
}
