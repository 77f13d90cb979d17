/* Futures that wait, and cancellations that reach them (sched/parked.c, P1..P3; the bits of A1..A3 in sched/async.c). Two workers
   run two futures of one group. Nobody wakes the first; an outsider wakes the second, so that it is ready. The group's owner
   may cancel it and waits for its end; somebody else may shut the executor down. One of the two at least is done. Each future has
   a part of the set for itself.

   Expected: both futures end, each once; what is touched is there: futures, and the group, which is gone when its owner's wait is
   over; in the end the set is empty.

   Variants that must fail:
     LOOK_FIRST    a future looks at the flags, and then gets into the set.
     WAITS_LATE    a group is told that somebody waits in it after that look.
     WAITS_FIRST   who cancels looks whether anybody waits, and then writes the flag.
     END_FIRST     a future's end is told before it leaves the set.
     CLAIM_LATE    who cancels lets the lock go, and then claims.
     KEEP_CLAIMED  what somebody else has claimed is launched as well. */
#define JOBS 2

bool woken[JOBS], polling[JOBS]; /* the words */
byte entries[JOBS];
byte refs[JOBS];
bool kept[JOBS], in_set[JOBS], locked[JOBS];
bool over[JOBS], freed[JOBS];
bool given;                  /* what the second waits for */
bool cancelled, waits;       /* of the group */
bool cancelling;             /* of the executor */
byte live = JOBS;            /* the group's count */
bool gone;                   /* the group */

inline touch(j) { assert(!freed[j]) }
inline lock(j) { atomic { !locked[j] -> locked[j] = true } }
inline unlock(j) { locked[j] = false }

inline put_entry(j)
{
    atomic { touch(j); entries[j]++; assert(entries[j] == 1) }
}

inline claim(j, first)
{
    atomic { touch(j); first = !woken[j] && !polling[j]; woken[j] = true }
}

inline unref(j)
{
    atomic {
        touch(j);
        refs[j]--;
        if
        :: refs[j] == 0 -> assert(over[j]); freed[j] = true
        :: else
        fi
    }
}

inline look(j, answer)
{
    atomic { touch(j); assert(!gone); answer = cancelled || cancelling }
}

inline get_in(j)
{
    lock(j);
    in_set[j] = true;
    unlock(j);
    kept[j] = true
}

inline keep(j, answer)
{
#ifdef LOOK_FIRST
    waits = true;
    look(j, answer);
    get_in(j);
#else
#ifdef WAITS_LATE
    get_in(j);
    look(j, answer);
    waits = true;
#else
    waits = true; /* P3 */
    get_in(j);
    look(j, answer); /* P2 */
#endif
#endif
}

inline tell(j)
{
    atomic { assert(!over[j]); over[j] = true };
    live--
}

inline leave_set(j)
{
    if
    :: kept[j] -> lock(j); in_set[j] = false; unlock(j) /* P1 */
    :: else
    fi
}

inline finish(j)
{
#ifdef END_FIRST
    tell(j);
    leave_set(j);
#else
    leave_set(j);
    tell(j);
#endif
    unref(j)
}

inline turn(j)
{
    atomic { touch(j); assert(!polling[j]); woken[j] = false; polling[j] = true }; /* A2 */
    look(j, yes);
    if
    :: yes || (j == 1 && given) -> finish(j)
    :: else ->
        yes = false;
        if
        :: !kept[j] -> keep(j, yes)
        :: else
        fi;
        if
        :: yes -> woken[j] = true
        :: else
        fi;
        atomic { touch(j); yes = woken[j]; polling[j] = false }; /* A3 */
        if
        :: yes -> put_entry(j)
        :: else
        fi
    fi;
    yes = false
}

proctype worker()
{
    bool yes;
    do
    :: atomic { entries[0] > 0 -> entries[0]-- }; turn(0)
    :: atomic { entries[1] > 0 -> entries[1]-- }; turn(1)
    :: over[0] && over[1] -> break
    od
}

/* A part after the other; what was claimed is launched without the lock. */
inline wake_in_part(j)
{
    mine = false;
    lock(j);
    if
    :: in_set[j] ->
#ifdef CLAIM_LATE
        unlock(j);
        look(j, mine);
        if
        :: mine -> claim(j, mine)
        :: else
        fi
#else
        look(j, mine);
        if
        :: mine -> claim(j, mine)
        :: else
        fi;
#ifdef KEEP_CLAIMED
        mine = true;
#endif
        unlock(j)
#endif
    :: else -> unlock(j)
    fi;
    if
    :: mine -> put_entry(j)
    :: else
    fi
}

inline wake_cancelled()
{
    wake_in_part(0);
    wake_in_part(1);
    mine = false
}

proctype owner(bool cancels)
{
    bool mine;
    if
    :: cancels ->
#ifdef WAITS_FIRST
        mine = waits;
        cancelled = true;
#else
        cancelled = true;
        mine = waits; /* P3 */
#endif
        if
        :: mine -> wake_cancelled()
        :: else
        fi
    :: else
    fi;
    live == 0;
    gone = true
}

proctype closer()
{
    bool mine;
    cancelling = true;
    wake_cancelled()
}

proctype outsider()
{
    bool first;
    given = true;
    claim(1, first);
    if
    :: first -> put_entry(1)
    :: else
    fi;
    unref(1)
}

init
{
    atomic {
        refs[0] = 1;
        refs[1] = 2;
        woken[0] = true;
        woken[1] = true;
        entries[0] = 1;
        entries[1] = 1;
        if
        :: run owner(true)
        :: run owner(true); run closer()
        :: run owner(false); run closer()
        fi;
        run outsider();
        run worker();
        run worker()
    };
    if
    :: over[0] && over[1] && _nr_pr == 1
    :: timeout -> assert(false) /* a cancellation has not reached one */
    fi;
    assert(freed[0] && freed[1] && !in_set[0] && !in_set[1] && gone)
}
