/* The state of a native task (sched/run.h): who runs it, who frees it, who is told (J1..J5).

   One thread has the entry in its deque, another one the handle, and does with it what it likes: waits, claims the job and
   runs it, cancels it, gives the handle up. A third one may cancel by number while the handle exists.

   Expected: the job runs once, or never where it was cancelled; its block is freed once, by nobody while another one still
   reads it; who waits is woken.

   Variants that must fail:
     PLAIN_END     the end of a job is a load and a store, not a CAS.
     NO_ENTRY      who gives the handle of a job up that is over frees it, without a look at the entry.
     NO_RECHECK    who takes the entry trusts that a job with a handle has not begun.
     LATE_WAITER   who waits looks at the phase before it says that it waits, and not again. */
#define QUEUED    0
#define RUNNING   1
#define COMPLETED 2
#define CANCELLED 3

byte phase = QUEUED;
bool handle = true, entry = true, exposed = true, waiter;
bool rung;          /* the waiter's event */
byte runs, freed;
bool used_up;       /* the handle: nobody may ask by number any more */

#define OVER (phase >= COMPLETED)

inline touch() { assert(freed == 0) }
inline free_block() { freed++; assert(freed == 1) }

/* conclude() */
inline conclude(p)
{
#ifdef PLAIN_END
    touch(); seen_handle = handle; seen_entry = entry; seen_waiter = waiter;
    d_step { phase = p; handle = seen_handle; entry = seen_entry; waiter = seen_waiter };
#else
    atomic { touch(); seen_handle = handle; seen_entry = entry; seen_waiter = waiter; phase = p };
#endif
    if
    :: !seen_handle && !seen_entry -> free_block()
    :: else
    fi;
    if
    :: seen_waiter -> rung = true
    :: else
    fi;
    d_step { seen_handle = false; seen_entry = false; seen_waiter = false }
}

/* deal_shared(), the way of a job that others know */
proctype worker()
{
    bool seen_handle, seen_entry, seen_waiter, mine;
#ifdef NO_RECHECK
    mine = (phase == QUEUED);
    atomic { touch(); entry = false; if :: mine -> phase = RUNNING :: else fi };
#else
    atomic {
        touch();
        if
        :: phase == QUEUED -> phase = RUNNING; mine = true
        :: else
        fi;
        entry = false;
        if
        :: !mine && OVER && !handle -> free_block()
        :: else
        fi
    };
#endif
    if
    :: mine ->
        runs++;
        touch();
        conclude(COMPLETED)
    :: else
    fi
}

inline release()
{
    atomic {
        touch();
        handle = false;
        used_up = true;
        if
#ifdef NO_ENTRY
        :: OVER -> free_block()
#else
        :: OVER && !entry -> free_block()
#endif
        :: else
        fi
    }
}

proctype holder()
{
    bool seen_handle, seen_entry, seen_waiter, over;
    if
    :: true                                     /* gives it up at once */
    :: true ->                                  /* cancels it first */
        atomic {
            touch();
            if
            :: phase == QUEUED -> phase = CANCELLED
            :: else
            fi
        }
    :: true ->                                  /* joins: claims it, or waits */
        if
        :: atomic { phase == QUEUED -> touch(); phase = RUNNING } ->
            runs++;
            conclude(COMPLETED)
        :: true ->
#ifdef LATE_WAITER
            over = OVER;
            atomic { touch(); waiter = true };
#else
            atomic { touch(); if :: !OVER -> waiter = true :: else fi; over = OVER };
#endif
            if
            :: over
            :: else -> rung                     /* sleeps; the event remembers */
            fi;
            touch();
            assert(OVER)
        fi
    fi;
    release()
}

proctype stranger()
{
    bool told;
    if
    :: atomic {
        !used_up -> touch();                    /* by contract the handle exists */
        if
        :: phase == QUEUED -> phase = CANCELLED; told = waiter
        :: else
        fi
       };
       if
       :: told -> rung = true
       :: else
       fi
    :: true
    fi
}

init {
    atomic {
        run worker();
        run holder();
        run stranger()
    };
    timeout;
    assert(used_up);                            /* nobody waits for ever */
    assert(freed == 1);
    assert(runs == (phase == COMPLETED -> 1 : 0))
}
