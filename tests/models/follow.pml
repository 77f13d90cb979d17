/* Fibers that follow each other without their poller (sched/strand.h N1, N5; sched/strand_follow.c), while others wake them and two workers
   take their entries. Each of two fibers waits for two tokens, one of a waker's and one of the other fiber's; where it has to wait, or just
   so, it gives its thread to the other one, if that has an entry, or else to the poller that it came from. The word is that of async.c, A1 to
   A5, and what makes a fiber ready lies where both workers find it.

   Expected: a fiber is entered only where its registers are saved, and by one thread at a time; it has at most one entry; both come to
   their end.

   Variants that must fail:
     EARLY_END     the turn of who gives his thread away is over before the switch.
     NO_END        who has been switched to does not end the turn of the one before.
     WRONG_BACK    the poller ends the turn of the fiber that it began with, not of the one that has come back.
     BEHIND_EARLY  one that yields is put behind the others before the switch, though there is another worker.
     PLAIN_END     a turn ends without a look at whether somebody woke the fiber meanwhile. */
#define FIBERS 2
#define TOKENS 2
#define NOBODY FIBERS

bool woken[FIBERS], polling[FIBERS] = true;
bool saved[FIBERS] = true, running[FIBERS], yields[FIBERS], over[FIBERS];
byte given[FIBERS], taken[FIBERS];
byte entries[FIBERS] = 1;
byte before[FIBERS] = NOBODY; /* who has switched to it directly, and whose turn is to be ended */

inline put(x) { atomic { entries[x]++; assert(entries[x] <= 1) } }

/* A1 */
inline wake(x)
{
    atomic {
        if
        :: !woken[x] && !polling[x] -> polling[x] = true; first = true
        :: else -> woken[x] = true; first = false
        fi
    };
    if
    :: first -> put(x)
    :: else
    fi
}

/* A2: the second step is not done where the first finds POLLING alone. */
inline begin_turn(x)
{
    if
    :: polling[x] && !woken[x]
    :: else -> atomic { woken[x] = false; polling[x] = true }
    fi
}

/* A3, A4 */
inline end_turn(x)
{
    if
    :: yields[x] -> yields[x] = false; put(x)
    :: else ->
        atomic {
            again = woken[x];
            polling[x] = false;
#ifdef PLAIN_END
            again = false;
            woken[x] = false
#endif
        };
        if
        :: again -> put(x)
        :: else
        fi
    fi
}

proctype waker()
{
    bool first;
    given[0]++;
    wake(0);
    given[1]++;
    wake(1)
}

proctype worker()
{
    byte f, other, began;
    bool first, again;
    do
    :: if
       :: atomic { entries[0] > 0 -> entries[0]--; f = 0 }
       :: atomic { entries[1] > 0 -> entries[1]--; f = 1 }
       fi;
       began = f;
       begin_turn(f);
enter:
       atomic { assert(saved[f]); assert(!running[f]); running[f] = true; saved[f] = false };
       other = before[f];
       before[f] = NOBODY;
#ifndef NO_END
       if
       :: other != NOBODY -> end_turn(other)
       :: else
       fi;
#endif
body:
       other = 1 - f;
       if
       :: taken[f] < given[f] ->
           taken[f]++;
           if
           :: taken[f] == 1 -> given[other]++; wake(other)
           :: else
           fi;
           goto body
       :: else
       fi;
       if
       :: taken[f] == TOKENS ->
           atomic { running[f] = false; over[f] = true } /* its word stays as it is: A5 */
       :: else ->
           if
           :: yields[f] = true
           :: skip
           fi;
           if
           :: atomic { entries[other] > 0 -> entries[other]-- };
               begin_turn(other);
#ifdef EARLY_END
               end_turn(f);
#elif defined(BEHIND_EARLY)
               if
               :: yields[f] -> yields[f] = false; put(f)
               :: else -> before[other] = f
               fi;
#else
               before[other] = f;
#endif
               atomic { running[f] = false; saved[f] = true }; /* the switch */
               f = other;
               goto enter
           :: skip; /* nothing is there, or it is time to look elsewhere */
               atomic { running[f] = false; saved[f] = true };
#ifdef WRONG_BACK
               end_turn(began)
#else
               end_turn(f)
#endif
           fi
       fi
    :: over[0] && over[1] -> break
    od
}

init
{
    atomic {
        run waker();
        run worker();
        run worker()
    };
    if
    :: over[0] && over[1] && _nr_pr == 1
    :: timeout -> assert(false) /* what was to wake one has been lost */
    fi
}
