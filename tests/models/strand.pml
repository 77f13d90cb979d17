/* Strands that wait for a word, against their wakers (park/strand.h S1, S2, S4; sched/strand.h N1): a strand stands in the table,
   compares the word, and is switched out; a waker writes the word, looks at the bucket, claims who stands there and launches it; a waker may
   be a signal handler that finds the lock taken; and something else may wake the strand for no reason.

   Expected: the strand comes back when the word has been written; it is never run by two threads, nor before its registers are
   saved; who claimed it for a launch finds it still there.

   Variants that must fail:
     LOOK_FIRST    the strand compares the word before it stands in the table.
     NO_MARK       a waker that cannot have the lock leaves no mark.
     EARLY_END     the poller takes POLLING off before the strand's registers are saved.
     LATE_CLAIM    the waker claims the strand after it has let the lock go. */
bool word;             /* what the strand waits for */
bool standing, stands; /* the bucket's count; the entry */
bool lock, missed;
bool woken, polling;   /* of the strand's job */
bool saved = true;     /* its registers */
bool running, gone;
bool over;
byte entries = 1;

/* A1 */
inline claim(first)
{
    atomic { assert(!gone); first = !woken && !polling; woken = true }
}

inline launch() { atomic { assert(!gone); entries++; assert(entries <= 1) } }

inline take(mine)
{
    mine = false;
    if
    :: stands ->
        stands = false;
        standing = false;
#ifndef LATE_CLAIM
        claim(mine)
#endif
    :: else
    fi
}

/* S4: after the lock has been let go. */
inline unlock_as(mine)
{
    lock = false;
    do
    :: missed ->
        if
        :: atomic { !lock -> lock = true };
            missed = false;
            take(mine);
            lock = false;
            if
            :: mine -> launch()
            :: else
            fi
        :: lock -> break
        fi
    :: !missed -> break
    od
}

proctype waker()
{
    bool mine = false, other = false, have = false, took = false;
    word = true;
    if
    :: standing ->
        if
        :: atomic { !lock -> lock = true; have = true }
        :: lock ->
#ifndef NO_MARK
            missed = true;
#endif
            if
            :: atomic { !lock -> lock = true; have = true }
            :: lock
            fi
        fi;
        if
        :: have ->
            took = stands;
            take(mine);
            unlock_as(other);
#ifdef LATE_CLAIM
            if
            :: took -> claim(mine)
            :: else
            fi;
#endif
            if
            :: mine -> launch()
            :: else
            fi
        :: else
        fi
    :: !standing
    fi
}

/* A wake for no reason, as that of a cancellation; it holds the handle, and so finds the job. */
proctype stranger()
{
    bool mine;
    if
    :: atomic { !gone -> mine = !woken && !polling; woken = true };
        if
        :: mine -> launch()
        :: else
        fi
    :: gone
    fi
}

/* One turn of the strand: on a poller's thread. `step` is where it goes on. */
byte step;

proctype poller()
{
    bool again, mine;
    do
    :: atomic { entries > 0 -> entries-- };
        atomic { woken = false; polling = true }; /* A2 */
        atomic { assert(saved); assert(!running); running = true; saved = false };
resume:
        if
        :: step == 1 -> /* back from a wait: leave the table */
            atomic { !lock -> lock = true };
            stands = false;
            standing = false;
            unlock_as(mine);
            step = 0
        :: step == 0
        fi;
        if
        :: word ->
            over = true;
            running = false;
            atomic { woken = true; polling = false; gone = true };
            break
        :: !word
        fi;
#ifdef LOOK_FIRST
        if
        :: word -> goto resume
        :: !word
        fi;
#endif
        atomic { !lock -> lock = true };
        standing = true; /* S1 */
        stands = true;
#ifndef LOOK_FIRST
        if
        :: word -> stands = false; standing = false
        :: !word
        fi;
#endif
        again = stands;
        unlock_as(mine);
        if
        :: !again -> goto resume
        :: again
        fi;
        step = 1;
#ifdef EARLY_END
        atomic { again = woken; polling = false };
        if
        :: again -> launch()
        :: else
        fi;
        atomic { running = false; saved = true };
#else
        atomic { running = false; saved = true }; /* the switch back */
        atomic { again = woken; polling = false }; /* A3, N1 */
        if
        :: again -> launch()
        :: else
        fi;
#endif
    :: over -> break
    od
}

init
{
    atomic {
        woken = true;
        run poller();
        run poller();
        run waker();
        run waker();
        run stranger()
    };
    if
    :: over && _nr_pr == 1
    :: timeout -> assert(false)
    fi
}
