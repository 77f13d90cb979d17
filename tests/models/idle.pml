/* Who looks for work, who sleeps, who must be woken (sched/steal.c, sched/internal.h).

   Two creators push a task each, three workers steal them. A worker that runs a task may stay in it for ever. The full
   barrier between a creator's push and its read of the idle word is taken as given. A thief repeats a steal whose race
   it lost, so a steal is one step: the CAS that succeeded, or the last look at an empty deque.

   Expected: once everything has come to rest, there is no task left in a deque while a worker sleeps.

   Variant that must hold:
     FEW             one creator pushes two tasks, for two workers; a helper, as one that waits inside a task does,
                     takes one without waking anybody; a steal is a read of top and a CAS.
     LATE            FEW, and a member that was held up at the end of an earlier region, in which it was searching, leaves.
   Variants that must fail:
     SEARCH_ASLEEP   a worker that finds nothing in the last look counts itself as searching, and then sleeps.
     NO_HANDOVER     a searcher that found work wakes nobody when it stops searching.
     SLEEPER_SILENT  the same for one that found work in the last look before its sleep.
     NO_LAST_LOOK    no look between being counted as asleep and the sleep.
     LOST_IS_EMPTY   FEW, and a lost race counts as nothing found.
     LATE_SILENT     LATE, and it wakes nobody. */
#ifdef LATE_SILENT
#define LATE
#endif
#ifdef LATE
#define FEW
#endif
#ifdef LOST_IS_EMPTY
#define FEW
#endif
#define WORKERS  3
#define CREATORS 2

/* team->idle is one word: one step an operation. */
byte searchers, sleepers, tokens;
/* The team's event. What counts of seq is whether it still is what a sleeper read: stale says that it is not. The
   number of waiters is left out: whoever is counted as a sleeper, or has a token to find, is among them. */
bool stale[WORKERS], blocked[WORKERS];
byte top[CREATORS], bottom[CREATORS];

/* mo_idle_wake_one(): the CAS turns a sleeper into a searcher with a token. Then seq is raised, then one sleeper, any
   of them, is woken. */
inline wake_one()
{
    atomic {
        if
        :: sleepers > 0 && searchers == 0 -> sleepers--; searchers++; tokens++; woke = true
        :: else
        fi
    };
    if
    :: woke ->
        d_step { woke = false; stale[0] = true; stale[1] = true; stale[2] = true };
        atomic {
            if
            :: blocked[0] -> blocked[0] = false
            :: blocked[1] -> blocked[1] = false
            :: blocked[2] -> blocked[2] = false
            :: else
            fi
        }
    :: else
    fi
}

/* mo_idle_awake(), of one that is asleep */
inline become_awake()
{
    asleep = false;
    if
    :: tokens > 0 -> tokens--; searching = true
    :: else -> sleepers--
    fi
}

/* Ends at found when there was something. */
#ifdef FEW
inline steal(v)
{
    do
    :: true ->
        seen = top[v];
        if
        :: seen >= bottom[v] -> break
        :: else
        fi;
        atomic {
            if
            :: top[v] == seen -> top[v] = seen + 1; seen = 0; goto found
            :: else
            fi
        }
#ifdef LOST_IS_EMPTY
        ; break
#endif
    od;
    seen = 0
}
#else
inline steal(v)
{
    atomic {
        if
        :: top[v] < bottom[v] -> top[v] = top[v] + 1; goto found
        :: else
        fi
    }
}
#endif

/* Workers begin with different deques. */
inline look()
{
    steal(self & 1);
    steal(1 - (self & 1))
}

proctype worker(byte self)
{
    bool searching, asleep, relied_on, woke;
#ifdef FEW
    byte seen;
#endif

awake:
    look();
    atomic {
        if
        :: !searching -> searching = true; searchers++
        :: else
        fi;
        if
        :: goto awake
        :: true
        fi
    };
    stale[self] = false;            /* reads seq */
    atomic {
        sleepers++;
        searchers--;
        searching = false;
        asleep = true
    };
#ifndef NO_LAST_LOOK
    look();
#endif
#ifdef SEARCH_ASLEEP
    atomic { searching = true; searchers++ };
#endif
    blocked[self] = !stale[self];   /* the kernel compares and queues in one step */
    atomic { !blocked[self] -> become_awake() };
    goto awake;

found:                              /* mo_idle_found_work() */
    atomic {
#ifdef SLEEPER_SILENT
        relied_on = searching;
#else
        relied_on = searching || asleep;
#endif
        if
        :: asleep -> become_awake()
        :: else
        fi
    };
    atomic {
        if
        :: searching -> searching = false; searchers--
        :: else
        fi
    };
#ifndef NO_HANDOVER
    if
    :: relied_on -> relied_on = false; wake_one()
    :: else
    fi;
#endif
    relied_on = false;
    if
    :: goto awake                   /* the task ends */
    :: true -> false                /* it never does */
    fi
}

proctype creator(byte self; byte tasks)
{
    bool woke;
    do
    :: tasks > 0 ->
        tasks--;
        bottom[self]++;
        wake_one()                  /* the CAS's condition is the read of idle */
    :: else -> break
    od
}

#ifdef LATE
/* mo_idle_leave_search() */
proctype late()
{
    bool woke;
    searchers--;
#ifndef LATE_SILENT
    wake_one()
#endif
}
#endif

#ifdef FEW
proctype helper()
{
    byte seen;
    seen = top[0];
    if
    :: atomic { seen < bottom[0] && top[0] == seen -> top[0] = seen + 1 }
    :: else
    fi
}
#endif

#define LEFT (bottom[0] - top[0] + bottom[1] - top[1])

init {
    atomic {
        run worker(0);
        run worker(1);
#ifdef FEW
        run creator(0, 2);
#ifdef LATE
        searchers++;
        run late()
#else
        run helper()
#endif
#else
        run worker(2);
        run creator(0, 1);
        run creator(1, 1)
#endif
    };
    timeout;                        /* nobody can move any more */
    assert(LEFT == 0 || !(blocked[0] || blocked[1] || blocked[2]))
}
