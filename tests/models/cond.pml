/* sync/mutex.c and sync/cond.c: two waiters that each want a token, and a thread that hands out one or two, each with a
   signal or both with a broadcast, inside the mutex or after it. A waiter may give up (timeout) or be cancelled while it sleeps.
   The table's lock is left out: what it guards is one step here. A sleeper in the kernel is a bit; who wakes one of several
   wakes any.

   Expected: one thread in the mutex at a time; when nothing moves any more everybody has ended, or waits in the table for
   a token that is not there: no signal is lost, none is kept by who was cancelled, no sleeper is forgotten on the mutex's
   word.

   Variants that must hold:
     BYPASSED            the signaller's unlock is glibc's: it wakes a sleeper of the mutex and makes up for no wake.
     STARVING            who sleeps for the mutex may stand in the table and be made the owner.

   Variants that must fail:
     KEEP_SIGNAL         a cancelled waiter that was taken by a signal does not pass it on (C1).
     TIMEOUT_WINS        a waiter that was taken at the end of its time leaves all the same without a look (C1).
     DEFER_LONG          a wake is put off for one who sleeps without bound, and the unlock passes us by (C3).
     MOVE_TO_ONE         the broadcast leaves the mutex's word at 1 (C4).
     LOCK_AS_ONE         who was moved takes the mutex by writing 1 (C4).
     NO_COMPARE          a sleep does not compare the parker's word.
     HAND_OVER_ZERO      an unlock hands the mutex over and sets the word to 0 (M1).
     ONE_WORD            who stands in the table sleeps on the mutex's word alone, and a hand-over wakes only by its own. */
#define W       2 /* waiters; thread W hands out */
#define AWAKE   0
#define FIRST   1
#define LONG    2
#define TAKEN   3
#define HELD    4
#define PASSED  5

#ifdef DEFER_LONG
#define BYPASSED
#endif
#if defined(HAND_OVER_ZERO) || defined(ONE_WORD)
#define STARVING
#endif

byte word, inside, tokens;
bool ended[3];
byte state[W];            /* of the waiters' parkers */
bool queued[W];           /* in the table under the condition */
byte order;               /* arrivals: whoever has the lower number is older */
byte ticket[W];
bool on_parker[W];        /* asleep */
bool on_mutex[3];
bool deferred[W];         /* taken by the signaller and not woken yet */
bool starving[3], owner_by_hand[3];

inline wake_mutex()
{
    if
    :: on_mutex[0] -> on_mutex[0] = false
    :: on_mutex[1] -> on_mutex[1] = false
    :: on_mutex[2] -> on_mutex[2] = false
    :: !on_mutex[0] && !on_mutex[1] && !on_mutex[2] -> skip
    fi
}

inline sleep_on_mutex(id)
{
    atomic {
        if
        :: word == 2 -> on_mutex[id] = true
        :: else
        fi
    };
    !on_mutex[id]
}

#ifdef STARVING
/* Asleep on two words. The system looks at one after the other; a wake in between ends the sleep. */
inline sleep_on_both(id)
{
    atomic {
        if
        :: word == 2 -> on_mutex[id] = true
        :: else
        fi
    };
    if
#ifdef ONE_WORD
    :: !on_mutex[id]
#else
    :: atomic { !on_mutex[id] || owner_by_hand[id] -> on_mutex[id] = false }
#endif
    fi
}
#endif

/* Lock as a sleeper: writes 2. */
inline lock_asleep(id)
{
    do
    :: atomic { word == 0 -> word = 2; break }
    :: atomic { word != 0 -> word = 2 };
#ifdef STARVING
       if
       :: starving[id] = true /* in the table, if that is not in use */
       :: skip
       fi;
       do
       :: atomic { owner_by_hand[id] -> owner_by_hand[id] = false; goto_owned = true; break }
       :: atomic { !owner_by_hand[id] && word == 0 -> word = 2 };
          starving[id] = false;
          goto_owned = true;
          break
       :: atomic { !owner_by_hand[id] && word != 0 -> word = 2 };
          sleep_on_both(id)
       od;
       if
       :: goto_owned -> goto_owned = false; break
       fi
#else
       sleep_on_mutex(id)
#endif
    od
}

inline enter(id)
{
    inside++;
    assert(inside == 1)
}

inline lock(id)
{
    if
    :: atomic { word == 0 -> word = 1 }
    :: atomic { word != 0 -> skip };
       lock_asleep(id)
    fi;
    enter(id)
}

inline flush()
{
    atomic {
        if
        :: deferred[0] -> deferred[0] = false; on_parker[0] = false
        :: else
        fi;
        if
        :: deferred[1] -> deferred[1] = false; on_parker[1] = false
        :: else
        fi
    }
}

inline give_up_word()
{
    if
    :: atomic { word == 1 -> word = 0 }
    :: atomic { word == 2 -> word = 0 };
       atomic { wake_mutex() }
    fi
}

inline unlock()
{
    inside--;
#ifdef STARVING
    if
    :: atomic { word == 2 && starving[0] -> starving[0] = false; owner_by_hand[0] = true;
#ifdef HAND_OVER_ZERO
                word = 0
#endif
       }
    :: atomic { word == 2 && starving[1] -> starving[1] = false; owner_by_hand[1] = true;
#ifdef HAND_OVER_ZERO
                word = 0
#endif
       }
    :: atomic { word == 2 && starving[2] -> starving[2] = false; owner_by_hand[2] = true;
#ifdef HAND_OVER_ZERO
                word = 0
#endif
       }
    :: give_up_word() /* nobody has waited long enough, or the table is in use */
    fi
#else
    give_up_word()
#endif
}

/* ---- A waiter. */
inline sleep_on_parker(id)
{
    atomic {
#ifdef NO_COMPARE
        on_parker[id] = true
#else
        if
        :: state[id] < TAKEN -> on_parker[id] = true
        :: else
        fi
#endif
    };
    /* on_parker false: woken. Moved: the bit is on_mutex's. */
    if
    :: atomic { !on_parker[id] && !on_mutex[id] -> skip }
    :: atomic { state[id] == FIRST || (state[id] >= TAKEN && bounded) -> /* the end of the first sleep */
                bounded = false; on_parker[id] = false; on_mutex[id] = false }
    :: atomic { may_time_out -> timed_out = true; on_parker[id] = false; on_mutex[id] = false }
    :: atomic { may_be_cancelled -> cancelled = true; on_parker[id] = false; on_mutex[id] = false }
    fi
}

inline wait(id)
{
    atomic { queued[id] = true; state[id] = AWAKE; ticket[id] = order; order++ };
    unlock();
    bounded = false;
    if /* as the condition's hint says, which may be anything */
    :: atomic { state[id] == AWAKE -> state[id] = FIRST; bounded = true }
    :: atomic { state[id] == AWAKE -> state[id] = LONG }
    :: atomic { state[id] >= TAKEN -> skip }
    fi;
    do
    :: state[id] >= TAKEN || timed_out || cancelled -> break
    :: else ->
       sleep_on_parker(id);
       atomic {
           if
           :: state[id] == FIRST -> state[id] = LONG; bounded = false
           :: else
           fi
       }
    od;
    /* C1 */
    atomic {
        taken = !queued[id];
        queued[id] = false
    };
    if
    :: cancelled && taken && state[id] != PASSED ->
#ifndef KEEP_SIGNAL
       take_oldest(TAKEN, false)
#endif
    :: timed_out && taken ->
#ifndef TIMEOUT_WINS
       timed_out = false
#endif
    :: else
    fi;
#ifdef LOCK_AS_ONE
    lock(id)
#else
    if
    :: state[id] == PASSED -> lock_asleep(id); enter(id)
    :: else -> lock(id)
    fi
#endif
}

inline wake_parker(id)
{
    on_parker[id] = false
}

/* Take the oldest of the queue, or one that is awake; put its wake off where that may be. */
inline take_oldest(how, may_defer)
{
    atomic {
        if
        :: queued[0] && (!queued[1] || ticket[0] < ticket[1] || state[0] == AWAKE) -> v = 0
        :: queued[1] && (!queued[0] || ticket[1] < ticket[0] || state[1] == AWAKE) -> v = 1
        :: !queued[0] && !queued[1] -> v = W
        fi;
        if
        :: v < W ->
           was = state[v];
           queued[v] = false;
           state[v] = how
        :: else -> was = AWAKE
        fi
    };
    if
    :: v < W && was != AWAKE ->
#ifdef DEFER_LONG
       if
       :: may_defer -> deferred[v] = true
#else
       if
       :: may_defer && was == FIRST -> deferred[v] = true
#endif
       :: else -> atomic { wake_parker(v) }
       fi
    :: else
    fi
}

proctype waiter(byte id)
{
    bool timed_out, cancelled, taken, bounded, goto_owned;
    bool may_time_out, may_be_cancelled;
    byte v, was;
    /* What befalls the first waiter; the other one must get its token in any case. */
    if
    :: id == 0 -> may_time_out = true
    :: id == 0 -> may_be_cancelled = true
    :: skip
    fi;
    lock(id);
    do
    :: tokens > 0 || timed_out || cancelled -> break
    :: else -> wait(id)
    od;
    if
    :: !cancelled && tokens > 0 -> tokens--
#ifndef TIMEOUT_WINS
    :: timed_out && tokens == 0 -> skip
#else
    :: timed_out -> skip
#endif
    :: cancelled -> skip
    fi;
    unlock();
    ended[id] = true
}

inline release_all()
{
#ifdef BYPASSED
    inside--;
    give_up_word()
#else
    unlock();
    flush()
#endif
}

/* C4: move those asleep to the mutex's word. */
inline broadcast_inside()
{
    do
    :: !queued[0] && !queued[1] -> break
    :: else ->
#ifndef MOVE_TO_ONE
       word = 2;
#endif
       atomic {
           if
           :: queued[0] -> v = 0
           :: else -> v = 1
           fi;
           was = state[v];
           queued[v] = false;
           state[v] = PASSED
       };
       atomic {
           if
           :: on_parker[v] -> on_parker[v] = false; on_mutex[v] = true
           :: else
           fi
       }
    od
}

proctype giver()
{
    bool goto_owned;
    byte v, was;
    if
    :: /* two signals, each inside the mutex */
       lock(W);
       tokens++;
       take_oldest(HELD, true);
       release_all();
       lock(W);
       tokens++;
       take_oldest(HELD, true);
       release_all()
    :: /* one, inside */
       lock(W);
       tokens++;
       take_oldest(HELD, true);
       release_all()
    :: /* two, after it */
       lock(W);
       tokens++;
       unlock();
       take_oldest(TAKEN, false);
       lock(W);
       tokens++;
       unlock();
       take_oldest(TAKEN, false)
    :: /* one broadcast inside */
       lock(W);
       tokens = tokens + 2;
       broadcast_inside();
       release_all()
    fi;
    ended[W] = true
}

/* Nobody can go on. */
active proctype monitor()
{
    timeout;
    assert(ended[W]);
    assert(ended[0] || (queued[0] && tokens == 0));
    assert(ended[1] || (queued[1] && tokens == 0))
}

init
{
    atomic {
        run waiter(0);
        run waiter(1);
        run giver()
    }
}
