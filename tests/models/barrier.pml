/* Who ends a barrier (sched/barrier.c): three members meet twice, the second time at the end of the region. The first
   member has a task before the first barrier, which creates another one; anybody may take them.

   Expected: a barrier ends once, when all have arrived and all tasks have ended (B1-B3); nobody is left asleep. An end is
   `gen` raised. The member that raises it must find what it saw when it arrived.

   Variants that must hold:
     LATE            the last member has the task, before the second barrier.
     CANCEL          the first barrier can be cut short: one member may cancel the region before it. The task has no other.

   Variants that must fail:
     NO_CLAIM        who has seen everything at its end raises `gen` without claiming it.
     SURE_LAST       the last to arrive, if it sees no tasks, does so.
     CREATED_FIRST   `created` is summed before `done`.
     COUNT_LATE      a task is counted after others may take it.
     RESET_LATE      arrivals are set to zero after `gen` has been raised (B3).
     NO_LAST_CHECK   who has run a task goes to sleep when it finds no other, without a check.
     CANCEL_INSIDE   CANCEL, but by a task that is run in the barrier: who cancelled has arrived. */
#ifdef CANCEL_INSIDE
#define CANCEL
#endif
#define MEMBERS 3

byte gen, claim, arrived, seq, waiters;
bool has_tasks;
byte created[MEMBERS], done[MEMBERS];
byte big, small;                    /* tasks that nobody has taken; a big one creates a small one */
bool asleep[MEMBERS];
byte inside, open;                  /* what the model knows: members that have arrived, tasks that have not ended */
byte finished;
#ifdef CANCEL
byte arrived_cancellable;
bool cancelled;
#endif

inline wake_all()
{
    if
    :: waiters > 0 -> d_step { seq++; asleep[0] = false; asleep[1] = false; asleep[2] = false }
    :: else
    fi
}

inline create(kind)
{
#ifdef COUNT_LATE
    has_tasks = true;
    atomic { open++; kind++ };
    created[self]++
#else
    created[self]++;
    has_tasks = true;
    atomic { open++; kind++ }
#endif
}

inline release()
{
#ifndef RESET_LATE
    arrived = 0;
#endif
#ifdef CANCEL
    arrived_cancellable = 0;
#endif
    has_tasks = false;
    atomic {
        assert(gen == seen);
#ifdef CANCEL
        assert(cancelled || inside == MEMBERS);
        assert(open == 0);
#else
        assert(inside == MEMBERS && open == 0);
#endif
        inside = 0;
        gen = seen + 1
    };
#ifdef RESET_LATE
    arrived = 0;
#endif
    wake_all()
}

inline claim_and_release()
{
    atomic {
        won = (claim == seen);
        if
        :: won -> claim = seen + 1
        :: else
        fi
    };
    if
    :: won -> won = false; release()
    :: else
    fi
}

#ifdef CANCEL
#define ALL_ARRIVED ((joining && arrived == MEMBERS) || (!joining && arrived_cancellable == MEMBERS))
#define READY       (gen != seen || (!joining && cancelled))
#else
#define ALL_ARRIVED (arrived == MEMBERS)
#define READY       (gen != seen)
#endif

inline sum_done()
{
    d = done[0];
    d = d + done[1];
    d = d + done[2]
}

inline sum_created()
{
    c = created[0];
    c = c + created[1];
    c = c + created[2]
}

inline try_release()
{
    if
    :: gen == seen ->
        if
        :: ALL_ARRIVED ->
#ifdef CREATED_FIRST
            sum_created();
            sum_done();
#else
            sum_done();
            sum_created();
#endif
            all = (c == d);
            d_step { c = 0; d = 0 };
            if
#ifdef NO_CLAIM
            :: all -> all = false; release()
#else
            :: all -> all = false; claim_and_release()
#endif
            :: else
            fi
        :: else
        fi
    :: else
    fi
}

/* barrier_work() */
inline work()
{
    found = false;
    if
    :: has_tasks && gen == seen ->
        atomic {
            if
            :: big > 0 -> big--; found = true; is_big = true
            :: big == 0 && small > 0 -> small--; found = true; is_big = false
            :: else
            fi
        };
        if
        :: found ->
            if
            :: is_big -> create(small)
            :: else
#ifdef CANCEL_INSIDE
                -> cancelled = true; wake_all()
#endif
            fi;
            atomic { open--; done[self]++; is_big = false }
#ifdef NO_LAST_CHECK
            ; ran = true
#endif
        :: else ->
#ifdef NO_LAST_CHECK
            if
            :: !ran -> try_release()
            :: else
            fi
#else
            try_release()
#endif
        fi
    :: else
    fi
}

/* Each look is the last one before a sleep: others would only be repeated. */
inline await()
{
    do
    :: READY -> break
    :: else ->
        atomic { waiters++; key = seq };
        if
        :: READY
        :: else ->
            work();
            if
            :: !found ->
                atomic {
                    if
                    :: seq == key -> asleep[self] = true
                    :: else
                    fi
                };
                !asleep[self]
            :: else
            fi
        fi;
        atomic { waiters--; key = 0; found = false }
    od
}

inline last_arrived()
{
    if
    :: has_tasks -> try_release()
#ifdef SURE_LAST
    :: else -> release()
#else
    :: else -> claim_and_release()
#endif
    fi
}

inline barrier(counter)
{
    seen = gen;
    atomic { counter++; inside++; last = (counter == MEMBERS) };
    if
    :: last -> last = false; last_arrived()
    :: else
    fi;
    await()
}

proctype member(byte self)
{
    byte seen, key, c, d;
    bool won, last, found, is_big, all, ran, joining;
    if
#ifdef CANCEL
    :: self == 0 -> create(small)
#else
#ifndef LATE
    :: self == 0 -> create(big)
#endif
#endif
    :: else
    fi;
#ifdef CANCEL
#ifndef CANCEL_INSIDE
    if
    :: self == 1 -> cancelled = true; wake_all()
    :: true
    fi;
#endif
    if
    :: !cancelled -> barrier(arrived_cancellable)
    :: else
    fi;
    joining = true;
#else
    barrier(arrived);
#endif
    ran = false;
#ifdef LATE
    if
    :: self == 2 -> create(big)
    :: else
    fi;
#endif
    barrier(arrived);
    finished++
}

init {
    atomic {
        run member(0);
        run member(1);
        run member(2)
    };
    timeout;                        /* nobody can move any more */
    assert(finished == MEMBERS)
}
